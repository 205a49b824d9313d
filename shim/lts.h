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
typedef struct lts_batches lts_batches;
typedef struct lts_flow_cache lts_flow_cache;
typedef struct lts_batch lts_batch;
typedef struct lts_buffer lts_buffer;

/* The layers of a packet: one struct, an lts_packet in front, and as many types. */
#define LTS_LAYERS(X)                                                                              \
  X(layer2)                                                                                        \
  X(layer3)                                                                                        \
  X(transport)                                                                                     \
  X(internet)                                                                                      \
  X(ip)                                                                                            \
  X(ip6)                                                                                           \
  X(tcp)                                                                                           \
  X(udp)                                                                                           \
  X(icmp) X(icmp6) X(sctp) X(chunk) X(echo) X(redirect) X(echo6) X(toobig6) X(param6) X(neighbour6)
#define LTS_DECLARE(NAME) typedef struct lts_##NAME lts_##NAME;
LTS_LAYERS(LTS_DECLARE)

typedef enum lts_layer_kind {
  LTS_PACKET,
  LTS_LAYER2,
  LTS_LAYER3,
  LTS_TRANSPORT,
  LTS_IP,
  LTS_IP6,
  LTS_TCP,
  LTS_UDP,
  LTS_ICMP,
  LTS_ICMP6,
  LTS_SCTP,
  LTS_CHUNK,
} lts_layer_kind;
typedef struct lts_output lts_output;

typedef enum lts_status { LTS_OK = 0, LTS_ERROR = -1 } lts_status;
typedef enum lts_more {
  LTS_END = 0,
  LTS_ITEM = 1,
  LTS_FAIL = -1,
  LTS_WAIT = 2, /* only from functions that never wait: there is none yet */
} lts_more;

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
  LTS_E_UNSUPPORTED, /* what this format does not have */
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
  void (*return_buffer)(void *lender); /* memory that lts_*_from_bytes() was lent */
} lts_hooks;
void lts_set_hooks(const lts_hooks *hooks);

/* A header field: its value, or LTS_ABSENT (no such header), or LTS_FAILED. */
typedef int64_t lts_field;
#define LTS_ABSENT INT64_MIN
#define LTS_FAILED (INT64_MIN + 1)

/* The same, for a field that can be set. */
typedef int64_t lts_number;

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

/* The same, which the caller has to free(); no data when it failed. */
typedef struct lts_owned {
  uint8_t *data;
  size_t length;
} lts_owned;

/* The same, for what scripts expect as a bytearray. */
typedef lts_bytes lts_bytearray;

/* A list of objects, which the caller owns, as the array itself: free() it. */
typedef struct lts_list {
  int length; /* -1 when it failed */
  lts_packet **items;
} lts_list;

/* A layer that could not be made; NULL is one that is not there. */
#define LTS_NO_LAYER ((lts_packet *)-1)

/* What may be bytes, or an object, or just a yes or no. */
typedef enum lts_value_kind {
  LTS_VALUE_FAILED,
  LTS_VALUE_FALSE,
  LTS_VALUE_TRUE,
  LTS_VALUE_BYTES, /* handed out as a bytearray: those of `bytes`, or of `room` if that is NULL */
  LTS_VALUE_LAYER,
} lts_value_kind;

typedef struct lts_value {
  lts_value_kind kind;
  lts_bytes bytes;
  uint8_t room[40];
  lts_packet *layer;   /* the caller owns it */
  lts_layer_kind type; /* of the layer */
} lts_value;

typedef struct lts_time {
  int64_t seconds; /* since 1970-01-01 UTC; LTS_FAILED when nothing was read */
  int microseconds;
} lts_time;

/* The same, for an aware datetime. */
typedef lts_time lts_utc;

/* A TCP option; what is known of its value as numbers, too. */
typedef struct lts_option {
  uint8_t kind;
  lts_bytes value;
  int count;
  uint32_t numbers[10];
} lts_option;

typedef struct lts_options {
  int count; /* -1 when it failed */
  lts_option items[40];
} lts_options;

/* The names of the bits that are set, lowest first. */
typedef struct lts_names {
  int count; /* -1 when it failed */
  const char *names[12];
} lts_names;

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

/* ---- the build ---- */
typedef enum lts_feature {
  LTS_FEATURE_MAJOR_VERSION, /* of libtrace: 3 or 4 */
  LTS_FEATURE_PCAPNG,
  LTS_FEATURE_ZSTD,
  LTS_FEATURE_STATISTICS, /* trace_get_statistics() */
  LTS_FEATURE_META,
  LTS_FEATURE_NANOSECONDS, /* pcap files hold those of what is copied to them */
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
/* Ends every read, also one that waits in another thread, until the next lts_trace_start(). */
void lts_trace_stop(lts_trace *trace);
/* The descriptor that becomes readable when packets come; -1 where there is none. */
int lts_trace_fileno(lts_trace *trace);

LTS_CHECKED lts_status lts_trace_conf_filter(lts_trace *trace, lts_filter *filter);
LTS_CHECKED lts_status lts_trace_conf_snaplen(lts_trace *trace, int snaplen);
LTS_CHECKED lts_status lts_trace_conf_promisc(lts_trace *trace, int promisc);
/* Seconds without a packet before a live read fails with LTS_E_TIMEOUT; 0 waits for ever. */
LTS_CHECKED lts_status lts_trace_conf_timeout(lts_trace *trace, double seconds);
/* Whether a file's metadata comes, too, as packets that neither filter nor counters see. */
LTS_CHECKED lts_status lts_trace_conf_meta(lts_trace *trace, int meta);

/* The next packet that passes the filter, cut to the snap length. */
LTS_CHECKED lts_more lts_trace_next(lts_trace *trace, lts_packet **OUTPUT_PACKET);
/* The next packet as far as it is there: these two never wait. Now and then they return LTS_WAIT
 * while there is more, so that a caller with other things to do gets to them. */
LTS_CHECKED lts_more lts_trace_ready(lts_trace *trace, lts_packet **FOUND_PACKET);

/* Of a stream that libtrace waits for: until there is something for the next read, in a thread that
 * signals are kept from. */
LTS_CHECKED lts_status lts_trace_fetch(lts_trace *trace);

/* What to wait for: descriptors that become readable, where they are not -1, for at most so many
 * seconds. `wake` does when somebody stops, pauses or closes the trace. Both are the caller's. */
enum { LTS_FETCH = -2 }; /* as `fd`: until lts_trace_fetch() returns */
typedef struct lts_wait {
  int fd;
  int wake;
  double seconds;
} lts_wait;
void lts_wait_close(const lts_wait *wait);
/* Tells what LTS_WAIT waits for. `waited` are the seconds since the first call for this packet:
 * after conf_timeout() it fails as lts_trace_next() does. */
LTS_CHECKED lts_more lts_trace_poll(lts_trace *trace, double waited, lts_packet **FOUND_PACKET,
                                    lts_wait *OUTPUT_WAIT);

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

/* ---- columns ---- */

typedef enum lts_column_type {
  LTS_COLUMN_BOOL, /* a byte each: 0 or 1 */
  LTS_COLUMN_INT8,
  LTS_COLUMN_UINT8,
  LTS_COLUMN_INT16,
  LTS_COLUMN_UINT16,
  LTS_COLUMN_UINT32,
  LTS_COLUMN_UINT64,
  LTS_COLUMN_TIME,    /* int64_t nanoseconds since 1970-01-01 UTC */
  LTS_COLUMN_ADDRESS, /* 16 bytes */
  LTS_COLUMN_TEXT,    /* ASCII; this and what follows has int32_t offsets into its data */
  LTS_COLUMN_BYTES,
  LTS_COLUMN_LIST, /* uint16_t each */
} lts_column_type;

typedef enum lts_rows_of {
  LTS_ROWS_OF_PACKETS,
  LTS_ROWS_OF_FLOWS,
  LTS_ROWS_OF_COUNTS, /* packets that are equal in some columns; these are the columns behind them
                       */
} lts_rows_of;

/* The columns that there are, by number; NULL behind the last. */
lts_name lts_column_name(lts_rows_of rows, int number);
int lts_column_kind(lts_rows_of rows, int number);

/* The flows of a trace that have not ended, at most `max_flows`; the timeouts are in seconds of the
 * packets' time. NULL on failure. */
lts_flow_cache *new_lts_flow_cache(double idle_timeout, double active_timeout, int max_flows);
void delete_lts_flow_cache(lts_flow_cache *cache);
lts_count lts_flow_cache_count_get(lts_flow_cache *cache);
/* Packets that were of no flow. */
lts_count lts_flow_cache_ignored_get(lts_flow_cache *cache);

/* Reads packets, or with a cache the flows that end, into batches of at most `size` rows with the
 * columns named, a comma between each two; `counted`, packets with equal values become one row, and
 * columns say how many there are. Of a live trace, a batch is handed out at the latest
 * `max_wait` seconds after its first row. NULL on failure. */
lts_batches *new_lts_batches(const char *columns, int size, double max_wait, int counted,
                             lts_flow_cache *cache_or_none);
void delete_lts_batches(lts_batches *batches);
/* Ends them after so many packets. */
lts_status lts_batches_limit(lts_batches *batches, int64_t packets);
/* The next batch, of one row at least. What fails behind its first row is told at the next call.
 * The end of packets, also by a pause, a close or an error, is that of all flows in the cache. */
LTS_CHECKED lts_more lts_batches_read(lts_batches *batches, lts_trace *trace,
                                      lts_batch **OUTPUT_BATCH);
/* The same without waiting, as lts_trace_poll(). A batch that is not full yet is kept, for either
 * of the two; LTS_FETCH is lts_batches_fetch(). */
LTS_CHECKED lts_more lts_batches_poll(lts_batches *batches, lts_trace *trace, double waited,
                                      lts_batch **FOUND_BATCH, lts_wait *OUTPUT_WAIT);
/* Of a file or a stream that libtrace waits for: waits until the next batch is there, or a stream's
 * has its first row, in a thread that signals are kept from. */
void lts_batches_fetch(lts_batches *batches, lts_trace *trace);
/* The batch that was read last did not reach who asked for it: it is the next one again. */
void lts_batches_give_back(lts_batches *batches, lts_batch *batch);

void delete_lts_batch(lts_batch *batch);
lts_count lts_batch_rows_get(lts_batch *batch);
lts_field lts_batch_nulls(lts_batch *batch, int column);

typedef enum lts_part { LTS_PART_VALIDITY, LTS_PART_VALUES, LTS_PART_DATA } lts_part;

/* `count` of the values (for what has no fixed width: offsets, one more) of a column from row
 * `start` on, or its whole validity or data. It keeps the batch. NULL on failure. */
lts_buffer *new_lts_buffer(lts_batch *batch, int column, lts_part part, int start, int count);
void delete_lts_buffer(lts_buffer *buffer);

/* What a buffer holds: an array of one dimension, or, where `width` is not 0, of two. */
typedef struct lts_array {
  void *memory;
  size_t count, size, width;
  const char *format; /* of the struct module */
} lts_array;
lts_array lts_buffer_array(const lts_buffer *buffer);

/* ---- outputs ---- */

/* libtrace's trace_option_compresstype_t. */
typedef enum lts_compression_type {
  LTS_COMPRESS_NONE,
  LTS_COMPRESS_GZIP,
  LTS_COMPRESS_BZIP2,
  LTS_COMPRESS_LZO,
  LTS_COMPRESS_XZ,
  LTS_COMPRESS_ZSTD,
  LTS_COMPRESS_LZ4,
  LTS_COMPRESS_LAST = 9 /* that an old program may name */
} lts_compression_type;

/* NULL for a uri without a format that can be written. Nothing is opened before the first packet
 * is written. */
lts_output *new_lts_output(const char *uri);
/* Closes the output; a failure is left in lts_error_last(). */
void delete_lts_output(lts_output *output);
lts_name lts_output_uri_get(lts_output *output);
lts_name lts_output_state_get(lts_output *output);
lts_count lts_output_packets_written_get(lts_output *output);

LTS_CHECKED lts_status lts_output_start(lts_output *output);
/* Writes what is still in memory. After a failure the output is closed, too. */
LTS_CHECKED lts_status lts_output_close(lts_output *output);
LTS_CHECKED lts_status lts_output_write_packet(lts_output *output, lts_packet *packet);

/* As old programs expect: any flags and any level are accepted, the type counts only with a level
 * above 0, and what cannot be done fails with the first packet. */
LTS_CHECKED lts_status lts_output_conf_file_flags(lts_output *output, int value);
LTS_CHECKED lts_status lts_output_conf_compress_type(lts_output *output, int value);
LTS_CHECKED lts_status lts_output_conf_compress_level(lts_output *output, int value);
/* Both at once, or failure. */
LTS_CHECKED lts_status lts_output_compress(lts_output *output, int type, int level);

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
/* Offsets, hexadecimal and ASCII of what lts_packet_captured() gives, as text. */
lts_owned lts_packet_hexdump(lts_packet *packet);
/* All that is known of a packet, and a packet made of that; LTS_NO_LAYER when it fails. */
lts_owned lts_packet_freeze(lts_packet *packet);
lts_packet *lts_packet_load(lts_bytes frozen);
/* plt's, which printed pointers. */
static inline void lts_packet_dump(lts_packet *packet) { (void)packet; }

lts_name lts_packet_kind_get(lts_packet *packet);
lts_name lts_packet_type_get(lts_packet *packet);
lts_field lts_packet_size_get(lts_packet *packet);
lts_field lts_packet_linktype_get(lts_packet *packet);
lts_field lts_packet_direction_get(lts_packet *packet);
lts_field lts_packet_wire_len_get(lts_packet *packet);
lts_field lts_packet_capture_len_get(lts_packet *packet);
lts_truth lts_packet_is_truncated_get(lts_packet *packet);
lts_truth lts_packet_is_meta_get(lts_packet *packet);
lts_field lts_packet_timestamp_ns_get(lts_packet *packet);
lts_field lts_packet_ts_sec_get(lts_packet *packet);
lts_unsigned lts_packet_erf_time_get(lts_packet *packet);
/* NaN when nothing was read. */
double lts_packet_seconds_get(lts_packet *packet);
lts_time lts_packet_time_get(lts_packet *packet);
lts_utc lts_packet_datetime_get(lts_packet *packet);
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
/* Bytes behind the transport header, as the IP header states them. */
lts_field lts_packet_payload_length_get(lts_packet *packet);
/* Of the addresses, the protocol and the ports; the same in both directions. */
lts_unsigned lts_packet_flow_hash_get(lts_packet *packet);

/* ---- layers ---- */

#define LTS_DELETE(NAME)                                                                           \
  static inline void delete_lts_##NAME(lts_##NAME *layer) {                                        \
    delete_lts_packet((lts_packet *)layer);                                                        \
  }
LTS_LAYERS(LTS_DELETE)

lts_layer2 *lts_packet_layer2_get(lts_packet *packet);
lts_layer3 *lts_packet_layer3_get(lts_packet *packet);
lts_transport *lts_packet_transport_get(lts_packet *packet);
lts_ip *lts_packet_ip_get(lts_packet *packet);
lts_ip6 *lts_packet_ip6_get(lts_packet *packet);
lts_tcp *lts_packet_tcp_get(lts_packet *packet);
lts_udp *lts_packet_udp_get(lts_packet *packet);
lts_icmp *lts_packet_icmp_get(lts_packet *packet);
lts_icmp6 *lts_packet_icmp6_get(lts_packet *packet);
lts_sctp *lts_packet_sctp_get(lts_packet *packet);
lts_transport *lts_packet_tcp_payload_get(lts_packet *packet);
lts_transport *lts_packet_udp_payload_get(lts_packet *packet);
lts_field lts_transport_proto_get(lts_transport *transport);

lts_field lts_internet_version_get(lts_internet *internet);
lts_field lts_internet_proto_get(lts_internet *internet);
lts_number lts_internet_traffic_class_get(lts_internet *internet);
lts_status lts_internet_traffic_class_set(lts_internet *internet, int value);
lts_number lts_internet_ttl_get(lts_internet *internet);
lts_status lts_internet_ttl_set(lts_internet *internet, int value);
lts_number lts_internet_hop_limit_get(lts_internet *internet);
lts_status lts_internet_hop_limit_set(lts_internet *internet, int value);
lts_new_prefix lts_internet_src_prefix_get(lts_internet *internet);
lts_status lts_internet_src_prefix_set(lts_internet *internet, lts_prefix *prefix);
lts_new_prefix lts_internet_dst_prefix_get(lts_internet *internet);
lts_status lts_internet_dst_prefix_set(lts_internet *internet, lts_prefix *prefix);
lts_field lts_internet_hdr_len_get(lts_internet *internet);
lts_field lts_internet_pkt_len_get(lts_internet *internet);

lts_field lts_ip_ident_get(lts_ip *ip);
lts_truth lts_ip_has_rf_get(lts_ip *ip);
lts_truth lts_ip_has_df_get(lts_ip *ip);
lts_truth lts_ip_has_mf_get(lts_ip *ip);
lts_field lts_ip_frag_offset_get(lts_ip *ip);
lts_number lts_ip_checksum_get(lts_ip *ip);
lts_status lts_ip_checksum_set(lts_ip *ip, int value);
lts_value lts_ip_payload_get(lts_ip *ip);

lts_field lts_ip6_flow_label_get(lts_ip6 *ip6);
lts_field lts_ip6_payload_len_get(lts_ip6 *ip6);
lts_field lts_ip6_next_hdr_get(lts_ip6 *ip6);
/* Names that only plt's manual had. */
lts_number lts_ip_hdr_checksum_get(lts_ip *ip);
lts_status lts_ip_hdr_checksum_set(lts_ip *ip, int value);
lts_new_prefix lts_ip6_src_address_get(lts_ip6 *ip6);
lts_status lts_ip6_src_address_set(lts_ip6 *ip6, lts_prefix *prefix);
lts_new_prefix lts_ip6_dst_address_get(lts_ip6 *ip6);
lts_status lts_ip6_dst_address_set(lts_ip6 *ip6, lts_prefix *prefix);
lts_value lts_ip6_payload_get(lts_ip6 *ip6);

lts_field lts_tcp_src_port_get(lts_tcp *tcp);
lts_field lts_tcp_dst_port_get(lts_tcp *tcp);
lts_field lts_tcp_seq_nbr_get(lts_tcp *tcp);
lts_field lts_tcp_ack_nbr_get(lts_tcp *tcp);
lts_field lts_tcp_doff_get(lts_tcp *tcp);
lts_field lts_tcp_flags_get(lts_tcp *tcp);
lts_truth lts_tcp_urg_flag_get(lts_tcp *tcp);
lts_truth lts_tcp_ack_flag_get(lts_tcp *tcp);
lts_truth lts_tcp_psh_flag_get(lts_tcp *tcp);
lts_truth lts_tcp_rst_flag_get(lts_tcp *tcp);
lts_truth lts_tcp_syn_flag_get(lts_tcp *tcp);
lts_truth lts_tcp_fin_flag_get(lts_tcp *tcp);
lts_field lts_tcp_window_get(lts_tcp *tcp);
lts_number lts_tcp_checksum_get(lts_tcp *tcp);
lts_status lts_tcp_checksum_set(lts_tcp *tcp, int value);
lts_field lts_tcp_urg_ptr_get(lts_tcp *tcp);
lts_field lts_tcp_urgent_get(lts_tcp *tcp); /* plt's manual */
lts_names lts_tcp_flag_names_get(lts_tcp *tcp);
lts_options lts_tcp_options_get(lts_tcp *tcp);
lts_value lts_tcp_options_data_get(lts_tcp *tcp);
lts_value lts_tcp_option_numbers_get(lts_tcp *tcp);
lts_value lts_tcp_option(lts_tcp *tcp, int number);
lts_transport *lts_tcp_payload_get(lts_tcp *tcp);

lts_field lts_udp_src_port_get(lts_udp *udp);
lts_field lts_udp_dst_port_get(lts_udp *udp);
lts_field lts_udp_len_get(lts_udp *udp);
lts_number lts_udp_checksum_get(lts_udp *udp);
lts_status lts_udp_checksum_set(lts_udp *udp, int value);
lts_transport *lts_udp_payload_get(lts_udp *udp);

lts_field lts_icmp_type_get(lts_icmp *icmp);
lts_field lts_icmp_code_get(lts_icmp *icmp);
lts_number lts_icmp_checksum_get(lts_icmp *icmp);
lts_status lts_icmp_checksum_set(lts_icmp *icmp, int value);
lts_value lts_icmp_payload_get(lts_icmp *icmp);
lts_echo *lts_icmp_echo_get(lts_icmp *icmp);
lts_field lts_echo_ident_get(lts_echo *echo);
lts_field lts_echo_sequence_get(lts_echo *echo);
lts_redirect *lts_icmp_redirect_get(lts_icmp *icmp);
lts_new_prefix lts_redirect_gateway_get(lts_redirect *redirect);

lts_field lts_icmp6_type_get(lts_icmp6 *icmp6);
lts_field lts_icmp6_code_get(lts_icmp6 *icmp6);
lts_number lts_icmp6_checksum_get(lts_icmp6 *icmp6);
lts_status lts_icmp6_checksum_set(lts_icmp6 *icmp6, int value);
lts_value lts_icmp6_payload_get(lts_icmp6 *icmp6);
lts_echo6 *lts_icmp6_echo_get(lts_icmp6 *icmp6);
lts_field lts_echo6_ident_get(lts_echo6 *echo6);
lts_field lts_echo6_sequence_get(lts_echo6 *echo6);
lts_toobig6 *lts_icmp6_toobig_get(lts_icmp6 *icmp6);
lts_field lts_toobig6_mtu_get(lts_toobig6 *toobig6);
lts_param6 *lts_icmp6_param_get(lts_icmp6 *icmp6);
lts_field lts_param6_pointer_get(lts_param6 *param6);
lts_neighbour6 *lts_icmp6_neighbour_get(lts_icmp6 *icmp6);
lts_new_prefix lts_neighbour6_target_prefix_get(lts_neighbour6 *neighbour6);
lts_new_prefix lts_neighbour6_dest_prefix_get(lts_neighbour6 *neighbour6);

lts_field lts_sctp_src_port_get(lts_sctp *sctp);
lts_field lts_sctp_dst_port_get(lts_sctp *sctp);
lts_field lts_sctp_verification_tag_get(lts_sctp *sctp);
lts_field lts_sctp_checksum_get(lts_sctp *sctp);
/* Objects of type lts_chunk. */
lts_list lts_sctp_chunks_get(lts_sctp *sctp);
lts_field lts_chunk_type_get(lts_chunk *chunk);
lts_field lts_chunk_flags_get(lts_chunk *chunk);
lts_field lts_chunk_length_get(lts_chunk *chunk);
lts_truth lts_chunk_is_ok_get(lts_chunk *chunk);
lts_bytearray lts_chunk_bytes_get(lts_chunk *chunk);

/* ---- layers from elsewhere ---- */

/* The bytes stay where they are until lts_hooks.return_buffer(lender). LTS_NO_LAYER when it fails,
 * and the caller keeps them. */
lts_packet *lts_layer_from_bytes(lts_layer_kind kind, const uint8_t *data, size_t length,
                                 void *lender);
/* NULL where there is no such layer. */
lts_packet *lts_layer_from_layer(lts_layer_kind kind, lts_packet *source);

/* ---- checksums; LTS_ABSENT where it cannot be computed ---- */

lts_truth lts_internet_test_l3_cksm(lts_internet *internet);
lts_truth lts_internet_set_l3_cksm(lts_internet *internet);
lts_truth lts_internet_test_trans_cksm(lts_internet *internet);
lts_truth lts_internet_set_trans_cksm(lts_internet *internet);
lts_truth lts_ip_checksum_ok(lts_ip *ip);
lts_status lts_ip_set_checksum(lts_ip *ip);
lts_truth lts_packet_set_checksums(lts_packet *packet);

/* ---- the complete header stack ---- */

typedef struct lts_layer_item {
  lts_name name;
  uint32_t offset, length; /* of the captured part */
  lts_layer_kind kind;
  lts_packet *object; /* the caller owns it; NULL where we have no class for it */
} lts_layer_item;

typedef struct lts_layer_list {
  int count; /* -1 when it failed */
  lts_layer_item items[32];
} lts_layer_list;

typedef struct lts_numbers {
  int count; /* -1 when it failed */
  uint32_t values[32];
} lts_numbers;

lts_layer_list lts_packet_layers_get(lts_packet *packet);
/* Of the tags and labels in front of the outermost IP header, outermost first. */
lts_numbers lts_packet_vlan_ids_get(lts_packet *packet);
lts_numbers lts_packet_mpls_labels_get(lts_packet *packet);
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
