/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Compressed bytes, read as what they hold: streams one behind the other, to the last good byte.
 */
#include "codec.h"
#include "lts_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct lts_unpacker {
  lts_fetch *fetch;
  void *from;
  lts_codec *codec; /* NULL between two streams */
  int told;         /* an errno value: what comes behind the bytes that are left */
  int failure;      /* the same, when they are gone */
  bool waits;       /* there is nothing for now */
  bool pending;     /* the codec had no room for all that it has */
  uint8_t *at;
  size_t left;
  uint8_t in[1 << 20];
};

/* Adds to what is left. False at the end, after a failure, and for now. */
static bool refill(lts_unpacker *self) {
  if (self->failure) return false;
  memmove(self->in, self->at, self->left);
  self->at = self->in;
  size_t room = sizeof self->in - self->left;
  ssize_t length =
      self->told ? -1 : self->fetch(self->from, self->in + self->left, room, &self->told);
  self->waits = length < 0 && self->told == EAGAIN;
  if (self->waits) self->told = 0;
  if (length > 0) self->left += (size_t)length;
  if (length < 0) self->failure = self->told;
  if (length == 0 && self->codec) self->failure = EIO;
  return length > 0;
}

/* Between streams, and behind the last one, there may be zeros (xz's specification, 2.2; gzip and
 * tapes). */
static bool begin_stream(lts_unpacker *self) {
  while (self->left && !*self->at) self->at++, self->left--;
  while (self->left && self->left < LTS_MAGIC && refill(self)) continue;
  if (self->waits) return false;
  if (!self->left) return true;
  self->codec = lts_decoder_new(self->at, self->left);
  if (!self->codec && !self->failure) self->failure = EIO;
  return self->codec;
}

static void step(lts_unpacker *self, uint8_t **out, size_t *room) {
  lts_codec *codec = self->codec;
  codec->in = self->at, codec->in_left = self->left;
  codec->out = *out, codec->out_left = *room;
  lts_codec_state state = codec->step(codec, false);
  self->at += self->left - codec->in_left, self->left = codec->in_left;
  *out = codec->out, *room = codec->out_left;
  self->pending = !codec->out_left;
  if (state == LTS_CODEC_MORE) return;
  if (state == LTS_CODEC_FAILED) self->failure = EIO;
  lts_codec_free(codec);
  self->codec = NULL;
}

/* All that comes before a failure is delivered. Guard: libzstd fails when it is asked again and
 * again without input. */
ssize_t lts_unpack(lts_unpacker *self, void *buffer, size_t length) {
  uint8_t *out = buffer;
  size_t room = length;
  self->waits = false;
  while (room && !self->failure) {
    if (self->codec && (self->left || self->pending)) step(self, &out, &room);
    if (!room || self->failure) break;
    if (!self->left && (room < length || !refill(self))) break;
    if (!self->codec && !begin_stream(self)) break;
  }
  int failure = self->waits ? EAGAIN : self->failure;
  if (room < length || !failure) return (ssize_t)(length - room);
  errno = failure;
  return -1;
}

lts_unpacker *lts_unpacker_new(const uint8_t *head, size_t length, lts_fetch *fetch, void *from) {
  lts_codec *codec = lts_decoder_new(head, length);
  lts_unpacker *self = codec ? malloc(sizeof *self) : NULL;
  if (!self) {
    lts_codec_free(codec);
    return NULL;
  }
  self->fetch = fetch;
  self->from = from;
  self->codec = codec;
  self->told = self->failure = 0;
  self->waits = self->pending = false;
  self->at = self->in;
  self->left = 0;
  return self;
}

void lts_unpacker_free(lts_unpacker *self) {
  if (self) lts_codec_free(self->codec);
  free(self);
}
