/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Preloaded, it makes an allocation fail: the Nth by the code of chosen libraries.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

static _Thread_local long countdown; /* 0: none fails */
static _Thread_local bool failed, looking;
static char library[64]; /* a part of its name */

/* From now on, the Nth allocation of this thread by that library fails. */
EXPORT void fail_at(long n, const char *name) {
  strncpy(library, name, sizeof library - 1);
  failed = false;
  countdown = n;
}

/* Whether one failed since; none does any more. */
EXPORT int fail_no_more(void) {
  countdown = 0;
  return failed;
}

static bool fails(void *caller) {
  Dl_info from;
  if (!countdown || looking) return false;
  looking = true; /* dladdr() may allocate */
  bool chosen = dladdr(caller, &from) && strstr(from.dli_fname, library);
  looking = false;
  if (!chosen || --countdown) return false;
  failed = true;
  errno = ENOMEM;
  return true;
}

static atomic_long blocks;

/* How many blocks are in use. */
EXPORT long live_blocks(void) { return blocks; }

static void *counted(void *block) {
  blocks += block != NULL;
  return block;
}

EXPORT void *malloc(size_t size) {
  return fails(__builtin_return_address(0)) ? NULL : counted(__libc_malloc(size));
}

EXPORT void *calloc(size_t count, size_t size) {
  return fails(__builtin_return_address(0)) ? NULL : counted(__libc_calloc(count, size));
}

EXPORT void *realloc(void *block, size_t size) {
  if (fails(__builtin_return_address(0))) return NULL;
  void *moved = __libc_realloc(block, size);
  if (!block || !size) blocks += (moved != NULL) - (block != NULL);
  return moved;
}

EXPORT int posix_memalign(void **block, size_t alignment, size_t size) {
  *block = fails(__builtin_return_address(0)) ? NULL : counted(__libc_memalign(alignment, size));
  return *block ? 0 : ENOMEM;
}

EXPORT void free(void *block) {
  blocks -= block != NULL;
  __libc_free(block);
}

/* Its caller, not the C library, is who allocates. */
EXPORT char *strdup(const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = fails(__builtin_return_address(0)) ? NULL : counted(__libc_malloc(size));
  return copy ? memcpy(copy, text, size) : NULL;
}
