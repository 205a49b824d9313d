/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * A file that grows by whole records, compressed or not, and that tells of every error.
 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PACKED_ROOM = 2 * LTS_CODEC_ROOM };

/* ---- into the file: without the interpreter lock, hence errno values ---- */

/* A pipe that is full takes a part when a signal comes, and tells only so. */
static int put(const lts_sink *sink, const uint8_t *from, size_t length, size_t *done) {
  while (*done < length) {
    ssize_t count = write(sink->fd, from + *done, length - *done);
    if (count <= 0) return count ? errno : EIO;
    *done += (size_t)count;
    if (*done < length && !sink->regular) return EINTR;
  }
  return 0;
}

/* Forgets the first `count` bytes of what is waiting. */
static void drop(lts_sink *sink, size_t count) {
  uint32_t gone = 0;
  while (gone < sink->waiting && sink->ends[gone] <= count) gone++;
  sink->waiting -= gone;
  for (uint32_t i = 0; i < sink->waiting; i++)
    sink->ends[i] = sink->ends[i + gone] - (uint32_t)count;
  sink->used -= count;
  memmove(sink->room, sink->room + count, sink->used);
}

/* On a full disk half a record may be left at the end, over which every reader stumbles. */
static size_t cut_back(lts_sink *sink, size_t done) {
  size_t whole = 0;
  for (uint32_t i = 0; i < sink->waiting && sink->ends[i] <= done; i++) whole = sink->ends[i];
  off_t end = sink->size + (off_t)whole;
  if (!sink->regular || ftruncate(sink->fd, end) || lseek(sink->fd, end, SEEK_SET) < 0) return done;
  return whole;
}

static int drain_plain(lts_sink *sink) {
  size_t done = 0;
  int failure = put(sink, sink->room, sink->used, &done);
  if (failure) done = cut_back(sink, done);
  sink->size += (off_t)done;
  drop(sink, done);
  return failure;
}

static int put_packed(lts_sink *sink) {
  lts_codec *codec = sink->codec;
  int failure = put(sink, sink->packed, PACKED_ROOM - codec->out_left, &sink->packed_from);
  if (failure) return failure;
  codec->out = sink->packed;
  codec->out_left = PACKED_ROOM;
  sink->packed_from = 0;
  return 0;
}

static int drain_packed(lts_sink *sink, bool finish) {
  lts_codec *codec = sink->codec;
  int failure = 0;
  codec->in = sink->room;
  codec->in_left = sink->used;
  while (!failure && sink->packing == LTS_CODEC_MORE && (codec->in_left || finish)) {
    if (codec->out_left < LTS_CODEC_ROOM) failure = put_packed(sink);
    if (!failure) sink->packing = codec->step(codec, finish);
  }
  drop(sink, sink->used - codec->in_left);
  if (sink->packing == LTS_CODEC_FAILED) return EIO;
  return failure || !finish ? failure : put_packed(sink);
}

static lts_status flush(lts_sink *sink, bool finish) {
  for (;;) {
    sink->draining = true;
    void *lock = lts_release();
    int failure = sink->codec ? drain_packed(sink, finish) : drain_plain(sink);
    sink->draining = false;
    lts_acquire(lock);
    if (!failure) return LTS_OK;
    if (failure != EINTR)
      return lts_fail(LTS_E_TRACE, failure, sink->uri, "cannot write to '%s': %s", sink->uri,
                      strerror(failure));
    if (lts_interrupted()) return LTS_ERROR;
  }
}

/* ---- open ---- */

static int open_path(const char *path) {
  if (!strcmp(path, "-")) return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
  return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
}

/* A named pipe waits here for its reader. */
static int open_unlocked(const char *path) {
  for (;;) {
    void *lock = lts_release();
    int fd = open_path(path), failure = errno;
    lts_acquire(lock);
    errno = failure;
    if (fd >= 0 || failure != EINTR || lts_interrupted()) return fd;
  }
}

/* As wandio does: what is written under sudo belongs to the user who called it. */
static void give_to_caller(int fd) {
  const char *user = getenv("SUDO_UID"), *group = getenv("SUDO_GID");
  if (geteuid() != 0 || !user || !group) return;
  if (fchown(fd, (uid_t)strtoul(user, NULL, 10), (gid_t)strtoul(group, NULL, 10)) < 0) errno = 0;
}

static lts_status open_file(lts_sink *sink) {
  const char *path = strchr(sink->uri, ':') + 1;
  lts_error_clear();
  sink->fd = open_unlocked(path);
  if (sink->fd < 0 && lts_error_last()->kind) return LTS_ERROR;
  if (sink->fd < 0)
    return lts_fail(LTS_E_TRACE, errno, sink->uri, "cannot open '%s' to write: %s", sink->uri,
                    strerror(errno));
  struct stat status;
  sink->regular = strcmp(path, "-") && !fstat(sink->fd, &status) && S_ISREG(status.st_mode);
  if (sink->regular) give_to_caller(sink->fd);
  return LTS_OK;
}

static lts_status make_codec(lts_sink *sink, lts_compression_type type, int level) {
  if (type == LTS_COMPRESS_NONE) return LTS_OK;
  sink->codec = lts_codec_new(type, level);
  if (!sink->codec) return LTS_ERROR;
  sink->packed = sink->codec->out = malloc(PACKED_ROOM);
  sink->codec->out_left = PACKED_ROOM;
  return sink->packed ? LTS_OK : lts_fail_memory();
}

lts_sink *lts_sink_open(const char *uri, lts_compression_type type, int level) {
  lts_sink *sink = calloc(1, sizeof *sink);
  if (!sink) {
    lts_fail_memory();
    return NULL;
  }
  sink->uri = uri;
  sink->fd = -1;
  if (!make_codec(sink, type, level) && !open_file(sink)) return sink;
  lts_sink_discard(sink);
  return NULL;
}

/* ---- use ---- */

lts_status lts_sink_make_room(lts_sink *sink, size_t length) {
  if (length > LTS_SINK_ROOM)
    return lts_fail(LTS_E_TRACE, TRACE_ERR_BAD_PACKET, sink->uri,
                    "cannot write to '%s': the packet is too long", sink->uri);
  if (length <= LTS_SINK_ROOM - sink->used) return LTS_OK;
  return flush(sink, false);
}

void lts_sink_keep(lts_sink *sink, size_t length) {
  sink->used += length;
  sink->ends[sink->waiting++] = (uint32_t)sink->used;
}

void lts_sink_discard(lts_sink *sink) {
  if (sink->fd >= 0) close(sink->fd);
  lts_codec_free(sink->codec);
  free(sink->packed);
  free(sink);
}

lts_status lts_sink_close(lts_sink *sink, uint32_t *lost) {
  lts_status status = flush(sink, true);
  *lost = sink->waiting;
  if (close(sink->fd) < 0 && !status)
    status = lts_fail(LTS_E_TRACE, errno, sink->uri, "cannot close '%s': %s", sink->uri,
                      strerror(errno));
  sink->fd = -1;
  lts_sink_discard(sink);
  return status;
}
