/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The memory of packets.
 */
#include "lts_int.h"
#include "spares.h"

#include <stdlib.h>
#include <string.h>

/* Most packets are dropped at once; their structs are used again. */
static lts_spares spare_frames = LTS_SPARES(lts_frame);
static lts_spares spare_layers = LTS_SPARES(lts_packet);

/* ---- frames ---- */

lts_frame *lts_frame_take(void) {
  lts_frame *frame = lts_spares_take(&spare_frames);
  if (!frame) return NULL;
  frame->self = (lts_packet){.frame = frame, .layer = LTS_PACKET};
  frame->references = 1;
  frame->slot = NULL;
  frame->owned = NULL;
  frame->lender = NULL;
  frame->exposed = false;
  return frame;
}

void lts_frame_unref(lts_frame *frame) {
  if (--frame->references) return;
  if (frame->slot) frame->slot->borrower = NULL;
  if (frame->lender) lts_return_buffer(frame->lender);
  free(frame->owned);
  lts_spares_give(&spare_frames, frame);
}

lts_status lts_frame_detach(lts_frame *frame) {
  size_t length = (size_t)frame->capture_length + frame->padding;
  size_t size = frame->header_length + length;
  uint8_t *copy = malloc(size ? size : 1); /* no more: the sanitizers see a read past it */
  if (!copy) return lts_fail_memory();
  if (frame->header_length) memcpy(copy, frame->header, frame->header_length);
  if (length) memcpy(copy + frame->header_length, frame->data, length);
  frame->owned = frame->header = copy;
  frame->data = copy + frame->header_length;
  frame->slot->borrower = NULL;
  frame->slot = NULL;
  return LTS_OK;
}

bool lts_frame_fail_unfilled(void) {
  lts_fail(LTS_E_VALUE, 0, NULL, "nothing was read into this packet yet");
  return false;
}

/* Guard: an ERF record may be shorter than its FCS. */
uint32_t lts_frame_wire(const lts_frame *frame) {
  return frame->wire_length > frame->fcs ? frame->wire_length - frame->fcs : 0;
}

/* ---- packets and layers ---- */

lts_packet *new_lts_packet(void) {
  lts_frame *frame = lts_frame_take();
  if (!frame) return NULL;
  frame->filled = frame->headers.decoded = false;
  frame->capture_length = frame->header_length = 0;
  return &frame->self;
}

lts_packet *lts_packet_ref(lts_packet *packet) {
  packet->frame->references++;
  return &packet->frame->self;
}

void delete_lts_packet(lts_packet *packet) {
  if (!packet) return;
  lts_frame *frame = packet->frame;
  if (packet != &frame->self) lts_spares_give(&spare_layers, packet);
  lts_frame_unref(frame);
}

lts_packet *lts_layer_take(lts_frame *frame, lts_layer_kind layer, uint32_t at) {
  lts_packet *packet = lts_spares_take(&spare_layers);
  if (!packet) return LTS_NO_LAYER;
  *packet = (lts_packet){.frame = frame, .layer = layer, .at = at};
  frame->references++;
  return packet;
}

lts_status lts_packet_pin(lts_packet *packet) {
  packet->frame->exposed = true;
  if (!packet->frame->lender) packet->frame->headers.decoded = false;
  return packet->frame->slot ? lts_frame_detach(packet->frame) : LTS_OK;
}
