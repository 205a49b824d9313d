/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The complete header stack of a packet: through tunnels, and into the packet that an ICMP error
 * quotes. Names are those of tshark's frame.protocols.
 */
#include "layer.h"
#include "walk.h"

enum {
  PROTO_HOP_BY_HOP = 0,
  PROTO_ICMP = 1,
  PROTO_IPV4 = 4,
  PROTO_TCP = 6,
  PROTO_UDP = 17,
  PROTO_IPV6 = 41,
  PROTO_ROUTING = 43,
  PROTO_FRAGMENT = 44,
  PROTO_GRE = 47,
  PROTO_ESP = 50,
  PROTO_AH = 51,
  PROTO_ICMP6 = 58,
  PROTO_OPTIONS = 60,
  PROTO_SCTP = 132,
  PROTO_MPLS = 137,
};

static void walk_network(cursor *c, uint16_t ethertype);
static void walk_frame(cursor *c, uint16_t ethertype);

static void rest(cursor *c, const char *name) {
  note(c, name, c->end - c->at);
  c->at = c->end;
}

/* Passes a header that has an object. */
static bool step_layer(cursor *c, const char *name, uint32_t bytes, lts_layer_kind kind,
                       const lts_network *network) {
  int before = c->stack->count;
  bool whole = step(c, name, bytes);
  if (c->stack->count == before) return false;
  lts_header *header = &c->stack->headers[before];
  header->kind = kind;
  header->network = *network;
  return whole;
}

/* ---- behind IP ---- */

static void walk_gre(cursor *c) { /* RFC 2784, RFC 2890 */
  enum { CHECKSUM = 0x8000, ROUTING = 0x4000, KEY = 0x2000, SEQUENCE = 0x1000, VERSION = 7 };
  if (!need(c, 4)) {
    rest(c, "gre");
    return;
  }
  uint16_t flags = be16(c->data + c->at), protocol = be16(c->data + c->at + 2);
  uint32_t words = 1u + !!(flags & CHECKSUM) + !!(flags & KEY) + !!(flags & SEQUENCE);
  if (!step(c, "gre", words * 4)) return;
  if (flags & (ROUTING | VERSION))
    rest(c, "data");
  else
    protocol == ETHERTYPE_BRIDGED ? walk_frame(c, walk_ethernet(c)) : walk_network(c, protocol);
}

static void walk_tcp(cursor *c, const lts_network *network) {
  enum { LEAST = 20, OFFSET = 12 };
  uint32_t length = has(c, LEAST) ? (c->data[c->at + OFFSET] >> 4) * 4u : LEAST;
  if (step_layer(c, "tcp", length < LEAST ? LEAST : length, LTS_TCP, network)) rest(c, "data");
}

static void walk_udp(cursor *c, const lts_network *network) { /* RFC 768; VXLAN: RFC 7348 */
  enum { HEADER = 8, VXLAN_PORT = 4789, VXLAN = 8 };
  bool vxlan = has(c, 4) && be16(c->data + c->at + 2) == VXLAN_PORT;
  if (!step_layer(c, "udp", HEADER, LTS_UDP, network)) return;
  if (!vxlan)
    rest(c, "data");
  else if (step(c, "vxlan", VXLAN))
    walk_frame(c, walk_ethernet(c));
}

/* The bytes of an ICMPv6 redirect before the packet that it quotes, in an option; 0 if it does not
 * (RFC 4861, 4.5 and 4.6.3). */
static uint32_t redirect_length(const cursor *c) {
  enum { FIXED = 40, OPTION_HEADER = 8, REDIRECTED_HEADER = 4 };
  for (uint32_t at = FIXED; has(c, at + OPTION_HEADER);) {
    const uint8_t *option = c->data + c->at + at;
    if (option[0] == REDIRECTED_HEADER) return at + OPTION_HEADER;
    if (!option[1]) return 0;
    at += option[1] * 8u;
  }
  return 0;
}

static void walk_icmp(cursor *c, const lts_network *network, bool v6) {
  enum { HEADER = 8, REDIRECT6 = 137 };
  uint8_t type = has(c, 1) ? c->data[c->at] : 0;
  uint32_t redirect = v6 && type == REDIRECT6 ? redirect_length(c) : 0;
  bool quotes = v6 ? redirect || (type >= 1 && type <= 4)
                   : type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
  if (!step_layer(c, v6 ? "icmpv6" : "icmp", redirect ? redirect : HEADER,
                  v6 ? LTS_ICMP6 : LTS_ICMP, network))
    return;
  if (quotes)
    walk_network(c, v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
  else
    rest(c, "data");
}

static void walk_transport(cursor *c, uint8_t proto, const lts_network *network) {
  enum { AH_LEAST = 8, SCTP_HEADER = 12 };
  switch (proto) {
  case PROTO_TCP: walk_tcp(c, network); break;
  case PROTO_UDP: walk_udp(c, network); break;
  case PROTO_ICMP: walk_icmp(c, network, false); break;
  case PROTO_ICMP6: walk_icmp(c, network, true); break;
  case PROTO_IPV4: walk_network(c, ETHERTYPE_IP); break;
  case PROTO_IPV6: walk_network(c, ETHERTYPE_IPV6); break;
  case PROTO_GRE: walk_gre(c); break;
  case PROTO_MPLS: walk_network(c, ETHERTYPE_MPLS); break;
  case PROTO_ESP: rest(c, "esp"); break;
  case PROTO_SCTP:
    if (step_layer(c, "sctp", SCTP_HEADER, LTS_SCTP, network)) rest(c, "data");
    break;
  case PROTO_AH:
    if (!need(c, AH_LEAST)) {
      rest(c, "ah");
    } else {
      uint8_t next = c->data[c->at];
      if (step(c, "ah", (c->data[c->at + 1] + 2u) * 4)) walk_transport(c, next, network);
    }
    break;
  default: rest(c, "data");
  }
}

/* ---- IP ---- */

static void walk_ipv4(cursor *c) {
  enum { LEAST = 20 };
  lts_network network = lts_network_read(c->data, c->at, c->end, 4);
  uint32_t length = has(c, 1) ? (c->data[c->at] & 15u) * 4 : LEAST;
  if (!step_layer(c, "ip", length < LEAST ? LEAST : length, LTS_IP, &network)) return;
  if (network.transport_presence == LTS_PRESENT)
    walk_transport(c, network.proto, &network);
  else
    rest(c, "data");
}

static const char *extension_name(uint8_t type) {
  switch (type) {
  case PROTO_HOP_BY_HOP: return "ipv6.hopopts";
  case PROTO_ROUTING: return "ipv6.routing";
  case PROTO_FRAGMENT: return "ipv6.fraghdr";
  case PROTO_OPTIONS: return "ipv6.dstopts";
  default: return "ah";
  }
}

static void walk_ipv6(cursor *c) {
  enum { FIXED = 40, NEXT = 6 };
  static const uint8_t shortest[8];
  lts_network network = lts_network_read(c->data, c->at, c->end, 6);
  const uint8_t *ip = c->data + c->at;
  if (!step_layer(c, "ipv6", FIXED, LTS_IP6, &network)) return;
  for (uint8_t next = ip[NEXT]; walk_extension_length(next, shortest);) {
    const uint8_t *at = c->data + c->at;
    if (network.proto_presence == LTS_PRESENT && c->at >= network.transport) break;
    if (!has(c, 8)) {
      rest(c, extension_name(next));
      return;
    }
    if (!step(c, extension_name(next), walk_extension_length(next, at))) return;
    next = at[0];
  }
  if (network.transport_presence == LTS_PRESENT)
    walk_transport(c, network.proto, &network);
  else
    rest(c, "data");
}

static void walk_network(cursor *c, uint16_t ethertype) {
  ethertype = walk_tags(c, ethertype);
  uint8_t version = has(c, 1) ? c->data[c->at] >> 4 : 0;
  if (c->cut || c->stack->count == LTS_STACK) return;
  if (ethertype == ETHERTYPE_IP && version == 4)
    walk_ipv4(c);
  else if (ethertype == ETHERTYPE_IPV6 && version == 6)
    walk_ipv6(c);
  else
    rest(c, ethertype == ETHERTYPE_ARP ? "arp" : "data");
}

/* ---- IEEE 802.3 ---- */

/* IEEE 802.2; with SNAP, which has an EtherType, RFC 1042. Novell's IPX has none of it. */
static uint16_t walk_llc(cursor *c) {
  enum { SNAP = 0xaaaa, NOVELL = 0xffff, UNNUMBERED = 3, SNAP_HEADER = 8 };
  const uint8_t *at = c->data + c->at;
  uint16_t service = has(c, 2) ? be16(at) : 0;
  uint8_t control = has(c, 3) ? at[2] : UNNUMBERED;
  bool snap = service == SNAP && control == UNNUMBERED;
  if (service == NOVELL) return 0;
  if (!step(c, "llc", snap ? SNAP_HEADER : (control & UNNUMBERED) == UNNUMBERED ? 3 : 4)) return 0;
  return snap && !(at[3] | at[4] | at[5]) ? be16(at + 6) : 0;
}

/* Behind the addresses of Ethernet: its type, or the length of IEEE 802.3. */
static void walk_frame(cursor *c, uint16_t ethertype) {
  enum { LONGEST = 1500 };
  ethertype = walk_tags(c, ethertype);
  walk_network(c, ethertype && ethertype <= LONGEST ? walk_llc(c) : ethertype);
}

/* ---- the whole stack ---- */

static lts_stack stack_of(lts_packet *packet) {
  lts_stack stack = {.count = 0};
  lts_headers headers;
  if (packet->copy || !packet->frame->filled) return stack;
  cursor c = {.data = packet->frame->data, .end = lts_layer_end(packet), .stack = &stack};
  uint16_t ethertype = walk_link(&c, packet->frame, &headers);
  headers.linktype == TRACE_TYPE_ETH ? walk_frame(&c, ethertype) : walk_network(&c, ethertype);
  return stack;
}

/* The outermost headers are the packet's own; those in a tunnel, as plt has it, copies. */
static lts_packet *object_of(lts_packet *packet, const lts_header *header) {
  if (header->kind == LTS_PACKET) return NULL;
  lts_packet *layer = lts_layer_derive(packet, header->kind, header->at);
  if (layer == LTS_NO_LAYER) return layer;
  layer->copy = header->network.at != layer->network.at;
  layer->network = header->network;
  return layer;
}

lts_layer_list lts_packet_layers_get(lts_packet *packet) {
  lts_stack stack = stack_of(packet);
  lts_layer_list list = {.count = lts_frame_is_filled(packet->frame) ? 0 : -1};
  for (int i = 0; list.count >= 0 && i < stack.count; i++) {
    const lts_header *header = &stack.headers[i];
    lts_packet *object = object_of(packet, header);
    if (object == LTS_NO_LAYER) {
      while (list.count) delete_lts_packet(list.items[--list.count].object);
      list.count = -1;
      break;
    }
    list.items[list.count++] =
        (lts_layer_item){header->name, header->at, header->length, header->kind, object};
  }
  return list;
}

/* ---- tags ---- */

static uint32_t vlan_id(const uint8_t *tag) { return be16(tag) & VLAN_ID; }
static uint32_t mpls_label(const uint8_t *entry) { return be32(entry) >> 12; }

/* What the tags of a kind say that are in front of the outermost IP header. */
static lts_numbers read_tags(lts_packet *packet, const char *name,
                             uint32_t (*read)(const uint8_t *)) {
  enum { TAG = 4 };
  lts_numbers numbers = {.count = lts_frame_is_filled(packet->frame) ? 0 : -1};
  lts_stack stack;
  lts_headers headers;
  stack.count = 0;
  if (numbers.count < 0 || packet->copy || !lts_frame_decode(packet->frame)->tagged) return numbers;
  cursor c = {.data = packet->frame->data, .end = lts_layer_end(packet), .stack = &stack};
  uint16_t ethertype = walk_link(&c, packet->frame, &headers);
  walk_tags(&c, ethertype);
  for (int i = 0; i < stack.count; i++) {
    const lts_header *header = &stack.headers[i];
    if (!strcmp(header->name, name) && header->length == TAG)
      numbers.values[numbers.count++] = read(packet->frame->data + header->at);
  }
  return numbers;
}

lts_numbers lts_packet_vlan_ids_get(lts_packet *packet) {
  return read_tags(packet, "vlan", vlan_id);
}

lts_numbers lts_packet_mpls_labels_get(lts_packet *packet) {
  return read_tags(packet, "mpls", mpls_label);
}
