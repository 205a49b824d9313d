/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * What columns there are. Each reads its value through the accessor that the object model has.
 */
#include "columns.h"

#include <endian.h>

/* ---- of the packet ---- */

static lts_field timestamp(lts_seen *seen) { return lts_packet_timestamp_ns_get(seen->packet); }
static lts_field wire_len(lts_seen *seen) { return lts_packet_wire_len_get(seen->packet); }
static lts_field capture_len(lts_seen *seen) { return lts_packet_capture_len_get(seen->packet); }
static lts_field is_truncated(lts_seen *seen) { return lts_packet_is_truncated_get(seen->packet); }
static lts_field direction(lts_seen *seen) { return lts_packet_direction_get(seen->packet); }
static lts_field linktype(lts_seen *seen) { return lts_packet_linktype_get(seen->packet); }
static lts_unsigned position(lts_seen *seen) { return (lts_unsigned){LTS_PRESENT, seen->index}; }

/* The classes of RMON (RFC 2819, etherStatsPkts64Octets and following), which count the FCS. */
static lts_field size_class(lts_seen *seen) {
  static const uint16_t last[] = {63, 127, 255, 511, 1023, 1518};
  lts_field length = wire_len(seen);
  int found = 0;
  while (found < (int)(sizeof last / sizeof *last) && length > last[found]) found++;
  return found;
}

static lts_bytes packet(lts_seen *seen) {
  lts_bytes captured = lts_packet_captured(seen->packet);
  return captured.length ? captured : (lts_bytes){(const uint8_t *)"", 0};
}

/* ---- of the link layer ---- */

static int format_mac(lts_seen *seen, bool source, char *room) {
  const uint8_t *bytes;
  lts_presence presence = lts_mac_find(seen->packet, source, "mac", &bytes);
  return presence == LTS_PRESENT ? lts_mac_format(room, bytes) : -1;
}

static int src_mac(lts_seen *seen, char *room) { return format_mac(seen, true, room); }
static int dst_mac(lts_seen *seen, char *room) { return format_mac(seen, false, room); }

static lts_field ethertype(lts_seen *seen) {
  lts_field value = lts_packet_ethertype_get(seen->packet);
  return value ? value : LTS_ABSENT;
}

static lts_numbers vlan_ids(lts_seen *seen) { return lts_packet_vlan_ids_get(seen->packet); }

static lts_field first_of(const lts_numbers *numbers) {
  return numbers->count > 0 ? numbers->values[0] : LTS_ABSENT;
}

static lts_field vlan_id(lts_seen *seen) {
  lts_numbers numbers = lts_packet_vlan_ids_get(seen->packet);
  return first_of(&numbers);
}

static lts_field mpls_label(lts_seen *seen) {
  lts_numbers numbers = lts_packet_mpls_labels_get(seen->packet);
  return first_of(&numbers);
}

/* ---- of the outermost IP header ---- */

static int src(lts_seen *seen, char *room) {
  lts_address address = lts_packet_src_get(seen->packet);
  return lts_address_format(room, &address);
}

static int dst(lts_seen *seen, char *room) {
  lts_address address = lts_packet_dst_get(seen->packet);
  return lts_address_format(room, &address);
}

static lts_field proto(lts_seen *seen) { return lts_packet_ip_proto_get(seen->packet); }

void lts_address_map(uint8_t *mapped, const uint8_t *bytes, int version) {
  if (version == 4) {
    uint64_t last = htobe64((uint64_t)0xffff << 32 | be32(bytes));
    memset(mapped, 0, 8);
    memcpy(mapped + 8, &last, 8);
  } else {
    memcpy(mapped, bytes, 16);
  }
}

static bool map(lts_seen *seen, bool source, uint8_t *mapped) {
  const uint8_t *bytes;
  int version;
  if (lts_address_find(seen->packet, source, "address", &bytes, &version) != LTS_PRESENT)
    return false;
  lts_address_map(mapped, bytes, version);
  return true;
}

static bool src_ip(lts_seen *seen, uint8_t *mapped) { return map(seen, true, mapped); }
static bool dst_ip(lts_seen *seen, uint8_t *mapped) { return map(seen, false, mapped); }

static bool is(const lts_packet *layer, lts_layer_kind kind) { return layer->layer == kind; }

static lts_field ip_version(lts_seen *seen) {
  return is(&seen->internet, LTS_IP) ? 4 : is(&seen->internet, LTS_IP6) ? 6 : LTS_ABSENT;
}

#define OF_INTERNET(NAME)                                                                          \
  static lts_field NAME(lts_seen *seen) {                                                          \
    if (is(&seen->internet, LTS_PACKET)) return LTS_ABSENT;                                        \
    return lts_internet_##NAME##_get((lts_internet *)&seen->internet);                             \
  }
OF_INTERNET(ttl)
OF_INTERNET(traffic_class)

#define OF(LAYER, KIND, CLASS, NAME, FIELD)                                                        \
  static lts_field NAME(lts_seen *seen) {                                                          \
    if (!is(&seen->LAYER, KIND)) return LTS_ABSENT;                                                \
    return lts_##CLASS##_##FIELD##_get((lts_##CLASS *)&seen->LAYER);                               \
  }
OF(internet, LTS_IP, ip, ip_id, ident)
OF(internet, LTS_IP, ip, frag_offset, frag_offset)
OF(internet, LTS_IP6, ip6, flow_label, flow_label)

static lts_field ip_flags(lts_seen *seen) {
  if (!is(&seen->internet, LTS_IP)) return LTS_ABSENT;
  lts_ip *ip = (lts_ip *)&seen->internet;
  lts_truth rf = lts_ip_has_rf_get(ip);
  return rf == LTS_FAILED ? rf : rf << 2 | lts_ip_has_df_get(ip) << 1 | lts_ip_has_mf_get(ip);
}

/* Of IPv6 with its header; none in a jumbogram (RFC 2675), or where it cannot be told from one. */
static lts_field ip_len(lts_seen *seen) {
  enum { FIXED = 40, HOP_BY_HOP = 0 };
  if (is(&seen->internet, LTS_IP)) return lts_internet_pkt_len_get((lts_internet *)&seen->internet);
  if (!is(&seen->internet, LTS_IP6)) return LTS_ABSENT;
  lts_ip6 *ip6 = (lts_ip6 *)&seen->internet;
  lts_field payload = lts_ip6_payload_len_get(ip6);
  if (payload == 0 && lts_ip6_next_hdr_get(ip6) <= HOP_BY_HOP) return LTS_ABSENT;
  return payload < 0 ? payload : payload + FIXED;
}

/* Whether one of the columns that a flow consists of is cut off. */
static lts_field headers_cut(lts_seen *seen) {
  enum { ADDRESSES4 = 20, ADDRESSES6 = 40, PORTS = 4 };
  const lts_headers *headers = lts_frame_decode(seen->packet->frame);
  const lts_network *network = &headers->network;
  uint32_t addresses = network->version == 6 ? ADDRESSES6 : ADDRESSES4;
  if (network->presence != LTS_PRESENT) return network->presence == LTS_CUT;
  if (headers->end - network->at < addresses || network->proto_presence == LTS_CUT) return true;
  if (!lts_has_ports(network->proto)) return false;
  return network->transport_presence == LTS_CUT ||
         (network->transport_presence == LTS_PRESENT && headers->end - network->transport < PORTS);
}

static lts_unsigned flow_hash(lts_seen *seen) { return lts_packet_flow_hash_get(seen->packet); }

/* ---- of the transport header ---- */

static lts_field src_port(lts_seen *seen) { return lts_packet_src_port_get(seen->packet); }
static lts_field dst_port(lts_seen *seen) { return lts_packet_dst_port_get(seen->packet); }

OF(transport, LTS_TCP, tcp, tcp_seq, seq_nbr)
OF(transport, LTS_TCP, tcp, tcp_ack, ack_nbr)
OF(transport, LTS_TCP, tcp, tcp_flags, flags)
OF(transport, LTS_TCP, tcp, tcp_window, window)

#define TCP_OPTION(NAME, KIND, INDEX)                                                              \
  static lts_field NAME(lts_seen *seen) {                                                          \
    if (!is(&seen->transport, LTS_TCP)) return LTS_ABSENT;                                         \
    return lts_tcp_option_number((lts_tcp *)&seen->transport, KIND, INDEX);                        \
  }
TCP_OPTION(tcp_mss, 2, 0)
TCP_OPTION(tcp_wscale, 3, 0)
TCP_OPTION(tcp_tsval, 8, 0)
TCP_OPTION(tcp_tsecr, 8, 1)

#define OF_ICMP(NAME, FIELD)                                                                       \
  static lts_field NAME(lts_seen *seen) {                                                          \
    if (is(&seen->transport, LTS_ICMP))                                                            \
      return lts_icmp_##FIELD##_get((lts_icmp *)&seen->transport);                                 \
    if (!is(&seen->transport, LTS_ICMP6)) return LTS_ABSENT;                                       \
    return lts_icmp6_##FIELD##_get((lts_icmp6 *)&seen->transport);                                 \
  }
OF_ICMP(icmp_type, type)
OF_ICMP(icmp_code, code)

static lts_field payload_len(lts_seen *seen) { return lts_packet_payload_length_get(seen->packet); }

static lts_bytes payload(lts_seen *seen) {
  lts_bytes captured;
  uint32_t length;
  lts_presence presence = lts_payload_find(seen->packet, &captured, &length, "payload");
  return presence == LTS_PRESENT ? captured : (lts_bytes){NULL, 0};
}

/* ---- all of them ---- */

#define NUMBER(NAME, TYPE, HEADERS) LTS_COLUMN(#NAME, TYPE, HEADERS, number, NAME)
#define RECORD false
#define DECODED true
static const lts_column_def columns[] = {
    NUMBER(timestamp, TIME, RECORD),
    NUMBER(wire_len, UINT32, RECORD),
    NUMBER(capture_len, UINT32, RECORD),
    NUMBER(is_truncated, BOOL, RECORD),
    NUMBER(size_class, UINT8, RECORD),
    NUMBER(direction, INT16, RECORD),
    NUMBER(linktype, INT16, DECODED),
    LTS_COLUMN("src_mac", TEXT, DECODED, text, src_mac),
    LTS_COLUMN("dst_mac", TEXT, DECODED, text, dst_mac),
    NUMBER(ethertype, UINT16, DECODED),
    NUMBER(vlan_id, UINT16, DECODED),
    LTS_COLUMN("vlan_ids", LIST, DECODED, numbers, vlan_ids),
    NUMBER(mpls_label, UINT32, DECODED),
    NUMBER(ip_version, UINT8, DECODED),
    LTS_COLUMN("src", TEXT, DECODED, text, src),
    LTS_COLUMN("dst", TEXT, DECODED, text, dst),
    LTS_COLUMN("src_ip", ADDRESS, DECODED, address, src_ip),
    LTS_COLUMN("dst_ip", ADDRESS, DECODED, address, dst_ip),
    NUMBER(proto, UINT8, DECODED),
    NUMBER(ttl, UINT8, DECODED),
    NUMBER(traffic_class, UINT8, DECODED),
    NUMBER(ip_id, UINT16, DECODED),
    NUMBER(ip_flags, UINT8, DECODED),
    NUMBER(frag_offset, UINT16, DECODED),
    NUMBER(ip_len, UINT32, DECODED),
    NUMBER(flow_label, UINT32, DECODED),
    NUMBER(src_port, UINT16, DECODED),
    NUMBER(dst_port, UINT16, DECODED),
    NUMBER(tcp_seq, UINT32, DECODED),
    NUMBER(tcp_ack, UINT32, DECODED),
    NUMBER(tcp_flags, UINT16, DECODED),
    NUMBER(tcp_window, UINT16, DECODED),
    NUMBER(tcp_mss, UINT16, DECODED),
    NUMBER(tcp_wscale, UINT8, DECODED),
    NUMBER(tcp_tsval, UINT32, DECODED),
    NUMBER(tcp_tsecr, UINT32, DECODED),
    NUMBER(icmp_type, UINT8, DECODED),
    NUMBER(icmp_code, UINT8, DECODED),
    NUMBER(payload_len, UINT32, DECODED),
    NUMBER(headers_cut, BOOL, DECODED),
    LTS_COLUMN("flow_hash", UINT64, DECODED, hash, flow_hash),
    LTS_COLUMN("packet", BYTES, RECORD, bytes, packet),
    LTS_COLUMN("payload", BYTES, DECODED, bytes, payload),
    LTS_COLUMN("index", UINT64, RECORD, hash, position),
};

_Static_assert(sizeof columns / sizeof *columns + LTS_COUNTS <= LTS_MOST_COLUMNS, "a bit each");

const lts_table lts_packet_table = {"libtrace.COLUMNS", sizeof columns / sizeof *columns, columns};

const lts_column_def *lts_column_find(const lts_table *table, const char *name, size_t length) {
  for (const lts_column_def *def = table->columns; def < table->columns + table->count; def++)
    if (strlen(def->name) == length && !memcmp(def->name, name, length)) return def;
  return NULL;
}

const lts_table *lts_table_of(lts_rows_of rows) {
  switch (rows) {
  case LTS_ROWS_OF_FLOWS: return &lts_flow_table;
  case LTS_ROWS_OF_COUNTS: return &lts_count_table;
  default: return &lts_packet_table;
  }
}

static const lts_column_def *numbered(lts_rows_of rows, int number) {
  const lts_table *table = lts_table_of(rows);
  return number >= 0 && number < table->count ? &table->columns[number] : NULL;
}

lts_name lts_column_name(lts_rows_of rows, int number) {
  const lts_column_def *def = numbered(rows, number);
  return def ? def->name : NULL;
}

int lts_column_kind(lts_rows_of rows, int number) {
  const lts_column_def *def = numbered(rows, number);
  return def ? (int)def->type : -1;
}

/* ---- packets ---- */

static lts_layer_kind kind_of(const lts_network *network) {
  enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_ICMP6 = 58 };
  if (network->transport_presence != LTS_PRESENT) return LTS_PACKET;
  if (network->proto == PROTO_TCP) return LTS_TCP;
  if (network->proto == PROTO_ICMP && network->version == 4) return LTS_ICMP;
  if (network->proto == PROTO_ICMP6 && network->version == 6) return LTS_ICMP6;
  return LTS_PACKET;
}

void lts_seen_decode(lts_seen *seen) {
  lts_frame *frame = seen->packet->frame;
  const lts_network *network = &lts_frame_decode(frame)->network;
  bool there = network->presence == LTS_PRESENT;
  seen->internet = (lts_packet){
      .frame = frame,
      .layer = there && network->version == 4   ? LTS_IP
               : there && network->version == 6 ? LTS_IP6
                                                : LTS_PACKET,
      .at = network->at,
      .network = *network,
  };
  seen->transport = (lts_packet){
      .frame = frame,
      .layer = kind_of(network),
      .at = network->transport,
      .network = *network,
  };
}
