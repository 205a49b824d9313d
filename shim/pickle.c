/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * A packet as bytes and back, for pickle and copy: all that the record says, in little-endian.
 */
#include "layer.h"

#include <stdlib.h>

enum { FORMAT = 1, FIXED = 44, ERF = 1, EXACT = 2 };

static void put32(uint8_t *at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> 8 * i);
}

lts_owned lts_packet_freeze(lts_packet *packet) {
  lts_owned result = {NULL, 0};
  const lts_frame *frame = packet->frame;
  if (packet->layer != LTS_PACKET) {
    lts_fail(LTS_E_VALUE, 0, NULL, "copy or pickle the packet, not its layers");
    return result;
  }
  uint32_t header = frame->filled ? frame->header_length : 0;
  uint32_t captured = frame->filled ? frame->capture_length : 0;
  uint32_t padding = frame->filled ? frame->padding : 0;
  result.length = FIXED + (size_t)header + captured + padding;
  result.data = calloc(1, result.length);
  if (!result.data) {
    lts_fail_memory();
    return result;
  }
  uint8_t *at = result.data;
  at[0] = FORMAT;
  at[1] = frame->filled;
  if (!frame->filled) return result;
  at[2] = (frame->erf ? ERF : 0) | (frame->exact ? EXACT : 0);
  at[3] = frame->fcs;
  put32(at + 4, (uint32_t)frame->timestamp_ns);
  put32(at + 8, (uint32_t)((uint64_t)frame->timestamp_ns >> 32));
  put32(at + 12, frame->wire_length);
  put32(at + 16, frame->rt_type);
  put32(at + 20, (uint32_t)frame->dlt);
  put32(at + 24, (uint32_t)frame->link);
  put32(at + 28, (uint32_t)frame->direction);
  put32(at + 32, header);
  put32(at + 36, captured);
  put32(at + 40, padding);
  if (header) memcpy(at + FIXED, frame->header, header);
  if (captured + padding) memcpy(at + FIXED + header, frame->data, captured + padding);
  return result;
}

static lts_status fill(lts_frame *frame, const uint8_t *at, size_t length) {
  uint32_t header = le32(at + 32), captured = le32(at + 36), padding = le32(at + 40);
  uint64_t data = (uint64_t)header + captured + padding;
  if (length != FIXED + data || at[3] > 4 || (at[2] & ERF && header < 16))
    return lts_fail(LTS_E_VALUE, 0, NULL, "these bytes are no pickled packet");
  frame->owned = malloc(data ? data : 1);
  if (!frame->owned) return lts_fail_memory();
  if (data) memcpy(frame->owned, at + FIXED, data);
  frame->header = frame->owned;
  frame->data = frame->owned + header;
  frame->header_length = header;
  frame->capture_length = captured;
  frame->padding = padding;
  frame->erf = at[2] & ERF;
  frame->exact = at[2] & EXACT;
  frame->fcs = at[3];
  frame->timestamp_ns = (int64_t)le64(at + 4);
  frame->wire_length = le32(at + 12);
  frame->rt_type = le32(at + 16);
  frame->dlt = (int32_t)le32(at + 20);
  frame->link = (int16_t)le32(at + 24);
  frame->direction = (int16_t)le32(at + 28);
  frame->headers.decoded = false;
  frame->filled = true;
  return LTS_OK;
}

lts_packet *lts_packet_load(lts_bytes frozen) {
  if (frozen.length < FIXED || frozen.data[0] != FORMAT) {
    lts_fail(LTS_E_VALUE, 0, NULL, "these bytes are no pickled packet");
    return LTS_NO_LAYER;
  }
  lts_packet *packet = new_lts_packet();
  if (!packet) return LTS_NO_LAYER;
  if (frozen.data[1] && fill(packet->frame, frozen.data, frozen.length)) {
    delete_lts_packet(packet);
    return LTS_NO_LAYER;
  }
  return packet;
}
