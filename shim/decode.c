/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Where a packet's headers are. The one decoder: it walks from the captured bytes and never looks
 * behind them, which libtrace's own accessors do.
 */
#include "walk.h"

/* ---- pseudo-headers, which were never on the wire ---- */

/* What a cooked capture has left of its interface's link layer. */
static int behind_cooked(uint16_t hardware, uint16_t protocol, uint16_t *ethertype) {
  enum { ARPHRD_80211 = 801, ARPHRD_PRISM = 802, ARPHRD_RADIOTAP = 803 };
  enum { LLC = 0x0004, LOOPBACK = 0x0060 };
  if (hardware == ARPHRD_80211) return TRACE_TYPE_80211;
  if (hardware == ARPHRD_PRISM) return TRACE_TYPE_80211_PRISM;
  if (hardware == ARPHRD_RADIOTAP) return TRACE_TYPE_80211_RADIO;
  if (protocol == LOOPBACK) return TRACE_TYPE_ETH;
  if (protocol == LLC) return TRACE_TYPE_LLCSNAP;
  *ethertype = protocol;
  return TRACE_TYPE_NONE;
}

/* The link type behind the pseudo-headers; the cursor at their end. */
static int skip_pseudo(cursor *c, int link, uint16_t *ethertype) {
  enum { SLL = 16, SLL2 = 20, PRISM = 144 };
  const uint8_t *at = c->data + c->at;
  switch (link) {
  case TRACE_TYPE_LINUX_SLL:
    if (!step(c, "sll", SLL)) return TRACE_TYPE_NONE;
    return skip_pseudo(c, behind_cooked(be16(at + 2), be16(at + 14), ethertype), ethertype);
  case LTS_LINK_SLL2:
    if (!step(c, "sll2", SLL2)) return TRACE_TYPE_NONE;
    return skip_pseudo(c, behind_cooked(be16(at + 8), be16(at), ethertype), ethertype);
  case TRACE_TYPE_80211_RADIO:
    if (need(c, 4)) step(c, "radiotap", le16(at + 2));
    return TRACE_TYPE_80211;
  case TRACE_TYPE_80211_PRISM: step(c, "prism", PRISM); return TRACE_TYPE_80211;
  case TRACE_TYPE_PFLOG:
    if (need(c, 1)) step(c, "pflog", (at[0] + 3u) & ~3u);
    return TRACE_TYPE_NONE;
  default: return link;
  }
}

/* ---- layer 2 ---- */

static uint16_t ethertype_of_ip(cursor *c) {
  if (!need(c, 1)) return 0;
  uint8_t version = c->data[c->at] >> 4;
  return version == 4 ? ETHERTYPE_IP : version == 6 ? ETHERTYPE_IPV6 : 0;
}

static uint16_t ethertype_of_ppp(uint16_t protocol) {
  switch (protocol) {
  case 0x0021: return ETHERTYPE_IP;
  case 0x0057: return ETHERTYPE_IPV6;
  case 0x0281: return ETHERTYPE_MPLS;
  case 0x0283: return ETHERTYPE_MPLS_MULTICAST;
  default: return 0;
  }
}

/* RFC 1661, with or without the address and control bytes of RFC 1662. */
static uint16_t skip_ppp(cursor *c) {
  enum { HDLC_UNNUMBERED = 0xff03 };
  const uint8_t *at = c->data + c->at;
  uint32_t framing = has(c, 2) && be16(at) == HDLC_UNNUMBERED ? 2 : 0;
  return step(c, "ppp", framing + 2) ? ethertype_of_ppp(be16(at + framing)) : 0;
}

static uint16_t skip_hdlc(cursor *c) {
  if (has(c, 1) && c->data[c->at] == 0xff) return skip_ppp(c);
  const uint8_t *at = c->data + c->at;
  return step(c, "chdlc", 4) ? be16(at + 2) : 0;
}

uint16_t walk_ethernet(cursor *c) {
  const uint8_t *at = c->data + c->at;
  return step(c, "eth", 14) ? be16(at + 12) : 0;
}

static uint16_t skip_llcsnap(cursor *c) {
  enum { SNAP = 0xaaaa };
  const uint8_t *at = c->data + c->at;
  if (!need(c, 2) || be16(at) != SNAP) return 0;
  return step(c, "llc", 8) ? be16(at + 6) : 0;
}

/* IEEE 802.11: only data frames carry packets. */
static uint16_t skip_80211(cursor *c) {
  enum { SHORT = 24, ADDRESS = 6, QOS = 2, HT = 4, DATA = 2 };
  if (!need(c, 2)) return 0;
  uint8_t type = c->data[c->at] >> 2 & 3, subtype = c->data[c->at] >> 4, flags = c->data[c->at + 1];
  bool qos = subtype & 8, protected = flags & 0x40;
  if (type != DATA || subtype & 4 || protected) return 0;
  uint32_t length =
      SHORT + ((flags & 3) == 3 ? ADDRESS : 0) + (qos ? QOS : 0) + (qos && flags & 0x80 ? HT : 0);
  return step(c, "wlan", length) ? skip_llcsnap(c) : 0;
}

static uint16_t skip_link(cursor *c, int link) {
  enum { ATM_WITHOUT_HEC = 4, FAMILY = 4 };
  switch (link) {
  case TRACE_TYPE_ETH: return walk_ethernet(c);
  case TRACE_TYPE_80211: return skip_80211(c);
  case TRACE_TYPE_PPP:
  case TRACE_TYPE_POS: return skip_ppp(c);
  case TRACE_TYPE_HDLC_POS: return skip_hdlc(c);
  case TRACE_TYPE_ATM: return step(c, "atm", ATM_WITHOUT_HEC) ? skip_llcsnap(c) : 0;
  case TRACE_TYPE_LLCSNAP: return skip_llcsnap(c);
  case LTS_LINK_NULL:
  case TRACE_TYPE_OPENBSD_LOOP: return step(c, "null", FAMILY) ? ethertype_of_ip(c) : 0;
  case TRACE_TYPE_NONE:
  case LTS_LINK_IPV4:
  case LTS_LINK_IPV6: return ethertype_of_ip(c);
  default: c->at = c->end; return 0;
  }
}

/* Where the source and destination address of an 802.11 frame are: IEEE 802.11, table 9-30. */
static void find_wifi_macs(lts_headers *headers, const cursor *frame) {
  enum { TO_DS = 1, FROM_DS = 2, CONTROL = 1 };
  static const uint8_t destination[] = {4, 16, 4, 16}, source[] = {10, 10, 16, 24};
  if (!has(frame, 2)) {
    headers->macs = LTS_CUT;
    return;
  }
  if ((frame->data[frame->at] >> 2 & 3) == CONTROL) return;
  int ds = frame->data[frame->at + 1] & (TO_DS | FROM_DS);
  headers->macs = LTS_PRESENT;
  headers->dst_mac = frame->at + destination[ds];
  headers->src_mac = frame->at + source[ds];
}

static void find_macs(lts_headers *headers, const cursor *frame) {
  headers->macs = frame->cut ? LTS_CUT : LTS_MISSING;
  if (headers->linktype == TRACE_TYPE_80211) find_wifi_macs(headers, frame);
  if (headers->linktype != TRACE_TYPE_ETH) return;
  headers->macs = LTS_PRESENT;
  headers->dst_mac = frame->at;
  headers->src_mac = frame->at + 6;
}

/* ---- tags ---- */

static bool is_vlan(uint16_t ethertype) {
  return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ ||
         ethertype == ETHERTYPE_OLD_QINQ;
}

static uint16_t skip_vlan(cursor *c) {
  const uint8_t *at = c->data + c->at;
  return step(c, "vlan", 4) ? be16(at + 2) : 0;
}

/* RFC 3032 has no type field: behind the last label the version of IP tells. */
static uint16_t skip_mpls(cursor *c, uint16_t ethertype) {
  enum { BOTTOM = 1 };
  const uint8_t *at = c->data + c->at;
  if (!step(c, "mpls", 4)) return 0;
  return at[2] & BOTTOM ? ethertype_of_ip(c) : ethertype;
}

uint16_t walk_tags(cursor *c, uint16_t ethertype) {
  enum { PPPOE = 6 };
  for (;;) {
    if (is_vlan(ethertype))
      ethertype = skip_vlan(c);
    else if (ethertype == ETHERTYPE_MPLS || ethertype == ETHERTYPE_MPLS_MULTICAST)
      ethertype = skip_mpls(c, ethertype);
    else if (ethertype == ETHERTYPE_PPPOE)
      ethertype = step(c, "pppoe", PPPOE) ? skip_ppp(c) : 0;
    else
      return ethertype;
  }
}

/* libtrace's view, which old programs rely on: one 802.1Q tag is taken off, no more. */
static void note_ethertype(lts_headers *headers, const cursor *behind_link, uint16_t ethertype) {
  cursor c = *behind_link;
  c.stack = NULL;
  headers->ethertype = ethertype;
  headers->vlan_id = 0;
  if (ethertype == ETHERTYPE_VLAN && has(&c, 4)) {
    headers->vlan_id = be16(c.data + c.at) & VLAN_ID;
    headers->ethertype = skip_vlan(&c);
  }
  headers->layer3 = c.at;
}

/* ---- IP ---- */

static void read_ipv4(lts_network *network, const cursor *c) {
  enum { PROTOCOL = 9, OFFSET = 0x1fff, LEAST = 5 };
  const uint8_t *at = c->data + c->at;
  if (!has(c, PROTOCOL + 1)) {
    network->proto_presence = network->transport_presence = LTS_CUT;
    return;
  }
  uint32_t length = at[0] & 15u;
  network->proto = at[PROTOCOL];
  network->proto_presence = LTS_PRESENT;
  if (be16(at + 6) & OFFSET || length < LEAST) return;
  network->transport_presence = has(c, length * 4) ? LTS_PRESENT : LTS_CUT;
  network->transport = c->at + length * 4;
}

/* RFC 8200, 4: what may stand between the fixed header and the payload. */
uint32_t walk_extension_length(uint8_t type, const uint8_t *at) {
  enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, AUTHENTICATION = 51, OPTIONS = 60 };
  switch (type) {
  case HOP_BY_HOP:
  case ROUTING:
  case OPTIONS: return (at[1] + 1u) * 8;
  case FRAGMENT: return 8;
  case AUTHENTICATION: return (at[1] + 2u) * 4;
  default: return 0;
  }
}

static void read_ipv6(lts_network *network, cursor c) {
  enum { FIXED = 40, NEXT = 6, FRAGMENT = 44, OFFSET = 0xfff8 };
  static const uint8_t shortest[8];
  network->proto_presence = network->transport_presence = LTS_CUT;
  if (!has(&c, FIXED)) return;
  uint8_t next = c.data[c.at + NEXT];
  bool later_fragment = false;
  c.at += FIXED;
  while (walk_extension_length(next, shortest)) {
    const uint8_t *at = c.data + c.at;
    if (!has(&c, 8) || !has(&c, walk_extension_length(next, at))) return;
    later_fragment |= next == FRAGMENT && be16(at + 2) & OFFSET;
    c.at += walk_extension_length(next, at);
    next = at[0];
    if (later_fragment) break;
  }
  network->proto = next;
  network->proto_presence = LTS_PRESENT;
  network->transport = c.at;
  network->transport_presence = later_fragment ? LTS_MISSING : LTS_PRESENT;
}

static lts_network read_network(cursor *c, int version) {
  lts_network network = {.at = c->at, .version = (uint8_t)version};
  bool there = version && need(c, 1) && c->data[c->at] >> 4 == version;
  network.presence = c->cut ? LTS_CUT : there ? LTS_PRESENT : LTS_MISSING;
  network.proto_presence = network.transport_presence = c->cut ? LTS_CUT : LTS_MISSING;
  if (there && version == 4) read_ipv4(&network, c);
  if (there && version == 6) read_ipv6(&network, *c);
  return network;
}

lts_network lts_network_read(const uint8_t *data, uint32_t at, uint32_t end, int version) {
  cursor c = {.data = data, .at = at, .end = end};
  return read_network(&c, version);
}

uint16_t lts_ethertype_of(int version) {
  return version == 4 ? ETHERTYPE_IP : version == 6 ? ETHERTYPE_IPV6 : 0;
}

/* ---- the walk ---- */

static int version_of(uint16_t ethertype) {
  return ethertype == ETHERTYPE_IP ? 4 : ethertype == ETHERTYPE_IPV6 ? 6 : 0;
}

uint16_t walk_link(cursor *c, const lts_frame *frame, lts_headers *headers) {
  uint16_t ethertype = 0;
  int link = skip_pseudo(c, frame->link, &ethertype);
  headers->link = c->at;
  headers->linktype = (int16_t)(link >= LTS_LINK_NULL ? LTS_LINK_UNKNOWN : link);
  find_macs(headers, c);
  return ethertype || c->cut ? ethertype : skip_link(c, link);
}

/* Once per packet: in one piece, it takes half as long. */
__attribute__((flatten)) lts_headers *lts_frame_walk(lts_frame *frame) {
  lts_headers *headers = &frame->headers;
  uint32_t end =
      frame->capture_length < frame->wire_length ? frame->capture_length : frame->wire_length;
  cursor c = {.data = frame->data, .end = end};
  headers->end = end;
  uint16_t ethertype = walk_link(&c, frame, headers);
  note_ethertype(headers, &c, ethertype);
  uint32_t tags = c.at;
  ethertype = walk_tags(&c, ethertype);
  headers->tagged = c.at != tags;
  headers->network = read_network(&c, version_of(ethertype));
  headers->decoded = !frame->exposed;
  return headers;
}
