/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Tables of packets: what columns there are, and the memory of a batch of rows, which is laid out
 * as Arrow's columnar format has it.
 */
#ifndef LTS_COLUMNS_H
#define LTS_COLUMNS_H

#include "layer.h"

/* A packet as the columns see it: with the headers that they are read from. */
typedef struct lts_seen {
  lts_packet *packet;
  uint64_t index;       /* among the packets that its trace has delivered */
  lts_packet internet;  /* its layer is LTS_PACKET where there is none */
  lts_packet transport; /* the same */
} lts_seen;

/* How a column's value is read; what says that it is not there, or cut off, makes it null. */
enum { LTS_TEXT = 56 };
typedef union lts_read {
  lts_field (*number)(lts_seen *seen);
  lts_unsigned (*hash)(lts_seen *seen);
  int (*text)(lts_seen *seen, char *room); /* the length, at most LTS_TEXT; below 0: null */
  lts_bytes (*bytes)(lts_seen *seen);      /* no data: null */
  bool (*address)(lts_seen *seen, uint8_t *mapped);
  lts_numbers (*numbers)(lts_seen *seen);
} lts_read;

typedef struct lts_column_def {
  const char *name;
  lts_column_type type;
  bool headers; /* needs the packet decoded */
  lts_read read;
} lts_column_def;

/* Finds the headers that columns are read from. */
void lts_seen_decode(lts_seen *seen);
/* NULL where there is no such column. */
const lts_column_def *lts_column_find(const char *name, size_t length);

/* A column of a batch: Arrow's buffers. */
typedef struct lts_column {
  const lts_column_def *def;
  uint8_t *validity; /* a bit a row, the lowest first */
  void *values;      /* or, for what has no fixed width, int32_t offsets into `data` */
  uint8_t *data;
  size_t length, room; /* of the data, in bytes */
} lts_column;

struct lts_batch {
  int references;
  uint32_t rows, most;
  bool overflows; /* offsets could not tell the place of much more data */
  int count;
  lts_column columns[];
};

/* A batch without rows for at most `most`; NULL when out of memory. */
lts_batch *lts_batch_make(const lts_column_def *const *defs, int count, uint32_t most);
/* Whether another packet has room. */
bool lts_batch_has_room(const lts_batch *batch);
/* Adds a row. Of other threads' memory it touches none. */
lts_status lts_batch_add(lts_batch *batch, lts_seen *seen);

#endif
