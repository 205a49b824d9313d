/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Arbitrary files through a pipe, which gets the next piece when a read or the start had to wait:
 * as the file itself. The input is that of file.c, with the size of the pieces in front.
 */
#include "touch.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Packets that are read, and pieces: each is read into from the record's beginning. */
enum { MOST = 50, PIECES = 200, SNAPLEN = 2, FILTER = 4 };

/* What libtrace opens itself is not read like this: pcap:, legacynzix:, and what must be found out.
 */
static bool is_piped(uint8_t scheme) {
  return scheme % 16 && scheme % 16 != 2 && scheme % 16 != 10;
}

/* Of a file, libwandio tries to decompress it (.Z), or libtrace 3 does not (zstd, lz4). */
static bool is_packed_otherwise(const uint8_t *head, size_t size) {
  static const char *const magics[] = {"\x1f\x9d", "\x28\xb5\x2f\xfd", "\x04\x22\x4d\x18"};
  int last = lts_feature_get(LTS_FEATURE_ZSTD) ? 1 : 3;
  for (int i = 0; i < last; i++) {
    size_t length = strlen(magics[i]);
    if (size >= length && !memcmp(head, magics[i], length)) return true;
  }
  return false;
}

/* What was read, in order: each packet's digest, then how it ended. */
typedef struct {
  uint64_t digests[MOST];
  int count;
  bool started, failed;
} story;

static bool note(story *it, lts_more more, lts_packet *const *packet) {
  it->failed = more == LTS_FAIL;
  if (more != LTS_ITEM) return false;
  it->digests[it->count++] = touch_once(*packet, LTS_PACKET);
  delete_lts_packet(*packet);
  return it->count < MOST;
}

static story read_file(lts_trace *trace) {
  story it = {.started = lts_trace_start(trace) == LTS_OK};
  lts_packet *packet;
  while (it.started && note(&it, lts_trace_next(trace, &packet), &packet)) continue;
  return it;
}

typedef struct {
  const uint8_t *at;
  size_t left, piece;
  int fd;
} writer;

static void write_piece(writer *self) {
  size_t length = self->left < self->piece ? self->left : self->piece;
  if (length) PROMISE(write(self->fd, self->at, length) == (ssize_t)length);
  self->at += length, self->left -= length;
  if (length || self->fd < 0) return;
  close(self->fd);
  self->fd = -1;
}

static lts_more poll_trace(lts_trace *trace, lts_packet **packet, writer *self) {
  lts_wait wait;
  lts_more more;
  while ((more = lts_trace_poll(trace, 0, packet, &wait)) == LTS_WAIT) {
    lts_wait_close(&wait);
    write_piece(self);
  }
  return more;
}

static story read_pipe(lts_trace *trace, writer *self) {
  story it = {0};
  lts_packet *packet;
  PROMISE(lts_trace_conf_timeout(trace, 1e-9) == LTS_OK);
  while (!(it.started = lts_trace_start(trace) == LTS_OK)) {
    if (lts_error_last()->kind != LTS_E_TIMEOUT) return it;
    write_piece(self);
  }
  while (note(&it, poll_trace(trace, &packet, self), &packet)) continue;
  return it;
}

void fuzz_pipe(const uint8_t *data, size_t size) {
  if (size < 4 || size > PIPE_BUF || !is_piped(data[1])) return;
  if (is_packed_otherwise(data + 3, size - 3)) return;
  size_t piece = data[0] + 1 + size / PIECES;
  write_input(data + 3, size - 3);
  lts_trace *file = open_input(data[1], data[2] & (SNAPLEN | FILTER));
  int ends[2];
  PROMISE(pipe(ends) == 0);
  char path[32];
  snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
  lts_trace *piped = open_path(data[1], data[2] & (SNAPLEN | FILTER), path);
  writer feeder = {data + 3, size - 3, piece, ends[1]};
  story expected = read_file(file), found = read_pipe(piped, &feeder);
  PROMISE(found.started == expected.started && found.failed == expected.failed);
  PROMISE(found.count == expected.count);
  for (int i = 0; i < found.count; i++) PROMISE(found.digests[i] == expected.digests[i]);
  delete_lts_trace(file);
  delete_lts_trace(piped);
  if (feeder.fd >= 0) close(feeder.fd);
  close(ends[0]);
}
