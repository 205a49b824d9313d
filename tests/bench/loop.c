/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The loop in C that every speed goal is held against, and the reference for
 * the totals that the tests compare.
 *
 *   loop [-t] read|ports|tcp|addresses|flows|copy|sums URI
 *
 * Each result is one line, "name value"; -t adds the seconds from opening the
 * trace to its end.  The copy goes to a file beside the trace, which is then
 * removed.  Exit status: 0, 1 (the trace cannot be read; what was
 * read before is still printed) or 2 (usage).
 */
#define _GNU_SOURCE /* libtrace 4's header needs POSIX types */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libtrace.h>

/* libtrace 4 hands out pcapng and ERF metadata as packets. */
#ifdef IS_LIBTRACE_META_PACKET
#define IS_DATA(packet) (!IS_LIBTRACE_META_PACKET(packet))
#else
#define IS_DATA(packet) ((void)(packet), true)
#endif

typedef struct {
  uint64_t packets;
  uint64_t wire_len;
  uint64_t capture_len;
  uint64_t ports;
  uint64_t addresses;
  uint64_t flows;
  uint64_t copied;
  int64_t first;
  int64_t last;
} totals;

typedef void visitor(totals *sum, const libtrace_packet_t *packet);
typedef void printer(const totals *sum);

typedef struct {
  const char *name;
  visitor *visit;
  printer *print;
} mode;

static int64_t nanoseconds(struct timespec ts) {
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static double now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The sums keep the compiler from dropping the calls, which libtrace declares
 * pure. */
static void add_ports(totals *sum, const libtrace_packet_t *packet) {
  sum->wire_len += trace_get_wire_length(packet);
  sum->ports += trace_get_source_port(packet);
  sum->ports += trace_get_destination_port(packet);
}

static void add_lengths(totals *sum, const libtrace_packet_t *packet) {
  int64_t time = nanoseconds(trace_get_timespec(packet));

  sum->wire_len += trace_get_wire_length(packet);
  sum->capture_len += trace_get_capture_length(packet);
  if (sum->packets == 1) sum->first = time;
  sum->last = time;
}

static void add_tcp_ports(totals *sum, const libtrace_packet_t *packet) {
  const libtrace_tcp_t *tcp = trace_get_tcp((libtrace_packet_t *)packet);

  if (tcp != NULL) sum->ports += ntohs(tcp->source) + (uint64_t)ntohs(tcp->dest);
}

static void add_addresses(totals *sum, const libtrace_packet_t *packet) {
  struct sockaddr_storage source, target;

  sum->addresses += trace_get_source_address(packet, (struct sockaddr *)&source) != NULL;
  sum->addresses += trace_get_destination_address(packet, (struct sockaddr *)&target) != NULL;
}

/* Flows, in a table of fixed size with open addressing. */

enum { SLOTS = 1 << 21, KEY = 38 };

typedef struct {
  uint8_t key[KEY];
  uint64_t packets;
} flow;

static flow table[SLOTS];

static size_t put_address(uint8_t *at, const struct sockaddr_storage *address) {
  bool v6 = address->ss_family == AF_INET6;
  const void *bytes = v6 ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                         : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
  size_t length = v6 ? 16 : 4;

  memcpy(at, bytes, length);
  return length;
}

static bool make_key(uint8_t *key, const libtrace_packet_t *packet) {
  struct sockaddr_storage source, target;
  uint16_t ports[2] = {htons(trace_get_source_port(packet)),
                       htons(trace_get_destination_port(packet))};
  uint8_t proto = 0;

  if (trace_get_source_address(packet, (struct sockaddr *)&source) == NULL ||
      trace_get_destination_address(packet, (struct sockaddr *)&target) == NULL ||
      (source.ss_family != AF_INET && source.ss_family != AF_INET6))
    return false;
  trace_get_transport(packet, &proto, NULL);
  key[0] = source.ss_family == AF_INET6 ? 6 : 4;
  key[1] = proto;
  memcpy(key + 2, ports, sizeof ports);
  put_address(key + 6 + put_address(key + 6, &source), &target);
  return true;
}

static size_t hash(const uint8_t *key) {
  uint64_t value = 0xcbf29ce484222325u; /* FNV-1a */

  for (int i = 0; i < KEY; i++) value = (value ^ key[i]) * 0x100000001b3u;
  return (size_t)(value ^ value >> 32);
}

static void add_flow(totals *sum, const libtrace_packet_t *packet) {
  uint8_t key[KEY] = {0};

  if (!make_key(key, packet)) return;
  for (size_t at = hash(key);; at++) {
    flow *slot = &table[at % SLOTS];
    if (slot->packets == 0) {
      memcpy(slot->key, key, KEY);
      sum->flows++;
    }
    if (memcmp(slot->key, key, KEY) != 0) continue;
    slot->packets++;
    return;
  }
}

static libtrace_out_t *copy;

static void copy_packet(totals *sum, const libtrace_packet_t *packet) {
  if (trace_write_packet(copy, (libtrace_packet_t *)packet) > 0) sum->copied++;
}

static void print_copied(const totals *sum) { printf("copied %" PRIu64 "\n", sum->copied); }

static void print_tcp(const totals *sum) { printf("ports %" PRIu64 "\n", sum->ports); }

static void print_addresses(const totals *sum) {
  printf("addresses %" PRIu64 "\n", sum->addresses);
}

static void print_flows(const totals *sum) { printf("flows %" PRIu64 "\n", sum->flows); }

static void print_ports(const totals *sum) {
  printf("wire_len %" PRIu64 "\nports %" PRIu64 "\n", sum->wire_len, sum->ports);
}

static void print_lengths(const totals *sum) {
  printf("wire_len %" PRIu64 "\ncapture_len %" PRIu64 "\n", sum->wire_len, sum->capture_len);
  if (sum->packets > 0)
    printf("first_ns %" PRId64 "\nlast_ns %" PRId64 "\n", sum->first, sum->last);
}

static const mode modes[] = {
    {"read", NULL, NULL},
    {"ports", add_ports, print_ports},
    {"tcp", add_tcp_ports, print_tcp},
    {"addresses", add_addresses, print_addresses},
    {"flows", add_flow, print_flows},
    {"copy", copy_packet, print_copied},
    {"sums", add_lengths, print_lengths},
};

static const mode *find_mode(const char *name) {
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
    if (strcmp(modes[i].name, name) == 0) return &modes[i];
  return NULL;
}

static void read_packets(totals *sum, libtrace_t *trace, libtrace_packet_t *packet,
                         visitor *visit) {
  while (trace_read_packet(trace, packet) > 0) {
    if (!IS_DATA(packet)) continue;
    sum->packets++;
    if (visit != NULL) visit(sum, packet);
  }
}

static int read_trace(totals *sum, const char *uri, visitor *visit) {
  libtrace_t *trace = trace_create(uri);
  libtrace_packet_t *packet = trace_create_packet();
  int status = 0;

  if (!trace_is_err(trace) && trace_start(trace) == 0) read_packets(sum, trace, packet, visit);
  if (trace_is_err(trace)) {
    fprintf(stderr, "loop: %s: %s\n", uri, trace_get_err(trace).problem);
    status = 1;
  }
  /* libtrace 4 reads the packet's trace while it destroys the packet. */
  trace_destroy_packet(packet);
  trace_destroy(trace);
  return status;
}

static int copy_trace(totals *sum, const char *uri) {
  char target[4096];
  int status = 1;

  snprintf(target, sizeof target, "%s.c-copy", uri);
  copy = trace_create_output(target);
  if (!trace_is_err_output(copy) && trace_start_output(copy) == 0)
    status = read_trace(sum, uri, copy_packet);
  trace_destroy_output(copy);
  unlink(strchr(target, ':') + 1);
  return status;
}

static int run(const mode *chosen, const char *uri, bool timed) {
  totals sum = {0};
  double start = now();
  int status =
      chosen->visit == copy_packet ? copy_trace(&sum, uri) : read_trace(&sum, uri, chosen->visit);
  double seconds = now() - start;

  printf("packets %" PRIu64 "\n", sum.packets);
  if (chosen->print != NULL) chosen->print(&sum);
  if (timed) printf("seconds %.9f\n", seconds);
  return status;
}

static int usage(void) {
  fputs("usage: loop [-t] read|ports|tcp|addresses|flows|copy|sums URI\n", stderr);
  return 2;
}

int main(int argc, char **argv) {
  bool timed = false;
  const mode *chosen;
  int option;

  while ((option = getopt(argc, argv, "t")) != -1) {
    if (option != 't') return usage();
    timed = true;
  }
  if (argc - optind != 2) return usage();
  chosen = find_mode(argv[optind]);
  return chosen == NULL ? usage() : run(chosen, argv[optind + 1], timed);
}
