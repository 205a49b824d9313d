/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The fields that a packet shows, and by inheritance its layers.
 */
#include "layer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the record ---- */

/* plt's rule: what the capture says of a packet is not there on objects that are not the packet's
 * own headers. */
static const lts_frame *record_of(const lts_packet *packet) {
  if (!packet->copy) return lts_frame_is_filled(packet->frame) ? packet->frame : NULL;
  lts_fail(LTS_E_VALUE, 0, NULL, "this object is a copy: only a captured packet knows that");
  return NULL;
}

lts_bytes lts_packet_captured(lts_packet *packet) {
  if (packet->layer != LTS_PACKET) return lts_packet_data_get(packet);
  lts_frame *frame = packet->frame;
  return (lts_bytes){frame->data, frame->filled ? frame->capture_length : 0};
}

lts_bytearray lts_packet_data_get(lts_packet *packet) {
  lts_frame *frame = packet->frame;
  if (!frame->filled) return (lts_bytearray){NULL, 0};
  lts_headers *headers = lts_frame_decode(frame);
  uint32_t at = packet->layer == LTS_PACKET ? headers->link : packet->at;
  return (lts_bytearray){frame->data + at, at < headers->end ? headers->end - at : 0};
}

lts_status lts_packet_data_set(lts_packet *packet, lts_bytearray data) {
  lts_bytearray old = lts_packet_data_get(packet);
  if (data.length > old.length)
    return lts_fail(LTS_E_VALUE, 0, NULL, "%zu bytes do not fit in the %zu that there are",
                    data.length, old.length);
  if (data.length) memmove((uint8_t *)old.data, data.data, data.length);
  if (!packet->frame->lender) packet->frame->headers.decoded = false;
  return LTS_OK;
}

lts_field lts_packet_size_get(lts_packet *packet) {
  return (lts_field)lts_packet_data_get(packet).length;
}

lts_name lts_packet_kind_get(lts_packet *packet) { return packet->copy ? "copy" : "packet"; }

lts_name lts_packet_type_get(lts_packet *packet) {
  static const char *const names[] = {"Packet", "Layer2", "Layer3", "Transport", "IP",   "IP6",
                                      "TCP",    "UDP",    "ICMP",   "ICMP6",     "SCTP", "Chunk"};
  return packet->payload ? "payload" : names[packet->layer];
}

lts_text lts_packet_info(lts_packet *packet) {
  enum { HISTORIC_LIMIT = 49 };
  lts_text result = {.presence = LTS_PRESENT};
  unsigned length = (unsigned)lts_packet_data_get(packet).length, behind = 0;
  if (packet->frame->filled && packet->frame->headers.end > packet->frame->headers.layer3)
    behind = packet->frame->headers.end - packet->frame->headers.layer3;
  char whole[96];
  result.length =
      snprintf(whole, sizeof whole, "Data: type=%s, kind=%s, inrem=%u, rem=%u",
               lts_packet_type_get(packet), lts_packet_kind_get(packet), behind, length);
  if (result.length > HISTORIC_LIMIT) result.length = HISTORIC_LIMIT;
  memcpy(result.text, whole, (size_t)result.length);
  return result;
}

lts_field lts_packet_linktype_get(lts_packet *packet) {
  if (packet->constructed || !packet->frame->filled) return 0;
  return lts_frame_decode(packet->frame)->linktype;
}

lts_field lts_packet_direction_get(lts_packet *packet) {
  const lts_frame *record = record_of(packet);
  return record ? record->direction : LTS_FAILED;
}

lts_field lts_packet_wire_len_get(lts_packet *packet) {
  const lts_frame *record = record_of(packet);
  return record ? record->wire_length : LTS_FAILED;
}

lts_field lts_packet_capture_len_get(lts_packet *packet) {
  const lts_frame *record = record_of(packet);
  return record ? record->capture_length : LTS_FAILED;
}

lts_truth lts_packet_is_truncated_get(lts_packet *packet) {
  const lts_frame *record = record_of(packet);
  return record ? (uint64_t)record->capture_length + record->fcs < record->wire_length : LTS_FAILED;
}

lts_truth lts_packet_is_meta_get(lts_packet *packet) {
  const lts_frame *record = record_of(packet);
  return record ? lts_link_is_meta(record->link) : LTS_FAILED;
}

/* ---- time ---- */

lts_field lts_packet_timestamp_ns_get(lts_packet *packet) {
  const lts_frame *record = record_of(packet);
  if (!record) return LTS_FAILED;
  /* A damaged file may have the very numbers that stand for no value. */
  return record->timestamp_ns > LTS_FAILED ? record->timestamp_ns : LTS_FAILED + 1;
}

lts_time lts_packet_time_get(lts_packet *packet) {
  const lts_frame *record = record_of(packet);
  if (!record) return (lts_time){LTS_FAILED, 0};
  return (lts_time){lts_frame_seconds(record), (int)(lts_frame_nanoseconds(record) / 1000)};
}

lts_utc lts_packet_datetime_get(lts_packet *packet) { return lts_packet_time_get(packet); }

lts_field lts_packet_ts_sec_get(lts_packet *packet) { return lts_packet_time_get(packet).seconds; }

double lts_packet_seconds_get(lts_packet *packet) {
  lts_time time = lts_packet_time_get(packet);
  return time.seconds == LTS_FAILED ? NAN : (double)time.seconds + time.microseconds / 1e6;
}

/* An ERF record's own time is finer than nanoseconds. */
lts_unsigned lts_packet_erf_time_get(lts_packet *packet) {
  const lts_frame *record = record_of(packet);
  if (!record) return (lts_unsigned){LTS_CUT, 0};
  if (record->erf) return (lts_unsigned){LTS_PRESENT, le64(record->header)};
  uint64_t seconds = (uint64_t)lts_frame_seconds(record);
  uint64_t fraction = (uint64_t)lts_frame_nanoseconds(record) << 32;
  return (lts_unsigned){LTS_PRESENT, (seconds << 32) + fraction / LTS_BILLION};
}

/* ---- headers ---- */

static lts_field field_of(lts_presence presence, lts_field value) {
  return presence == LTS_PRESENT ? value : presence == LTS_MISSING ? LTS_ABSENT : LTS_FAILED;
}

lts_field lts_packet_ethertype_get(lts_packet *packet) {
  if (packet->copy) return lts_ethertype_of(packet->network.version);
  return packet->frame->filled ? lts_frame_decode(packet->frame)->ethertype : 0;
}

lts_field lts_packet_vlan_id_get(lts_packet *packet) {
  if (packet->constructed || !packet->frame->filled) return 0;
  return lts_frame_decode(packet->frame)->vlan_id;
}

lts_field lts_packet_proto_get(lts_packet *packet) {
  (void)packet;
  return 0;
}

lts_field lts_packet_ip_proto_get(lts_packet *packet) {
  if (!lts_frame_is_filled(packet->frame)) return LTS_FAILED;
  lts_network network = lts_network_of(packet);
  return field_of(lts_layer_presence(packet, network.proto_presence, 0, 0, "ip_proto"),
                  network.proto);
}

bool lts_has_ports(uint8_t proto) {
  enum { TCP = 6, UDP = 17, DCCP = 33, SCTP = 132, UDPLITE = 136 };
  return proto == TCP || proto == UDP || proto == SCTP || proto == DCCP || proto == UDPLITE;
}

static lts_field port(lts_packet *packet, uint32_t offset, const char *name) {
  if (!lts_frame_is_filled(packet->frame)) return LTS_FAILED;
  lts_network network = lts_network_of(packet);
  if (network.proto_presence == LTS_PRESENT && !lts_has_ports(network.proto)) return LTS_ABSENT;
  uint64_t at = (uint64_t)network.transport + offset;
  lts_presence presence = lts_layer_presence(packet, network.transport_presence, at, 2, name);
  return field_of(presence, presence == LTS_PRESENT ? be16(packet->frame->data + at) : 0);
}

lts_field lts_packet_src_port_get(lts_packet *packet) { return port(packet, 0, "src_port"); }
lts_field lts_packet_dst_port_get(lts_packet *packet) { return port(packet, 2, "dst_port"); }

lts_presence lts_address_find(lts_packet *packet, bool source, const char *name,
                              const uint8_t **bytes, int *version) {
  if (!lts_frame_is_filled(packet->frame)) return LTS_CUT;
  lts_network network = lts_network_of(packet);
  uint32_t length = network.version == 6 ? 16 : 4;
  uint32_t offset = network.version == 6 ? 8 : 12;
  uint64_t at = (uint64_t)network.at + offset + (source ? 0 : length);
  *bytes = packet->frame->data + at;
  *version = network.version;
  return lts_layer_presence(packet, network.presence, at, length, name);
}

static lts_address address(lts_packet *packet, bool source, const char *name) {
  const uint8_t *bytes;
  lts_address result = {0};
  result.presence = lts_address_find(packet, source, name, &bytes, &result.version);
  if (result.presence == LTS_PRESENT) memcpy(result.bytes, bytes, result.version == 6 ? 16 : 4);
  return result;
}

lts_address lts_packet_src_get(lts_packet *packet) { return address(packet, true, "src"); }
lts_address lts_packet_dst_get(lts_packet *packet) { return address(packet, false, "dst"); }

/* ---- text ---- */

lts_text lts_packet_src_text_get(lts_packet *packet) {
  return lts_text_of_address(address(packet, true, "src_text"));
}
lts_text lts_packet_dst_text_get(lts_packet *packet) {
  return lts_text_of_address(address(packet, false, "dst_text"));
}

lts_presence lts_mac_find(lts_packet *packet, bool source, const char *name,
                          const uint8_t **bytes) {
  enum { MAC = 6 };
  if (packet->constructed) return LTS_MISSING;
  if (!lts_frame_is_filled(packet->frame)) return LTS_CUT;
  const lts_headers *headers = lts_frame_decode(packet->frame);
  uint32_t at = source ? headers->src_mac : headers->dst_mac;
  *bytes = packet->frame->data + at;
  return lts_layer_presence(packet, headers->macs, at, MAC, name);
}

static lts_text mac(lts_packet *packet, bool source, const char *name) {
  const uint8_t *bytes;
  lts_text result = {.presence = lts_mac_find(packet, source, name, &bytes)};
  if (result.presence == LTS_PRESENT) result.length = lts_mac_format(result.text, bytes);
  return result;
}

lts_text lts_packet_src_mac_get(lts_packet *packet) { return mac(packet, true, "src_mac"); }
lts_text lts_packet_dst_mac_get(lts_packet *packet) { return mac(packet, false, "dst_mac"); }
