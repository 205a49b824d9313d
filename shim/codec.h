/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Compression, of what is written and of what is read.
 */
#ifndef LTS_CODEC_H
#define LTS_CODEC_H

#include "lts_int.h"

#include <sys/types.h>

#ifdef HAVE_ZLIB_H
#include <zlib.h>
#endif
#ifdef HAVE_BZLIB_H
#include <bzlib.h>
#endif
#ifdef HAVE_LZMA_H
#include <lzma.h>
#endif
#ifdef HAVE_ZSTD_H
#include <zstd.h>
#endif
#ifdef HAVE_LZ4FRAME_H
#include <lz4frame.h>
#endif

typedef enum lts_codec_state { LTS_CODEC_MORE, LTS_CODEC_DONE, LTS_CODEC_FAILED } lts_codec_state;

/* A stream of one compression type. The caller moves `in` and `out`, `step` goes on with them. */
typedef struct lts_codec lts_codec;
struct lts_codec {
  lts_codec_state (*step)(lts_codec *codec, bool finish);
  void (*end)(lts_codec *codec);
  const uint8_t *in;
  size_t in_left;
  uint8_t *out;
  size_t out_left;
};

/* Never so little room for a step of an encoder that it could not go on. */
enum { LTS_CODEC_ROOM = 1 << 18 };

/* An encoder; NULL where this build lacks the type, or memory. */
lts_codec *lts_codec_new(lts_compression_type type, int level);
bool lts_codec_exists(lts_compression_type type);
/* What a build must have for it; NULL where there is no such type. */
lts_name lts_codec_needs(lts_compression_type type);

/* decoder.c: the same for a stream that begins with these bytes. LTS_CODEC_DONE at its end, behind
 * which another one may follow. */
lts_codec *lts_decoder_new(const uint8_t *head, size_t length);
void lts_codec_free(lts_codec *codec);

enum { LTS_MAGIC = 6 }; /* so many bytes tell a compression */

/* Where compressed bytes come from: as read(2); an errno value for what comes behind them, or
 * instead; EAGAIN where there is nothing for now. */
typedef ssize_t lts_fetch(void *from, void *buffer, size_t room, int *failure);

/* unpack.c: what the bytes hold that begin with `head`, which are fetched, too. NULL where they are
 * not compressed, or for want of memory. */
typedef struct lts_unpacker lts_unpacker;
lts_unpacker *lts_unpacker_new(const uint8_t *head, size_t length, lts_fetch *fetch, void *from);
/* As read(2); EAGAIN where nothing can be fetched for now. */
ssize_t lts_unpack(lts_unpacker *unpacker, void *buffer, size_t length);
void lts_unpacker_free(lts_unpacker *unpacker);

/* zlib, bzip2 and lzma call the members of their streams the same. */
#define LTS_CODEC_STEP(STREAM, CODEC, CALL)                                                        \
  ((STREAM)->next_in = (void *)(CODEC)->in, (STREAM)->avail_in = (unsigned)(CODEC)->in_left,       \
   (STREAM)->next_out = (void *)(CODEC)->out, (STREAM)->avail_out = (unsigned)(CODEC)->out_left,   \
   status = (CALL), (CODEC)->in += (CODEC)->in_left - (STREAM)->avail_in,                          \
   (CODEC)->in_left = (STREAM)->avail_in, (CODEC)->out += (CODEC)->out_left - (STREAM)->avail_out, \
   (CODEC)->out_left = (STREAM)->avail_out)

#endif
