/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The shim without Python: who owns what, in every order of destruction, and what fails how.
 * Meant to run under valgrind and the sanitizers, too.
 */
#include "lts.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int failures;
static const char *test;

static void check(bool good, const char *what, int line) {
  if (good) return;
  failures++;
  fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, line, test, what);
}

#define CHECK(condition) check((condition), #condition, __LINE__)
#define CHECK_FAILS(expression, expected)                                                          \
  do {                                                                                             \
    CHECK((int)(expression) < 0);                                                                  \
    CHECK(lts_error_last()->kind == (expected));                                                   \
    CHECK(lts_error_last()->text[0] != '\0');                                                      \
  } while (0)

/* ---- captures ---- */

enum { FRAME = 42, PACKETS = 5, LINK_ETHERNET = 1 };

static char folder[] = "/tmp/shim_test.XXXXXX";
static char path[64], uri[80];

/* Ethernet, IPv4, UDP from 192.0.2.`number`:4000 to 198.51.100.2:53, no payload. */
static void make_frame(uint8_t *frame, int number) {
  static const uint8_t model[FRAME] = {
      2, 0,  0,  0, 0, 11,  2, 0, 0, 0,   0,  10,  8, 0,  0x45, 0, 0,  28, 0, 1, 0,
      0, 64, 17, 0, 0, 192, 0, 2, 0, 198, 51, 100, 2, 15, 160,  0, 53, 0,  8, 0, 0,
  };
  memcpy(frame, model, FRAME);
  frame[29] = (uint8_t)number;
}

static FILE *create(uint32_t link) {
  const uint32_t header[] = {0xa1b2c3d4, 4u << 16 | 2, 0, 0, 65535, link};
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(header, sizeof header, 1, file) != 1) abort();
  return file;
}

static void add(FILE *file, int number, uint32_t captured, uint32_t wire) {
  const uint32_t header[] = {1000, (uint32_t)number, captured, wire};
  uint8_t frame[FRAME];
  make_frame(frame, number);
  if (fwrite(header, sizeof header, 1, file) != 1) abort();
  if (captured && fwrite(frame, captured, 1, file) != 1) abort();
}

static void create_plain(void) {
  FILE *file = create(LINK_ETHERNET);
  for (int i = 0; i < PACKETS; i++) add(file, i, FRAME, FRAME);
  fclose(file);
}

static lts_trace *open_trace(void) {
  lts_trace *trace = new_lts_trace(uri);
  CHECK(trace && lts_trace_start(trace) == LTS_OK);
  return trace;
}

static lts_packet *next(lts_trace *trace) {
  lts_packet *packet = NULL;
  CHECK(lts_trace_next(trace, &packet) == LTS_ITEM);
  return packet;
}

static bool is_frame(lts_packet *packet, int number) {
  uint8_t frame[FRAME];
  make_frame(frame, number);
  lts_bytes bytes = lts_packet_captured(packet);
  return bytes.length == FRAME && !memcmp(bytes.data, frame, FRAME) &&
         lts_packet_timestamp_ns_get(packet) == 1000000000000 + number * 1000LL;
}

/* Asks for everything: nothing may be read outside of the packet. Returns how much was cut off. */
static int touch(lts_packet *packet) {
  lts_field values[] = {
      lts_packet_size_get(packet),         lts_packet_linktype_get(packet),
      lts_packet_direction_get(packet),    lts_packet_wire_len_get(packet),
      lts_packet_capture_len_get(packet),  lts_packet_is_truncated_get(packet),
      lts_packet_timestamp_ns_get(packet), lts_packet_ts_sec_get(packet),
      lts_packet_ethertype_get(packet),    lts_packet_vlan_id_get(packet),
      lts_packet_proto_get(packet),        lts_packet_ip_proto_get(packet),
      lts_packet_src_port_get(packet),     lts_packet_dst_port_get(packet),
  };
  lts_presence presences[] = {
      lts_packet_src_get(packet).presence,      lts_packet_dst_get(packet).presence,
      lts_packet_src_text_get(packet).presence, lts_packet_dst_text_get(packet).presence,
      lts_packet_src_mac_get(packet).presence,  lts_packet_dst_mac_get(packet).presence,
      lts_packet_erf_time_get(packet).presence,
  };
  int cut = 0;
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) cut += values[i] == LTS_FAILED;
  for (size_t i = 0; i < sizeof presences / sizeof *presences; i++) cut += presences[i] == LTS_CUT;
  lts_bytes bytes = lts_packet_captured(packet);
  unsigned sum = 0;
  for (size_t i = 0; i < bytes.length; i++) sum += bytes.data[i];
  CHECK(sum || !bytes.length || bytes.data[0] == 0);
  CHECK(strlen(lts_packet_repr(packet).text) && lts_packet_info(packet).length);
  (void)lts_packet_time_get(packet);
  (void)lts_packet_seconds_get(packet);
  return cut;
}

/* ---- tests ---- */

static void test_fields(void) {
  create_plain();
  lts_trace *trace = open_trace();
  for (int i = 0; i < PACKETS; i++) {
    lts_packet *packet = next(trace);
    CHECK(is_frame(packet, i));
    CHECK(touch(packet) == 0);
    CHECK(lts_packet_wire_len_get(packet) == FRAME + 4);
    CHECK(lts_packet_src_port_get(packet) == 4000 && lts_packet_dst_port_get(packet) == 53);
    CHECK(lts_packet_src_get(packet).bytes[3] == i);
    CHECK(!strcmp(lts_packet_dst_text_get(packet).text, "198.51.100.2"));
    CHECK(!strcmp(lts_packet_src_mac_get(packet).text, "02:00:00:00:00:0a"));
    delete_lts_packet(packet);
  }
  lts_packet *packet = NULL;
  CHECK(lts_trace_next(trace, &packet) == LTS_END && !packet);
  CHECK(lts_trace_next(trace, &packet) == LTS_END && !packet);
  CHECK(lts_trace_statistic(trace, LTS_STAT_ACCEPTED) == PACKETS);
  CHECK(lts_trace_statistic(trace, LTS_STAT_MISSING) == LTS_UNKNOWN);
  delete_lts_trace(trace);
}

/* Every packet is kept; the trace ends first, in the middle, or last. */
static void test_kept_packets(void) {
  create_plain();
  for (int when = 0; when <= 2 * PACKETS; when++) {
    lts_packet *kept[PACKETS];
    lts_trace *trace = open_trace();
    for (int i = 0; i < PACKETS; i++) kept[i] = next(trace);
    for (int i = 0; i < PACKETS; i++) CHECK(is_frame(kept[i], i));
    if (when % 2) CHECK(lts_trace_close(trace) == LTS_OK);
    for (int i = 0; i < PACKETS; i++) {
      if (i == when / 2) delete_lts_trace(trace);
      CHECK(is_frame(kept[i], i));
      delete_lts_packet(kept[i]);
    }
    if (when / 2 == PACKETS) delete_lts_trace(trace);
  }
}

/* Each packet is dropped some packets later than it was read. */
static void test_packets_dropped_late(void) {
  create_plain();
  for (int delay = 0; delay <= PACKETS; delay++) {
    lts_packet *kept[2 * PACKETS + 1] = {NULL};
    lts_trace *trace = open_trace();
    for (int i = 0; i < PACKETS + delay; i++) {
      if (i < PACKETS) kept[i] = next(trace);
      if (i < delay) continue;
      CHECK(is_frame(kept[i - delay], i - delay));
      delete_lts_packet(kept[i - delay]);
    }
    delete_lts_trace(trace);
  }
}

static void test_refill(void) {
  create_plain();
  lts_trace *trace = open_trace();
  lts_packet *packet = new_lts_packet();
  CHECK(lts_trace_read_packet(trace, &packet) == LTS_ITEM && is_frame(packet, 0));
  lts_packet *first = lts_packet_ref(packet);
  CHECK(lts_packet_pin(first) == LTS_OK);
  const uint8_t *pinned = lts_packet_captured(first).data;
  for (int i = 1; i < PACKETS; i++)
    CHECK(lts_trace_read_packet(trace, &packet) == LTS_ITEM && is_frame(packet, i));
  lts_packet *before = packet;
  CHECK(lts_trace_read_packet(trace, &packet) == LTS_END);
  CHECK(packet == before && is_frame(packet, PACKETS - 1));
  delete_lts_trace(trace);
  CHECK(is_frame(packet, PACKETS - 1));
  CHECK(is_frame(first, 0) && lts_packet_captured(first).data == pinned);
  delete_lts_packet(packet);
  delete_lts_packet(first);
}

static void test_set_data(void) {
  create_plain();
  lts_trace *trace = open_trace();
  lts_packet *packet = next(trace);
  CHECK(!strcmp(lts_packet_src_text_get(packet).text, "192.0.2.0"));
  uint8_t frame[FRAME + 1] = {0};
  make_frame(frame, 200);
  CHECK_FAILS(lts_packet_data_set(packet, (lts_bytearray){frame, FRAME + 1}), LTS_E_VALUE);
  CHECK(lts_packet_data_set(packet, (lts_bytearray){frame, 30}) == LTS_OK);
  CHECK(!strcmp(lts_packet_src_text_get(packet).text, "192.0.2.200"));
  frame[12] = 0x86; /* another ethertype: what was decoded before is wrong now */
  CHECK(lts_packet_data_set(packet, (lts_bytearray){frame, 14}) == LTS_OK);
  CHECK(lts_packet_ethertype_get(packet) == 0x8600);
  CHECK(lts_packet_src_get(packet).presence == LTS_MISSING);
  delete_lts_trace(trace);
  CHECK(lts_packet_data_get(packet).data[12] == 0x86);
  delete_lts_packet(packet);
}

static void test_states(void) {
  create_plain();
  lts_packet *packet = NULL;
  lts_trace *trace = new_lts_trace(uri);
  CHECK(!strcmp(lts_trace_uri_get(trace), uri));
  CHECK_FAILS(lts_trace_next(trace, &packet), LTS_E_STATE);
  CHECK_FAILS(lts_trace_pause(trace), LTS_E_STATE);
  CHECK(lts_trace_start(trace) == LTS_OK && lts_trace_start(trace) == LTS_OK);
  packet = next(trace);
  CHECK(lts_trace_pause(trace) == LTS_OK && is_frame(packet, 0));
  delete_lts_packet(packet);
  CHECK_FAILS(lts_trace_next(trace, &packet), LTS_E_STATE);
  CHECK_FAILS(lts_trace_pause(trace), LTS_E_STATE);
  CHECK(lts_trace_start(trace) == LTS_OK);
  packet = next(trace);
  CHECK(is_frame(packet, 1));
  CHECK(lts_trace_close(trace) == LTS_OK && lts_trace_close(trace) == LTS_OK);
  CHECK(is_frame(packet, 1) && touch(packet) == 0);
  delete_lts_packet(packet);
  CHECK(lts_trace_statistic(trace, LTS_STAT_ACCEPTED) == 2);
  CHECK_FAILS(lts_trace_start(trace), LTS_E_STATE);
  CHECK_FAILS(lts_trace_next(trace, &packet), LTS_E_STATE);
  CHECK_FAILS(lts_trace_conf_snaplen(trace, 1), LTS_E_STATE);
  delete_lts_trace(trace);
  delete_lts_trace(NULL);
  delete_lts_packet(NULL);
  delete_lts_filter(NULL);
}

static void test_failed_starts(void) {
  static const char *const uris[] = {
      "pcapfile:/nonexistent/x", "nosuch:x", "erf:", "", ":", "pcapfile:/"};
  for (size_t i = 0; i < sizeof uris / sizeof *uris; i++)
    for (int again = 0; again < 2; again++) {
      lts_trace *trace = new_lts_trace(uris[i]);
      CHECK_FAILS(lts_trace_start(trace), LTS_E_TRACE);
      CHECK(i != 0 || lts_error_last()->code == ENOENT);
      if (again) CHECK_FAILS(lts_trace_start(trace), LTS_E_TRACE);
      delete_lts_trace(trace);
    }
  char *found = NULL;
  CHECK_FAILS(lts_detect("/nonexistent/x", &found), LTS_E_TRACE);
  CHECK(lts_error_last()->code == ENOENT && !found);
}

static void test_detect(void) {
  create_plain();
  char *found = NULL;
  CHECK(lts_detect(path, &found) == LTS_OK && found && !strcmp(found, uri));
  free(found);
  FILE *file = fopen(path, "wb");
  if (!file) abort();
  fputs("this is no trace", file);
  fclose(file);
  CHECK_FAILS(lts_detect(path, &found), LTS_E_TRACE);
}

static void test_unread_packet(void) {
  lts_packet *packet = new_lts_packet();
  lts_filter *filter = new_lts_filter("udp", 1);
  CHECK(lts_packet_captured(packet).length == 0 && lts_packet_data_get(packet).length == 0);
  CHECK_FAILS(lts_packet_wire_len_get(packet) == LTS_FAILED ? -1 : 0, LTS_E_VALUE);
  CHECK(lts_packet_timestamp_ns_get(packet) == LTS_FAILED);
  CHECK(isnan(lts_packet_seconds_get(packet)));
  CHECK(lts_packet_src_get(packet).presence == LTS_CUT);
  CHECK(lts_packet_apply_filter(packet, filter) == LTS_FAILED);
  CHECK(lts_packet_pin(packet) == LTS_OK);
  CHECK(touch(packet) > 0);
  delete_lts_filter(filter);
  delete_lts_packet(packet);
}

static void test_filters(void) {
  create_plain();
  CHECK(!new_lts_filter("no such thing", 1) && lts_error_last()->kind == LTS_E_FILTER);
  lts_trace *trace = open_trace();
  lts_filter *filter = new_lts_filter("src host 192.0.2.3", 1);
  CHECK(!strcmp(lts_filter_expression_get(filter), "src host 192.0.2.3"));
  CHECK(lts_trace_conf_filter(trace, filter) == LTS_OK);
  lts_packet *packet = next(trace);
  CHECK(is_frame(packet, 3) && lts_packet_apply_filter(packet, filter) == 1);
  delete_lts_filter(filter); /* the trace keeps it */
  lts_packet *none = NULL;
  CHECK(lts_trace_next(trace, &none) == LTS_END);
  CHECK(lts_trace_statistic(trace, LTS_STAT_FILTERED) == PACKETS - 1);
  delete_lts_trace(trace);

  lts_filter *bad = new_lts_filter("no such thing", 0);
  CHECK(lts_packet_apply_filter(packet, bad) == LTS_ABSENT);
  trace = open_trace();
  CHECK(lts_trace_conf_filter(trace, bad) == LTS_OK);
  delete_lts_filter(bad);
  CHECK_FAILS(lts_trace_next(trace, &none), LTS_E_FILTER);
  CHECK(lts_trace_conf_filter(trace, NULL) == LTS_OK);
  delete_lts_packet(next(trace));
  delete_lts_trace(trace);
  delete_lts_packet(packet);
}

static void test_configuration(void) {
  create_plain();
  lts_trace *trace = new_lts_trace(uri);
  CHECK_FAILS(lts_trace_conf_snaplen(trace, -1), LTS_E_VALUE);
  CHECK_FAILS(lts_trace_conf_timeout(trace, -1), LTS_E_VALUE);
  CHECK_FAILS(lts_trace_conf_timeout(trace, NAN), LTS_E_VALUE);
  CHECK_FAILS(lts_trace_conf_promisc(trace, 1), LTS_E_TRACE);
  if (!lts_feature_get(LTS_FEATURE_META)) CHECK_FAILS(lts_trace_conf_meta(trace, 1), LTS_E_TRACE);
  CHECK(lts_trace_conf_snaplen(trace, 20) == LTS_OK && lts_trace_conf_timeout(trace, 1) == LTS_OK);
  CHECK(lts_trace_start(trace) == LTS_OK);
  lts_packet *packet = next(trace);
  CHECK(lts_packet_captured(packet).length == 20 && lts_packet_wire_len_get(packet) == FRAME + 4);
  CHECK_FAILS(lts_packet_dst_port_get(packet) == LTS_FAILED ? -1 : 0, LTS_E_TRUNCATED);
  CHECK(lts_trace_conf_snaplen(trace, 0) == LTS_OK);
  lts_packet *whole = next(trace);
  CHECK(is_frame(whole, 1));
  delete_lts_trace(trace);
  CHECK(lts_packet_captured(packet).length == 20);
  delete_lts_packet(whole);
  delete_lts_packet(packet);
}

/* A capture of every length, and odd lengths on the wire. */
static void test_odd_records(void) {
  static const uint32_t links[] = {1,   113, 276, 127, 105, 9,    50,        104,
                                   108, 117, 100, 101, 0,   1999, 0xffffffff};
  static const uint32_t wires[] = {0, 65532, 65536, 0x7fffffff, 0xfffffff0, 0xffffffff};
  enum { WIRES = sizeof wires / sizeof *wires };
  for (size_t link = 0; link < sizeof links / sizeof *links; link++) {
    FILE *file = create(links[link]);
    for (int i = 0; i <= FRAME; i++) add(file, i, (uint32_t)i, FRAME);
    for (int i = 0; i < WIRES; i++) add(file, i, FRAME, wires[i]);
    fclose(file);
    lts_trace *trace = open_trace();
    for (int i = 0; i < FRAME + 1 + WIRES; i++) {
      lts_packet *packet = next(trace);
      if (!packet) break;
      touch(packet);
      CHECK(lts_packet_captured(packet).length == (size_t)(i < FRAME ? i : FRAME));
      delete_lts_packet(packet);
    }
    delete_lts_trace(trace);
  }
}

/* The good packets, then an error, then the end for ever. */
static void test_cut_file(void) {
  for (int size = 24; size < 24 + 2 * (16 + FRAME); size++) {
    create_plain();
    if (truncate(path, size)) abort();
    lts_trace *trace = open_trace();
    lts_packet *packet = NULL;
    int whole = (size - 24) / (16 + FRAME);
    for (int i = 0; i < whole; i++) {
      packet = next(trace);
      CHECK(is_frame(packet, i));
      delete_lts_packet(packet);
    }
    if ((size - 24) % (16 + FRAME)) CHECK_FAILS(lts_trace_next(trace, &packet), LTS_E_TRACE);
    CHECK(lts_trace_next(trace, &packet) == LTS_END);
    delete_lts_trace(trace);
  }
}

/* ---- the interpreter lock ---- */

static int released, acquired, interrupt_after;

static void *hook_release(void) {
  released++;
  return &released;
}
static void hook_acquire(void *state) { acquired += state == &released; }
static int hook_interrupted(void) { return interrupt_after && released >= interrupt_after; }

/* The lock is given up while a pipe is waited for, and taken back every time. */
static void test_hooks(void) {
  lts_set_hooks(&(lts_hooks){hook_release, hook_acquire, hook_interrupted, NULL});
  create_plain();
  int ends[2];
  char stream[64], content[4096];
  FILE *file = fopen(path, "rb");
  if (!file || pipe(ends)) abort();
  size_t size = fread(content, 1, sizeof content, file);
  fclose(file);
  if (write(ends[1], content, size) != (ssize_t)size) abort();
  snprintf(stream, sizeof stream, "pcapfile:/dev/fd/%d", ends[0]);
  lts_trace *trace = new_lts_trace(stream);
  CHECK(lts_trace_conf_timeout(trace, 0.01) == LTS_OK);
  CHECK(lts_trace_start(trace) == LTS_OK);
  close(ends[0]);
  lts_packet *packet = NULL;
  int read = 0;
  for (; lts_trace_next(trace, &packet) == LTS_ITEM; read++) delete_lts_packet(packet);
  CHECK(read == PACKETS && lts_error_last()->kind == LTS_E_TIMEOUT);
  CHECK(released > 0 && released == acquired);
  close(ends[1]);
  CHECK(lts_trace_next(trace, &packet) == LTS_END);
  delete_lts_trace(trace);
  lts_set_hooks(&(lts_hooks){NULL, NULL, NULL, NULL});
}

/* Reads one table: how many rows came before *more says why there are none. */
static uint64_t count_rows(lts_batches *batches, lts_trace *trace, lts_more *more) {
  uint64_t rows = 0;
  lts_batch *batch = NULL;
  while ((*more = lts_batches_read(batches, trace, &batch)) == LTS_ITEM) {
    rows += lts_batch_rows_get(batch);
    delete_lts_batch(batch);
  }
  return rows;
}

/* The source addresses differ, so every packet is a flow. */
static void test_flows(void) {
  lts_more more;
  create_plain();
  lts_trace *trace = open_trace();
  lts_flow_cache *cache = new_lts_flow_cache(60, 1800, 2);
  lts_batches *batches = new_lts_batches("src,rtt,end_reason", 2, 1, 0, cache);
  CHECK(count_rows(batches, trace, &more) == PACKETS && more == LTS_END);
  CHECK(!lts_flow_cache_count_get(cache) && !lts_flow_cache_ignored_get(cache));
  delete_lts_trace(trace);
  delete_lts_flow_cache(cache);
  delete_lts_batches(batches);

  CHECK(!new_lts_flow_cache(-1, 0, 1) && !new_lts_flow_cache(0, NAN, 1));
  CHECK(!new_lts_flow_cache(0, 0, 0) && lts_error_last()->kind == LTS_E_VALUE);
  cache = new_lts_flow_cache(INFINITY, INFINITY, 1 << 20);
  CHECK(!new_lts_batches("wire_len", 2, 1, 0, cache) && lts_error_last()->kind == LTS_E_VALUE);
  trace = open_trace();
  batches = new_lts_batches("src", 2, 1, 0, cache);
  delete_lts_flow_cache(cache);
  delete_lts_batches(batches);
  delete_lts_trace(trace);
}

static void test_flows_of_a_cut_file(void) {
  lts_more more;
  FILE *file = create(LINK_ETHERNET);
  for (int i = 0; i < PACKETS; i++) add(file, i, FRAME, FRAME);
  fflush(file);
  if (ftruncate(fileno(file), ftell(file) - 1)) abort();
  fclose(file);
  lts_trace *trace = open_trace();
  lts_flow_cache *cache = new_lts_flow_cache(60, 1800, 10);
  lts_batches *batches = new_lts_batches("src", 3, 1, 0, cache);
  CHECK(count_rows(batches, trace, &more) == PACKETS - 1 && more == LTS_FAIL);
  CHECK(lts_error_last()->kind == LTS_E_TRACE);
  CHECK(count_rows(batches, trace, &more) == 0 && more == LTS_END);
  delete_lts_batches(batches);
  delete_lts_flow_cache(cache);
  delete_lts_trace(trace);
}

int main(void) {
  static const struct {
    const char *name;
    void (*run)(void);
  } tests[] = {
      {"fields", test_fields},
      {"kept packets", test_kept_packets},
      {"packets dropped late", test_packets_dropped_late},
      {"refill", test_refill},
      {"set data", test_set_data},
      {"states", test_states},
      {"failed starts", test_failed_starts},
      {"detect", test_detect},
      {"unread packet", test_unread_packet},
      {"filters", test_filters},
      {"configuration", test_configuration},
      {"odd records", test_odd_records},
      {"cut file", test_cut_file},
      {"hooks", test_hooks},
      {"flows", test_flows},
      {"flows of a cut file", test_flows_of_a_cut_file},
  };
  if (!mkdtemp(folder)) abort();
  snprintf(path, sizeof path, "%s/trace", folder);
  snprintf(uri, sizeof uri, "pcapfile:%s", path);
  for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
    test = tests[i].name;
    tests[i].run();
  }
  unlink(path);
  rmdir(folder);
  return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
