/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Fields of IPv4 (RFC 791) and IPv6 (RFC 8200). The family is told by the version in the data, not
 * by what the layer below says.
 */
#include "layer.h"

/* ---- both families ---- */

static lts_field version(const lts_packet *layer) {
  lts_field first = lts_network_number(layer, 0, 1, "version");
  return first == LTS_FAILED ? first : first >> 4;
}

lts_field lts_internet_version_get(lts_internet *internet) { return version(&internet->layer); }

/* plt needs as many bytes for IPv6 as well, where it then may have nothing to tell. */
lts_field lts_internet_proto_get(lts_internet *internet) {
  lts_field family = version(&internet->layer);
  if (family == LTS_FAILED) return family;
  lts_field byte = lts_network_number(&internet->layer, family == 6 ? 10 : 9, 1, "proto");
  if (family != 6 || byte == LTS_FAILED) return byte;
  lts_network network = lts_network_of(&internet->layer);
  return network.proto_presence == LTS_PRESENT ? network.proto : LTS_ABSENT;
}

lts_number lts_internet_traffic_class_get(lts_internet *internet) {
  lts_field family = version(&internet->layer);
  lts_field word = lts_network_number(&internet->layer, 0, 2, "traffic_class");
  if (family == LTS_FAILED || word == LTS_FAILED) return LTS_FAILED;
  return family == 6 ? word >> 4 & 0xff : word & 0xff;
}

static uint32_t ttl_offset(lts_field family) { return family == 6 ? 7 : 8; }

lts_number lts_internet_ttl_get(lts_internet *internet) {
  lts_field family = version(&internet->layer);
  if (family == LTS_FAILED) return family;
  return lts_network_number(&internet->layer, ttl_offset(family), 1, "ttl");
}

lts_number lts_internet_hop_limit_get(lts_internet *internet) {
  return lts_internet_ttl_get(internet);
}

lts_field lts_internet_hdr_len_get(lts_internet *internet) {
  lts_field first = lts_network_number(&internet->layer, 0, 1, "hdr_len");
  if (first == LTS_FAILED) return first;
  return first >> 4 == 6 ? LTS_ABSENT : first & 15;
}

lts_field lts_internet_pkt_len_get(lts_internet *internet) {
  lts_field length = lts_network_number(&internet->layer, 2, 2, "pkt_len");
  return length != LTS_FAILED && version(&internet->layer) == 6 ? LTS_ABSENT : length;
}

/* ---- addresses ---- */

/* Where the source or destination address is. */
static uint8_t *address_bytes(const lts_packet *layer, bool source, lts_field *family,
                              const char *name) {
  *family = version(layer);
  if (*family == LTS_FAILED) return NULL;
  uint32_t length = *family == 6 ? 16 : 4, first = *family == 6 ? 8 : 12;
  uint32_t at = lts_network_of(layer).at;
  return lts_layer_bytes(layer, at, source ? first : first + length, length, name);
}

static lts_prefix *prefix_of(const lts_packet *layer, bool source, const char *name) {
  lts_field family;
  const uint8_t *bytes = address_bytes(layer, source, &family, name);
  return bytes ? lts_prefix_from_bytes(family == 6 ? 6 : 4, bytes) : NULL;
}

static lts_status set_prefix(lts_packet *layer, bool source, lts_prefix *prefix, const char *name) {
  lts_field family;
  uint8_t *bytes = address_bytes(layer, source, &family, name);
  if (!bytes) return LTS_ERROR;
  lts_address address = lts_prefix_address_get(prefix);
  if (address.version != (family == 6 ? 6 : 4))
    return lts_fail(LTS_E_VALUE, 0, NULL, "%s: an IPv%d address does not fit in an IPv%d header",
                    name, address.version, (int)family);
  memcpy(bytes, address.bytes, address.version == 6 ? 16 : 4);
  return LTS_OK;
}

lts_new_prefix lts_internet_src_prefix_get(lts_internet *internet) {
  return prefix_of(&internet->layer, true, "src_prefix");
}

lts_status lts_internet_src_prefix_set(lts_internet *internet, lts_prefix *prefix) {
  return set_prefix(&internet->layer, true, prefix, "src_prefix");
}

lts_new_prefix lts_internet_dst_prefix_get(lts_internet *internet) {
  return prefix_of(&internet->layer, false, "dst_prefix");
}

lts_status lts_internet_dst_prefix_set(lts_internet *internet, lts_prefix *prefix) {
  return set_prefix(&internet->layer, false, prefix, "dst_prefix");
}

/* ---- setters ---- */

static lts_status out_of_range(const char *name, int value, int least) {
  return lts_fail(LTS_E_VALUE, 0, NULL, "%s %d is not within %d..255", name, value, least);
}

lts_status lts_internet_traffic_class_set(lts_internet *internet, int value) {
  if (value < 0 || value > 255) return out_of_range("traffic_class", value, 0);
  lts_field family = version(&internet->layer);
  if (family == LTS_FAILED) return LTS_ERROR;
  uint32_t at = lts_network_of(&internet->layer).at;
  uint8_t *bytes = lts_layer_bytes(&internet->layer, at, 0, 2, "traffic_class");
  if (!bytes) return LTS_ERROR;
  if (family == 6) {
    bytes[0] = (uint8_t)((bytes[0] & 0xf0) | value >> 4);
    bytes[1] = (uint8_t)((bytes[1] & 0x0f) | value << 4);
  } else {
    bytes[1] = (uint8_t)value;
  }
  return LTS_OK;
}

lts_status lts_internet_ttl_set(lts_internet *internet, int value) {
  if (value < 1 || value > 255) return out_of_range("ttl", value, 1);
  lts_field family = version(&internet->layer);
  if (family == LTS_FAILED) return LTS_ERROR;
  uint32_t at = lts_network_of(&internet->layer).at;
  uint8_t *bytes = lts_layer_bytes(&internet->layer, at, ttl_offset(family), 1, "ttl");
  if (!bytes) return LTS_ERROR;
  *bytes = (uint8_t)value;
  return LTS_OK;
}

lts_status lts_internet_hop_limit_set(lts_internet *internet, int value) {
  return lts_internet_ttl_set(internet, value);
}

/* ---- IPv4 ---- */

static lts_field ipv4_bits(lts_ip *ip, uint32_t size, int shift, lts_field mask, const char *name) {
  lts_field value = lts_network_number(&ip->layer, 6, size, name);
  return value == LTS_FAILED ? value : value >> shift & mask;
}

lts_field lts_ip_ident_get(lts_ip *ip) { return lts_network_number(&ip->layer, 4, 2, "ident"); }

lts_truth lts_ip_has_rf_get(lts_ip *ip) { return ipv4_bits(ip, 1, 7, 1, "has_rf"); }
lts_truth lts_ip_has_df_get(lts_ip *ip) { return ipv4_bits(ip, 1, 6, 1, "has_df"); }
lts_truth lts_ip_has_mf_get(lts_ip *ip) { return ipv4_bits(ip, 1, 5, 1, "has_mf"); }

lts_field lts_ip_frag_offset_get(lts_ip *ip) { return ipv4_bits(ip, 2, 0, 0x1fff, "frag_offset"); }

lts_number lts_ip_checksum_get(lts_ip *ip) {
  return lts_network_number(&ip->layer, 10, 2, "checksum");
}

lts_status lts_ip_checksum_set(lts_ip *ip, int value) {
  return lts_layer_set_checksum(&ip->layer, lts_network_of(&ip->layer).at, 10, value);
}

/* ---- IPv6 ---- */

lts_field lts_ip6_flow_label_get(lts_ip6 *ip6) {
  lts_field word = lts_network_number(&ip6->layer, 0, 4, "flow_label");
  return word == LTS_FAILED ? word : word & 0xfffff;
}

/* plt needs the byte behind the length, too. */
lts_field lts_ip6_payload_len_get(lts_ip6 *ip6) {
  if (lts_network_number(&ip6->layer, 6, 1, "payload_len") == LTS_FAILED) return LTS_FAILED;
  return lts_network_number(&ip6->layer, 4, 2, "payload_len");
}

lts_field lts_ip6_next_hdr_get(lts_ip6 *ip6) {
  return lts_network_number(&ip6->layer, 6, 1, "next_hdr");
}

/* ---- the manual's names ---- */

lts_number lts_ip_hdr_checksum_get(lts_ip *ip) { return lts_ip_checksum_get(ip); }

lts_status lts_ip_hdr_checksum_set(lts_ip *ip, int value) { return lts_ip_checksum_set(ip, value); }

lts_new_prefix lts_ip6_src_address_get(lts_ip6 *ip6) {
  return prefix_of(&ip6->layer, true, "src_address");
}

lts_status lts_ip6_src_address_set(lts_ip6 *ip6, lts_prefix *prefix) {
  return set_prefix(&ip6->layer, true, prefix, "src_address");
}

lts_new_prefix lts_ip6_dst_address_get(lts_ip6 *ip6) {
  return prefix_of(&ip6->layer, false, "dst_address");
}

lts_status lts_ip6_dst_address_set(lts_ip6 *ip6, lts_prefix *prefix) {
  return set_prefix(&ip6->layer, false, prefix, "dst_address");
}

/* ---- payload ---- */

static lts_value ip_payload(const lts_packet *layer) {
  lts_network network = lts_network_of(layer);
  if (network.transport_presence == LTS_PRESENT)
    return lts_value_bytes(layer->frame->data + network.transport,
                           lts_layer_end(layer) - network.transport);
  lts_fail(LTS_E_TRUNCATED, 0, NULL,
           "payload: the headers are not captured in full, or this is a later fragment");
  return lts_value_failed();
}

lts_value lts_ip_payload_get(lts_ip *ip) { return ip_payload(&ip->layer); }
lts_value lts_ip6_payload_get(lts_ip6 *ip6) { return ip_payload(&ip6->layer); }
