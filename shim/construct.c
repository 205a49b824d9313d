/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Layers made from bytes or from other layers; they share the memory of what they are made from.
 */
#include "layer.h"

enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMP6 = 58, PROTO_SCTP = 132 };

/* ---- from bytes ---- */

static lts_frame *frame_of_bytes(const uint8_t *data, uint32_t length, void *lender) {
  lts_frame *frame = lts_frame_take();
  if (!frame) return NULL;
  frame->filled = true;
  frame->lender = lender;
  frame->data = (uint8_t *)data;
  frame->header_length = frame->padding = 0;
  frame->capture_length = frame->wire_length = length;
  frame->timestamp_ns = 0;
  frame->dlt = -1;
  frame->link = LTS_LINK_UNKNOWN;
  frame->direction = TRACE_DIR_UNKNOWN;
  frame->fcs = 0;
  frame->erf = frame->exact = false;
  frame->headers = (lts_headers){.decoded = true, .linktype = LTS_LINK_UNKNOWN, .end = length};
  return frame;
}

static int version_of(lts_layer_kind kind) { return kind == LTS_IP ? 4 : kind == LTS_IP6 ? 6 : 0; }

lts_packet *lts_layer_from_bytes(lts_layer_kind kind, const uint8_t *data, size_t length,
                                 void *lender) {
  if (length > UINT32_MAX) {
    lts_fail(LTS_E_VALUE, 0, NULL, "%zu bytes are too many for a packet", length);
    return LTS_NO_LAYER;
  }
  lts_frame *frame = frame_of_bytes(data, (uint32_t)length, lender);
  if (!frame) return LTS_NO_LAYER;
  lts_packet *layer = lts_layer_take(frame, kind, 0);
  if (layer != LTS_NO_LAYER) {
    layer->copy = layer->constructed = true;
    if (version_of(kind))
      layer->network = lts_network_read(data, 0, (uint32_t)length, version_of(kind));
  } else {
    frame->lender = NULL; /* stays the caller's */
  }
  lts_frame_unref(frame);
  return layer;
}

/* ---- from a layer ---- */

static lts_packet *wrap(const lts_packet *source, lts_layer_kind kind, uint32_t at,
                        const lts_network *network) {
  lts_packet *layer = lts_layer_take(source->frame, kind, at);
  if (layer == LTS_NO_LAYER) return layer;
  layer->copy = layer->constructed = true;
  layer->network = *network;
  return layer;
}

/* The network layer of `source`, if the version in its first byte is right. */
static lts_packet *network_layer(const lts_packet *source, lts_layer_kind kind) {
  uint32_t end = lts_layer_end(source);
  uint32_t at = source->copy ? source->network.at : lts_frame_decode(source->frame)->layer3;
  int version = version_of(kind);
  if (source->copy && !source->network.version) return NULL;
  if (at >= end || source->frame->data[at] >> 4 != version) return NULL;
  lts_network network = lts_network_read(source->frame->data, at, end, version);
  return wrap(source, kind, at, &network);
}

static lts_packet *transport_layer(const lts_packet *source, lts_layer_kind kind, uint8_t proto,
                                   int version) {
  lts_network network = lts_network_of(source);
  bool right = network.transport_presence == LTS_PRESENT && network.proto == proto &&
               (!version || network.version == version);
  return right ? wrap(source, kind, network.transport, &network) : NULL;
}

lts_packet *lts_layer_from_layer(lts_layer_kind kind, lts_packet *source) {
  bool is_ip = source->layer == LTS_IP || source->layer == LTS_IP6;
  if (!source->frame->filled) return NULL;
  switch (kind) {
  case LTS_IP:
  case LTS_IP6: return network_layer(source, kind);
  case LTS_TCP: return is_ip ? transport_layer(source, kind, PROTO_TCP, 0) : NULL;
  case LTS_UDP: return is_ip ? transport_layer(source, kind, PROTO_UDP, 0) : NULL;
  case LTS_SCTP: return is_ip ? transport_layer(source, kind, PROTO_SCTP, 0) : NULL;
  case LTS_ICMP: return transport_layer(source, kind, PROTO_ICMP, 4);
  case LTS_ICMP6: return transport_layer(source, kind, PROTO_ICMP6, 6);
  default: return NULL;
  }
}
