/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Batches that have equal rows once, and count their packets.
 */
#include "columns.h"
#include "hash.h"

#include <stdlib.h>
#include <sys/random.h>

/* ---- what is counted ---- */

static lts_unsigned known(uint64_t value) { return (lts_unsigned){LTS_PRESENT, value}; }

static lts_unsigned packets(lts_seen *seen) { return (void)seen, known(1); }

static lts_unsigned bytes(lts_seen *seen) {
  return known((uint64_t)lts_packet_wire_len_get(seen->packet));
}

static lts_unsigned captured_bytes(lts_seen *seen) {
  return known((uint64_t)lts_packet_capture_len_get(seen->packet));
}

static lts_unsigned truncated_packets(lts_seen *seen) {
  return known((uint64_t)lts_packet_is_truncated_get(seen->packet));
}

static lts_field time_of(lts_seen *seen) { return lts_packet_timestamp_ns_get(seen->packet); }

static const lts_column_def columns[] = {
    {"packets", LTS_COLUMN_UINT64, false, {.hash = packets}, LTS_MERGE_SUM},
    {"bytes", LTS_COLUMN_UINT64, false, {.hash = bytes}, LTS_MERGE_SUM},
    {"captured_bytes", LTS_COLUMN_UINT64, false, {.hash = captured_bytes}, LTS_MERGE_SUM},
    {"truncated_packets", LTS_COLUMN_UINT64, false, {.hash = truncated_packets}, LTS_MERGE_SUM},
    {"first", LTS_COLUMN_TIME, false, {.number = time_of}, LTS_MERGE_LEAST},
    {"last", LTS_COLUMN_TIME, false, {.number = time_of}, LTS_MERGE_MOST},
};
const lts_table lts_count_table = {"libtrace.COUNT_COLUMNS", sizeof columns / sizeof *columns,
                                   columns};

/* ---- equal rows ---- */

/* What makes rows equal, as bytes: the values of fixed width, hashes of the others, and which of
 * them are there. `rows` finds a row by the hash of its bytes, or in the next free place. */
struct lts_index {
  uint64_t seed[2], mask;
  int keys;        /* the columns in front of those that are merged */
  size_t size;     /* of the bytes, a multiple of 8 */
  uint64_t *bytes; /* of each row */
  uint32_t rows[]; /* one more; 0 is free */
};

static size_t key_size(lts_column_type type) {
  return lts_column_has_offsets(type) ? sizeof(uint64_t) : lts_column_size(type);
}

static void measure(lts_index *index, const lts_batch *batch) {
  enum { WORD = sizeof(uint64_t) };
  size_t size = 0;
  for (; !batch->columns[index->keys].def->merge; index->keys++)
    size += key_size(batch->columns[index->keys].def->type);
  size += ((size_t)index->keys + 7) / 8;
  index->size = (size + WORD - 1) / WORD * WORD;
}

static lts_index *make_index(const lts_batch *batch) {
  uint64_t places = 4;
  while (places < (uint64_t)batch->most * 2) places *= 2;
  lts_index *index = calloc(1, sizeof *index + places * sizeof *index->rows);
  if (!index) return lts_fail_memory(), NULL;
  index->mask = places - 1;
  measure(index, batch);
  index->bytes = calloc((size_t)batch->most + 1, index->size);
  if (!index->bytes)
    lts_fail_memory();
  else if (getentropy(index->seed, sizeof index->seed))
    lts_fail(LTS_E_TRACE, 0, NULL, "the system gives no random numbers to seed a table with");
  else
    return index;
  lts_index_free(index);
  return NULL;
}

void lts_index_free(lts_index *index) {
  if (index) free(index->bytes);
  free(index);
}

/* The data of a row of what has no fixed width. */
static lts_bytes data_of(const lts_column *column, uint32_t row) {
  size_t width = lts_column_width(column->def->type);
  const int32_t *offsets = column->values;
  size_t from = (size_t)offsets[row] * width, to = (size_t)offsets[row + 1] * width;
  return (lts_bytes){column->data + from, to - from};
}

static uint64_t hash_bytes(const lts_index *index, const void *bytes, size_t length) {
  lts_hash hash = lts_hash_begin(index->seed);
  for (size_t at = 0; at < length; at += sizeof(uint64_t)) {
    uint64_t word = 0;
    memcpy(&word, (const uint8_t *)bytes + at, length - at < 8 ? length - at : 8);
    lts_hash_word(&hash, word);
  }
  lts_hash_word(&hash, length);
  return lts_hash_end(&hash);
}

static uint8_t *write_value(const lts_index *index, const lts_column *column, uint32_t row,
                            uint8_t *at) {
  size_t size = key_size(column->def->type);
  const uint8_t *value = (const uint8_t *)column->values + row * size;
  if (lts_column_has_offsets(column->def->type)) {
    lts_bytes data = data_of(column, row);
    uint64_t hash = hash_bytes(index, data.data, data.length);
    memcpy(at, &hash, sizeof hash);
    return at + size;
  }
  switch (size) { /* sizes that the compiler knows need no call */
  case 1: *at = *value; break;
  case 2: memcpy(at, value, 2); break;
  case 4: memcpy(at, value, 4); break;
  case 8: memcpy(at, value, 8); break;
  default: memcpy(at, value, 16);
  }
  return at + size;
}

static uint64_t *write_key(lts_index *index, const lts_batch *batch, uint32_t row) {
  uint64_t *key = index->bytes + row * (index->size / sizeof *key);
  uint8_t *at = (uint8_t *)key, bits = 0;
  for (int i = 0; i < index->keys; i++) {
    const lts_column *column = &batch->columns[i];
    at = write_value(index, column, row, at);
    bits |= (uint8_t)((column->validity[row / 8] >> row % 8 & 1) << i % 8);
    if (i % 8 < 7 && i < index->keys - 1) continue;
    *at++ = bits;
    bits = 0;
  }
  return key;
}

/* Equal bytes are equal rows, but for hashes. */
static bool is_same(const lts_batch *batch, uint32_t a, uint32_t b) {
  const lts_index *index = batch->index;
  const uint8_t *keys = (const uint8_t *)index->bytes;
  if (memcmp(keys + a * index->size, keys + b * index->size, index->size)) return false;
  for (int i = 0; i < index->keys; i++) {
    const lts_column *column = &batch->columns[i];
    if (!lts_column_has_offsets(column->def->type)) continue;
    lts_bytes one = data_of(column, a), other = data_of(column, b);
    if (one.length != other.length) return false;
    if (one.length && memcmp(one.data, other.data, one.length)) return false;
  }
  return true;
}

static void merge(lts_batch *batch, uint32_t into, lts_seen *seen) {
  for (int i = batch->index->keys; i < batch->count; i++) {
    const lts_column *column = &batch->columns[i];
    uint64_t *sum = (uint64_t *)column->values + into;
    int64_t *time = (int64_t *)column->values + into;
    lts_merge how = column->def->merge;
    if (how == LTS_MERGE_SUM) {
      *sum += column->def->read.hash(seen).value;
    } else {
      int64_t other = column->def->read.number(seen);
      if (how == LTS_MERGE_LEAST ? other < *time : other > *time) *time = other;
    }
  }
}

lts_status lts_batch_count(lts_batch *batch, lts_seen *seen) {
  if (!batch->index && !(batch->index = make_index(batch))) return LTS_ERROR;
  lts_index *index = batch->index;
  uint32_t row = batch->rows;
  if (lts_batch_put(batch, seen, 0, index->keys)) return LTS_ERROR;
  uint64_t at = hash_bytes(index, write_key(index, batch, row), index->size) & index->mask;
  for (; index->rows[at]; at = (at + 1) & index->mask) {
    uint32_t found = index->rows[at] - 1;
    if (!is_same(batch, found, row)) continue;
    merge(batch, found, seen);
    lts_batch_forget(batch, index->keys);
    return LTS_OK;
  }
  if (lts_batch_put(batch, seen, index->keys, batch->count)) return LTS_ERROR;
  index->rows[at] = row + 1;
  batch->rows++;
  return LTS_OK;
}
