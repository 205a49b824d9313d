/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * What is known of a flow: taken from its packets, and shown as columns.
 */
#include "flowcache.h"

/* ---- the key ---- */

/* The same as the packet's column. Most packets have no tags, and need no walk to tell. */
static uint16_t vlan_of(lts_seen *seen) {
  enum { ETHERNET = 14 };
  const lts_headers *headers = &seen->packet->frame->headers;
  uint32_t before = headers->network.at - headers->link;
  if (!before || (before == ETHERNET && headers->linktype == TRACE_TYPE_ETH))
    return LTS_FLOW_NO_VLAN;
  lts_numbers ids = lts_packet_vlan_ids_get(seen->packet);
  return ids.count > 0 ? (uint16_t)ids.values[0] : LTS_FLOW_NO_VLAN;
}

static uint8_t order(const lts_address *src, const lts_address *dst, lts_field src_port,
                     lts_field dst_port) {
  int difference = memcmp(src->bytes, dst->bytes, sizeof src->bytes);
  return difference ? difference > 0 : src_port > dst_port;
}

bool lts_flow_key_read(lts_flow_key *key, uint8_t *sender, lts_seen *seen) {
  lts_packet *packet = seen->packet;
  lts_address src = lts_packet_src_get(packet), dst = lts_packet_dst_get(packet);
  lts_field proto = lts_packet_ip_proto_get(packet);
  if (src.presence != LTS_PRESENT || dst.presence != LTS_PRESENT || proto < 0) return false;
  lts_field src_port = lts_packet_src_port_get(packet), dst_port = lts_packet_dst_port_get(packet);
  bool ports = src_port >= 0 && dst_port >= 0;
  if (!ports) src_port = dst_port = 0;
  uint8_t source = order(&src, &dst, src_port, dst_port);
  *sender = source;
  memcpy(key->addresses[source], src.bytes, sizeof src.bytes);
  memcpy(key->addresses[!source], dst.bytes, sizeof dst.bytes);
  key->ports[source] = (uint16_t)src_port;
  key->ports[!source] = (uint16_t)dst_port;
  key->tag = (uint16_t)(vlan_of(seen) | (ports ? 0 : LTS_FLOW_NO_PORTS));
  key->proto = (uint8_t)proto;
  key->version = (uint8_t)src.version;
  return true;
}

/* ---- TCP (RFC 9293) ---- */

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

lts_segment lts_segment_read(lts_seen *seen) {
  lts_segment segment = {.flags = LTS_ABSENT};
  if (seen->transport.layer != LTS_TCP) return segment;
  lts_tcp *tcp = (lts_tcp *)&seen->transport;
  segment.flags = lts_tcp_flags_get(tcp);
  if (segment.flags < 0) return segment;
  segment.seq = (uint32_t)lts_tcp_seq_nbr_get(tcp);
  segment.ack = (uint32_t)lts_tcp_ack_nbr_get(tcp);
  return segment;
}

bool lts_segment_opens(const lts_segment *segment) {
  return segment->flags >= 0 && (segment->flags & (SYN | ACK)) == SYN;
}

static bool acknowledges(const lts_segment *segment, uint32_t expected) {
  return segment->flags & ACK && segment->ack - expected < 1u << 31;
}

/* From the last SYN in front of the SYN-ACK to the first ACK behind it. */
static void follow_handshake(lts_flow_record *record, uint8_t way, int64_t time,
                             const lts_segment *segment) {
  bool from_opener = way == record->opener;
  if (lts_segment_opens(segment)) {
    if (record->handshake > LTS_SYN) return;
    record->handshake = LTS_SYN;
    record->opener = way;
    record->handshake_ns = time;
    record->expected = segment->seq + 1;
  } else if (record->handshake == LTS_SYN && segment->flags & SYN) {
    if (from_opener || !acknowledges(segment, record->expected)) return;
    record->handshake = LTS_SYN_ACK;
    record->expected = segment->seq + 1;
  } else if (record->handshake == LTS_SYN_ACK && !(segment->flags & (SYN | RST))) {
    if (!from_opener || !acknowledges(segment, record->expected)) return;
    record->handshake = LTS_HANDSHAKE_DONE;
    if (__builtin_sub_overflow(time, record->handshake_ns, &record->handshake_ns))
      record->handshake_ns = -1;
  }
}

static void add_segment(lts_flow_record *record, uint8_t way, int64_t time,
                        const lts_segment *segment) {
  record->ways[way].tcp_flags |= (uint16_t)(segment->flags | LTS_FLOW_TCP);
  record->closed |=
      segment->flags & RST || record->ways[0].tcp_flags & record->ways[1].tcp_flags & FIN;
  follow_handshake(record, way, time, segment);
}

/* ---- packets ---- */

void lts_flow_record_add(lts_flow_record *record, uint8_t sender, lts_seen *seen,
                         const lts_segment *segment) {
  uint8_t way = sender != record->source;
  int64_t time = seen->packet->frame->timestamp_ns;
  bool first = !record->ways[0].packets && !record->ways[1].packets;
  if (first || time < record->first) record->first = time;
  if (first || time > record->last) record->last = time;
  record->ways[way].packets++;
  record->ways[way].bytes += seen->packet->frame->wire_length;
  if (segment->flags >= 0) add_segment(record, way, time, segment);
}

/* ---- columns ---- */

static lts_address address(const lts_flow_record *record, uint8_t end) {
  lts_address address = {.presence = LTS_PRESENT, .version = record->key.version};
  memcpy(address.bytes, record->key.addresses[end], sizeof address.bytes);
  return address;
}

static lts_field port(const lts_flow_record *record, uint8_t end) {
  return record->key.tag & LTS_FLOW_NO_PORTS ? LTS_ABSENT : record->key.ports[end];
}

/* The column of a field; `flow` is the record. */
#define COLUMN(TYPE, NAME, VALUE)                                                                  \
  static TYPE NAME(lts_seen *seen) {                                                               \
    const lts_flow_record *flow = seen->flow;                                                      \
    return VALUE;                                                                                  \
  }
#define COUNT(VALUE)                                                                               \
  (lts_unsigned) { LTS_PRESENT, VALUE }

COLUMN(lts_field, first, flow->first)
COLUMN(lts_field, last, flow->last)
COLUMN(lts_field, ip_version, flow->key.version)
COLUMN(lts_field, proto, flow->key.proto)
COLUMN(lts_field, src_port, port(flow, flow->source))
COLUMN(lts_field, dst_port, port(flow, !flow->source))
COLUMN(lts_unsigned, packets, COUNT(flow->ways[0].packets))
COLUMN(lts_unsigned, bytes, COUNT(flow->ways[0].bytes))
COLUMN(lts_unsigned, rev_packets, COUNT(flow->ways[1].packets))
COLUMN(lts_unsigned, rev_bytes, COUNT(flow->ways[1].bytes))
COLUMN(lts_field, end_reason, flow->reason)

static lts_field vlan_id(lts_seen *seen) {
  uint16_t tag = seen->flow->key.tag & (uint16_t)~LTS_FLOW_NO_PORTS;
  return tag & LTS_FLOW_NO_VLAN ? LTS_ABSENT : tag;
}

static int src(lts_seen *seen, char *text) {
  lts_address from = address(seen->flow, seen->flow->source);
  return lts_address_format(text, &from);
}

static int dst(lts_seen *seen, char *text) {
  lts_address to = address(seen->flow, !seen->flow->source);
  return lts_address_format(text, &to);
}

static bool map(const lts_flow_record *flow, uint8_t end, uint8_t *mapped) {
  lts_address_map(mapped, flow->key.addresses[end], flow->key.version);
  return true;
}

static bool src_ip(lts_seen *seen, uint8_t *mapped) {
  return map(seen->flow, seen->flow->source, mapped);
}

static bool dst_ip(lts_seen *seen, uint8_t *mapped) {
  return map(seen->flow, !seen->flow->source, mapped);
}

static lts_field flags_of(const lts_flow_way *way) {
  return way->tcp_flags & LTS_FLOW_TCP ? way->tcp_flags & ~LTS_FLOW_TCP : LTS_ABSENT;
}
COLUMN(lts_field, tcp_flags, flags_of(&flow->ways[0]))
COLUMN(lts_field, rev_tcp_flags, flags_of(&flow->ways[1]))

static lts_unsigned rtt(lts_seen *seen) {
  const lts_flow_record *flow = seen->flow;
  bool known = flow->handshake == LTS_HANDSHAKE_DONE && flow->handshake_ns >= 0;
  return (lts_unsigned){known ? LTS_PRESENT : LTS_MISSING, (uint64_t)flow->handshake_ns};
}

static lts_unsigned flow_hash(lts_seen *seen) {
  const lts_flow_record *flow = seen->flow;
  lts_address a = address(flow, 0), b = address(flow, 1);
  return COUNT(lts_flow_hash(&a, port(flow, 0), &b, port(flow, 1), flow->key.proto));
}

#define NUMBER(NAME, TYPE) LTS_COLUMN(#NAME, TYPE, false, number, NAME)
#define LARGE(NAME) LTS_COLUMN(#NAME, UINT64, false, hash, NAME)
static const lts_column_def columns[] = {
    NUMBER(first, TIME),
    NUMBER(last, TIME),
    NUMBER(vlan_id, UINT16),
    NUMBER(ip_version, UINT8),
    LTS_COLUMN("src", TEXT, false, text, src),
    LTS_COLUMN("dst", TEXT, false, text, dst),
    LTS_COLUMN("src_ip", ADDRESS, false, address, src_ip),
    LTS_COLUMN("dst_ip", ADDRESS, false, address, dst_ip),
    NUMBER(proto, UINT8),
    NUMBER(src_port, UINT16),
    NUMBER(dst_port, UINT16),
    LARGE(packets),
    LARGE(bytes),
    LARGE(rev_packets),
    LARGE(rev_bytes),
    NUMBER(tcp_flags, UINT16),
    NUMBER(rev_tcp_flags, UINT16),
    LARGE(rtt),
    NUMBER(end_reason, UINT8),
    LARGE(flow_hash),
};

const lts_table lts_flow_table = {"libtrace.FLOW_COLUMNS", sizeof columns / sizeof *columns,
                                  columns};
