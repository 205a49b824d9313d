/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The shim without memory: each of its allocations fails once, which every call tells of, and which
 * leaves nothing behind that valgrind or the leak sanitizer would find. The linker puts these
 * functions in the place of the real ones (ld(1), --wrap).
 */
#include "lts.h"

#ifdef HAVE_LDNS
#include "dns.h"
#endif

#include <libtrace.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long countdown; /* to the allocation that fails; 0: none does */
static bool failed;
static lts_error_kind told; /* by a call that failed */

static bool fails(void) {
  if (!countdown || --countdown) return false;
  return failed = true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
char *__real_strdup(const char *text);
libtrace_packet_t *__real_trace_create_packet(void);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__wrap_strdup(const char *text);
libtrace_packet_t *__wrap_trace_create_packet(void);

void *__wrap_malloc(size_t size) { return fails() ? NULL : __real_malloc(size); }
void *__wrap_calloc(size_t count, size_t size) {
  return fails() ? NULL : __real_calloc(count, size);
}
void *__wrap_realloc(void *block, size_t size) {
  return fails() ? NULL : __real_realloc(block, size);
}
char *__wrap_strdup(const char *text) { return fails() ? NULL : __real_strdup(text); }
libtrace_packet_t *__wrap_trace_create_packet(void) {
  return fails() ? NULL : __real_trace_create_packet();
}

/* ---- what is done; false where a call failed ---- */

static char data[200], folder[] = "/tmp/memory_test.XXXXXX";

static lts_trace *open_trace(const char *name) {
  char path[300];
  snprintf(path, sizeof path, "%s/%s", data, name);
  lts_trace *trace = new_lts_trace(path);
  if (trace && lts_trace_start(trace) == LTS_OK) return trace;
  delete_lts_trace(trace);
  return NULL;
}

enum { KEPT = 100 };

/* The first packets of a trace, which is closed; the rest of the array is NULL. */
static bool keep(const char *name, lts_packet **kept) {
  memset(kept, 0, KEPT * sizeof *kept);
  lts_trace *trace = open_trace(name);
  if (!trace) return false;
  lts_more more = LTS_ITEM;
  for (int i = 0; i < KEPT && more == LTS_ITEM; i++) more = lts_trace_next(trace, &kept[i]);
  bool good = more != LTS_FAIL && lts_trace_close(trace) == LTS_OK;
  delete_lts_trace(trace);
  return good;
}

static bool drop(lts_packet **kept, bool good) {
  for (int i = 0; i < KEPT; i++) delete_lts_packet(kept[i]);
  return good;
}

static bool read_and_keep(void) {
  lts_packet *kept[KEPT];
  return drop(kept, keep("sample.pcap", kept) && kept[KEPT - 1]);
}

/* All layers of a packet whose trace is gone, and which may have lost its bytes with it. */
static bool outlive(void) {
  lts_packet *packet = NULL, *sctp = NULL;
  lts_list chunks = {0, NULL};
  lts_layer_list stack = {0};
  lts_trace *trace = open_trace("sctp.pcap");
  if (!trace) return false;
  if (lts_trace_next(trace, &packet) == LTS_ITEM) {
    stack = lts_packet_layers_get(packet);
    sctp = (lts_packet *)lts_packet_sctp_get(packet);
  }
  if (sctp == LTS_NO_LAYER) sctp = NULL;
  if (sctp) chunks = lts_sctp_chunks_get((lts_sctp *)sctp);
  bool good = stack.count > 0 && chunks.length > 0;
  delete_lts_trace(trace);
  told = lts_error_last()->kind; /* by what loses the bytes */
  for (int i = 0; i < stack.count; i++) {
    lts_packet *layer = stack.items[i].object;
    good = (!layer || lts_packet_repr(layer).text[0] == '<') && good;
    delete_lts_packet(layer);
  }
  for (int i = 0; i < chunks.length; i++) {
    good = lts_chunk_is_ok_get((lts_chunk *)chunks.items[i]) == 1 && good;
    good = lts_chunk_bytes_get((lts_chunk *)chunks.items[i]).length && good;
    delete_lts_packet(chunks.items[i]);
  }
  free(chunks.items);
  delete_lts_packet(sctp);
  delete_lts_packet(packet);
  return good;
}

static bool take_layers(void) {
  lts_packet *kept[KEPT];
  lts_layer_list stacks[KEPT];
  int count = 0;
  bool good = keep("layers.pcap", kept);
  for (; good && count < KEPT && kept[count]; count++) {
    stacks[count] = lts_packet_layers_get(kept[count]);
    if (stacks[count].count < 0) good = false;
    if (!good) break;
  }
  for (int i = 0; i < count; i++)
    for (int j = 0; j < stacks[i].count; j++) delete_lts_packet(stacks[i].items[j].object);
  return drop(kept, good);
}

static bool take_chunks(void) {
  lts_packet *kept[KEPT];
  lts_list lists[KEPT] = {{0, NULL}};
  int count = 0;
  bool good = keep("sctp.pcap", kept);
  for (int i = 0; good && i < KEPT; i++) {
    lts_packet *sctp = (lts_packet *)lts_packet_sctp_get(kept[i]);
    if (sctp == LTS_NO_LAYER) good = false;
    if (!sctp || sctp == LTS_NO_LAYER) continue;
    lts_list list = lts_sctp_chunks_get((lts_sctp *)sctp);
    delete_lts_packet(sctp);
    if (list.length < 0)
      good = lts_error_last()->kind != LTS_E_MEMORY;
    else
      lists[count++] = list;
  }
  while (count--) {
    while (lists[count].length) delete_lts_packet(lists[count].items[--lists[count].length]);
    free(lists[count].items);
  }
  return drop(kept, good);
}

static bool make_layers(void) {
  static const uint8_t ip[20] = {0x45, [3] = 20, [8] = 1};
  lts_packet *made[KEPT] = {NULL};
  bool good = true;
  for (int i = 0; good && i < KEPT; i++) {
    made[i] = lts_layer_from_bytes(LTS_IP, ip, sizeof ip, NULL);
    good = made[i] != LTS_NO_LAYER;
    if (!good) made[i] = NULL;
  }
  return drop(made, good);
}

static bool filter(void) {
  lts_packet *packet = NULL;
  lts_trace *trace = open_trace("sample.pcap");
  lts_filter *udp = trace ? new_lts_filter("udp", 1) : NULL;
  bool good = udp && lts_trace_conf_filter(trace, udp) == LTS_OK &&
              lts_trace_next(trace, &packet) == LTS_ITEM && lts_packet_ip_proto_get(packet) == 17;
  delete_lts_packet(packet);
  delete_lts_filter(udp);
  delete_lts_trace(trace);
  return good;
}

static bool freeze_and_load(void) {
  lts_packet *kept[KEPT], *thawed[KEPT] = {NULL};
  bool good = keep("sample.pcap", kept);
  for (int i = 0; good && i < KEPT; i++) {
    lts_owned frozen = lts_packet_freeze(kept[i]), dump = lts_packet_hexdump(kept[i]);
    good = frozen.data && dump.data;
    thawed[i] = good ? lts_packet_load((lts_bytes){frozen.data, frozen.length}) : NULL;
    if (thawed[i] == LTS_NO_LAYER) thawed[i] = NULL;
    good = good && thawed[i];
    free(frozen.data);
    free(dump.data);
  }
  return drop(thawed, drop(kept, good));
}

static bool write_to(const char *scheme, int compression) {
  char uri[80];
  lts_packet *kept[KEPT];
  snprintf(uri, sizeof uri, "%s:%s/out", scheme, folder);
  bool good = keep("sample.pcap", kept);
  lts_output *output = good ? new_lts_output(uri) : NULL;
  good = output && lts_output_compress(output, compression, 1) == LTS_OK &&
         lts_output_start(output) == LTS_OK;
  for (int i = 0; good && i < KEPT; i++) good = lts_output_write_packet(output, kept[i]) == LTS_OK;
  good = good && lts_output_packets_written_get(output) == KEPT;
  if (output && lts_output_close(output) != LTS_OK) good = false;
  told = lts_error_last()->kind; /* which the next line forgets */
  delete_lts_output(output);
  return drop(kept, good);
}

static bool write_pcap(void) { return write_to("pcapfile", LTS_COMPRESS_NONE); }
static bool write_gzip(void) { return write_to("pcapfile", LTS_COMPRESS_GZIP); }
static bool write_bzip2(void) { return write_to("erf", LTS_COMPRESS_BZIP2); }
static bool write_pcapng(void) { return write_to("pcapng", LTS_COMPRESS_XZ); }

static bool find_flows(void) {
  lts_packet *kept[KEPT];
  lts_flow *flows[2 * KEPT] = {NULL};
  bool good = keep("sample.pcap", kept);
  lts_prefix *prefix = good ? lts_prefix_from_s("10.0.0.0/8") : NULL;
  lts_prefix *complement = prefix ? lts_prefix_complement_get(prefix) : NULL;
  lts_home *home = complement ? new_lts_home(&prefix, 1) : NULL;
  good = home != NULL;
  for (int i = 0; good && i < KEPT; i++)
    good = lts_flow_of(kept[i], &flows[2 * i]) != LTS_FAIL &&
           lts_home_flow(home, kept[i], &flows[2 * i + 1]) != LTS_FAIL;
  for (int i = 0; i < 2 * KEPT; i++) delete_lts_flow(flows[i]);
  delete_lts_home(home);
  delete_lts_prefix(complement);
  delete_lts_prefix(prefix);
  return drop(kept, good);
}

#ifdef HAVE_LDNS
static bool read_dns(void) {
  static const uint8_t wire[] = "\x12\x34\x80\0\0\1\0\1\0\0\0\0\1a\4test\0\0\x10\0\1"
                                "\xc0\x0c\0\x10\0\1\0\0\0\1\0\4\1a\1b";
  lts_dns *dns = new_lts_dns(wire, sizeof wire - 1, 0);
  if (!dns) return false;
  bool good = lts_dns_is_ok(dns) == 1;
  lts_dns_rr *record = lts_dns_rrs_take(lts_dns_response_rr_list_get(dns), 0);
  lts_string texts[] = {lts_dns_rr_repr(record), lts_dns_typestr(16), lts_dns_opcodestr(99),
                        lts_dns_rr_rdata_get(record)};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) good = texts[i] && good;
  good = good && !strcmp(texts[3], "\"a\" \"b\"");
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) free(texts[i]);
  delete_lts_dns_rr(record);
  delete_lts_dns(dns);
  return good;
}
#endif

/* Every allocation fails once, one at each time. */
static bool run(const char *name, bool (*work)(void)) {
  for (long n = 1;; n++) {
    failed = false;
    told = LTS_E_NONE;
    countdown = n;
    bool good = work();
    countdown = 0;
    if (!told) told = lts_error_last()->kind;
    if (!good && (!failed || told != LTS_E_MEMORY)) {
      fprintf(stderr, "%s, allocation %ld: %s\n", name, n, lts_error_last()->text);
      return false;
    }
    lts_error_clear();
    if (!failed) return getenv("SHOW") ? printf("%s %ld\n", name, n), good : good;
  }
}

int main(void) {
  static const struct {
    const char *name;
    bool (*run)(void);
  } works[] = {
      {"read and keep", read_and_keep},
      {"outlive a trace", outlive},
      {"take layers", take_layers},
      {"take chunks", take_chunks},
      {"make layers", make_layers},
      {"filter", filter},
      {"freeze and load", freeze_and_load},
      {"write pcap", write_pcap},
      {"write gzip", write_gzip},
      {"write bzip2", write_bzip2},
      {"write pcapng", write_pcapng},
      {"find flows", find_flows},
#ifdef HAVE_LDNS
      {"read DNS", read_dns},
#endif
  };
  const char *srcdir = getenv("srcdir");
  bool good = mkdtemp(folder) != NULL;
  snprintf(data, sizeof data, "%s/tests/data", srcdir ? srcdir : ".");
  for (size_t i = 0; i < sizeof works / sizeof *works; i++)
    good = run(works[i].name, works[i].run) && good;
  char path[60];
  snprintf(path, sizeof path, "%s/out", folder);
  unlink(path);
  rmdir(folder);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
