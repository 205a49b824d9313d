/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The structs behind lts.h, and what the shim's files share.
 */
#ifndef LTS_INT_H
#define LTS_INT_H

#include "compat.h"
#include "lts.h"

#include <stdbool.h>

/* ---- failures (error.c) ---- */

lts_status lts_fail(lts_error_kind kind, int code, const char *uri, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
lts_status lts_fail_memory(void);
/* Takes the pending error out of libtrace, which would refuse every further call. */
lts_status lts_fail_libtrace(libtrace_t *raw, const char *uri, const char *doing);

/* ---- waiting (error.c) ---- */

/* Beside lts_more: no packet this time, look at the trace anew. */
#define LTS_AGAIN ((lts_more)2)

void *lts_release(void);
void lts_acquire(void *state);
bool lts_interrupted(void);
void lts_return_buffer(void *lender);
/* Waits until no other thread is inside the object; fails when interrupted. */
lts_status lts_wait_until_idle(const bool *busy);
/* Lets other threads run within a long loop; false when interrupted. */
bool lts_breathe(void);

/* ---- link layers ---- */

/* libtrace's link types, and those that only the shim decodes. */
typedef enum lts_link {
  LTS_LINK_UNKNOWN = TRACE_TYPE_UNKNOWN,
  LTS_LINK_NULL = 1000, /* DLT_NULL, DLT_LOOP elsewhere than OpenBSD */
  LTS_LINK_SLL2,        /* DLT_LINUX_SLL2 */
  LTS_LINK_IPV4,        /* DLT_IPV4 */
  LTS_LINK_IPV6,        /* DLT_IPV6 */
} lts_link;

int lts_link_of_dlt(uint32_t dlt);
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
  bool exact;   /* from a pcap file of nanoseconds */
  bool exposed; /* a script may write to the data behind our back */
  void *lender; /* gives the data, and takes it back with lts_hooks.release_buffer() */
  lts_headers headers;
};

/* One of libtrace's 64 KiB packets, and the frame that shows it. */
struct lts_slot {
  libtrace_packet_t *raw;
  lts_frame *borrower;
};

lts_packet *lts_layer_take(lts_frame *frame, lts_layer_kind layer, uint32_t at);
lts_frame *lts_frame_take(void);
void lts_frame_unref(lts_frame *frame);
lts_status lts_frame_detach(lts_frame *frame);
lts_headers *lts_frame_decode(lts_frame *frame);
bool lts_frame_is_filled(const lts_frame *frame);
/* Bytes on the wire without the FCS, where the capture lacks it. */
uint32_t lts_frame_wire(const lts_frame *frame);

uint16_t lts_ethertype_of(int version);
lts_network lts_network_read(const uint8_t *data, uint32_t at, uint32_t end, int version);

lts_text lts_text_of_address(lts_address address);

/* ---- prefixes (prefix.c) ---- */

/* The first bit in which two addresses differ, or `limit` where that comes first. */
int lts_common_bits(const uint8_t *a, const uint8_t *b, int limit);

/* ---- traces (trace.c, read.c, record.c) ---- */

typedef enum lts_source { LTS_FILE, LTS_STREAM, LTS_LIVE } lts_source;
typedef enum lts_state { LTS_NEW, LTS_STARTED, LTS_PAUSED, LTS_CLOSED } lts_state;
lts_name lts_state_name(lts_state state);
typedef enum lts_compression { LTS_PLAIN, LTS_COMPRESSED, LTS_NEEDS_LIBTRACE4 } lts_compression;

typedef struct lts_interface lts_interface;

struct lts_trace {
  libtrace_t *raw; /* NULL until started and when closed */
  char *uri;
  char *served; /* what libtrace reads instead, or NULL */
  lts_source source;
  lts_state state;
  bool ended;        /* a file's end or a read error: no further packet */
  bool busy;         /* a read is under way without the interpreter lock */
  bool closing;      /* asks that read to stop */
  lts_slot slots[2]; /* filled in turn: a loop holds one packet while it fetches the next */
  int turn;
  lts_filter *filter;
  int snaplen;    /* 0: none */
  int promisc;    /* -1: as the system has it */
  double timeout; /* seconds, 0: none */
  uint64_t accepted, filtered;
  lts_count last_known[LTS_STATISTICS]; /* as of the last time that it was closed or paused */
  bool forgets;                         /* libtrace counts anew whenever it is asked */
  uint32_t ring_frame;                  /* bytes of a frame, for ring: */
  bool pcapint;
  int pcap_socket; /* of pcapint:, once libtrace has told it, or 0 */
  bool wandio;     /* libtrace reads into buffers that are ours */
  bool pcapfile;
  /* What a pcap file's header said, learned from its packets. */
  bool learned_order, swapped;
  bool learned_resolution, nanoseconds;
  /* What the interface blocks of a pcapng file's current section say. */
  lts_interface *interfaces;
  size_t interface_count;
};

/* Fills `frame` from what libtrace has just read into `raw`; `length` is its return value. */
void lts_record(lts_trace *trace, libtrace_packet_t *raw, int64_t length, lts_frame *frame);

/* pcapng.c: takes note of a section or interface block; reads a packet block, returning its length
 * on the wire. */
lts_status lts_pcapng_note(lts_trace *trace, const libtrace_packet_t *raw);
uint32_t lts_record_pcapng(lts_trace *trace, libtrace_packet_t *raw, lts_frame *frame,
                           uint32_t *linktype);

/* Detaches every packet that borrows one of the trace's buffers. */
lts_status lts_trace_detach_all(lts_trace *trace);
/* Waits until no other thread reads the trace; fails when interrupted. */
lts_status lts_trace_enter(lts_trace *trace);

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
