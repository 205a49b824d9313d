/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Small structs that come and go with every packet are used again.
 */
#ifndef LTS_SPARES_H
#define LTS_SPARES_H

#include "lts_int.h"

#include <stdlib.h>

typedef struct lts_spares {
  size_t size;
  int count;
  void *kept[64];
} lts_spares;

#define LTS_SPARES(TYPE)                                                                           \
  { .size = sizeof(TYPE) }

static inline void *lts_spares_take(lts_spares *spares) {
  if (spares->count) return spares->kept[--spares->count];
  void *taken = malloc(spares->size);
  if (!taken) lts_fail_memory();
  return taken;
}

static inline void lts_spares_give(lts_spares *spares, void *given) {
  if (spares->count < (int)(sizeof spares->kept / sizeof *spares->kept))
    spares->kept[spares->count++] = given;
  else
    free(given);
}

#endif
