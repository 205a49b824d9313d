/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * How wandio reads what libtrace opens.
 */
#include "lts_int.h"

#include <errno.h>
#include <stdlib.h>
#include <wandio.h>

/* ---- whole records ---- */

typedef __typeof__(wandio_read(NULL, NULL, 0)) io_length; /* each version has its own */
typedef io_length io_reader(io_t *, void *, io_length);

static io_reader *read_some, *peek_some;

/* Guard: an error behind the last part is told by errno only, and wandio must not be asked again.
 */
static io_length read_whole(io_t *io, void *buffer, io_length length) {
  enum { READ_AHEAD = 1 << 20 }; /* by wandio itself, which wants what there is */
  int before = errno;
  errno = 0;
  io_length whole = read_some(io, buffer, length), more = whole;
  while (more > 0 && whole < length && length < READ_AHEAD && !errno) {
    more = read_some(io, (char *)buffer + whole, length - whole);
    if (more > 0) whole += more;
  }
  if (!errno) errno = before;
  return whole;
}

static io_length peek_whole(io_t *io, void *buffer, io_length length) {
  enum { ALL_OF = 1024, MAGIC = 6 }; /* wandio looks at so much to find a compression's magic */
  io_length enough = length < ALL_OF ? length : MAGIC;
  io_length before = 0, seen = peek_some(io, buffer, length);
  while (seen > before && seen < enough) {
    before = seen;
    seen = peek_some(io, buffer, length);
  }
  return seen;
}

/* Guard: where a pipe holds only a part of what is asked for, wandio returns that part, and
 * libtrace calls it a record that is cut off. wandio has no other place to make it read on than the
 * table of its readers, which is the process's. */
static void read_whole_records(io_source_t *source) {
  if (source->read == read_whole || !source->peek) return;
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
static void choose_io(bool thread, bool pipe) {
  bool chosen = getenv("LIBTRACEIO");
  if (!chosen) setenv("LIBTRACEIO", thread ? "threads=-1" : "nothreads", 1);
  io_t *io = wandio_create("/dev/null");
  if (io && pipe) read_whole_records(io->source);
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

lts_status lts_wandio_prepare(bool thread, bool pipe) {
  choose_io(thread, pipe);
  return keep_buffers();
}
