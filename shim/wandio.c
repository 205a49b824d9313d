/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * How wandio reads what libtrace opens. It has no other place to change that than the table of its
 * readers and the pointer to it in each reader, both public: the table is the process's.
 */
#include "codec.h"
#include "lts_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wandio.h>

typedef __typeof__(wandio_read(NULL, NULL, 0)) io_length; /* each version has its own */
typedef io_length io_reader(io_t *, void *, io_length);

static io_source_t *original; /* the table, in which these two were */
static io_reader *read_some, *peek_some;
static _Thread_local bool plain; /* what this thread opens, whatever it looks like */

/* Guard: an error behind the last part is told by errno only, and wandio must not be asked again.
 */
static io_length read_told(io_t *io, void *buffer, io_length length, int *failure) {
  int before = errno;
  errno = 0;
  io_length done = read_some(io, buffer, length);
  *failure = done < length ? errno : 0;
  if (done < 0 && !*failure) *failure = EIO;
  errno = *failure ? *failure : before;
  return done;
}

/* ---- decompression ---- */

/* What a reader of compressed bytes becomes. */
typedef struct unpacked {
  io_t packed;
  lts_unpacker *unpacker;
} unpacked;

static ssize_t fetch_packed(void *from, void *buffer, size_t room, int *failure) {
  return (ssize_t)read_told(from, buffer, (io_length)room, failure);
}

static io_length read_unpacked(io_t *io, void *buffer, io_length length) {
  const unpacked *self = io->data;
  return (io_length)lts_unpack(self->unpacker, buffer, (size_t)length);
}

static void close_unpacked(io_t *io) {
  unpacked *self = io->data;
  lts_unpacker_free(self->unpacker);
  *io = self->packed;
  free(self);
  wandio_destroy(io);
}

/* wandio looks at the first bytes to choose a decoder of its own: true where it need not. */
static bool unpack(io_t *io, const uint8_t *head, size_t length) {
  static io_source_t source = {"unpacked", read_unpacked, NULL, NULL, NULL, close_unpacked};
  unpacked *self = malloc(sizeof *self);
  if (!self) return false;
  self->packed = *io;
  self->unpacker = lts_unpacker_new(head, length, fetch_packed, &self->packed);
  if (!self->unpacker) {
    free(self);
    return false;
  }
  *io = (io_t){&source, self};
  return true;
}

/* ---- whole records ---- */

static io_length read_nothing(io_t *io, void *buffer, io_length length) {
  (void)io, (void)buffer, (void)length;
  errno = EIO;
  return -1;
}

static void close_broken(io_t *io) {
  io->source = original;
  wandio_destroy(io);
}

/* Guard: wandio 3 writes over the heap when it is read again after an error, as libtrace 3 reads
 * legacy traces; and a Ctrl-C while it looks for a compression must end the start. */
static void give_up(io_t *io) {
  static io_source_t broken = {"broken", read_nothing, read_nothing, NULL, NULL, close_broken};
  io->source = &broken;
}

/* Guard: where a pipe holds only a part of what is asked for, wandio returns that part, and
 * libtrace calls it a record that is cut off. */
static io_length read_whole(io_t *io, void *buffer, io_length length) {
  enum { READ_AHEAD = 1 << 20 }; /* by wandio itself, which wants what there is */
  lts_pipe *pipe = lts_pipe_current();
  if (pipe) return (io_length)lts_pipe_read(pipe, buffer, (size_t)length);
  int failure;
  io_length whole = read_told(io, buffer, length, &failure), more = whole;
  while (more > 0 && whole < length && length < READ_AHEAD && !failure) {
    more = read_told(io, (char *)buffer + whole, length - whole, &failure);
    if (more > 0) whole += more;
  }
  if (failure) give_up(io);
  return whole;
}

static io_length peek_whole(io_t *io, void *buffer, io_length length) {
  enum { DETECTION = 1024 }; /* wandio asks for so much to find a compression's magic */
  lts_pipe *pipe = lts_pipe_current();
  if (pipe) return length == DETECTION ? 0 : (io_length)lts_pipe_peek(pipe, buffer, (size_t)length);
  io_length enough = length < DETECTION ? length : LTS_MAGIC;
  io_length before = 0, seen = peek_some(io, buffer, length);
  while (seen > before && seen < enough) {
    before = seen;
    seen = peek_some(io, buffer, length);
  }
  if (seen < 0) give_up(io);
  if (length != DETECTION || seen <= 0) return seen;
  return plain || unpack(io, buffer, (size_t)seen) ? 0 : seen;
}

static void replace_readers(io_source_t *source) {
  if (original || !source->peek) return;
  original = source;
  read_some = source->read;
  peek_some = source->peek;
  source->read = read_whole;
  source->peek = peek_whole;
}

/* ---- threads and memory ---- */

/* wandio reads every file through a thread of its own unless the environment says otherwise, which
 * it asks at each open and keeps for the process. For a plain file the thread costs more than it
 * gives, and in a pipe it would keep signals from ending a read; a compressed file it decompresses
 * meanwhile. */
static void choose_io(bool thread) {
  const char *chosen = getenv("LIBTRACEIO");
  if (chosen && strstr(chosen, "noautodetect")) plain = true;
  if (!chosen) setenv("LIBTRACEIO", thread ? "threads=-1" : "nothreads", 1);
  io_t *io = wandio_create("/dev/null");
  if (io) replace_readers(io->source);
  if (io) wandio_destroy(io);
  if (!chosen) unsetenv("LIBTRACEIO");
}

/* wandio allocates a megabyte anew for each that it reads, and glibc gives that back to the system
 * each time: a sixth of the time of a loop goes into page faults. Once a larger block was freed, it
 * keeps such memory (mallopt(3), M_MMAP_THRESHOLD). Guard: wandio goes on without its buffers where
 * it gets none, and crashes. */
static lts_status keep_buffers(void) {
  enum { LARGER = 8 << 20 };
  void *volatile block = malloc(LARGER);
  if (!block) return lts_fail_memory();
  free(block);
  return LTS_OK;
}

bool lts_wandio_is_plain(void) { return plain; }

lts_status lts_wandio_prepare(bool thread, bool raw) {
  plain = raw;
  choose_io(thread);
  return keep_buffers();
}
