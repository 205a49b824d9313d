/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Flows: who talks to whom, also as keys for dictionaries.
 */
#include "bytes.h"
#include "lts_int.h"
#include "spares.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lts_flow {
  lts_address src, dst;
  uint16_t src_port, dst_port;
  uint8_t proto;
  bool homed; /* made by a home */
  bool src_in_home, dst_in_home;
};

typedef struct network {
  lts_address address;
  int length;
} network;

struct lts_home {
  size_t count;
  network networks[];
};

/* ---- from a packet ---- */

/* The ports of a transport header of which `length` bytes are captured. */
static void read_ports(lts_flow *flow, const uint8_t *at, uint32_t length) {
  enum { TCP = 6, UDP = 17, PORTS = 4 };
  if ((flow->proto != TCP && flow->proto != UDP) || length < PORTS) return;
  flow->src_port = be16(at);
  flow->dst_port = be16(at + 2);
}

/* All that this file knows of packets. As old programs expect, an EtherType behind more than one
 * 802.1Q tag is none of IP. */
static lts_more read_packet(lts_flow *flow, lts_packet *packet) {
  enum { LEAST = 4 };
  if (!lts_frame_is_filled(packet->frame)) return LTS_FAIL;
  if (packet->copy) {
    lts_fail(LTS_E_VALUE, 0, NULL, "a flow is that of a captured packet, not of a copy");
    return LTS_FAIL;
  }
  const lts_headers *headers = lts_frame_decode(packet->frame);
  const lts_network *network = &headers->network;
  bool none = !headers->ethertype && network->presence == LTS_MISSING;
  uint32_t captured = headers->end - network->at;
  if (captured < LEAST && !none) {
    lts_fail(LTS_E_TRUNCATED, 0, NULL,
             "the network header is cut off: a flow needs %d bytes of it, %u are captured", LEAST,
             captured);
    return LTS_FAIL;
  }
  if (!network->version || headers->ethertype != lts_ethertype_of(network->version)) return LTS_END;
  flow->src = lts_packet_src_get(packet);
  if (flow->src.presence != LTS_PRESENT) return flow->src.presence == LTS_CUT ? LTS_FAIL : LTS_END;
  flow->dst = lts_packet_dst_get(packet);
  if (flow->dst.presence != LTS_PRESENT) return LTS_FAIL;
  if (network->transport_presence != LTS_PRESENT) return LTS_ITEM;
  flow->proto = network->proto;
  read_ports(flow, packet->frame->data + network->transport, headers->end - network->transport);
  return LTS_ITEM;
}

/* ---- memory ---- */

static lts_spares spare = LTS_SPARES(lts_flow);

lts_more lts_flow_of(lts_packet *packet, lts_flow **OUTPUT_FLOW) {
  lts_flow *flow = lts_spares_take(&spare);
  if (!flow) return LTS_FAIL;
  memset(flow, 0, sizeof *flow);
  lts_more found = read_packet(flow, packet);
  if (found == LTS_ITEM)
    *OUTPUT_FLOW = flow;
  else
    lts_spares_give(&spare, flow);
  return found;
}

void delete_lts_flow(lts_flow *flow) {
  if (flow) lts_spares_give(&spare, flow);
}

/* ---- attributes ---- */

lts_field lts_flow_version_get(lts_flow *flow) { return flow->src.version; }
lts_field lts_flow_proto_get(lts_flow *flow) { return flow->proto; }
lts_field lts_flow_src_port_get(lts_flow *flow) { return flow->src_port; }
lts_field lts_flow_dst_port_get(lts_flow *flow) { return flow->dst_port; }

static lts_new_prefix prefix_of(const lts_address *address) {
  return lts_prefix_from_bytes(address->version, address->bytes);
}

lts_new_prefix lts_flow_src_prefix_get(lts_flow *flow) { return prefix_of(&flow->src); }
lts_new_prefix lts_flow_dst_prefix_get(lts_flow *flow) { return prefix_of(&flow->dst); }
lts_address lts_flow_src_get(lts_flow *flow) { return flow->src; }
lts_address lts_flow_dst_get(lts_flow *flow) { return flow->dst; }

lts_truth lts_flow_src_in_home_get(lts_flow *flow) {
  return flow->homed ? flow->src_in_home : LTS_ABSENT;
}

lts_truth lts_flow_dst_in_home_get(lts_flow *flow) {
  return flow->homed ? flow->dst_in_home : LTS_ABSENT;
}

lts_truth lts_flow_is_inward_get(lts_flow *flow) {
  return flow->homed ? flow->src_in_home != flow->dst_in_home : LTS_ABSENT;
}

/* ---- keys ---- */

static void put16(uint8_t *at, uint16_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static lts_key make_key(const lts_flow *flow, bool reversed) {
  enum { PORTS = 2, ADDRESSES = 6 };
  size_t length = flow->src.version == 4 ? 4 : 16;
  lts_key key = {.presence = LTS_PRESENT, .length = (int)(ADDRESSES + 2 * length)};
  key.bytes[0] = (uint8_t)flow->src.version;
  key.bytes[1] = flow->proto;
  put16(key.bytes + PORTS, reversed ? flow->dst_port : flow->src_port);
  put16(key.bytes + PORTS + 2, reversed ? flow->src_port : flow->dst_port);
  memcpy(key.bytes + ADDRESSES, reversed ? flow->dst.bytes : flow->src.bytes, length);
  memcpy(key.bytes + ADDRESSES + length, reversed ? flow->src.bytes : flow->dst.bytes, length);
  return key;
}

lts_key lts_flow_fwd_key_get(lts_flow *flow) { return make_key(flow, false); }
lts_key lts_flow_rev_key_get(lts_flow *flow) { return make_key(flow, true); }

lts_key lts_flow_home_key_get(lts_flow *flow) {
  return flow->homed ? make_key(flow, !flow->dst_in_home) : (lts_key){.presence = LTS_MISSING};
}

/* ---- text ---- */

static void format_end(char *text, size_t size, const lts_address *address, uint16_t port) {
  lts_text name = lts_text_of_address(*address);
  bool bracket = port && address->version == 6;
  int length = snprintf(text, size, "%s%s%s", bracket ? "[" : "", name.text, bracket ? "]" : "");
  if (port) snprintf(text + length, size - (size_t)length, ":%u", port);
}

lts_line lts_flow_repr(lts_flow *flow) {
  lts_line line;
  char src[64], dst[64];
  format_end(src, sizeof src, &flow->src, flow->src_port);
  format_end(dst, sizeof dst, &flow->dst, flow->dst_port);
  snprintf(line.text, sizeof line.text, "<natkit.IPflow %s > %s, protocol %u>", src, dst,
           flow->proto);
  return line;
}

/* ---- homes ---- */

lts_home *new_lts_home(lts_prefix *const *prefixes, size_t count) {
  lts_home *home = malloc(sizeof *home + count * sizeof *home->networks);
  if (!home) {
    lts_fail_memory();
    return NULL;
  }
  home->count = count;
  for (size_t i = 0; i < count; i++) {
    lts_field length = lts_prefix_length_get(prefixes[i]);
    if (length == LTS_FAILED) {
      lts_fail(LTS_E_VALUE, 0, NULL, "a home's prefixes need lengths");
      free(home);
      return NULL;
    }
    home->networks[i] = (network){lts_prefix_address_get(prefixes[i]), (int)length};
  }
  return home;
}

void delete_lts_home(lts_home *home) { free(home); }

lts_name lts_home_owner_get(lts_home *home) {
  (void)home;
  return "dummy";
}

lts_line lts_home_repr(lts_home *home) {
  lts_line line;
  snprintf(line.text, sizeof line.text, "<natkit.FlowHome of %zu prefixes>", home->count);
  return line;
}

static bool is_in(const lts_home *home, const lts_address *address) {
  for (size_t i = 0; i < home->count; i++) {
    const network *own = &home->networks[i];
    if (own->address.version == address->version &&
        lts_common_bits(own->address.bytes, address->bytes, own->length) == own->length)
      return true;
  }
  return false;
}

lts_more lts_home_flow(lts_home *home, lts_packet *packet, lts_flow **OUTPUT_FLOW) {
  lts_more found = lts_flow_of(packet, OUTPUT_FLOW);
  if (found != LTS_ITEM) return found;
  lts_flow *flow = *OUTPUT_FLOW;
  flow->homed = true;
  flow->src_in_home = is_in(home, &flow->src);
  flow->dst_in_home = is_in(home, &flow->dst);
  return LTS_ITEM;
}
