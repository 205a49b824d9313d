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

/* Where rows are: by their hash, or in the next free place. */
struct lts_index {
  uint64_t seed[2], mask;
  uint32_t rows[]; /* one more; 0 is free */
};

static lts_index *make_index(uint32_t most) {
  uint64_t places = 4;
  while (places < (uint64_t)most * 2) places *= 2;
  lts_index *index = calloc(1, sizeof *index + places * sizeof *index->rows);
  if (!index) return lts_fail_memory(), NULL;
  index->mask = places - 1;
  if (!getentropy(index->seed, sizeof index->seed)) return index;
  lts_fail(LTS_E_TRACE, 0, NULL, "the system gives no random numbers to seed a table with");
  free(index);
  return NULL;
}

static lts_bytes value_of(const lts_column *column, uint32_t row) {
  size_t size = lts_column_size(column->def->type);
  if (!lts_column_has_offsets(column->def->type))
    return (lts_bytes){(const uint8_t *)column->values + row * size, size};
  size_t width = lts_column_width(column->def->type);
  const int32_t *offsets = column->values;
  size_t from = (size_t)offsets[row] * width, to = (size_t)offsets[row + 1] * width;
  return (lts_bytes){column->data + from, to - from};
}

static bool is_valid(const lts_column *column, uint32_t row) {
  return column->validity[row / 8] >> row % 8 & 1;
}

static void hash_value(lts_hash *hash, lts_bytes value) {
  for (size_t at = 0; at < value.length; at += sizeof(uint64_t)) {
    uint64_t word = 0;
    size_t left = value.length - at;
    memcpy(&word, value.data + at, left < sizeof word ? left : sizeof word);
    lts_hash_word(hash, word);
  }
}

static uint64_t hash_row(const lts_batch *batch, uint32_t row) {
  lts_hash hash = lts_hash_begin(batch->index->seed);
  for (int i = 0; i < batch->count && !batch->columns[i].def->merge; i++)
    hash_value(&hash, value_of(&batch->columns[i], row));
  return lts_hash_end(&hash);
}

static bool is_same(const lts_batch *batch, uint32_t a, uint32_t b) {
  for (int i = 0; i < batch->count && !batch->columns[i].def->merge; i++) {
    const lts_column *column = &batch->columns[i];
    lts_bytes one = value_of(column, a), other = value_of(column, b);
    if (is_valid(column, a) != is_valid(column, b) || one.length != other.length) return false;
    if (one.length && memcmp(one.data, other.data, one.length)) return false;
  }
  return true;
}

static void merge(lts_batch *batch, uint32_t into, uint32_t row) {
  for (lts_column *column = batch->columns; column < batch->columns + batch->count; column++) {
    uint64_t *sums = column->values;
    int64_t *times = column->values;
    switch (column->def->merge) {
    case LTS_MERGE_SUM: sums[into] += sums[row]; break;
    case LTS_MERGE_LEAST:
      if (times[row] < times[into]) times[into] = times[row];
      break;
    case LTS_MERGE_MOST:
      if (times[row] > times[into]) times[into] = times[row];
      break;
    case LTS_MERGE_NONE: break;
    }
  }
}

lts_status lts_batch_count(lts_batch *batch, lts_seen *seen) {
  if (!batch->index && !(batch->index = make_index(batch->most))) return LTS_ERROR;
  if (lts_batch_add(batch, seen)) return LTS_ERROR;
  lts_index *index = batch->index;
  uint32_t row = batch->rows - 1;
  uint64_t at = hash_row(batch, row) & index->mask;
  for (; index->rows[at]; at = (at + 1) & index->mask) {
    uint32_t found = index->rows[at] - 1;
    if (!is_same(batch, found, row)) continue;
    merge(batch, found, row);
    lts_batch_take_back(batch);
    return LTS_OK;
  }
  index->rows[at] = row + 1;
  return LTS_OK;
}
