/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The loop in C that tables are held against: it fills the same arrays (values and a bit for each
 * that is there, batch after batch of 65,536 rows) through libtrace's own functions.
 *
 *   columns [-t] NAME[,NAME...] URI
 *
 * It prints the rows and how many values are there; -t adds the seconds.
 */
#define _GNU_SOURCE /* libtrace 4's header needs POSIX types */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libtrace.h>

enum { ROWS = 65536, MOST_COLUMNS = 64, VLAN = 0x8100, QINQ = 0x88a8, MPLS = 0x8847 };
enum { ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58, SCTP = 132 };

/* What the columns of a packet share. */
typedef struct {
  libtrace_packet_t *packet;
  const uint8_t *l3, *transport;
  uint16_t ethertype;
  uint32_t l3_left, transport_left;
  uint8_t proto;
  uint64_t index;
} view;

/* Where a value goes: its size, or 0 for what is appended to the data. */
typedef struct column column;
typedef bool filler(const view *v, column *c, void *at);
struct column {
  filler *fill;
  size_t size;
  uint8_t validity[ROWS / 8];
  uint8_t *values, *data;
  size_t length, room;
  uint64_t there;
};

static void append(column *c, const void *bytes, size_t length) {
  if (c->length + length > c->room) {
    c->room = (c->length + length) * 2;
    c->data = realloc(c->data, c->room);
    if (!c->data) abort();
  }
  memcpy(c->data + c->length, bytes, length);
  c->length += length;
}

static bool put(void *at, size_t size, uint64_t value) {
  memcpy(at, &value, size); /* little-endian */
  return true;
}

static uint16_t be16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
static uint32_t be32(const uint8_t *at) { return (uint32_t)be16(at) << 16 | be16(at + 2); }

/* ---- of the packet ---- */

static bool timestamp(const view *v, column *c, void *at) {
  struct timespec ts = trace_get_timespec(v->packet);
  return put(at, c->size, (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec);
}

static bool wire_len(const view *v, column *c, void *at) {
  return put(at, c->size, trace_get_wire_length(v->packet));
}

static bool capture_len(const view *v, column *c, void *at) {
  return put(at, c->size, trace_get_capture_length(v->packet));
}

static bool is_truncated(const view *v, column *c, void *at) {
  return put(at, c->size,
             trace_get_capture_length(v->packet) + 4 < trace_get_wire_length(v->packet));
}

static bool size_class(const view *v, column *c, void *at) {
  static const size_t last[] = {63, 127, 255, 511, 1023, 1518};
  size_t length = trace_get_wire_length(v->packet), found = 0;
  while (found < sizeof last / sizeof *last && length > last[found]) found++;
  return put(at, c->size, found);
}

static bool direction(const view *v, column *c, void *at) {
  return put(at, c->size, (uint64_t)trace_get_direction(v->packet));
}

static bool linktype(const view *v, column *c, void *at) {
  return put(at, c->size, (uint64_t)trace_get_link_type(v->packet));
}

static bool position(const view *v, column *c, void *at) { return put(at, c->size, v->index); }

static bool packet(const view *v, column *c, void *at) {
  libtrace_linktype_t type;
  uint32_t left;
  void *buffer = trace_get_packet_buffer(v->packet, &type, &left);
  (void)at;
  if (buffer) append(c, buffer, left);
  return buffer != NULL;
}

/* ---- of the link layer ---- */

static bool mac(column *c, const uint8_t *bytes) {
  static const char digits[] = "0123456789abcdef";
  char text[18], *to = text;
  if (!bytes) return false;
  for (int i = 0; i < 6; i++) {
    if (i) *to++ = ':';
    *to++ = digits[bytes[i] >> 4];
    *to++ = digits[bytes[i] & 15];
  }
  append(c, text, (size_t)(to - text));
  return true;
}

static bool src_mac(const view *v, column *c, void *at) {
  (void)at;
  return mac(c, trace_get_source_mac(v->packet));
}

static bool dst_mac(const view *v, column *c, void *at) {
  (void)at;
  return mac(c, trace_get_destination_mac(v->packet));
}

static bool ethertype(const view *v, column *c, void *at) {
  return v->l3 && put(at, c->size, v->ethertype);
}

/* Calls for each tag of a kind; returns how many there are. */
static int walk_tags(const view *v, bool labels, uint32_t *numbers) {
  libtrace_linktype_t type;
  uint16_t next;
  uint32_t left;
  int count = 0;
  void *link = trace_get_layer2(v->packet, &type, &left);
  const uint8_t *at = link ? trace_get_payload_from_layer2(link, type, &next, &left) : NULL;
  while (at && left >= 4 && count < 16) {
    if (next == VLAN || next == QINQ) {
      if (!labels) numbers[count++] = be16(at) & 0xfff;
      next = be16(at + 2);
    } else if (next == MPLS) {
      if (labels) numbers[count++] = be32(at) >> 12;
      if (at[2] & 1) break;
    } else {
      break;
    }
    at += 4, left -= 4;
  }
  return count;
}

static bool vlan_id(const view *v, column *c, void *at) {
  uint32_t numbers[16];
  return walk_tags(v, false, numbers) && put(at, c->size, numbers[0]);
}

static bool vlan_ids(const view *v, column *c, void *at) {
  uint32_t numbers[16];
  int count = walk_tags(v, false, numbers);
  (void)at;
  for (int i = 0; i < count; i++) append(c, &numbers[i], 2);
  return true;
}

static bool mpls_label(const view *v, column *c, void *at) {
  uint32_t numbers[16];
  return walk_tags(v, true, numbers) && put(at, c->size, numbers[0]);
}

/* ---- of the IP header ---- */

static const libtrace_ip_t *ip4(const view *v) {
  return v->l3 && v->ethertype == 0x0800 && v->l3_left >= 20 ? (const void *)v->l3 : NULL;
}

static const libtrace_ip6_t *ip6(const view *v) {
  return v->l3 && v->ethertype == 0x86dd && v->l3_left >= 40 ? (const void *)v->l3 : NULL;
}

static bool ip_version(const view *v, column *c, void *at) {
  return (ip4(v) && put(at, c->size, 4)) || (ip6(v) && put(at, c->size, 6));
}

static bool text(const view *v, column *c, bool source) {
  char room[INET6_ADDRSTRLEN];
  const libtrace_ip_t *four = ip4(v);
  const libtrace_ip6_t *six = ip6(v);
  if (four)
    inet_ntop(AF_INET, source ? &four->ip_src : &four->ip_dst, room, sizeof room);
  else if (six)
    inet_ntop(AF_INET6, source ? &six->ip_src : &six->ip_dst, room, sizeof room);
  else
    return false;
  append(c, room, strlen(room));
  return true;
}

static bool src(const view *v, column *c, void *at) { return (void)at, text(v, c, true); }
static bool dst(const view *v, column *c, void *at) { return (void)at, text(v, c, false); }

static bool mapped(const view *v, uint8_t *at, bool source) {
  static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
  const libtrace_ip_t *four = ip4(v);
  const libtrace_ip6_t *six = ip6(v);
  if (four) {
    memcpy(at, prefix, sizeof prefix);
    memcpy(at + sizeof prefix, source ? &four->ip_src : &four->ip_dst, 4);
  } else if (six) {
    memcpy(at, source ? &six->ip_src : &six->ip_dst, 16);
  }
  return four || six;
}

static bool src_ip(const view *v, column *c, void *at) { return (void)c, mapped(v, at, true); }
static bool dst_ip(const view *v, column *c, void *at) { return (void)c, mapped(v, at, false); }

static bool proto(const view *v, column *c, void *at) {
  return v->transport && put(at, c->size, v->proto);
}

#define OF_IP4(NAME, VALUE)                                                                        \
  static bool NAME(const view *v, column *c, void *at) {                                           \
    const libtrace_ip_t *ip = ip4(v);                                                              \
    return ip && put(at, c->size, VALUE);                                                          \
  }
OF_IP4(ip_id, ntohs(ip->ip_id))
OF_IP4(ip_flags, v->l3[6] >> 5)
OF_IP4(frag_offset, be16(v->l3 + 6) & 0x1fff)

#define OF_EITHER(NAME, FOUR, SIX)                                                                 \
  static bool NAME(const view *v, column *c, void *at) {                                           \
    const libtrace_ip_t *ip = ip4(v);                                                              \
    if (ip) return put(at, c->size, FOUR);                                                         \
    return ip6(v) && put(at, c->size, SIX);                                                        \
  }
OF_EITHER(ttl, ip->ip_ttl, v->l3[7])
OF_EITHER(traffic_class, ip->ip_tos, be16(v->l3) >> 4 & 0xff)
OF_EITHER(ip_len, ntohs(ip->ip_len), be16(v->l3 + 4) + 40u)

static bool flow_label(const view *v, column *c, void *at) {
  return ip6(v) && put(at, c->size, be32(v->l3) & 0xfffff);
}

/* ---- of the transport header ---- */

static bool has_ports(const view *v) {
  return v->transport && v->transport_left >= 4 &&
         (v->proto == TCP || v->proto == UDP || v->proto == SCTP);
}

static bool src_port(const view *v, column *c, void *at) {
  return has_ports(v) && put(at, c->size, be16(v->transport));
}

static bool dst_port(const view *v, column *c, void *at) {
  return has_ports(v) && put(at, c->size, be16(v->transport + 2));
}

#define OF_TCP(NAME, VALUE)                                                                        \
  static bool NAME(const view *v, column *c, void *at) {                                           \
    const uint8_t *tcp =                                                                           \
        v->transport && v->proto == TCP && v->transport_left >= 20 ? v->transport : NULL;          \
    return tcp && put(at, c->size, VALUE);                                                         \
  }
OF_TCP(tcp_seq, be32(tcp + 4))
OF_TCP(tcp_ack, be32(tcp + 8))
OF_TCP(tcp_flags, be16(tcp + 12) & 0xfff)
OF_TCP(tcp_window, be16(tcp + 14))

static bool option(const view *v, column *c, void *at, int wanted, size_t size, size_t offset) {
  if (!v->transport || v->proto != TCP || v->transport_left < 20) return false;
  int left = (v->transport[12] >> 4) * 4 - 20;
  if (left > (int)v->transport_left - 20) left = (int)v->transport_left - 20;
  unsigned char *here = (unsigned char *)v->transport + 20, type, length, *data;
  while (trace_get_next_option(&here, &left, &type, &length, &data))
    if (type == wanted && length >= 2 + offset + size)
      return put(at, c->size, size == 1 ? data[0] : size == 2 ? be16(data) : be32(data + offset));
  return false;
}

static bool tcp_mss(const view *v, column *c, void *at) { return option(v, c, at, 2, 2, 0); }
static bool tcp_wscale(const view *v, column *c, void *at) { return option(v, c, at, 3, 1, 0); }
static bool tcp_tsval(const view *v, column *c, void *at) { return option(v, c, at, 8, 4, 0); }
static bool tcp_tsecr(const view *v, column *c, void *at) { return option(v, c, at, 8, 4, 4); }

#define OF_ICMP(NAME, OFFSET)                                                                      \
  static bool NAME(const view *v, column *c, void *at) {                                           \
    return v->transport && v->transport_left >= 2 && (v->proto == ICMP || v->proto == ICMP6) &&    \
           put(at, c->size, v->transport[OFFSET]);                                                 \
  }
OF_ICMP(icmp_type, 0)
OF_ICMP(icmp_code, 1)

static bool headers_cut(const view *v, column *c, void *at) {
  bool cut = v->l3 && ((v->ethertype == 0x0800 && !ip4(v)) || (v->ethertype == 0x86dd && !ip6(v)));
  bool ported = v->transport && (v->proto == TCP || v->proto == UDP || v->proto == SCTP);
  return put(at, c->size, cut || (ported && !has_ports(v)));
}

static bool has_payload(const view *v) {
  return has_ports(v) || (v->transport && (v->proto == ICMP || v->proto == ICMP6));
}

static bool payload_len(const view *v, column *c, void *at) {
  return has_payload(v) && put(at, c->size, trace_get_payload_length(v->packet));
}

static bool payload(const view *v, column *c, void *at) {
  uint32_t left = v->transport_left;
  void *start = (void *)v->transport;
  (void)at;
  if (!has_payload(v)) return false;
  start = v->proto == TCP   ? trace_get_payload_from_tcp(start, &left)
          : v->proto == UDP ? trace_get_payload_from_udp(start, &left)
                            : (left >= 8 ? left -= 8, (void *)(v->transport + 8) : NULL);
  if (start && left > trace_get_payload_length(v->packet))
    left = (uint32_t)trace_get_payload_length(v->packet);
  if (start) append(c, start, left);
  return start != NULL;
}

static uint64_t mix(uint64_t value) {
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

static uint64_t mix_end(const uint8_t *address, uint16_t port) {
  uint64_t words[2];
  memcpy(words, address, sizeof words);
  return mix(mix(port + words[0]) + words[1]);
}

static bool flow_hash(const view *v, column *c, void *at) {
  uint8_t from[16], to[16];
  if (!mapped(v, from, true)) return false;
  mapped(v, to, false);
  bool ports = has_ports(v);
  uint64_t ends = mix_end(from, ports ? be16(v->transport) : 0) +
                  mix_end(to, ports ? be16(v->transport + 2) : 0);
  return put(at, c->size, mix(ends + v->proto));
}

/* ---- all of them ---- */

static const struct {
  const char *name;
  filler *fill;
  size_t size;
  bool headers;
} known[] = {
    {"timestamp", timestamp, 8, false},
    {"wire_len", wire_len, 4, false},
    {"capture_len", capture_len, 4, false},
    {"is_truncated", is_truncated, 1, false},
    {"size_class", size_class, 1, false},
    {"direction", direction, 1, false},
    {"linktype", linktype, 2, false},
    {"src_mac", src_mac, 0, false},
    {"dst_mac", dst_mac, 0, false},
    {"ethertype", ethertype, 2, true},
    {"vlan_id", vlan_id, 2, false},
    {"vlan_ids", vlan_ids, 0, false},
    {"mpls_label", mpls_label, 4, false},
    {"ip_version", ip_version, 1, true},
    {"src", src, 0, true},
    {"dst", dst, 0, true},
    {"src_ip", src_ip, 16, true},
    {"dst_ip", dst_ip, 16, true},
    {"proto", proto, 1, true},
    {"ttl", ttl, 1, true},
    {"traffic_class", traffic_class, 1, true},
    {"ip_id", ip_id, 2, true},
    {"ip_flags", ip_flags, 1, true},
    {"frag_offset", frag_offset, 2, true},
    {"ip_len", ip_len, 4, true},
    {"flow_label", flow_label, 4, true},
    {"src_port", src_port, 2, true},
    {"dst_port", dst_port, 2, true},
    {"tcp_seq", tcp_seq, 4, true},
    {"tcp_ack", tcp_ack, 4, true},
    {"tcp_flags", tcp_flags, 2, true},
    {"tcp_window", tcp_window, 2, true},
    {"tcp_mss", tcp_mss, 2, true},
    {"tcp_wscale", tcp_wscale, 1, true},
    {"tcp_tsval", tcp_tsval, 4, true},
    {"tcp_tsecr", tcp_tsecr, 4, true},
    {"icmp_type", icmp_type, 1, true},
    {"icmp_code", icmp_code, 1, true},
    {"payload_len", payload_len, 4, true},
    {"headers_cut", headers_cut, 1, true},
    {"flow_hash", flow_hash, 8, true},
    {"packet", packet, 0, false},
    {"payload", payload, 0, true},
    {"index", position, 8, false},
};

static column *columns[MOST_COLUMNS];
static int count;
static bool headers;

static bool choose(const char *name, size_t length) {
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strlen(known[i].name) != length || memcmp(known[i].name, name, length) != 0) continue;
    column *c = calloc(1, sizeof *c);
    if (!c || count == MOST_COLUMNS) return false;
    c->fill = known[i].fill;
    c->size = known[i].size;
    c->values = calloc(ROWS + 1, c->size ? c->size : sizeof(int32_t));
    headers |= known[i].headers;
    columns[count++] = c;
    return c->values != NULL;
  }
  return false;
}

static bool choose_all(const char *names) {
  for (const char *name = names;; name++) {
    size_t length = strcspn(name, ",");
    if (!choose(name, length)) return false;
    name += length;
    if (!*name) return true;
  }
}

static void look(view *v) {
  if (!headers) return;
  v->l3 = trace_get_layer3(v->packet, &v->ethertype, &v->l3_left);
  v->transport = trace_get_transport(v->packet, &v->proto, &v->transport_left);
}

static void fill_row(view *v, uint32_t row) {
  look(v);
  for (int i = 0; i < count; i++) {
    column *c = columns[i];
    bool there = c->fill(v, c, c->values + row * c->size);
    c->validity[row / 8] |= (uint8_t)(there << row % 8);
    c->there += there;
    if (!c->size) ((int32_t *)(void *)c->values)[row + 1] = (int32_t)c->length;
  }
}

static void start_batch(void) {
  for (int i = 0; i < count; i++) {
    memset(columns[i]->validity, 0, sizeof columns[i]->validity);
    columns[i]->length = 0;
  }
}

static uint64_t read_all(libtrace_t *trace, libtrace_packet_t *one) {
  view v = {.packet = one};
  for (; trace_read_packet(trace, one) > 0; v.index++) {
    if (v.index % ROWS == 0) start_batch();
    fill_row(&v, v.index % ROWS);
  }
  return v.index;
}

int main(int argc, char **argv) {
  bool timed = argc > 1 && strcmp(argv[1], "-t") == 0;
  char **arguments = argv + timed;
  struct timespec begin, end;
  if (argc - timed != 3 || !choose_all(arguments[1])) {
    fprintf(stderr, "usage: columns [-t] NAME[,NAME...] URI\n");
    return 2;
  }
  clock_gettime(CLOCK_MONOTONIC, &begin);
  libtrace_t *trace = trace_create(arguments[2]);
  libtrace_packet_t *one = trace_create_packet();
  if (trace_is_err(trace) || trace_start(trace) == -1) {
    trace_perror(trace, "columns");
    return 1;
  }
  uint64_t rows = read_all(trace, one), there = 0;
  clock_gettime(CLOCK_MONOTONIC, &end);
  for (int i = 0; i < count; i++) there += columns[i]->there;
  printf("rows %" PRIu64 "\nvalues %" PRIu64 "\n", rows, there);
  if (timed)
    printf("seconds %.9f\n",
           (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
  trace_destroy_packet(one);
  trace_destroy(trace);
  return 0;
}
