/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The structs behind lts.h, and what the shim's files share.
 */
#ifndef LTS_INT_H
#define LTS_INT_H

#include "compat.h"
#include "lts.h"

#include <stdbool.h>
#include <sys/select.h>
#include <sys/types.h>

struct pollfd;

/* ---- failures (error.c) ---- */

lts_status lts_fail(lts_error_kind kind, int code, const char *uri, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
lts_status lts_fail_memory(void);
/* A field that needs bytes behind the captured ones, or headers that do (then `needed` is 0). */
__attribute__((cold)) void lts_fail_cut(const char *name, uint64_t needed, uint32_t captured);
/* Takes the pending error out of libtrace, which would refuse every further call. */
lts_status lts_fail_libtrace(libtrace_t *raw, const char *uri, const char *doing);

/* ---- waiting (error.c) ---- */

/* Beside lts_more: no packet this time, look at the trace anew. */
#define LTS_AGAIN ((lts_more)3)

void *lts_release(void);
void lts_acquire(void *state);
bool lts_interrupted(void);
void lts_return_buffer(void *lender);
/* This thread does without the hooks from now on. The others keep them: they must not come back
 * from a wait to an interpreter that is gone. */
void lts_leave_interpreter(void);
/* Waits until no other thread is inside the object; fails when interrupted. */
lts_status lts_wait_until_idle(const bool *busy);
/* How many forks led to this process. The thread that forked is the only one that came along: what
 * others were inside of stays busy for ever. */
extern unsigned lts_forks;
bool lts_stayed_behind(unsigned forks, pthread_t thread);
/* Seconds on a clock that only goes forward. */
double lts_now(void);
/* Lets other threads run within a long loop that began, or last breathed, at *breath; false when
 * interrupted. */
bool lts_breathe(double *breath);

/* ---- link layers ---- */

/* libtrace's link types, those that only version 4 names, and those that only the shim decodes. */
typedef enum lts_link {
  LTS_LINK_UNKNOWN = TRACE_TYPE_UNKNOWN,
  LTS_LINK_ERF_META = 21,
  LTS_LINK_PCAPNG_META = 23,
  LTS_LINK_NULL = 1000, /* DLT_NULL, DLT_LOOP elsewhere than OpenBSD */
  LTS_LINK_SLL2,        /* DLT_LINUX_SLL2 */
  LTS_LINK_IPV4,        /* DLT_IPV4 */
  LTS_LINK_IPV6,        /* DLT_IPV6 */
} lts_link;

int lts_link_of_dlt(uint32_t dlt);
/* What a file says of itself or of the capture: no packet. */
bool lts_link_is_meta(int link);
/* -1 where pcap has no DLT for the link type. */
int lts_dlt_of_link(int link);

/* ---- packets (packet.c, decode.c) ---- */

/* An IP header, and what it says of its payload. */
typedef struct lts_network {
  uint32_t at;
  uint32_t transport; /* behind options and extension headers */
  uint8_t version;    /* 4, 6, or 0 where there is no IP */
  uint8_t proto;
  int8_t presence; /* lts_presence, of the header's first byte */
  int8_t proto_presence;
  int8_t transport_presence; /* LTS_MISSING for later fragments */
} lts_network;

/* Where the headers are, as offsets from the frame's data; made once, when first asked for. */
typedef struct lts_headers {
  bool decoded;
  bool tagged;        /* behind the link layer are tags */
  int8_t macs;        /* lts_presence of the addresses */
  int16_t linktype;   /* of the layer below, pseudo-headers skipped */
  uint16_t ethertype; /* behind at most one 802.1Q tag, as libtrace 3 reports it */
  uint16_t vlan_id;   /* of the outermost tag */
  uint32_t end;       /* of the captured bytes that were on the wire */
  uint32_t link;      /* layer 2 */
  uint32_t layer3;    /* what `ethertype` tells */
  uint32_t src_mac, dst_mac;
  lts_network network; /* outermost, all tags skipped */
} lts_headers;

/* A header of the complete stack of a packet. */
enum { LTS_STACK = 32 };
typedef struct lts_header {
  const char *name;
  uint32_t at, length; /* of the captured part */
  lts_layer_kind kind; /* LTS_PACKET where we have no object for it */
  lts_network network; /* the IP header that it belongs to */
} lts_header;

typedef struct lts_stack {
  int count;
  lts_header headers[LTS_STACK];
} lts_stack;

typedef struct lts_frame lts_frame;
typedef struct lts_slot lts_slot;

/* What a Python object holds: a packet, or one of its layers. */
struct lts_packet {
  lts_frame *frame;
  lts_layer_kind layer;
  bool copy;           /* plt's `kind`: made by a constructor, or a payload, or part of ICMP */
  bool payload;        /* plt's `type` */
  bool constructed;    /* there is no packet around it */
  uint32_t at;         /* its first byte, from the frame's data */
  lts_network network; /* the IP header that it belongs to; a packet's is in its headers */
};

/* The bytes and what the capture says of them, shared by a packet, its layers and views. */
struct lts_frame {
  lts_packet self;
  int references;
  lts_slot *slot;  /* whose buffer it borrows, or NULL */
  uint8_t *owned;  /* framing header and data, when it borrows none */
  uint8_t *header; /* the capture format's own record header */
  uint8_t *data;   /* first captured byte */
  uint32_t header_length;
  uint32_t capture_length;
  uint32_t padding;     /* bytes of the record behind the captured ones */
  uint32_t wire_length; /* as libtrace counts: with the FCS where the medium has one */
  int64_t timestamp_ns;
  uint32_t rt_type; /* libtrace_rt_types_t: the record format */
  int32_t dlt;      /* pcap's number of the link type, or -1 */
  int16_t link;     /* lts_link or libtrace_linktype_t of the first captured byte */
  int16_t direction;
  uint8_t fcs;  /* bytes of FCS that wire_length counts and the capture lacks */
  bool filled;  /* something was read */
  bool erf;     /* header is an ERF record's: its time has more than nanoseconds */
  bool exact;   /* from a pcap or pcapng file of nanoseconds */
  bool exposed; /* a script may write to the data behind our back */
  void *lender; /* gives the data, and takes it back with lts_hooks.release_buffer() */
  lts_headers headers;
};

/* One of libtrace's 64 KiB packets, and the frame that shows it. */
struct lts_slot {
  libtrace_packet_t *raw;
  uint8_t *room; /* ours, which raw reads into, or NULL */
  lts_frame *borrower;
};

lts_packet *lts_layer_take(lts_frame *frame, lts_layer_kind layer, uint32_t at);
lts_frame *lts_frame_take(void);
void lts_frame_unref(lts_frame *frame);
lts_status lts_frame_detach(lts_frame *frame);
lts_headers *lts_frame_walk(lts_frame *frame);
/* What the walk found, unless a script may have written to it since. */
static inline lts_headers *lts_frame_decode(lts_frame *frame) {
  return frame->headers.decoded ? &frame->headers : lts_frame_walk(frame);
}
__attribute__((cold)) bool lts_frame_fail_unfilled(void);
static inline bool lts_frame_is_filled(const lts_frame *frame) {
  return frame->filled || lts_frame_fail_unfilled();
}
/* Bytes on the wire without the FCS, where the capture lacks it. */
uint32_t lts_frame_wire(const lts_frame *frame);

/* Of the time of capture, which may be before 1970. */
enum { LTS_BILLION = 1000000000 };
static inline int64_t lts_frame_seconds(const lts_frame *frame) {
  return frame->timestamp_ns / LTS_BILLION - (frame->timestamp_ns % LTS_BILLION < 0);
}
static inline uint32_t lts_frame_nanoseconds(const lts_frame *frame) {
  return (uint32_t)((frame->timestamp_ns % LTS_BILLION + LTS_BILLION) % LTS_BILLION);
}

uint16_t lts_ethertype_of(int version);
lts_network lts_network_read(const uint8_t *data, uint32_t at, uint32_t end, int version);

/* Its length; -1 where there is no address. Of the text 56 bytes must be there, no 0 ends it. */
int lts_address_format(char *text, const lts_address *address);
lts_text lts_text_of_address(lts_address address);
int lts_mac_format(char *text, const uint8_t *bytes);

/* The same for both directions; an absent port counts as 0. */
uint64_t lts_flow_hash(const lts_address *src, lts_field src_port, const lts_address *dst,
                       lts_field dst_port, lts_field proto);

/* ---- prefixes (prefix.c) ---- */

/* The first bit in which two addresses differ, or `limit` where that comes first. */
int lts_common_bits(const uint8_t *a, const uint8_t *b, int limit);

/* ---- traces (trace.c, read.c, record.c) ---- */

/* A file never waits; a stream waits within libtrace; for a pipe and a live trace the shim waits.
 */
typedef enum lts_source { LTS_FILE, LTS_STREAM, LTS_PIPE, LTS_LIVE } lts_source;
typedef enum lts_state { LTS_NEW, LTS_STARTED, LTS_PAUSED, LTS_CLOSED } lts_state;
lts_name lts_state_name(lts_state state);
typedef enum lts_compression { LTS_PLAIN, LTS_COMPRESSED, LTS_NEEDS_LIBTRACE4 } lts_compression;

typedef struct lts_interface lts_interface;
typedef struct lts_pipe lts_pipe;

struct lts_trace {
  libtrace_t *raw; /* NULL until started and when closed */
  lts_pipe *pipe;  /* what it is given to read, or NULL */
  char *uri;
  char *served; /* what libtrace reads instead, or NULL */
  lts_source source;
  lts_state state;
  bool ended;                /* a file's end or a read error: no further packet */
  bool busy;                 /* a read is under way without the interpreter lock */
  unsigned forks;            /* lts_forks of the process whose reads these are */
  bool closing;              /* asks that read to stop */
  bool stopped;              /* and so does this, until the next start() */
  int wake;                  /* an eventfd that ends a wait for an interface, or -1 */
  int socket;                /* of int:, ring: and pcapint:, or -1 */
  bool failed;               /* the interface did, and no packet has come since */
  bool waited;               /* the last look found nothing, and left in */
  libtrace_eventobj_t event; /* what to wait for */
  lts_slot slots[2];         /* filled in turn: a loop holds one packet while it fetches the next */
  int turn;
  lts_filter *filter;
  int snaplen;    /* 0: none */
  int wanted;     /* the snap length at the last start */
  int promisc;    /* -1: as the system has it */
  double timeout; /* seconds, 0: none */
  bool meta;      /* deliver metadata, too */
  uint64_t accepted, filtered;
  lts_count last_known[LTS_STATISTICS]; /* as of the last look, or of the last close or pause */
  uint32_t ring_frame;                  /* bytes of a frame, for ring: */
  bool pcapint;
  bool wandio;   /* libtrace reads into buffers that are ours */
  bool starting; /* what reads a pipe is made, and waits for the first bytes */
  bool fetching;
  bool fetched; /* from a stream, into the slot whose turn it is, for the next read */
  int64_t fetched_length;
  const uint8_t *fetched_caplen;
  double turn_ends; /* of a reader that never waits, 0: none has begun */
  bool pcapfile;
  /* What a pcap file's header said, learned from its packets. */
  bool learned_order, swapped;
  bool learned_resolution, nanoseconds;
  /* What the interface blocks of a pcapng file's current section say. */
  lts_interface *interfaces;
  size_t interface_count;
  bool told[LTS_STATISTICS]; /* and the counters that its statistics blocks have */
};

/* Fills `frame` from what libtrace has just read into `raw`; `length` is its return value. */
void lts_record(lts_trace *trace, libtrace_packet_t *raw, int64_t length, lts_frame *frame);

/* pcapng.c: takes note of a section or interface block; reads a packet block, returning its length
 * on the wire; reads a block that is none. */
lts_status lts_pcapng_note(lts_trace *trace, const libtrace_packet_t *raw, int64_t length);
uint32_t lts_record_pcapng(lts_trace *trace, libtrace_packet_t *raw, int64_t length,
                           lts_frame *frame, uint32_t *linktype);
void lts_record_pcapng_meta(lts_trace *trace, libtrace_packet_t *raw, int64_t length,
                            lts_frame *frame);

/* Whether a read that must wait is the shim's to end. */
static inline bool lts_trace_waits(const lts_trace *trace) { return trace->source >= LTS_PIPE; }
/* Whether there may be a next packet; LTS_FAIL where nothing can be read. */
lts_more lts_trace_readable(lts_trace *trace);
/* The same for a read that waits. Other Python code may have run: a trace that it stopped or closed
 * ends the read. */
lts_more lts_trace_still_readable(lts_trace *trace);
/* When a read of an interface that heard nothing since then has waited long enough, on lts_now()'s
 * clock; 0 for never. */
double lts_trace_deadline(const lts_trace *trace, double since);
lts_more lts_trace_timed_out(lts_trace *trace);
/* Makes it that the trace waits for its pipe. */
void lts_trace_await_pipe(lts_trace *trace);
/* After LTS_WAIT: LTS_AGAIN when there may be a packet, or the deadline or a while has passed. */
lts_more lts_trace_wait_until(lts_trace *trace, double deadline);
bool lts_trace_is_busy(const lts_trace *trace);
/* Of a trace that another thread is reading: LTS_WAIT, or LTS_END. */
lts_more lts_trace_outlook(const lts_trace *trace);
/* Whether a reader that never waits has gone on for long enough, for now. */
bool lts_trace_turn_is_over(lts_trace *trace);
/* What such a reader waits for, at most for the seconds that are left; then it has another turn. */
lts_wait lts_trace_wait_for(lts_trace *trace, double left);
/* LTS_WAIT, with copies of the trace's descriptors: other threads may close them at any time. */
lts_more lts_wait_own(lts_wait *wait, const char *uri);
/* The next packet in the caller's frame, valid until the next call; LTS_AGAIN where the filter
 * rejects it. No packet may borrow the trace's buffers. A file needs
 * no interpreter lock for it, if the trace is marked as busy and the filter is nobody else's. */
lts_more lts_trace_take(lts_trace *trace, lts_filter *const *filter, lts_frame *frame);

/* Before each open through wandio (wandio.c), in the same thread: whether wandio may use one of its
 * own, and whether what looks compressed is not. */
lts_status lts_wandio_prepare(bool thread, bool raw);
bool lts_wandio_is_plain(void);

/* ---- pipes (pipe.c) ---- */

/* What libtrace opens in their place. */
#define LTS_NOTHING "/dev/null"

/* NULL after a failure, with errno. `once`: of the first record libtrace reads so much only once.
 */
lts_pipe *lts_pipe_open(const char *path, bool plain, size_t once);
void lts_pipe_close(lts_pipe *pipe);
int lts_pipe_fd(const lts_pipe *pipe);
/* From here on, wandio reads this in the calling thread, whatever it has opened. */
void lts_pipe_enter(lts_pipe *pipe);
/* Whether the pipe had not enough for what was read: read it again. */
bool lts_pipe_leave(lts_pipe *pipe);
/* What was read is read for good. */
void lts_pipe_accept(lts_pipe *pipe);
/* For wandio.c, as read(2); -1 and EAGAIN where there is not enough. */
lts_pipe *lts_pipe_current(void);
ssize_t lts_pipe_read(lts_pipe *pipe, void *buffer, size_t length);
ssize_t lts_pipe_peek(lts_pipe *pipe, void *buffer, size_t length);

/* What a trace reads with (open.c). */
typedef struct lts_raws {
  libtrace_t *trace;
  lts_slot slots[2];
} lts_raws;
lts_raws lts_raws_of(const lts_trace *trace);
void lts_raws_destroy(lts_raws *raws, bool started, const char *uri);

/* Makes and starts it, or starts it again after a pause. */
lts_status lts_trace_open(lts_trace *trace);
lts_status lts_trace_start_raw(lts_trace *trace);
/* Waits for a pipe's first bytes, also in a signal handler that has interrupted this. */
lts_status lts_trace_start_pipe(lts_trace *trace);
/* Forgets it, once it is destroyed or will be by another thread. */
void lts_trace_drop_raw(lts_trace *trace, bool started);
void lts_trace_forget_raw(lts_trace *trace);
/* Sets an option; `name` is for the error. */
lts_status lts_trace_config_raw(lts_trace *trace, trace_option_t option, int value,
                                const char *name);
lts_status lts_trace_config_snaplen(lts_trace *trace);

/* Detaches every packet that borrows one of the trace's buffers. */
lts_status lts_trace_detach_all(lts_trace *trace);
/* Waits until no other thread reads the trace; fails when interrupted. */
lts_status lts_trace_enter(lts_trace *trace);
/* Lets reads wait again that nobody wants to end. */
void lts_trace_calm(lts_trace *trace);

/* ---- packet sockets (socket.c) ---- */

/* What to do where the system does not permit to capture or to send. */
#define LTS_NEEDS_NET_RAW                                                                          \
  "; this needs root or the capability CAP_NET_RAW (setcap cap_net_raw+ep on the Python program)"

/* Fails where there is no such interface, no permission, or no descriptor that libtrace can use. */
lts_status lts_interface_check(lts_trace *trace);
/* The packet sockets of this process. */
void lts_socket_list(fd_set *found);
/* Finds the socket that libtrace has opened since then, and keeps to itself. */
void lts_socket_adopt(lts_trace *trace, const fd_set *known);
/* What happened to an interface, as its socket tells once: an errno, or 0. */
int lts_socket_failure(const struct pollfd *ready);
/* Whether the interface that it was bound to is gone for good. */
bool lts_socket_is_orphan(const lts_trace *trace);
/* Adds the kernel's counters to last_known. */
void lts_socket_count(lts_trace *trace);
lts_status lts_socket_promisc(lts_trace *trace, bool promisc);

/* ---- files (detect.c) ---- */

typedef struct lts_scheme {
  const char *name;
  lts_source source;
  bool wandio; /* read through libwandio, which decompresses */
} lts_scheme;

const lts_scheme *lts_scheme_find(const char *uri);
/* Whether the format can read a file of that name. */
bool lts_scheme_accepts(const char *uri);
/* The failure for a URI that names none of the formats. */
lts_status lts_scheme_unknown(const char *uri);
/* An errno, with the file's compression in *compression, or 0. */
int lts_file_check(const char *path, lts_compression *compression, lts_source *source);
/* The bytes of a frame in libtrace's ring for an interface. */
uint32_t lts_ring_frame(const char *interface);

/* ---- filters (filter.c) ---- */

lts_filter *lts_filter_ref(lts_filter *filter);
lts_more lts_filter_match(lts_filter *filter, lts_frame *frame);

#endif
