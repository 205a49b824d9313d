/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * What the header classes share.
 */
#ifndef LTS_LAYER_H
#define LTS_LAYER_H

#include "bytes.h"
#include "lts_int.h"

#define LTS_DEFINE(NAME)                                                                           \
  struct lts_##NAME {                                                                              \
    lts_packet layer;                                                                              \
  };
LTS_LAYERS(LTS_DEFINE)

/* Where the captured bytes end. */
static inline uint32_t lts_layer_end(const lts_packet *layer) {
  return layer->frame->filled ? lts_frame_decode(layer->frame)->end : 0;
}

/* `length` bytes at base + offset, or NULL with the reason: the capture ends before. */
static inline uint8_t *lts_layer_bytes(const lts_packet *layer, uint32_t base, uint32_t offset,
                                       uint32_t length, const char *name) {
  uint64_t at = (uint64_t)base + offset;
  if (at + length <= lts_layer_end(layer)) return layer->frame->data + at;
  lts_fail_cut(name, at + length, lts_layer_end(layer));
  return NULL;
}

/* A big-endian number of 1, 2 or 4 bytes. */
static inline lts_field lts_layer_number(const lts_packet *layer, uint32_t base, uint32_t offset,
                                         uint32_t size, const char *name) {
  const uint8_t *at = lts_layer_bytes(layer, base, offset, size, name);
  if (!at) return LTS_FAILED;
  return size == 1 ? at[0] : size == 2 ? be16(at) : be32(at);
}

/* The same, counted from the start of the IP header. */
lts_field lts_network_number(const lts_packet *layer, uint32_t offset, uint32_t size,
                             const char *name);

lts_presence lts_layer_presence(const lts_packet *layer, int presence, uint64_t at, uint32_t length,
                                const char *name);
lts_status lts_layer_set_checksum(lts_packet *layer, uint32_t base, uint32_t offset, int value);
/* Whether the protocol begins with two ports. */
bool lts_has_ports(uint8_t proto);
/* Where an IP address is, and its version. */
lts_presence lts_address_find(lts_packet *packet, bool source, const char *name,
                              const uint8_t **bytes, int *version);
/* Where a MAC address is. */
lts_presence lts_mac_find(lts_packet *packet, bool source, const char *name, const uint8_t **bytes);
/* What follows the transport header, without padding: its captured bytes, and how many the IP
 * header says there are. */
lts_presence lts_payload_find(lts_packet *packet, lts_bytes *captured, uint32_t *length,
                              const char *name);
/* A number of the first TCP option of a kind that has a right length (RFC 9293, 3.2). */
lts_field lts_tcp_option_number(lts_tcp *tcp, uint8_t kind, int index);
/* The bytes of a TCP header with its options; 0 where that is not captured, or less than 20. */
uint32_t lts_tcp_header_length(const lts_packet *tcp);

lts_value lts_value_bytes(const uint8_t *data, size_t length);
lts_value lts_value_truth(bool truth);
lts_value lts_value_layer(lts_packet *layer);
lts_value lts_value_failed(void);

/* The IP header that an object belongs to: its own, or the packet's outermost. A script may write
 * to the bytes: what they say now counts, not what they said. */
static inline lts_network lts_network_of(const lts_packet *layer) {
  const lts_network *own = &layer->network;
  if (!layer->frame->filled) return *own;
  if (!layer->copy) return lts_frame_decode(layer->frame)->network;
  if (!own->version) return *own;
  return lts_network_read(layer->frame->data, own->at, lts_layer_end(layer), own->version);
}

/* An object for another part of the same packet. */
lts_packet *lts_layer_derive(const lts_packet *parent, lts_layer_kind layer, uint32_t at);

/* The getter of a header field that is a plain number. */
#define LTS_NUMBER(CLASS, NAME, OFFSET, SIZE)                                                      \
  lts_field lts_##CLASS##_##NAME##_get(lts_##CLASS *object) {                                      \
    return lts_layer_number(&object->layer, object->layer.at, OFFSET, SIZE, #NAME);                \
  }

#endif
