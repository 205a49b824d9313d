/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Internet checksums (RFC 1071): tested and set only where every byte that they cover is captured.
 */
#include "layer.h"

enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMP6 = 58 };

/* A checksum, and the bytes that it covers. */
typedef struct coverage {
  uint8_t *field; /* NULL where it cannot be computed */
  const uint8_t *data;
  uint32_t length;
  uint32_t start; /* the sum of the pseudo-header */
} coverage;

static uint32_t add_up(const uint8_t *data, uint32_t length) {
  uint32_t total = 0;
  for (uint32_t i = 0; i + 1 < length; i += 2) total += be16(data + i);
  return length % 2 ? total + (uint32_t)data[length - 1] * 256 : total;
}

static uint16_t computed(const coverage *c) {
  uint32_t total = c->start + add_up(c->data, c->length) - be16(c->field);
  while (total >> 16) total = (total & 0xffff) + (total >> 16);
  return (uint16_t)~total;
}

/* 0 and 0xffff are the same number in one's complement; but 0 on the wire may mean none. */
static lts_truth test(coverage c) {
  if (!c.field) return LTS_ABSENT;
  uint16_t right = computed(&c), found = be16(c.field);
  return found == right || (found == 0xffff && right == 0);
}

static lts_truth set(coverage c) {
  if (!c.field) return LTS_ABSENT;
  uint16_t right = computed(&c);
  c.field[0] = (uint8_t)(right >> 8);
  c.field[1] = (uint8_t)right;
  return true;
}

/* ---- what is covered ---- */

static coverage ipv4_header(const lts_packet *layer) {
  enum { LEAST = 20, CHECKSUM = 10 };
  static const coverage none;
  lts_network network = lts_network_of(layer);
  if (network.version != 4 || network.presence != LTS_PRESENT) return none;
  uint8_t *ip = layer->frame->data + network.at;
  uint32_t length = (ip[0] & 15u) * 4, left = lts_layer_end(layer) - network.at;
  if (length < LEAST || length > left) return none;
  return (coverage){ip + CHECKSUM, ip, length, 0};
}

static bool is_whole(const lts_frame *frame) {
  const lts_headers *headers = &frame->headers;
  bool fcs = headers->linktype == TRACE_TYPE_ETH || headers->linktype == TRACE_TYPE_80211;
  return (uint64_t)frame->capture_length + (fcs ? 4 : 0) >= frame->wire_length;
}

static uint32_t checksum_offset(const lts_network *network) {
  switch (network->proto) {
  case PROTO_TCP: return 16;
  case PROTO_UDP: return 6;
  case PROTO_ICMP: return network->version == 4 ? 2 : 0;
  case PROTO_ICMP6: return network->version == 6 ? 2 : 0;
  default: return 0;
  }
}

/* Where IP says that its payload ends: trailing bytes are the link layer's padding. */
static uint64_t payload_end(const lts_network *network, const uint8_t *ip) {
  enum { IPV6_HEADER = 40 };
  uint32_t length = network->version == 6 ? IPV6_HEADER + be16(ip + 4) : be16(ip + 2);
  return (uint64_t)network->at + length;
}

/* RFC 9293, 3.1; RFC 8200, 8.1. ICMP has none. */
static uint32_t pseudo_header(const lts_network *network, const uint8_t *ip, uint32_t length) {
  if (network->version == 6) return add_up(ip + 8, 32) + length + network->proto;
  return network->proto == PROTO_ICMP ? 0 : add_up(ip + 12, 8) + length + network->proto;
}

static coverage transport(const lts_packet *layer) {
  static const coverage none;
  lts_network network = lts_network_of(layer);
  if (network.transport_presence != LTS_PRESENT || !is_whole(layer->frame)) return none;
  const uint8_t *ip = layer->frame->data + network.at;
  uint32_t offset = checksum_offset(&network);
  uint64_t end = payload_end(&network, ip), least = (uint64_t)network.transport + offset + 2;
  if (!offset || end < least || end > lts_layer_end(layer)) return none;
  uint8_t *data = layer->frame->data + network.transport;
  uint32_t length = (uint32_t)(end - network.transport);
  return (coverage){data + offset, data, length, pseudo_header(&network, ip, length)};
}

/* ---- the methods ---- */

static bool is_own(const lts_packet *layer) {
  if (!layer->copy) return lts_frame_is_filled(layer->frame);
  lts_fail(LTS_E_VALUE, 0, NULL, "this object is a copy: only a captured packet has checksums");
  return false;
}

lts_truth lts_internet_test_l3_cksm(lts_internet *internet) {
  return is_own(&internet->layer) ? test(ipv4_header(&internet->layer)) : LTS_FAILED;
}

lts_truth lts_internet_set_l3_cksm(lts_internet *internet) {
  return is_own(&internet->layer) ? set(ipv4_header(&internet->layer)) : LTS_FAILED;
}

lts_truth lts_internet_test_trans_cksm(lts_internet *internet) {
  return is_own(&internet->layer) ? test(transport(&internet->layer)) : LTS_FAILED;
}

lts_truth lts_internet_set_trans_cksm(lts_internet *internet) {
  return is_own(&internet->layer) ? set(transport(&internet->layer)) : LTS_FAILED;
}

lts_truth lts_ip_checksum_ok(lts_ip *ip) {
  return is_own(&ip->layer) ? test(ipv4_header(&ip->layer)) : LTS_FAILED;
}

lts_status lts_ip_set_checksum(lts_ip *ip) {
  if (!is_own(&ip->layer)) return LTS_ERROR;
  set(ipv4_header(&ip->layer));
  return LTS_OK;
}

lts_truth lts_packet_set_checksums(lts_packet *packet) {
  if (!is_own(packet)) return LTS_FAILED;
  if (packet->layer == LTS_LAYER2) return LTS_ABSENT;
  lts_network network = lts_network_of(packet);
  if (packet->layer == LTS_PACKET) {
    lts_fail(LTS_E_VALUE, 0, NULL,
             "set_checksums() is for a packet's layer3 or ip, not for itself");
    return LTS_FAILED;
  }
  if (!network.version) return LTS_ABSENT;
  if (!is_whole(packet->frame)) {
    lts_fail(LTS_E_TRUNCATED, 0, NULL, "the packet is not captured in full");
    return LTS_FAILED;
  }
  set(ipv4_header(packet));
  return set(transport(packet));
}
