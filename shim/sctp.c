/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Fields of SCTP (RFC 9260, 3).
 */
#include "layer.h"

#include <stdlib.h>

LTS_NUMBER(sctp, src_port, 0, 2)
LTS_NUMBER(sctp, dst_port, 2, 2)
LTS_NUMBER(sctp, verification_tag, 4, 4)
LTS_NUMBER(sctp, checksum, 8, 4)

enum { COMMON_HEADER = 12, CHUNK_HEADER = 4 };

/* The chunks end where IP says so: what follows then is padding of the link layer. */
static uint32_t chunks_end(const lts_packet *sctp) {
  enum { IPV6_HEADER = 40, LENGTHS = 6 };
  uint32_t end = lts_layer_end(sctp);
  lts_network network = lts_network_of(sctp);
  if (network.proto_presence != LTS_PRESENT || network.at + LENGTHS > end) return end;
  const uint8_t *ip = sctp->frame->data + network.at;
  uint32_t length = network.version == 6 ? IPV6_HEADER + be16(ip + 4) : be16(ip + 2);
  return length && network.at + length < end ? network.at + length : end;
}

static lts_status add_chunk(lts_list *list, const lts_packet *sctp, uint32_t at) {
  enum { STEP = 16 };
  if (list->length % STEP == 0) {
    size_t size = ((size_t)list->length + STEP) * sizeof *list->items;
    lts_packet **grown = realloc(list->items, size);
    if (!grown) return lts_fail_memory();
    list->items = grown;
  }
  lts_packet *chunk = lts_layer_derive(sctp, LTS_CHUNK, at);
  if (chunk == LTS_NO_LAYER) return LTS_ERROR;
  list->items[list->length++] = chunk;
  return LTS_OK;
}

static lts_list failed(lts_list list) {
  while (list.length > 0) delete_lts_packet(list.items[--list.length]);
  free(list.items);
  return (lts_list){.length = -1};
}

/* Guards: plt took the length as the distance to the next chunk, unrounded, and never came to an
 * end on a length of 0. */
lts_list lts_sctp_chunks_get(lts_sctp *sctp) {
  const lts_packet *layer = &sctp->layer;
  lts_list list = {0, NULL};
  if (!lts_layer_bytes(layer, layer->at, COMMON_HEADER, CHUNK_HEADER, "chunks"))
    return failed(list);
  uint32_t end = chunks_end(layer), at = layer->at + COMMON_HEADER;
  while (at < end) {
    if (end - at < CHUNK_HEADER) {
      lts_fail(LTS_E_TRUNCATED, 0, NULL, "chunks: the last %u bytes are no chunk", end - at);
      return failed(list);
    }
    uint32_t length = be16(layer->frame->data + at + 2);
    if (length < CHUNK_HEADER) break;
    if (add_chunk(&list, layer, at)) return failed(list);
    uint32_t padded = (length + 3u) & ~3u;
    if (padded > end - at) break;
    at += padded;
  }
  return list;
}

/* ---- chunks ---- */

LTS_NUMBER(chunk, type, 0, 1)
LTS_NUMBER(chunk, flags, 1, 1)
LTS_NUMBER(chunk, length, 2, 2)

/* The chunk was within the packet when it was found; a script may have written to the lengths. */
static uint32_t captured_of(const lts_packet *chunk) {
  uint32_t end = chunks_end(chunk), left = end > chunk->at ? end - chunk->at : 0;
  uint32_t length = left < CHUNK_HEADER ? 0 : be16(chunk->frame->data + chunk->at + 2);
  return length < left ? length : left;
}

lts_truth lts_chunk_is_ok_get(lts_chunk *chunk) {
  lts_field length = lts_chunk_length_get(chunk);
  return length == LTS_FAILED ? LTS_FAILED : captured_of(&chunk->layer) == length;
}

lts_bytearray lts_chunk_bytes_get(lts_chunk *chunk) {
  uint32_t length = captured_of(&chunk->layer);
  return (lts_bytearray){chunk->layer.frame->data + chunk->layer.at + CHUNK_HEADER,
                         length > CHUNK_HEADER ? length - CHUNK_HEADER : 0};
}
