/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Walking from header to header within the captured bytes.
 */
#ifndef LTS_WALK_H
#define LTS_WALK_H

#include "bytes.h"
#include "lts_int.h"

enum {
  ETHERTYPE_IP = 0x0800,
  ETHERTYPE_ARP = 0x0806,
  ETHERTYPE_BRIDGED = 0x6558, /* Ethernet in GRE */
  ETHERTYPE_VLAN = 0x8100,
  ETHERTYPE_IPV6 = 0x86dd,
  ETHERTYPE_MPLS = 0x8847,
  ETHERTYPE_MPLS_MULTICAST = 0x8848,
  ETHERTYPE_PPPOE = 0x8864,
  ETHERTYPE_QINQ = 0x88a8,
  ETHERTYPE_OLD_QINQ = 0x9100,
  VLAN_ID = 0x0fff,
};

typedef struct cursor {
  const uint8_t *data;
  uint32_t at, end;
  bool cut;         /* a header that must be there is not captured in full */
  lts_stack *stack; /* where the headers passed are noted, or NULL */
} cursor;

static inline bool has(const cursor *c, uint32_t bytes) { return c->end - c->at >= bytes; }

static inline bool need(cursor *c, uint32_t bytes) {
  if (!has(c, bytes)) c->cut = true;
  return !c->cut;
}

static inline lts_header *note(cursor *c, const char *name, uint32_t length) {
  lts_stack *stack = c->stack;
  if (!stack || stack->count == LTS_STACK || !length) return NULL;
  lts_header *header = &stack->headers[stack->count++];
  *header = (lts_header){.name = name, .at = c->at, .length = length};
  return header;
}

/* Passes a header that is there in full; else, nothing more is. */
static inline bool step(cursor *c, const char *name, uint32_t bytes) {
  bool whole = need(c, bytes);
  note(c, name, whole ? bytes : c->end - c->at);
  c->at = whole ? c->at + bytes : c->end;
  return whole;
}

/* Up to the first header that says its own protocol: returns the EtherType, or 0. */
uint16_t walk_link(cursor *c, const lts_frame *frame, lts_headers *headers);
uint16_t walk_ethernet(cursor *c);
/* VLAN tags, MPLS labels, PPPoE. */
uint16_t walk_tags(cursor *c, uint16_t ethertype);
/* The bytes of an IPv6 extension header (RFC 8200, 4), of which 8 can be read; 0 for others. */
uint32_t walk_extension_length(uint8_t type, const uint8_t *at);

#endif
