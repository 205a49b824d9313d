/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The flat C API over libtrace that SWIG turns into the Python module.
 *
 * Conventions
 *   - A function that can fail returns lts_status or lts_more, or a value type with a failed
 *     state of its own; the reason then lies in lts_error_last() of the same thread.
 *   - `T **out` gives the caller a reference of its own; `const T *` belongs to the parent.
 *   - One thread at a time may be inside the shim: the interpreter lock (lts_hooks) says which.
 *     The shim gives it up only while it waits for input.
 */
#ifndef LTS_H
#define LTS_H

#include <stddef.h>
#include <stdint.h>

#define LTS_CHECKED __attribute__((warn_unused_result))

typedef struct lts_trace lts_trace;
typedef struct lts_packet lts_packet;
typedef struct lts_filter lts_filter;
typedef struct lts_prefix lts_prefix;
typedef struct lts_flow lts_flow;
typedef struct lts_home lts_home;

typedef enum lts_status { LTS_OK = 0, LTS_ERROR = -1 } lts_status;
typedef enum lts_more { LTS_END = 0, LTS_ITEM = 1, LTS_FAIL = -1 } lts_more;

/* What kind of exception a failure is; the order is that of the table in errors.py. */
typedef enum lts_error_kind {
  LTS_E_NONE,
  LTS_E_TRACE,       /* libtrace, the system or the trace file */
  LTS_E_FILTER,      /* a filter expression */
  LTS_E_TRUNCATED,   /* the capture ends before the field */
  LTS_E_TIMEOUT,     /* no packet within conf_timeout() */
  LTS_E_STATE,       /* not started, paused, closed */
  LTS_E_VALUE,       /* an argument out of range, or nothing read yet */
  LTS_E_ATTRIBUTE,   /* a length that is not set, IP versions that differ */
  LTS_E_INDEX,       /* a negative index */
  LTS_E_MEMORY,      /* allocation failed */
  LTS_E_INTERRUPTED, /* lts_hooks.interrupted() said so, and keeps the reason */
} lts_error_kind;

typedef struct lts_error {
  lts_error_kind kind;
  int code;       /* libtrace's error number, or an errno when above 0 */
  char uri[512];  /* the trace concerned, or "" */
  char text[768]; /* what failed, on what, what to do */
} lts_error;

/* The calling thread's last failure; valid until its next one. */
const lts_error *lts_error_last(void);
void lts_error_clear(void);

/* How the shim gives up the interpreter lock while it waits, asks for pending signals, and gives
 * back memory that it was lent. Without hooks it just waits. */
typedef struct lts_hooks {
  void *(*release)(void);
  void (*acquire)(void *state);
  int (*interrupted)(void);
  void (*return_buffer)(void *lender);
} lts_hooks;
void lts_set_hooks(const lts_hooks *hooks);

/* A header field: its value, or LTS_ABSENT (no such header), or LTS_FAILED. */
typedef int64_t lts_field;
#define LTS_ABSENT INT64_MIN
#define LTS_FAILED (INT64_MIN + 1)

/* A counter; LTS_UNKNOWN where libtrace does not know. */
typedef uint64_t lts_count;
#define LTS_UNKNOWN UINT64_MAX

typedef enum lts_presence { LTS_MISSING = 0, LTS_PRESENT = 1, LTS_CUT = -1 } lts_presence;

typedef struct lts_address {
  lts_presence presence;
  int version; /* 4 or 6 */
  uint8_t bytes[16];
} lts_address;

typedef struct lts_text {
  lts_presence presence;
  int length;
  char text[56];
} lts_text;

/* Text that its parent owns. */
typedef const char *lts_name;

typedef struct lts_line {
  char text[256];
} lts_line;

typedef struct lts_bytes {
  const uint8_t *data;
  size_t length;
} lts_bytes;

/* The same, for what scripts expect as a bytearray. */
typedef lts_bytes lts_bytearray;

/* A yes or no with the failed and absent states of lts_field. */
typedef lts_field lts_truth;

/* A new object, which the caller owns; NULL on failure. */
typedef lts_prefix *lts_new_prefix;

typedef enum lts_order { LTS_LESS = -1, LTS_EQUAL, LTS_GREATER, LTS_UNORDERED } lts_order;

/* A flow as bytes: version, protocol, two ports, two addresses. */
typedef struct lts_key {
  lts_presence presence;
  int length;
  uint8_t bytes[38];
} lts_key;

/* A number modulo 2^32. */
typedef uint32_t lts_sequence;

typedef struct lts_unsigned {
  lts_presence presence;
  uint64_t value;
} lts_unsigned;

typedef struct lts_time {
  int64_t seconds; /* since 1970-01-01 UTC; LTS_FAILED when nothing was read */
  int microseconds;
} lts_time;

/* ---- the build ---- */
typedef enum lts_feature {
  LTS_FEATURE_MAJOR_VERSION, /* of libtrace: 3 or 4 */
  LTS_FEATURE_PCAPNG,
  LTS_FEATURE_ZSTD,
  LTS_FEATURE_STATISTICS, /* trace_get_statistics() */
} lts_feature;
int lts_feature_get(lts_feature feature);
/* Of python-libtrace. */
lts_name lts_version(void);

/* ---- traces ---- */

/* Nothing is opened before lts_trace_start(). NULL when out of memory. */
lts_trace *new_lts_trace(const char *uri);
/* Packets that were read from the trace stay valid. */
void delete_lts_trace(lts_trace *trace);

/* The uri of a bare path, its format found by content: "pcapfile:x.pcap.gz". The caller frees. */
LTS_CHECKED lts_status lts_detect(const char *path, char **OUTPUT_STRING);

lts_name lts_trace_uri_get(lts_trace *trace);
lts_name lts_trace_state_get(lts_trace *trace);

LTS_CHECKED lts_status lts_trace_start(lts_trace *trace);
LTS_CHECKED lts_status lts_trace_pause(lts_trace *trace);
LTS_CHECKED lts_status lts_trace_close(lts_trace *trace);

LTS_CHECKED lts_status lts_trace_conf_filter(lts_trace *trace, lts_filter *filter);
LTS_CHECKED lts_status lts_trace_conf_snaplen(lts_trace *trace, int snaplen);
LTS_CHECKED lts_status lts_trace_conf_promisc(lts_trace *trace, int promisc);
/* Seconds without a packet before a live read fails with LTS_E_TIMEOUT; 0 waits for ever. */
LTS_CHECKED lts_status lts_trace_conf_timeout(lts_trace *trace, double seconds);

/* The next packet that passes the filter, cut to the snap length. */
LTS_CHECKED lts_more lts_trace_next(lts_trace *trace, lts_packet **OUTPUT_PACKET);
/* Puts the next packet in *REFILL in place of what it held; layers and views keep the old one. */
LTS_CHECKED lts_more lts_trace_read_packet(lts_trace *trace, lts_packet **REFILL);

typedef enum lts_statistic {
  LTS_STAT_ACCEPTED,
  LTS_STAT_FILTERED,
  LTS_STAT_RECEIVED,
  LTS_STAT_DROPPED,
  LTS_STAT_CAPTURED,
  LTS_STAT_MISSING,
  LTS_STAT_ERRORS,
  LTS_STATISTICS
} lts_statistic;
lts_count lts_trace_statistic(lts_trace *trace, lts_statistic which);

/* ---- filters ---- */

/* A pcap-filter(7) expression. With `check` it is compiled at once, else at its first use.
 * NULL on failure. */
lts_filter *new_lts_filter(const char *expression, int check);
void delete_lts_filter(lts_filter *filter);
lts_name lts_filter_expression_get(lts_filter *filter);

/* ---- packets ---- */

/* A packet that nothing was read into yet. NULL when out of memory. */
lts_packet *new_lts_packet(void);
void delete_lts_packet(lts_packet *packet);
lts_packet *lts_packet_ref(lts_packet *packet);
/* Gives the packet memory of its own, which stays where it is as long as the packet lives. */
LTS_CHECKED lts_status lts_packet_pin(lts_packet *packet);

/* The captured bytes, link-layer pseudo-headers included. */
lts_bytes lts_packet_captured(lts_packet *packet);
/* The captured frame without pseudo-headers (Linux SLL, radiotap ...), as plt's `data`. */
lts_bytearray lts_packet_data_get(lts_packet *packet);
/* Overwrites the leading bytes in place. */
lts_status lts_packet_data_set(lts_packet *packet, lts_bytearray data);
/* LTS_ABSENT where the filter is invalid. */
lts_truth lts_packet_apply_filter(lts_packet *packet, lts_filter *filter);
lts_text lts_packet_info(lts_packet *packet);
lts_line lts_packet_repr(lts_packet *packet);

lts_name lts_packet_kind_get(lts_packet *packet);
lts_name lts_packet_type_get(lts_packet *packet);
lts_field lts_packet_size_get(lts_packet *packet);
lts_field lts_packet_linktype_get(lts_packet *packet);
lts_field lts_packet_direction_get(lts_packet *packet);
lts_field lts_packet_wire_len_get(lts_packet *packet);
lts_field lts_packet_capture_len_get(lts_packet *packet);
lts_truth lts_packet_is_truncated_get(lts_packet *packet);
lts_field lts_packet_timestamp_ns_get(lts_packet *packet);
lts_field lts_packet_ts_sec_get(lts_packet *packet);
lts_unsigned lts_packet_erf_time_get(lts_packet *packet);
/* NaN when nothing was read. */
double lts_packet_seconds_get(lts_packet *packet);
lts_time lts_packet_time_get(lts_packet *packet);
lts_field lts_packet_ethertype_get(lts_packet *packet);
lts_field lts_packet_vlan_id_get(lts_packet *packet);
lts_field lts_packet_proto_get(lts_packet *packet);
lts_field lts_packet_ip_proto_get(lts_packet *packet);
lts_field lts_packet_src_port_get(lts_packet *packet);
lts_field lts_packet_dst_port_get(lts_packet *packet);
lts_address lts_packet_src_get(lts_packet *packet);
lts_address lts_packet_dst_get(lts_packet *packet);
lts_text lts_packet_src_text_get(lts_packet *packet);
lts_text lts_packet_dst_text_get(lts_packet *packet);
lts_text lts_packet_src_mac_get(lts_packet *packet);
lts_text lts_packet_dst_mac_get(lts_packet *packet);

/* ---- prefixes ---- */

#define LTS_NO_LENGTH (-1)

/* 4 or 16 bytes, no length. NULL when out of memory. */
lts_prefix *lts_prefix_from_bytes(int version, const uint8_t *bytes);
/* A short address is filled up with zeros. NULL on failure. */
lts_prefix *new_lts_prefix(int version, lts_bytearray address, int length);
/* "192.0.2.0/24", "2001:db8::1" */
lts_new_prefix lts_prefix_from_s(const char *text);
void delete_lts_prefix(lts_prefix *prefix);

lts_bytes lts_prefix_bytes(const lts_prefix *prefix);
/* Moves the address to memory that others may write to; the prefix returns it to its lender when it
 * dies. */
void lts_prefix_move(lts_prefix *prefix, uint8_t *memory, void *lender);
/* NULL where the prefix was not moved. */
void *lts_prefix_lender(const lts_prefix *prefix);

lts_field lts_prefix_version_get(lts_prefix *prefix);
lts_field lts_prefix_length_get(lts_prefix *prefix);
lts_status lts_prefix_length_set(lts_prefix *prefix, lts_field length);
/* The length, also 0 and LTS_NO_LENGTH, for a copy of the prefix. */
int lts_prefix_state(const lts_prefix *prefix);
lts_status lts_prefix_restore(lts_prefix *prefix, int state);
lts_field lts_prefix_width_get(lts_prefix *prefix);
lts_new_prefix lts_prefix_complement_get(lts_prefix *prefix);
lts_truth lts_prefix_is_rfc1918_get(lts_prefix *prefix);
lts_address lts_prefix_address_get(lts_prefix *prefix);

lts_truth lts_prefix_equal(lts_prefix *prefix, lts_prefix *other);
lts_truth lts_prefix_is_prefix(lts_prefix *prefix, lts_prefix *other);
lts_truth lts_prefix_has_bit_set(lts_prefix *prefix, int bit);
lts_field lts_prefix_first_bit_different(lts_prefix *prefix, lts_prefix *other);

/* By address; of the same address, the longer prefix comes first. LTS_UNORDERED is a failure. */
lts_order lts_prefix_compare(const lts_prefix *prefix, const lts_prefix *other);
uint32_t lts_prefix_hash(const lts_prefix *prefix);
lts_text lts_prefix_str(lts_prefix *prefix);

/* ---- flows ---- */

/* LTS_END where the packet is not IP. */
LTS_CHECKED lts_more lts_flow_of(lts_packet *packet, lts_flow **OUTPUT_FLOW);
void delete_lts_flow(lts_flow *flow);

lts_field lts_flow_version_get(lts_flow *flow);
/* 0 where there is no transport header. */
lts_field lts_flow_proto_get(lts_flow *flow);
/* 0 for all but TCP and UDP. */
lts_field lts_flow_src_port_get(lts_flow *flow);
lts_field lts_flow_dst_port_get(lts_flow *flow);
lts_new_prefix lts_flow_src_prefix_get(lts_flow *flow);
lts_new_prefix lts_flow_dst_prefix_get(lts_flow *flow);
lts_address lts_flow_src_get(lts_flow *flow);
lts_address lts_flow_dst_get(lts_flow *flow);
/* Absent in a flow that no home made. */
lts_truth lts_flow_src_in_home_get(lts_flow *flow);
lts_truth lts_flow_dst_in_home_get(lts_flow *flow);
/* Exactly one end is in home. */
lts_truth lts_flow_is_inward_get(lts_flow *flow);

lts_key lts_flow_fwd_key_get(lts_flow *flow);
lts_key lts_flow_rev_key_get(lts_flow *flow);
/* The one of the two that has the home first, as far as that can be. */
lts_key lts_flow_home_key_get(lts_flow *flow);
lts_line lts_flow_repr(lts_flow *flow);

/* Copies the prefixes, which need lengths. NULL on failure. */
lts_home *new_lts_home(lts_prefix *const *prefixes, size_t count);
void delete_lts_home(lts_home *home);
lts_name lts_home_owner_get(lts_home *home);
lts_line lts_home_repr(lts_home *home);
LTS_CHECKED lts_more lts_home_flow(lts_home *home, lts_packet *packet, lts_flow **OUTPUT_FLOW);

/* ---- numbers ---- */

/* Big-endian; absent where the bytes end before. */
lts_field lts_ba_get_short(lts_bytes BUFFER, int64_t index);
lts_field lts_ba_get_long(lts_bytes BUFFER, int64_t index);

lts_sequence lts_seq_add(lts_sequence a, lts_sequence b);
lts_sequence lts_seq_sub(lts_sequence a, lts_sequence b);
/* Whether a comes after b, by less than half of the way round. */
lts_truth lts_seq_gt(lts_sequence a, lts_sequence b);
lts_truth lts_seq_ge(lts_sequence a, lts_sequence b);
lts_truth lts_seq_lt(lts_sequence a, lts_sequence b);

#endif
