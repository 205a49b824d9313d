/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Pipes and devices, whose bytes come when they like. libtrace would wait for them in the middle of
 * a record, and has lost its beginning when something ends the wait. So it never waits: it gets a
 * whole record, or an error, and then reads the record again from its beginning.
 */
#include "codec.h"
#include "lts_int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lts_pipe {
  int fd;
  bool known; /* whether it is compressed */
  lts_unpacker *unpacker;
  uint8_t head[LTS_MAGIC]; /* what told that, to be read once more */
  size_t head_length;
  uint8_t *bytes; /* from the beginning of a record to `end` */
  size_t size, begin, at, end;
  size_t once;
  bool waits, over;
  int failure; /* an errno value, of what comes behind `end` */
};

static _Thread_local lts_pipe *current;

/* ---- bytes ---- */

static ssize_t receive(lts_pipe *pipe, void *buffer, size_t room, int *failure) {
  struct pollfd ready = {.fd = pipe->fd, .events = POLLIN};
  ssize_t length = poll(&ready, 1, 0) > 0 ? read(pipe->fd, buffer, room) : -1;
  if (length < 0) *failure = ready.revents && errno != EINTR ? errno : EAGAIN;
  return length;
}

static ssize_t fetch(void *from, void *buffer, size_t room, int *failure) {
  lts_pipe *pipe = from;
  size_t length = pipe->head_length < room ? pipe->head_length : room;
  if (!length) return receive(pipe, buffer, room, failure);
  memcpy(buffer, pipe->head, length);
  pipe->head_length -= length;
  memmove(pipe->head, pipe->head + length, pipe->head_length);
  return (ssize_t)length;
}

static bool recognise(lts_pipe *pipe) {
  while (!pipe->known && pipe->head_length < LTS_MAGIC) {
    int failure;
    uint8_t *behind = pipe->head + pipe->head_length;
    ssize_t length = receive(pipe, behind, LTS_MAGIC - pipe->head_length, &failure);
    pipe->waits = length < 0 && failure == EAGAIN;
    if (pipe->waits) return false;
    if (length <= 0) break;
    pipe->head_length += (size_t)length;
  }
  if (!pipe->known) pipe->unpacker = lts_unpacker_new(pipe->head, pipe->head_length, fetch, pipe);
  return pipe->known = true;
}

static bool make_room(lts_pipe *pipe) {
  enum { ROOM = 1 << 17 };
  if (pipe->begin) memmove(pipe->bytes, pipe->bytes + pipe->begin, pipe->end - pipe->begin);
  pipe->at -= pipe->begin, pipe->end -= pipe->begin, pipe->begin = 0;
  if (pipe->size - pipe->end >= ROOM) return true;
  uint8_t *larger = realloc(pipe->bytes, pipe->size + ROOM);
  if (!larger) return false;
  pipe->bytes = larger;
  pipe->size += ROOM;
  return true;
}

/* False at the end, after a failure, and for now. */
static bool fill(lts_pipe *pipe) {
  if (pipe->over || pipe->failure || !recognise(pipe)) return false;
  int failure = ENOMEM;
  ssize_t length = -1;
  if (make_room(pipe)) {
    uint8_t *behind = pipe->bytes + pipe->end;
    size_t room = pipe->size - pipe->end;
    length = pipe->unpacker ? lts_unpack(pipe->unpacker, behind, room)
                            : fetch(pipe, behind, room, &failure);
    if (length < 0 && pipe->unpacker) failure = errno;
  }
  pipe->waits = length < 0 && failure == EAGAIN;
  pipe->over = length == 0;
  if (length > 0) pipe->end += (size_t)length;
  if (length < 0 && !pipe->waits) pipe->failure = failure;
  return length > 0;
}

/* ---- what wandio asks for ---- */

static ssize_t look(lts_pipe *pipe, void *buffer, size_t length) {
  while (pipe->end - pipe->at < length && fill(pipe)) continue;
  size_t found = pipe->end - pipe->at;
  int failure = pipe->waits ? EAGAIN : pipe->failure;
  if (found < length && failure) errno = failure;
  if (found < length && (pipe->waits || (failure && !found))) return -1;
  if (found > length) found = length;
  if (found) memcpy(buffer, pipe->bytes + pipe->at, found);
  return (ssize_t)found;
}

ssize_t lts_pipe_read(lts_pipe *pipe, void *buffer, size_t length) {
  ssize_t found = look(pipe, buffer, length);
  if (found > 0) pipe->at += (size_t)found;
  return found;
}

/* libtrace looks at a block of pcapng before it reads it, and skips some: the next one begins. */
ssize_t lts_pipe_peek(lts_pipe *pipe, void *buffer, size_t length) {
  pipe->begin = pipe->at;
  return look(pipe, buffer, length);
}

lts_pipe *lts_pipe_current(void) { return current; }

/* ---- what the trace asks for ---- */

void lts_pipe_enter(lts_pipe *pipe) {
  pipe->at = pipe->begin;
  pipe->waits = false;
  current = pipe;
}

bool lts_pipe_leave(lts_pipe *pipe) {
  current = NULL;
  if (!pipe->once || pipe->at - pipe->begin < pipe->once) return pipe->waits;
  pipe->begin += pipe->once;
  pipe->once = 0;
  return pipe->waits;
}

void lts_pipe_accept(lts_pipe *pipe) { pipe->begin = pipe->at; }

int lts_pipe_fd(const lts_pipe *pipe) { return pipe->fd; }

/* Without waiting for a writer: an end that nobody has written to yet is not readable. */
static int open_path(const char *path) {
  if (!strcmp(path, "-")) return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
  return open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

lts_pipe *lts_pipe_open(const char *path, bool plain, size_t once) {
  lts_pipe *pipe = calloc(1, sizeof *pipe);
  if (!pipe) return NULL;
  pipe->fd = open_path(path);
  pipe->known = plain;
  pipe->once = once;
  if (pipe->fd >= 0) return pipe;
  int failure = errno;
  free(pipe);
  errno = failure;
  return NULL;
}

void lts_pipe_close(lts_pipe *pipe) {
  if (!pipe) return;
  lts_unpacker_free(pipe->unpacker);
  close(pipe->fd);
  free(pipe->bytes);
  free(pipe);
}
