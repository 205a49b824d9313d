/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The layers of a packet: which there are, and how their bytes are reached.
 */
#include "layer.h"

enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMP6 = 58, PROTO_SCTP = 132 };

/* ---- bytes ---- */

lts_presence lts_layer_presence(const lts_packet *layer, int presence, uint64_t at, uint32_t length,
                                const char *name) {
  if (presence == LTS_PRESENT && at + length <= lts_layer_end(layer)) return LTS_PRESENT;
  if (presence == LTS_MISSING) return LTS_MISSING;
  lts_fail_cut(name, presence == LTS_CUT ? 0 : at + length, lts_layer_end(layer));
  return LTS_CUT;
}

lts_field lts_network_number(const lts_packet *layer, uint32_t offset, uint32_t size,
                             const char *name) {
  lts_network network = lts_network_of(layer);
  if (network.version) return lts_layer_number(layer, network.at, offset, size, name);
  lts_fail(LTS_E_VALUE, 0, NULL, "%s: there is no IP header around these bytes", name);
  return LTS_FAILED;
}

/* plt: only of a captured packet's own header. */
lts_status lts_layer_set_checksum(lts_packet *layer, uint32_t base, uint32_t offset, int value) {
  if (layer->copy) return lts_fail(LTS_E_VALUE, 0, NULL, "the checksum of a copy cannot be set");
  if (value < 0 || value > 0xffff)
    return lts_fail(LTS_E_VALUE, 0, NULL, "checksum %d is not within 0..65535", value);
  uint8_t *at = lts_layer_bytes(layer, base, offset, 2, "checksum");
  if (!at) return LTS_ERROR;
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
  return LTS_OK;
}

lts_value lts_value_bytes(const uint8_t *data, size_t length) {
  return (lts_value){.kind = LTS_VALUE_BYTES, .bytes = {data, length}};
}

lts_value lts_value_failed(void) { return (lts_value){.kind = LTS_VALUE_FAILED}; }

lts_value lts_value_truth(bool truth) {
  return (lts_value){.kind = truth ? LTS_VALUE_TRUE : LTS_VALUE_FALSE};
}

lts_value lts_value_layer(lts_packet *layer) {
  if (layer == LTS_NO_LAYER) return lts_value_failed();
  return (lts_value){.kind = LTS_VALUE_LAYER, .layer = layer, .type = layer->layer};
}

/* ---- objects ---- */

lts_packet *lts_layer_derive(const lts_packet *parent, lts_layer_kind layer, uint32_t at) {
  lts_packet *object = lts_layer_take(parent->frame, layer, at);
  if (object == LTS_NO_LAYER) return object;
  object->copy = parent->copy;
  object->constructed = parent->constructed;
  object->network = lts_network_of(parent);
  return object;
}

/* plt takes one VLAN tag off, no more: IP behind others is not an `ip` there. */
static lts_network historic_network(const lts_packet *packet) {
  static const lts_network none;
  if (packet->copy) return lts_network_of(packet);
  if (!packet->frame->filled) return none;
  const lts_headers *headers = lts_frame_decode(packet->frame);
  if (headers->ethertype == lts_ethertype_of(headers->network.version)) return headers->network;
  return none;
}

/* What old programs may only ask of a captured packet's own objects. */
static bool is_own(const lts_packet *packet) {
  if (!packet->copy) return true;
  lts_fail(LTS_E_VALUE, 0, NULL, "this object is a copy: only a captured packet has that");
  return false;
}

static lts_packet *own_layer(lts_packet *packet, lts_layer_kind layer, bool there, uint32_t at) {
  if (!is_own(packet)) return LTS_NO_LAYER;
  return there ? lts_layer_derive(packet, layer, at) : NULL;
}

lts_layer2 *lts_packet_layer2_get(lts_packet *packet) {
  uint32_t at = packet->frame->filled ? lts_frame_decode(packet->frame)->link : 0;
  return (lts_layer2 *)own_layer(packet, LTS_LAYER2, true, at);
}

lts_layer3 *lts_packet_layer3_get(lts_packet *packet) {
  uint32_t at = packet->frame->filled ? lts_frame_decode(packet->frame)->layer3 : 0;
  return (lts_layer3 *)own_layer(packet, LTS_LAYER3, true, at);
}

lts_transport *lts_packet_transport_get(lts_packet *packet) {
  if (!is_own(packet) || !lts_frame_is_filled(packet->frame)) return (lts_transport *)LTS_NO_LAYER;
  lts_network network = lts_network_of(packet);
  bool there = network.transport_presence == LTS_PRESENT;
  return (lts_transport *)own_layer(packet, LTS_TRANSPORT, there, network.transport);
}

static lts_packet *ip_layer(lts_packet *packet, lts_layer_kind layer, int version) {
  if (!is_own(packet)) return LTS_NO_LAYER;
  if (!packet->frame->filled) return NULL;
  const lts_headers *headers = lts_frame_decode(packet->frame);
  if (headers->ethertype != lts_ethertype_of(version)) return NULL;
  return lts_layer_derive(packet, layer, headers->layer3);
}

lts_ip *lts_packet_ip_get(lts_packet *packet) { return (lts_ip *)ip_layer(packet, LTS_IP, 4); }

lts_ip6 *lts_packet_ip6_get(lts_packet *packet) { return (lts_ip6 *)ip_layer(packet, LTS_IP6, 6); }

/* A transport header of which at least `least` bytes are captured. */
static lts_packet *transport_layer(lts_packet *packet, lts_layer_kind layer, uint8_t proto,
                                   int version, uint32_t least) {
  lts_network network = historic_network(packet);
  if (network.transport_presence != LTS_PRESENT || network.proto != proto) return NULL;
  if (version && network.version != version) return NULL;
  if ((uint64_t)network.transport + least > lts_layer_end(packet)) return NULL;
  return lts_layer_derive(packet, layer, network.transport);
}

static lts_packet *tcp_layer(lts_packet *packet) {
  return transport_layer(packet, LTS_TCP, PROTO_TCP, 0, 4);
}

static lts_packet *udp_layer(lts_packet *packet) {
  return transport_layer(packet, LTS_UDP, PROTO_UDP, 0, 4);
}

lts_tcp *lts_packet_tcp_get(lts_packet *packet) { return (lts_tcp *)tcp_layer(packet); }

lts_udp *lts_packet_udp_get(lts_packet *packet) { return (lts_udp *)udp_layer(packet); }

lts_sctp *lts_packet_sctp_get(lts_packet *packet) {
  return (lts_sctp *)transport_layer(packet, LTS_SCTP, PROTO_SCTP, 0, 4);
}

lts_icmp *lts_packet_icmp_get(lts_packet *packet) {
  return (lts_icmp *)transport_layer(packet, LTS_ICMP, PROTO_ICMP, 4, 1);
}

lts_icmp6 *lts_packet_icmp6_get(lts_packet *packet) {
  return (lts_icmp6 *)transport_layer(packet, LTS_ICMP6, PROTO_ICMP6, 6, 1);
}

/* ---- payloads ---- */

/* What follows a transport header: NULL where it is no byte. */
static lts_packet *payload_at(const lts_packet *parent, uint64_t at) {
  if (at >= lts_layer_end(parent)) return NULL;
  lts_packet *object = lts_layer_derive(parent, LTS_TRANSPORT, (uint32_t)at);
  if (object != LTS_NO_LAYER) object->payload = true;
  return object;
}

/* The bytes of a TCP header with its options; 0 where that is not captured, or less than 20. */
uint32_t lts_tcp_header_length(const lts_packet *tcp) {
  enum { LEAST = 20, DATA_OFFSET = 12 };
  uint64_t at = (uint64_t)tcp->at + DATA_OFFSET;
  uint32_t end = lts_layer_end(tcp);
  uint32_t length = at < end ? (tcp->frame->data[at] >> 4) * 4u : 0;
  return length >= LEAST && tcp->at + (uint64_t)length <= end ? length : 0;
}

lts_transport *lts_packet_tcp_payload_get(lts_packet *packet) {
  lts_packet *tcp = tcp_layer(packet);
  if (!tcp || tcp == LTS_NO_LAYER) return (lts_transport *)tcp;
  uint32_t length = lts_tcp_header_length(tcp);
  lts_packet *payload = length ? payload_at(tcp, (uint64_t)tcp->at + length) : NULL;
  delete_lts_packet(tcp);
  return (lts_transport *)payload;
}

lts_transport *lts_packet_udp_payload_get(lts_packet *packet) {
  enum { HEADER = 8 };
  lts_packet *udp = udp_layer(packet);
  if (!udp || udp == LTS_NO_LAYER) return (lts_transport *)udp;
  lts_packet *payload = payload_at(udp, (uint64_t)udp->at + HEADER);
  delete_lts_packet(udp);
  return (lts_transport *)payload;
}

/* 0 where the header is not captured in full, or does not tell its length. */
static uint32_t transport_length(const lts_packet *packet, const lts_network *network) {
  enum { PROTO_UDPLITE = 136, UDP = 8, ICMP = 8, SCTP = 12 };
  switch (network->proto) {
  case PROTO_TCP: {
    lts_packet tcp = {.frame = packet->frame, .at = network->transport};
    return lts_tcp_header_length(&tcp);
  }
  case PROTO_UDP:
  case PROTO_UDPLITE: return UDP;
  case PROTO_ICMP:
  case PROTO_ICMP6: return ICMP;
  case PROTO_SCTP: return SCTP;
  default: return 0;
  }
}

/* The length that an IP header states; 0 where an offload or a jumbogram (RFC 2675) has none. */
static uint32_t stated_length(const uint8_t *ip, int version) {
  enum { FIXED = 40 };
  if (version == 4) return be16(ip + 2);
  return be16(ip + 4) ? be16(ip + 4) + FIXED : 0;
}

lts_presence lts_payload_find(lts_packet *packet, lts_bytes *captured, uint32_t *length,
                              const char *name) {
  lts_network network = lts_network_of(packet);
  lts_presence presence =
      lts_layer_presence(packet, network.transport_presence, network.transport, 0, name);
  if (presence != LTS_PRESENT) return presence;
  const uint8_t *data = packet->frame->data;
  uint32_t end = lts_layer_end(packet), header = transport_length(packet, &network);
  if (!header && network.proto == PROTO_TCP)
    return lts_layer_presence(packet, LTS_PRESENT, network.transport, 20, name) == LTS_CUT
               ? LTS_CUT
               : LTS_MISSING;
  uint64_t headers = (uint64_t)network.transport + header - network.at;
  uint32_t whole = stated_length(data + network.at, network.version);
  if (!header || whole < headers) return LTS_MISSING;
  uint64_t at = network.at + headers, until = (uint64_t)network.at + whole;
  if (until > end) until = end;
  *length = whole - (uint32_t)headers;
  *captured = (lts_bytes){data + at, at < until ? until - at : 0};
  return LTS_PRESENT;
}

lts_field lts_packet_payload_length_get(lts_packet *packet) {
  lts_bytes captured;
  uint32_t length;
  if (!lts_frame_is_filled(packet->frame)) return LTS_FAILED;
  switch (lts_payload_find(packet, &captured, &length, "payload_length")) {
  case LTS_PRESENT: return length;
  case LTS_MISSING: return LTS_ABSENT;
  default: return LTS_FAILED;
  }
}

static lts_transport *copied_payload(const lts_packet *parent, uint64_t at, uint8_t proto) {
  lts_packet *payload = payload_at(parent, at);
  if (payload && payload != LTS_NO_LAYER) {
    payload->copy = true;
    payload->network = (lts_network){.proto = proto};
  }
  return (lts_transport *)payload;
}

lts_transport *lts_tcp_payload_get(lts_tcp *tcp) {
  uint32_t length = lts_tcp_header_length(&tcp->layer);
  if (length) return copied_payload(&tcp->layer, (uint64_t)tcp->layer.at + length, PROTO_TCP);
  lts_fail(LTS_E_TRUNCATED, 0, NULL, "payload is cut off: the TCP header is not captured in full");
  return (lts_transport *)LTS_NO_LAYER;
}

lts_transport *lts_udp_payload_get(lts_udp *udp) {
  enum { HEADER = 8 };
  if (!lts_layer_bytes(&udp->layer, udp->layer.at, 0, HEADER, "payload"))
    return (lts_transport *)LTS_NO_LAYER;
  return copied_payload(&udp->layer, (uint64_t)udp->layer.at + HEADER, PROTO_UDP);
}

/* Of a transport object and of what tcp.payload and udp.payload give; plt's pkt.tcp_payload
 * has none. */
lts_field lts_transport_proto_get(lts_transport *transport) {
  const lts_packet *layer = &transport->layer;
  return layer->payload && !layer->copy ? 0 : lts_network_of(layer).proto;
}
