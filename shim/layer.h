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
uint32_t lts_layer_end(const lts_packet *layer);
/* `length` bytes at base + offset, or NULL with the reason: the capture ends before. */
uint8_t *lts_layer_bytes(const lts_packet *layer, uint32_t base, uint32_t offset, uint32_t length,
                         const char *name);
/* A big-endian number of 1, 2 or 4 bytes. */
lts_field lts_layer_number(const lts_packet *layer, uint32_t base, uint32_t offset, uint32_t size,
                           const char *name);
/* The same, counted from the start of the IP header. */
lts_field lts_network_number(const lts_packet *layer, uint32_t offset, uint32_t size,
                             const char *name);

lts_presence lts_layer_presence(const lts_packet *layer, int presence, uint64_t at, uint32_t length,
                                const char *name);
lts_status lts_layer_set_checksum(lts_packet *layer, uint32_t base, uint32_t offset, int value);
/* The bytes of a TCP header with its options; 0 where that is not captured, or less than 20. */
uint32_t lts_tcp_header_length(const lts_packet *tcp);

lts_value lts_value_bytes(const uint8_t *data, size_t length);
lts_value lts_value_truth(bool truth);
lts_value lts_value_layer(lts_packet *layer);
lts_value lts_value_failed(void);

/* The IP header that an object belongs to, as it is now: its own, or the packet's outermost. */
lts_network lts_network_of(const lts_packet *layer);

/* An object for another part of the same packet. */
lts_packet *lts_layer_derive(const lts_packet *parent, lts_layer_kind layer, uint32_t at);

/* The getter of a header field that is a plain number. */
#define LTS_NUMBER(CLASS, NAME, OFFSET, SIZE)                                                      \
  lts_field lts_##CLASS##_##NAME##_get(lts_##CLASS *object) {                                      \
    return lts_layer_number(&object->layer, object->layer.at, OFFSET, SIZE, #NAME);                \
  }

#endif
