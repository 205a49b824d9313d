/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Tables of packets and of flows: what columns there are, and the memory of a batch of rows, which
 * is laid out as Arrow's columnar format has it.
 */
#ifndef LTS_COLUMNS_H
#define LTS_COLUMNS_H

#include "layer.h"

/* What the columns of a row see: a packet, with the headers that they are read from; or a flow. */
typedef struct lts_seen {
  lts_packet *packet;
  uint64_t index;       /* among the packets that its trace has delivered */
  lts_packet internet;  /* its layer is LTS_PACKET where there is none */
  lts_packet transport; /* the same */
  const struct lts_flow_record *flow;
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

/* What becomes of the values where rows are counted; those of equal rows are the same. */
typedef enum lts_merge {
  LTS_MERGE_NONE,
  LTS_MERGE_SUM,   /* of UINT64 */
  LTS_MERGE_LEAST, /* of TIME, as the next */
  LTS_MERGE_MOST,
} lts_merge;

typedef struct lts_column_def {
  const char *name;
  lts_column_type type;
  bool headers; /* needs the packet decoded */
  lts_read read;
  lts_merge merge;
} lts_column_def;

/* One whose values a function of the kind READ reads. */
#define LTS_COLUMN(NAME, TYPE, HEADERS, READ, FUNCTION)                                            \
  {                                                                                                \
    .name = NAME, .type = LTS_COLUMN_##TYPE, .headers = HEADERS, .read = {.READ = FUNCTION }       \
  }

/* A batch has a bit for each of its columns, those of counts behind the others. */
enum { LTS_COUNTS = 6, LTS_MOST_COLUMNS = 64 };

/* The columns that a table may have. */
typedef struct lts_table {
  const char *documented; /* where Python lists them */
  int count;
  const lts_column_def *columns;
} lts_table;
extern const lts_table lts_packet_table, lts_flow_table, lts_count_table;
const lts_table *lts_table_of(lts_rows_of rows);

/* Finds the headers that columns are read from. */
void lts_seen_decode(lts_seen *seen);
/* NULL where there is no such column. */
const lts_column_def *lts_column_find(const lts_table *table, const char *name, size_t length);
/* The 16 bytes of an address, IPv4 mapped (RFC 4291, 2.5.5.2). */
void lts_address_map(uint8_t *mapped, const uint8_t *bytes, int version);

/* A column of a batch: Arrow's buffers. */
typedef struct lts_column {
  const lts_column_def *def;
  size_t size;       /* of a value, in bytes; of an offset where there are offsets */
  uint8_t *validity; /* a bit a row, the lowest first */
  void *values;      /* or, for what has no fixed width, int32_t offsets into `data` */
  uint8_t *data;
  size_t length, room; /* of the data, in bytes */
} lts_column;

typedef struct lts_index lts_index;
typedef struct lts_spare lts_spare;
struct lts_batch {
  int references;
  lts_spare *spare; /* where it goes when nobody uses it any more */
  void *block;      /* what the columns' validity and values are in */
  size_t size;      /* of it */
  lts_index *index; /* of rows that are counted, or NULL */
  lts_batch *next;  /* of those that were given back */
  uint32_t rows, most;
  uint64_t there; /* of what was put last: a bit a column, unless it is null */
  bool overflows; /* offsets could not tell the place of much more data */
  int count;
  lts_column columns[];
};

/* Keeps a batch for the next rows: memory that is fresh from the system costs as much as to fill
 * it. NULL when out of memory. */
lts_spare *lts_spare_make(void);
/* No more batches will be made with it. */
void lts_spare_close(lts_spare *spare);

/* A batch without rows for at most `most`, with room for somewhat more than so many bytes of each
 * column's data: growing would leave holes in the heap. All that are made with a spare one have the
 * same columns and rows. NULL when out of memory. */
lts_batch *lts_batch_make(const lts_column_def *const *defs, const size_t *data, int count,
                          uint32_t most, lts_spare *spare);
/* Whether another packet has room. */
bool lts_batch_has_room(const lts_batch *batch);
/* Adds a row. Of other threads' memory it touches none. */
lts_status lts_batch_add(lts_batch *batch, lts_seen *seen);
/* Puts some columns of the row behind the last one, or forgets the first ones of it. */
lts_status lts_batch_put(lts_batch *batch, lts_seen *seen, int from, int until);
void lts_batch_forget(lts_batch *batch, int count);
/* Adds a packet to the row that is equal in all columns but those that are merged, which are the
 * last; or a row. */
lts_status lts_batch_count(lts_batch *batch, lts_seen *seen);
void lts_index_free(lts_index *index);

static inline bool lts_column_has_offsets(lts_column_type type) { return type >= LTS_COLUMN_TEXT; }
/* Bytes of what the offsets count. */
static inline size_t lts_column_width(lts_column_type type) {
  return type == LTS_COLUMN_LIST ? sizeof(uint16_t) : 1;
}

#endif
