/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Decompression of what is read, by the libraries that wandio uses, and not by wandio: where a file
 * is cut off or damaged, it drops up to a megabyte in front of that, or calls it the end.
 */
#include "codec.h"

#include <stdlib.h>
#include <string.h>

static lts_codec_state state_of(bool done, bool more) {
  return done ? LTS_CODEC_DONE : more ? LTS_CODEC_MORE : LTS_CODEC_FAILED;
}

/* ---- gzip ---- */

#ifdef HAVE_ZLIB_H
typedef struct gzip {
  lts_codec codec;
  z_stream stream;
} gzip;

static lts_codec_state gzip_step(lts_codec *codec, bool finish) {
  (void)finish;
  z_stream *stream = &((gzip *)codec)->stream;
  int status;
  LTS_CODEC_STEP(stream, codec, inflate(stream, Z_NO_FLUSH));
  return state_of(status == Z_STREAM_END, status == Z_OK || status == Z_BUF_ERROR);
}

static void gzip_end(lts_codec *codec) { inflateEnd(&((gzip *)codec)->stream); }

static bool gzip_begin(lts_codec *codec) {
  enum { WINDOW = 15, GZIP_HEADER = 16 };
  codec->step = gzip_step;
  codec->end = gzip_end;
  return inflateInit2(&((gzip *)codec)->stream, WINDOW | GZIP_HEADER) == Z_OK;
}
#define GZIP gzip_begin, sizeof(gzip)
#else
#define GZIP NULL, 0
#endif

/* ---- bzip2 ---- */

#ifdef HAVE_BZLIB_H
typedef struct bzip2 {
  lts_codec codec;
  bz_stream stream;
} bzip2;

static lts_codec_state bzip2_step(lts_codec *codec, bool finish) {
  (void)finish;
  bz_stream *stream = &((bzip2 *)codec)->stream;
  int status;
  LTS_CODEC_STEP(stream, codec, BZ2_bzDecompress(stream));
  return state_of(status == BZ_STREAM_END, status == BZ_OK);
}

static void bzip2_end(lts_codec *codec) { BZ2_bzDecompressEnd(&((bzip2 *)codec)->stream); }

static bool bzip2_begin(lts_codec *codec) {
  codec->step = bzip2_step;
  codec->end = bzip2_end;
  return BZ2_bzDecompressInit(&((bzip2 *)codec)->stream, 0, 0) == BZ_OK;
}
#define BZIP2 bzip2_begin, sizeof(bzip2)
#else
#define BZIP2 NULL, 0
#endif

/* ---- xz ---- */

#ifdef HAVE_LZMA_H
typedef struct xz {
  lts_codec codec;
  lzma_stream stream;
} xz;

static lts_codec_state xz_step(lts_codec *codec, bool finish) {
  (void)finish;
  lzma_stream *stream = &((xz *)codec)->stream;
  lzma_ret status;
  LTS_CODEC_STEP(stream, codec, lzma_code(stream, LZMA_RUN));
  return state_of(status == LZMA_STREAM_END, status == LZMA_OK || status == LZMA_BUF_ERROR);
}

static void xz_end(lts_codec *codec) { lzma_end(&((xz *)codec)->stream); }

static bool xz_begin(lts_codec *codec) {
  codec->step = xz_step;
  codec->end = xz_end;
  return lzma_stream_decoder(&((xz *)codec)->stream, UINT64_MAX, 0) == LZMA_OK;
}
#define XZ xz_begin, sizeof(xz)
#else
#define XZ NULL, 0
#endif

/* ---- zstd ---- */

#ifdef HAVE_ZSTD_H
typedef struct zstd {
  lts_codec codec;
  ZSTD_DStream *stream;
} zstd;

static lts_codec_state zstd_step(lts_codec *codec, bool finish) {
  (void)finish;
  ZSTD_inBuffer in = {codec->in, codec->in_left, 0};
  ZSTD_outBuffer out = {codec->out, codec->out_left, 0};
  size_t left = ZSTD_decompressStream(((zstd *)codec)->stream, &out, &in);
  codec->in += in.pos, codec->in_left -= in.pos;
  codec->out += out.pos, codec->out_left -= out.pos;
  return state_of(left == 0, !ZSTD_isError(left));
}

static void zstd_end(lts_codec *codec) { ZSTD_freeDStream(((zstd *)codec)->stream); }

static bool zstd_begin(lts_codec *codec) {
  ZSTD_DStream *stream = ((zstd *)codec)->stream = ZSTD_createDStream();
  codec->step = zstd_step;
  codec->end = zstd_end;
  return stream && !ZSTD_isError(ZSTD_initDStream(stream));
}
#define ZSTD zstd_begin, sizeof(zstd)
#else
#define ZSTD NULL, 0
#endif

/* ---- lz4 ---- */

#ifdef HAVE_LZ4FRAME_H
typedef struct lz4 {
  lts_codec codec;
  LZ4F_decompressionContext_t context;
} lz4;

static lts_codec_state lz4_step(lts_codec *codec, bool finish) {
  (void)finish;
  size_t taken = codec->in_left, made = codec->out_left;
  size_t left =
      LZ4F_decompress(((lz4 *)codec)->context, codec->out, &made, codec->in, &taken, NULL);
  if (LZ4F_isError(left)) return LTS_CODEC_FAILED;
  codec->in += taken, codec->in_left -= taken;
  codec->out += made, codec->out_left -= made;
  return state_of(left == 0, true);
}

static void lz4_end(lts_codec *codec) { LZ4F_freeDecompressionContext(((lz4 *)codec)->context); }

static bool lz4_begin(lts_codec *codec) {
  codec->step = lz4_step;
  codec->end = lz4_end;
  return !LZ4F_isError(LZ4F_createDecompressionContext(&((lz4 *)codec)->context, LZ4F_VERSION));
}
#define LZ4 lz4_begin, sizeof(lz4)
#else
#define LZ4 NULL, 0
#endif

/* ---- all ---- */

typedef struct decoder {
  const char *magic;
  size_t length;
  bool (*begin)(lts_codec *codec);
  size_t size;
} decoder;

static const decoder *find(const uint8_t *head, size_t length) {
  enum { ZSTD_ROW = 3, LZ4_ROW };
  static const decoder known[] = {
      {"\x1f\x8b\x08", 3, GZIP},
      {"BZh", 3, BZIP2},
      {"\xfd"
       "7zXZ",
       5, XZ},
      [ZSTD_ROW] = {"\x28\xb5\x2f\xfd", 4, ZSTD},
      [LZ4_ROW] = {"\x04\x22\x4d\x18", 4, LZ4},
  };
  /* A frame to skip, which both of them do (RFC 8878, 3.1.2). */
  if (length >= 4 && head[0] >> 4 == 5 && !memcmp(head + 1, "\x2a\x4d\x18", 3))
    return &known[known[ZSTD_ROW].begin ? ZSTD_ROW : LZ4_ROW];
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (length >= known[i].length && !memcmp(head, known[i].magic, known[i].length))
      return &known[i];
  return NULL;
}

lts_codec *lts_decoder_new(const uint8_t *head, size_t length) {
  const decoder *found = find(head, length);
  lts_codec *codec = found && found->begin ? calloc(1, found->size) : NULL;
  if (!codec || found->begin(codec)) return codec;
  lts_codec_free(codec);
  return NULL;
}
