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

/* Where the parts of a key are; the addresses follow one another. */
enum { VERSION = 0, PROTO = 1, SRC_PORT = 2, DST_PORT = 4, ADDRESSES = 6 };

struct lts_flow {
  lts_key key; /* the forward one */
  bool homed;  /* made by a home */
  bool src_in_home, dst_in_home;
};

typedef struct home_network {
  lts_address address;
  int length;
} home_network;

struct lts_home {
  size_t count;
  home_network networks[];
};

/* ---- from a packet ---- */

/* The version, and the addresses, which follow one another in either header. */
static lts_status read_addresses(lts_key *key, const lts_network *network, const uint8_t *data,
                                 uint32_t end) {
  uint32_t from = network->version == 4 ? 12 : 8, length = network->version == 4 ? 8 : 32;
  uint64_t needed = (uint64_t)network->at + from + length;
  if (needed > end)
    return lts_fail(LTS_E_TRUNCATED, 0, NULL,
                    "the addresses are cut off: they need %llu bytes, %u are captured",
                    (unsigned long long)needed, end);
  key->bytes[VERSION] = network->version;
  memcpy(key->bytes + ADDRESSES, data + network->at + from, length);
  key->length = (int)(ADDRESSES + length);
  return LTS_OK;
}

static void read_transport(lts_key *key, const lts_network *network, const uint8_t *data,
                           uint32_t end) {
  enum { TCP = 6, UDP = 17, PORTS = 4 };
  if (network->transport_presence != LTS_PRESENT) return;
  key->bytes[PROTO] = network->proto;
  if ((network->proto == TCP || network->proto == UDP) && end - network->transport >= PORTS)
    memcpy(key->bytes + SRC_PORT, data + network->transport, PORTS);
}

/* All that this file knows of packets. As old programs expect, a packet is IP behind one 802.1Q tag
 * but not behind more; its IP object is in any case. */
static lts_more read_packet(lts_key *key, const lts_packet *packet) {
  enum { LEAST = 4 };
  if (!lts_frame_is_filled(packet->frame)) return LTS_FAIL;
  if (packet->copy) {
    lts_fail(LTS_E_VALUE, 0, NULL, "this object is a copy: only a captured packet has a flow");
    return LTS_FAIL;
  }
  const lts_headers *headers = lts_frame_decode(packet->frame);
  const lts_network *network = &headers->network;
  uint32_t captured = headers->end - headers->layer3;
  bool none = !headers->ethertype && network->presence == LTS_MISSING;
  if (captured < LEAST && !none) {
    lts_fail(LTS_E_TRUNCATED, 0, NULL,
             "the network header is cut off: a flow needs %d bytes of it, %u are captured", LEAST,
             captured);
    return LTS_FAIL;
  }
  bool shown = packet->layer >= LTS_IP || headers->ethertype == lts_ethertype_of(network->version);
  if (!shown || network->presence != LTS_PRESENT) return LTS_END;
  if (read_addresses(key, network, packet->frame->data, headers->end)) return LTS_FAIL;
  read_transport(key, network, packet->frame->data, headers->end);
  return LTS_ITEM;
}

/* ---- a number for both directions ---- */

/* The finalizer of SplitMix64. */
static uint64_t mix(uint64_t value) {
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

static uint64_t mix_end(const lts_address *address, lts_field port) {
  uint64_t value = (uint64_t)(port == LTS_ABSENT ? 0 : port);
  value = mix(value + le64(address->bytes));
  return mix(value + le64(address->bytes + 8));
}

uint64_t lts_flow_hash(const lts_address *src, lts_field src_port, const lts_address *dst,
                       lts_field dst_port, lts_field proto) {
  uint64_t ends = mix_end(src, src_port) + mix_end(dst, dst_port);
  return mix(ends + (uint64_t)proto + ((uint64_t)src->version << 8));
}

lts_unsigned lts_packet_flow_hash_get(lts_packet *packet) {
  lts_address src = lts_packet_src_get(packet), dst = lts_packet_dst_get(packet);
  if (src.presence == LTS_MISSING) return (lts_unsigned){.presence = LTS_MISSING};
  lts_field proto = lts_packet_ip_proto_get(packet);
  lts_field src_port = lts_packet_src_port_get(packet), dst_port = lts_packet_dst_port_get(packet);
  if (src.presence == LTS_CUT || dst.presence == LTS_CUT || proto == LTS_FAILED ||
      src_port == LTS_FAILED || dst_port == LTS_FAILED)
    return (lts_unsigned){.presence = LTS_CUT};
  return (lts_unsigned){LTS_PRESENT, lts_flow_hash(&src, src_port, &dst, dst_port, proto)};
}

/* ---- memory ---- */

static lts_spares spare = LTS_SPARES(lts_flow);

lts_more lts_flow_of(lts_packet *packet, lts_flow **OUTPUT_FLOW) {
  lts_flow *flow = lts_spares_take(&spare);
  if (!flow) return LTS_FAIL;
  memset(flow, 0, sizeof *flow);
  flow->key.presence = LTS_PRESENT;
  lts_more found = read_packet(&flow->key, packet);
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

lts_field lts_flow_version_get(lts_flow *flow) { return flow->key.bytes[VERSION]; }
lts_field lts_flow_proto_get(lts_flow *flow) { return flow->key.bytes[PROTO]; }
lts_field lts_flow_src_port_get(lts_flow *flow) { return be16(flow->key.bytes + SRC_PORT); }
lts_field lts_flow_dst_port_get(lts_flow *flow) { return be16(flow->key.bytes + DST_PORT); }

static size_t address_size(const lts_key *key) { return key->bytes[VERSION] == 4 ? 4 : 16; }

static const uint8_t *source(const lts_key *key) { return key->bytes + ADDRESSES; }
static const uint8_t *destination(const lts_key *key) { return source(key) + address_size(key); }

lts_new_prefix lts_flow_src_prefix_get(lts_flow *flow) {
  return lts_prefix_from_bytes(flow->key.bytes[VERSION], source(&flow->key));
}

lts_new_prefix lts_flow_dst_prefix_get(lts_flow *flow) {
  return lts_prefix_from_bytes(flow->key.bytes[VERSION], destination(&flow->key));
}

static lts_address address(const lts_key *key, const uint8_t *bytes) {
  lts_address result = {.presence = LTS_PRESENT, .version = key->bytes[VERSION]};
  memcpy(result.bytes, bytes, address_size(key));
  return result;
}

lts_address lts_flow_src_get(lts_flow *flow) { return address(&flow->key, source(&flow->key)); }
lts_address lts_flow_dst_get(lts_flow *flow) {
  return address(&flow->key, destination(&flow->key));
}

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

static lts_key reverse(const lts_key *key) {
  lts_key reversed = *key;
  size_t size = address_size(key);
  memcpy(reversed.bytes + SRC_PORT, key->bytes + DST_PORT, 2);
  memcpy(reversed.bytes + DST_PORT, key->bytes + SRC_PORT, 2);
  memcpy(reversed.bytes + ADDRESSES, destination(key), size);
  memcpy(reversed.bytes + ADDRESSES + size, source(key), size);
  return reversed;
}

lts_key lts_flow_fwd_key_get(lts_flow *flow) { return flow->key; }
lts_key lts_flow_rev_key_get(lts_flow *flow) { return reverse(&flow->key); }

lts_key lts_flow_home_key_get(lts_flow *flow) {
  if (!flow->homed) return (lts_key){.presence = LTS_MISSING};
  return flow->dst_in_home ? flow->key : reverse(&flow->key);
}

/* ---- text ---- */

static void format_end(char *text, size_t size, lts_address address, lts_field port) {
  lts_text name = lts_text_of_address(address);
  bool bracket = port && address.version == 6;
  int length = snprintf(text, size, "%s%s%s", bracket ? "[" : "", name.text, bracket ? "]" : "");
  if (port) snprintf(text + length, size - (size_t)length, ":%d", (int)port);
}

lts_line lts_flow_repr(lts_flow *flow) {
  lts_line line;
  char src[64], dst[64];
  format_end(src, sizeof src, lts_flow_src_get(flow), lts_flow_src_port_get(flow));
  format_end(dst, sizeof dst, lts_flow_dst_get(flow), lts_flow_dst_port_get(flow));
  snprintf(line.text, sizeof line.text, "<natkit.IPflow %s > %s, protocol %d>", src, dst,
           (int)lts_flow_proto_get(flow));
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
    home->networks[i] = (home_network){lts_prefix_address_get(prefixes[i]), (int)length};
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

static bool is_in(const lts_home *home, int version, const uint8_t *address) {
  for (size_t i = 0; i < home->count; i++) {
    const home_network *own = &home->networks[i];
    if (own->address.version == version &&
        lts_common_bits(own->address.bytes, address, own->length) == own->length)
      return true;
  }
  return false;
}

lts_more lts_home_flow(lts_home *home, lts_packet *packet, lts_flow **OUTPUT_FLOW) {
  lts_more found = lts_flow_of(packet, OUTPUT_FLOW);
  if (found != LTS_ITEM) return found;
  lts_flow *flow = *OUTPUT_FLOW;
  flow->homed = true;
  flow->src_in_home = is_in(home, flow->key.bytes[VERSION], source(&flow->key));
  flow->dst_in_home = is_in(home, flow->key.bytes[VERSION], destination(&flow->key));
  return LTS_ITEM;
}
