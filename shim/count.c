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

static const lts_column_def columns[LTS_COUNTS] = {
    {"packets", LTS_COLUMN_UINT64, false, {.hash = packets}, LTS_MERGE_SUM},
    {"bytes", LTS_COLUMN_UINT64, false, {.hash = bytes}, LTS_MERGE_SUM},
    {"captured_bytes", LTS_COLUMN_UINT64, false, {.hash = captured_bytes}, LTS_MERGE_SUM},
    {"truncated_packets", LTS_COLUMN_UINT64, false, {.hash = truncated_packets}, LTS_MERGE_SUM},
    {"first", LTS_COLUMN_TIME, false, {.number = time_of}, LTS_MERGE_LEAST},
    {"last", LTS_COLUMN_TIME, false, {.number = time_of}, LTS_MERGE_MOST},
};
const lts_table lts_count_table = {"libtrace.COUNT_COLUMNS", LTS_COUNTS, columns};

/* ---- equal rows ---- */

/* Where a value is within the words of its row: no value is in two but an address. */
typedef struct part {
  uint8_t size, word, shift;
} part;

/* What makes rows equal, as words: the values of fixed width, hashes of the others, and which of
 * them are there. `places` finds a row by the hash of its words, or in the next free place. */
struct lts_index {
  uint64_t seed[2], mask;
  int keys;         /* the columns in front of those that are merged */
  bool has_data;    /* one of them has no fixed width */
  size_t length;    /* words of a row */
  uint64_t *words;  /* of each row */
  uint32_t *places; /* one more than the row; 0 is free */
  part there, parts[LTS_MOST_COLUMNS];
};

enum { WORD = sizeof(uint64_t), ADDRESS = 2 * WORD };

static part take_part(size_t *used, size_t size) {
  size_t left = WORD - *used % WORD;
  if (size < WORD && size > left) *used += left;
  part found = {(uint8_t)size, (uint8_t)(*used / WORD), (uint8_t)(*used % WORD * 8)};
  *used += size;
  return found;
}

/* The large ones first, so that none begins within a word and ends in the next. */
static void lay_out(lts_index *index, const lts_batch *batch) {
  size_t used = 0;
  while (!batch->columns[index->keys].def->merge) index->keys++;
  for (size_t size = ADDRESS; size; size /= 2) {
    for (int i = 0; i < index->keys; i++) {
      const lts_column *column = &batch->columns[i];
      bool has_data = lts_column_has_offsets(column->def->type);
      if ((has_data ? WORD : column->size) == size) index->parts[i] = take_part(&used, size);
      index->has_data |= has_data;
    }
  }
  index->there = take_part(&used, ((size_t)index->keys + 7) / 8);
  index->length = (used + WORD - 1) / WORD;
}

static lts_index *make_index(const lts_batch *batch) {
  enum { FEW = 1024 };
  lts_index *index = calloc(1, sizeof *index);
  if (!index) return lts_fail_memory(), NULL;
  index->mask = FEW - 1;
  lay_out(index, batch);
  index->words = calloc((size_t)batch->most + 1, index->length * WORD);
  index->places = calloc(FEW, sizeof *index->places);
  if (!index->words || !index->places)
    lts_fail_memory();
  else if (getentropy(index->seed, sizeof index->seed))
    lts_fail(LTS_E_TRACE, 0, NULL, "the system gives no random numbers to seed a table with");
  else
    return index;
  lts_index_free(index);
  return NULL;
}

void lts_index_free(lts_index *index) {
  if (!index) return;
  free(index->words);
  free(index->places);
  free(index);
}

/* The data of a row of what has no fixed width. */
static lts_bytes data_of(const lts_column *column, uint32_t row) {
  size_t width = lts_column_width(column->def->type);
  const int32_t *offsets = column->values;
  size_t from = (size_t)offsets[row] * width, to = (size_t)offsets[row + 1] * width;
  return (lts_bytes){column->data + from, to - from};
}

static uint64_t hash_bytes(const lts_index *index, lts_bytes bytes) {
  lts_hash hash = lts_hash_begin(index->seed);
  for (size_t at = 0; at < bytes.length; at += WORD) {
    uint64_t word = 0;
    memcpy(&word, bytes.data + at, bytes.length - at < WORD ? bytes.length - at : WORD);
    lts_hash_word(&hash, word);
  }
  lts_hash_word(&hash, bytes.length);
  return lts_hash_end(&hash);
}

static uint64_t *words_of(const lts_index *index, uint32_t row) {
  return index->words + row * index->length;
}

static uint64_t hash_row(const lts_index *index, uint32_t row) {
  const uint64_t *words = words_of(index, row);
  lts_hash hash = lts_hash_begin(index->seed);
  for (size_t i = 0; i < index->length; i++) lts_hash_word(&hash, words[i]);
  return lts_hash_end(&hash);
}

/* Were it bytes that are written, the processor would wait for them before it reads words. */
static void write_value(uint64_t *words, const part *to, const lts_column *column, uint32_t row) {
  const uint64_t *values = column->values;
  uint64_t value;
  switch (to->size) {
  case 1: value = ((const uint8_t *)values)[row]; break;
  case 2: value = ((const uint16_t *)values)[row]; break;
  case 4: value = ((const uint32_t *)values)[row]; break;
  case ADDRESS: words[to->word + 1] = values[2 * row + 1], value = values[2 * row]; break;
  default: value = values[row];
  }
  words[to->word] |= value << to->shift;
}

static void write_words(lts_index *index, const lts_batch *batch, uint32_t row) {
  uint64_t *words = words_of(index, row);
  memset(words, 0, index->length * WORD);
  words[index->there.word] = batch->there << index->there.shift;
  for (int i = 0; i < index->keys; i++) {
    const lts_column *column = &batch->columns[i];
    if (lts_column_has_offsets(column->def->type))
      words[index->parts[i].word] = hash_bytes(index, data_of(column, row));
    else
      write_value(words, &index->parts[i], column, row);
  }
}

/* Equal words are equal rows, but for hashes. */
static bool is_same(const lts_batch *batch, uint32_t a, uint32_t b) {
  const lts_index *index = batch->index;
  const uint64_t *words = words_of(index, a), *others = words_of(index, b);
  for (size_t i = 0; i < index->length; i++)
    if (words[i] != others[i]) return false;
  for (int i = 0; index->has_data && i < index->keys; i++) {
    const lts_column *column = &batch->columns[i];
    if (!lts_column_has_offsets(column->def->type)) continue;
    lts_bytes one = data_of(column, a), other = data_of(column, b);
    if (one.length != other.length) return false;
    if (one.length && memcmp(one.data, other.data, one.length)) return false;
  }
  return true;
}

/* The place of a row that is equal to this one, or where it may go. */
static uint32_t *find_place(const lts_batch *batch, uint32_t row) {
  const lts_index *index = batch->index;
  uint64_t at = hash_row(index, row) & index->mask;
  while (index->places[at] && !is_same(batch, index->places[at] - 1, row))
    at = (at + 1) & index->mask;
  return &index->places[at];
}

/* Small tables stay in the processor's caches. */
static lts_status make_place(lts_batch *batch) {
  enum { GROWTH = 4, SPARSE = 4 };
  lts_index *index = batch->index;
  uint64_t places = (index->mask + 1) * GROWTH;
  if (batch->rows < (index->mask + 1) / SPARSE) return LTS_OK;
  uint32_t *grown = calloc(places, sizeof *grown);
  if (!grown) return lts_fail_memory();
  free(index->places);
  index->places = grown;
  index->mask = places - 1;
  for (uint32_t row = 0; row < batch->rows; row++) *find_place(batch, row) = row + 1;
  return LTS_OK;
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
  if (make_place(batch) || lts_batch_put(batch, seen, 0, index->keys)) return LTS_ERROR;
  write_words(index, batch, row);
  uint32_t *place = find_place(batch, row);
  if (*place) {
    merge(batch, *place - 1, seen);
    if (index->has_data) lts_batch_forget(batch, index->keys);
    return LTS_OK;
  }
  if (lts_batch_put(batch, seen, index->keys, batch->count)) return LTS_ERROR;
  *place = row + 1;
  batch->rows++;
  return LTS_OK;
}
