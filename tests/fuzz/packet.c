/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Arbitrary bytes as a packet of any link type, as a layer of any kind, and as a pickled packet.
 */
#include "touch.h"

#include <string.h>

/* libtrace's link types, and from 1000 on the shim's own; what is left of a byte's values is none.
 */
static int32_t link_of(uint8_t choice) {
  enum { OF_LIBTRACE = 28, OWN = 4, FIRST_OWN = 1000, UNKNOWN = -1 };
  if (choice < OF_LIBTRACE) return choice;
  return choice < OF_LIBTRACE + OWN ? FIRST_OWN + choice - OF_LIBTRACE : UNKNOWN;
}

static void put32(uint8_t *at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> 8 * i);
}

/* Through the format of lts_packet_freeze(). */
lts_packet *packet_from(const uint8_t *data, size_t size) {
  enum { FIXED = 44, TIME = 4, WIRE = 12, DLT = 20, LINK = 24, DIRECTION = 28, CAPTURED = 36 };
  if (!size) return NULL;
  uint32_t captured = (uint32_t)size - 1;
  uint8_t *frozen = calloc(1, FIXED + captured);
  PROMISE(frozen);
  frozen[0] = frozen[1] = 1;
  put32(frozen + TIME, 1000000000);
  put32(frozen + WIRE, captured);
  put32(frozen + DLT, UINT32_MAX);
  put32(frozen + LINK, (uint32_t)link_of(data[0]));
  put32(frozen + DIRECTION, UINT32_MAX);
  put32(frozen + CAPTURED, captured);
  if (captured) memcpy(frozen + FIXED, data + 1, captured);
  lts_packet *packet = lts_packet_load((lts_bytes){frozen, FIXED + captured});
  free(frozen);
  PROMISE(packet && packet != LTS_NO_LAYER);
  return packet;
}

void fuzz_packet(const uint8_t *data, size_t size) {
  lts_packet *packet = packet_from(data, size);
  if (packet) touch_states(packet);
  delete_lts_packet(packet);
}

/* ---- layers and pickles ---- */

static void touch_pickle(const uint8_t *data, size_t size) {
  lts_packet *packet = lts_packet_load((lts_bytes){data, size});
  if (packet == LTS_NO_LAYER) return;
  touch_states(packet);
  delete_lts_packet(packet);
}

/* In memory of its exact size, which the layer gives back. */
static void touch_layer(lts_layer_kind kind, const uint8_t *data, size_t size) {
  uint8_t *bytes = malloc(size);
  if (size) memcpy(bytes, data, size);
  lts_set_hooks(&(lts_hooks){.return_buffer = free});
  lts_packet *layer = lts_layer_from_bytes(kind, bytes, size, bytes);
  PROMISE(layer && layer != LTS_NO_LAYER);
  touch(layer, kind);
  touch_and_change(layer, kind);
  touch(layer, kind);
  delete_lts_packet(layer);
}

void fuzz_object(const uint8_t *data, size_t size) {
  if (!size) return;
  if (data[0] >= LTS_IP && data[0] <= LTS_SCTP)
    touch_layer((lts_layer_kind)data[0], data + 1, size - 1);
  else
    touch_pickle(data + 1, size - 1);
}
