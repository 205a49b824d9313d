/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Fields of ICMP (RFC 792) and ICMPv6 (RFC 4443, RFC 4861).
 */
#include "layer.h"

LTS_NUMBER(icmp, type, 0, 1)
LTS_NUMBER(icmp, code, 1, 1)
LTS_NUMBER(icmp, checksum, 2, 2)
LTS_NUMBER(icmp6, type, 0, 1)
LTS_NUMBER(icmp6, code, 1, 1)
LTS_NUMBER(icmp6, checksum, 2, 2)

LTS_NUMBER(echo, ident, 4, 2)
LTS_NUMBER(echo, sequence, 6, 2)
LTS_NUMBER(echo6, ident, 4, 2)
LTS_NUMBER(echo6, sequence, 6, 2)
LTS_NUMBER(toobig6, mtu, 4, 4)
LTS_NUMBER(param6, pointer, 4, 4)

lts_status lts_icmp_checksum_set(lts_icmp *icmp, int value) {
  return lts_layer_set_checksum(&icmp->layer, icmp->layer.at, 2, value);
}

lts_status lts_icmp6_checksum_set(lts_icmp6 *icmp6, int value) {
  return lts_layer_set_checksum(&icmp6->layer, icmp6->layer.at, 2, value);
}

/* ---- parts ---- */

/* The same message, seen as one of a kind; plt calls that a copy. */
static lts_packet *part(const lts_packet *message) {
  lts_packet *object = lts_layer_derive(message, message->layer, message->at);
  if (object != LTS_NO_LAYER) object->copy = true;
  return object;
}

lts_echo *lts_icmp_echo_get(lts_icmp *icmp) { return (lts_echo *)part(&icmp->layer); }
lts_redirect *lts_icmp_redirect_get(lts_icmp *icmp) { return (lts_redirect *)part(&icmp->layer); }
lts_echo6 *lts_icmp6_echo_get(lts_icmp6 *icmp6) { return (lts_echo6 *)part(&icmp6->layer); }
lts_toobig6 *lts_icmp6_toobig_get(lts_icmp6 *icmp6) { return (lts_toobig6 *)part(&icmp6->layer); }
lts_param6 *lts_icmp6_param_get(lts_icmp6 *icmp6) { return (lts_param6 *)part(&icmp6->layer); }
lts_neighbour6 *lts_icmp6_neighbour_get(lts_icmp6 *icmp6) {
  return (lts_neighbour6 *)part(&icmp6->layer);
}

static lts_prefix *prefix_at(const lts_packet *message, uint32_t offset, int version,
                             const char *name) {
  const uint8_t *bytes = lts_layer_bytes(message, message->at, offset, version == 6 ? 16 : 4, name);
  return bytes ? lts_prefix_from_bytes(version, bytes) : NULL;
}

lts_new_prefix lts_redirect_gateway_get(lts_redirect *redirect) {
  return prefix_at(&redirect->layer, 4, 4, "gateway");
}

lts_new_prefix lts_neighbour6_target_prefix_get(lts_neighbour6 *neighbour6) {
  return prefix_at(&neighbour6->layer, 8, 6, "target_prefix");
}

lts_new_prefix lts_neighbour6_dest_prefix_get(lts_neighbour6 *neighbour6) {
  return prefix_at(&neighbour6->layer, 24, 6, "dest_prefix");
}

/* ---- payload ---- */

/* Error messages quote the packet that they are about. */
static lts_value payload(const lts_packet *message, bool quotes, lts_layer_kind kind, int version) {
  enum { HEADER = 8, LEAST = 12 };
  const uint8_t *at = lts_layer_bytes(message, message->at, 0, LEAST, "payload");
  if (!at) return lts_value_failed();
  uint32_t end = lts_layer_end(message), start = message->at + HEADER;
  if (!quotes) return lts_value_bytes(at + HEADER, end - start);
  lts_packet *quoted = lts_layer_derive(message, kind, start);
  if (quoted != LTS_NO_LAYER) {
    quoted->copy = true;
    quoted->network = lts_network_read(message->frame->data, start, end, version);
  }
  return lts_value_layer(quoted);
}

lts_value lts_icmp_payload_get(lts_icmp *icmp) {
  enum { UNREACHABLE = 3, SOURCE_QUENCH = 4, REDIRECT = 5, TIME_EXCEEDED = 11, PARAMETER = 12 };
  lts_field type = lts_icmp_type_get(icmp);
  bool quotes = type == UNREACHABLE || type == SOURCE_QUENCH || type == REDIRECT ||
                type == TIME_EXCEEDED || type == PARAMETER;
  return payload(&icmp->layer, quotes, LTS_IP, 4);
}

lts_value lts_icmp6_payload_get(lts_icmp6 *icmp6) {
  enum { UNREACHABLE = 1, PARAMETER = 4 };
  lts_field type = lts_icmp6_type_get(icmp6);
  return payload(&icmp6->layer, type >= UNREACHABLE && type <= PARAMETER, LTS_IP6, 6);
}
