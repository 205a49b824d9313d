/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Compression of what is written, by the libraries that wandio uses, and not through wandio: its
 * bzip2 writer loses the end of a file whose last block does not fit in its buffer (a megabyte of
 * random bytes shows it on wandio 1 and 4), and what any of its writers cannot write at the end,
 * or its thread ever, it never tells.
 */
#include "codec.h"

#include <stdlib.h>

/* ---- gzip ---- */

#ifdef HAVE_ZLIB_H
typedef struct gzip {
  lts_codec codec;
  z_stream stream;
} gzip;

static lts_codec_state gzip_step(lts_codec *codec, bool finish) {
  z_stream *stream = &((gzip *)codec)->stream;
  int status;
  LTS_CODEC_STEP(stream, codec, deflate(stream, finish ? Z_FINISH : Z_NO_FLUSH));
  if (status == Z_STREAM_END) return LTS_CODEC_DONE;
  return status == Z_OK || status == Z_BUF_ERROR ? LTS_CODEC_MORE : LTS_CODEC_FAILED;
}

static void gzip_end(lts_codec *codec) { deflateEnd(&((gzip *)codec)->stream); }

static bool gzip_begin(lts_codec *codec, int level) {
  enum { WINDOW = 15, GZIP_HEADER = 16, MEMORY = 9 };
  codec->step = gzip_step;
  codec->end = gzip_end;
  return deflateInit2(&((gzip *)codec)->stream, level, Z_DEFLATED, WINDOW | GZIP_HEADER, MEMORY,
                      Z_DEFAULT_STRATEGY) == Z_OK;
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
  bz_stream *stream = &((bzip2 *)codec)->stream;
  int status;
  LTS_CODEC_STEP(stream, codec, BZ2_bzCompress(stream, finish ? BZ_FINISH : BZ_RUN));
  if (status == BZ_STREAM_END) return LTS_CODEC_DONE;
  return status >= 0 ? LTS_CODEC_MORE : LTS_CODEC_FAILED;
}

static void bzip2_end(lts_codec *codec) { BZ2_bzCompressEnd(&((bzip2 *)codec)->stream); }

static bool bzip2_begin(lts_codec *codec, int level) {
  codec->step = bzip2_step;
  codec->end = bzip2_end;
  return BZ2_bzCompressInit(&((bzip2 *)codec)->stream, level, 0, 0) == BZ_OK;
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
  lzma_stream *stream = &((xz *)codec)->stream;
  lzma_ret status;
  LTS_CODEC_STEP(stream, codec, lzma_code(stream, finish ? LZMA_FINISH : LZMA_RUN));
  if (status == LZMA_STREAM_END) return LTS_CODEC_DONE;
  return status == LZMA_OK ? LTS_CODEC_MORE : LTS_CODEC_FAILED;
}

static void xz_end(lts_codec *codec) { lzma_end(&((xz *)codec)->stream); }

static bool xz_begin(lts_codec *codec, int level) {
  codec->step = xz_step;
  codec->end = xz_end;
  return lzma_easy_encoder(&((xz *)codec)->stream, (uint32_t)level, LZMA_CHECK_CRC64) == LZMA_OK;
}
#define XZ xz_begin, sizeof(xz)
#else
#define XZ NULL, 0
#endif

/* ---- zstd ---- */

#ifdef HAVE_ZSTD_H
typedef struct zstd {
  lts_codec codec;
  ZSTD_CStream *stream;
} zstd;

static lts_codec_state zstd_step(lts_codec *codec, bool finish) {
  ZSTD_inBuffer in = {codec->in, codec->in_left, 0};
  ZSTD_outBuffer out = {codec->out, codec->out_left, 0};
  size_t left = ZSTD_compressStream2(((zstd *)codec)->stream, &out, &in,
                                     finish ? ZSTD_e_end : ZSTD_e_continue);
  codec->in += in.pos, codec->in_left -= in.pos;
  codec->out += out.pos, codec->out_left -= out.pos;
  if (ZSTD_isError(left)) return LTS_CODEC_FAILED;
  return finish && !left ? LTS_CODEC_DONE : LTS_CODEC_MORE;
}

static void zstd_end(lts_codec *codec) { ZSTD_freeCStream(((zstd *)codec)->stream); }

static bool zstd_begin(lts_codec *codec, int level) {
  ZSTD_CStream *stream = ((zstd *)codec)->stream = ZSTD_createCStream();
  codec->step = zstd_step;
  codec->end = zstd_end;
  return stream && !ZSTD_isError(ZSTD_initCStream(stream, level));
}
#define ZSTD zstd_begin, sizeof(zstd)
#else
#define ZSTD NULL, 0
#endif

/* ---- lz4 ---- */

#ifdef HAVE_LZ4FRAME_H
typedef struct lz4 {
  lts_codec codec;
  LZ4F_compressionContext_t context;
  LZ4F_preferences_t preferences;
  bool begun;
} lz4;

static lts_codec_state lz4_step(lts_codec *codec, bool finish) {
  enum { BLOCK = 1 << 16 }; /* which never makes more than LTS_CODEC_ROOM */
  lz4 *self = (lz4 *)codec;
  size_t taken = codec->in_left < BLOCK ? codec->in_left : BLOCK, made;
  bool end = self->begun && finish && !taken;
  if (!self->begun)
    taken = 0,
    made = LZ4F_compressBegin(self->context, codec->out, codec->out_left, &self->preferences);
  else if (end)
    made = LZ4F_compressEnd(self->context, codec->out, codec->out_left, NULL);
  else
    made = LZ4F_compressUpdate(self->context, codec->out, codec->out_left, codec->in, taken, NULL);
  self->begun = true;
  if (LZ4F_isError(made)) return LTS_CODEC_FAILED;
  codec->in += taken, codec->in_left -= taken;
  codec->out += made, codec->out_left -= made;
  return end ? LTS_CODEC_DONE : LTS_CODEC_MORE;
}

static void lz4_end(lts_codec *codec) { LZ4F_freeCompressionContext(((lz4 *)codec)->context); }

static bool lz4_begin(lts_codec *codec, int level) {
  lz4 *self = (lz4 *)codec;
  codec->step = lz4_step;
  codec->end = lz4_end;
  self->preferences.compressionLevel = level;
  return !LZ4F_isError(LZ4F_createCompressionContext(&self->context, LZ4F_VERSION));
}
#define LZ4 lz4_begin, sizeof(lz4)
#else
#define LZ4 NULL, 0
#endif

/* ---- all ---- */

static const struct {
  lts_name needs;
  bool (*begin)(lts_codec *codec, int level);
  size_t size;
} codecs[] = {
    [LTS_COMPRESS_GZIP] = {"zlib", GZIP},
    [LTS_COMPRESS_BZIP2] = {"libbz2", BZIP2},
    [LTS_COMPRESS_LZO] = {"LZO, as do all common ones of libtrace", NULL, 0},
    [LTS_COMPRESS_XZ] = {"liblzma", XZ},
    [LTS_COMPRESS_ZSTD] = {"libtrace 4 or libzstd", ZSTD},
    [LTS_COMPRESS_LZ4] = {"libtrace 4 or liblz4", LZ4},
};
static const unsigned codec_count = sizeof codecs / sizeof *codecs;

lts_name lts_codec_needs(lts_compression_type type) {
  return type < codec_count ? codecs[type].needs : NULL;
}

/* What libtrace could not read back is not written. */
bool lts_codec_exists(lts_compression_type type) {
  if (type >= LTS_COMPRESS_ZSTD && !lts_feature_get(LTS_FEATURE_ZSTD)) return false;
  return type < codec_count && codecs[type].begin;
}

lts_codec *lts_codec_new(lts_compression_type type, int level) {
  lts_codec *codec = lts_codec_exists(type) ? calloc(1, codecs[type].size) : NULL;
  if (!codec) {
    lts_fail_memory();
    return NULL;
  }
  if (codecs[type].begin(codec, level)) return codec;
  lts_codec_free(codec);
  lts_fail_memory();
  return NULL;
}

void lts_codec_free(lts_codec *codec) {
  if (!codec) return;
  codec->end(codec);
  free(codec);
}
