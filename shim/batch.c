/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The memory of a batch of rows as columns.
 */
#include "columns.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { MOST_DATA = 1 << 30 }; /* offsets are int32_t */

/* Bytes a value, and how the struct module calls it; those without a width have offsets. */
static const struct {
  size_t size;
  const char *format;
} types[] = {
    [LTS_COLUMN_BOOL] = {1, "?"},     [LTS_COLUMN_INT8] = {1, "b"},
    [LTS_COLUMN_UINT8] = {1, "B"},    [LTS_COLUMN_INT16] = {2, "h"},
    [LTS_COLUMN_UINT16] = {2, "H"},   [LTS_COLUMN_UINT32] = {4, "I"},
    [LTS_COLUMN_UINT64] = {8, "Q"},   [LTS_COLUMN_TIME] = {8, "q"},
    [LTS_COLUMN_ADDRESS] = {16, "B"}, [LTS_COLUMN_TEXT] = {4, "i"},
    [LTS_COLUMN_BYTES] = {4, "i"},    [LTS_COLUMN_LIST] = {4, "i"},
};

/* ---- life ---- */

static bool resize(lts_column *column, size_t room) {
  uint8_t *resized = realloc(column->data, room);
  if (!resized) return lts_fail_memory(), false;
  column->data = resized;
  column->room = room;
  return true;
}

/* Room for more data; NULL when out of memory. */
static uint8_t *reserve(lts_column *column, size_t length) {
  enum { LEAST = 4096 };
  size_t needed = column->length + length;
  if (needed > column->room && !resize(column, needed * 2 + LEAST)) return NULL;
  return column->data + column->length;
}

/* Bytes of a buffer, so that the next one is aligned as malloc does it. */
static size_t padded(size_t size) { return (size + 15) / 16 * 16; }

static size_t validity_size(uint32_t most) { return padded(most / 8 + 1); }

static size_t values_size(const lts_column_def *def, uint32_t most) {
  return padded(((size_t)most + 1) * types[def->type].size);
}

/* Zeroed memory. Much is mapped, since in the heap batch after batch would leave holes; of little
 * there may be more than the kernel has mappings. */
enum { MUCH = 1 << 18 };
static void *obtain(size_t size) {
  if (size < MUCH) return calloc(1, size);
  void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return block == MAP_FAILED ? NULL : block;
}

static void release(void *block, size_t size) {
  if (size < MUCH)
    free(block);
  else
    munmap(block, size);
}

/* All that has a fixed width is one block. */
static bool make_columns(lts_batch *batch, const lts_column_def *const *defs, const size_t *data) {
  size_t size = 0;
  for (int i = 0; i < batch->count; i++)
    size += validity_size(batch->most) + values_size(defs[i], batch->most);
  uint8_t *at = batch->block = obtain(size);
  if (!at) return false;
  batch->size = size;
  for (int i = 0; i < batch->count; i++) {
    lts_column *column = &batch->columns[i];
    column->def = defs[i];
    column->size = types[defs[i]->type].size;
    column->validity = at;
    at += validity_size(batch->most);
    column->values = at;
    at += values_size(defs[i], batch->most);
    if (lts_column_has_offsets(defs[i]->type)) *(int32_t *)column->values = 0;
    if (data[i] && !resize(column, data[i] + data[i] / 8)) return false;
  }
  return true;
}

static void destroy(lts_batch *batch) {
  for (int i = 0; i < batch->count; i++) free(batch->columns[i].data);
  release(batch->block, batch->size);
  lts_index_free(batch->index);
  free(batch);
}

static lts_batch *make(const lts_column_def *const *defs, const size_t *data, int count,
                       uint32_t most) {
  lts_batch *batch = calloc(1, sizeof *batch + (size_t)count * sizeof *batch->columns);
  if (!batch) return lts_fail_memory(), NULL;
  batch->most = most;
  batch->count = count;
  if (make_columns(batch, defs, data)) return batch;
  destroy(batch);
  return lts_fail_memory(), NULL;
}

static void clear(lts_batch *batch) {
  for (int i = 0; i < batch->count; i++) {
    memset(batch->columns[i].validity, 0, batch->rows / 8 + 1); /* as far as it was written */
    batch->columns[i].length = 0;
  }
  batch->rows = 0;
  batch->overflows = false;
  lts_index_free(batch->index);
  batch->index = NULL;
}

struct lts_spare {
  int references; /* of the batches that are used */
  bool closed;
  lts_batch *batch; /* empty, or NULL */
};

lts_spare *lts_spare_make(void) {
  lts_spare *spare = calloc(1, sizeof *spare);
  if (!spare) lts_fail_memory();
  return spare;
}

void lts_spare_close(lts_spare *spare) {
  if (spare->batch) destroy(spare->batch);
  spare->batch = NULL;
  spare->closed = true;
  if (!spare->references) free(spare);
}

lts_batch *lts_batch_make(const lts_column_def *const *defs, const size_t *data, int count,
                          uint32_t most, lts_spare *spare) {
  lts_batch *batch = spare->batch ? spare->batch : make(defs, data, count, most);
  spare->batch = NULL;
  if (!batch) return NULL;
  batch->references = 1;
  batch->spare = spare;
  spare->references++;
  return batch;
}

void delete_lts_batch(lts_batch *batch) {
  if (!batch || --batch->references) return;
  lts_spare *spare = batch->spare;
  spare->references--;
  if (spare->closed || spare->batch)
    destroy(batch);
  else
    clear(spare->batch = batch);
  if (spare->closed && !spare->references) free(spare);
}

lts_count lts_batch_rows_get(lts_batch *batch) { return batch->rows; }

lts_field lts_batch_nulls(lts_batch *batch, int column) {
  if (column < 0 || column >= batch->count) {
    lts_fail(LTS_E_VALUE, 0, NULL, "there is no column %d", column);
    return LTS_FAILED;
  }
  const uint8_t *validity = batch->columns[column].validity;
  uint32_t whole = batch->rows / 8, rest = batch->rows % 8;
  /* Behind the last row may be the bit of one that was equal to another. */
  lts_field valid = __builtin_popcount(validity[whole] & ((1U << rest) - 1));
  for (uint32_t i = 0; i < whole; i++) valid += __builtin_popcount(validity[i]);
  return batch->rows - valid;
}

/* ---- rows ---- */

bool lts_batch_has_room(const lts_batch *batch) {
  return batch->rows < batch->most && !batch->overflows;
}

static lts_status append(lts_column *column, const void *bytes, size_t length) {
  if (!length) return LTS_OK;
  uint8_t *room = reserve(column, length);
  if (!room) return LTS_ERROR;
  memcpy(room, bytes, length);
  column->length += length;
  return LTS_OK;
}

static bool put_number(lts_column *column, uint32_t row, lts_field value) {
  bool there = value != LTS_ABSENT && value != LTS_FAILED;
  uint64_t bits = there ? (uint64_t)value : 0;
  switch (column->size) {
  case 1: ((uint8_t *)column->values)[row] = (uint8_t)bits; break;
  case 2: ((uint16_t *)column->values)[row] = (uint16_t)bits; break;
  case 4: ((uint32_t *)column->values)[row] = (uint32_t)bits; break;
  default: ((uint64_t *)column->values)[row] = bits;
  }
  return there;
}

static bool put_hash(lts_column *column, uint32_t row, lts_unsigned hash) {
  bool there = hash.presence == LTS_PRESENT;
  ((uint64_t *)column->values)[row] = there ? hash.value : 0;
  return there;
}

static bool put_address(lts_column *column, uint32_t row, lts_seen *seen) {
  uint8_t *at = (uint8_t *)column->values + row * column->size;
  bool there = column->def->read.address(seen, at);
  if (!there) memset(at, 0, column->size);
  return there;
}

static lts_status put_numbers(lts_column *column, lts_numbers numbers) {
  for (int i = 0; i < numbers.count; i++) {
    uint16_t value = (uint16_t)numbers.values[i];
    if (append(column, &value, sizeof value)) return LTS_ERROR;
  }
  return LTS_OK;
}

/* Puts a value; *there tells whether it is none. */
static lts_status put(lts_column *column, uint32_t row, lts_seen *seen, bool *there) {
  const lts_column_def *def = column->def;
  lts_status status = LTS_OK;
  *there = true;
  switch (def->type) {
  case LTS_COLUMN_UINT64: *there = put_hash(column, row, def->read.hash(seen)); return LTS_OK;
  case LTS_COLUMN_ADDRESS: *there = put_address(column, row, seen); return LTS_OK;
  case LTS_COLUMN_TEXT: {
    uint8_t *room = reserve(column, LTS_TEXT);
    int length = room ? def->read.text(seen, (char *)room) : -1;
    *there = length >= 0;
    if (*there) column->length += (size_t)length;
    status = room ? LTS_OK : LTS_ERROR;
    break;
  }
  case LTS_COLUMN_BYTES: {
    lts_bytes bytes = def->read.bytes(seen);
    *there = bytes.data != NULL;
    status = append(column, bytes.data, bytes.length);
    break;
  }
  case LTS_COLUMN_LIST: status = put_numbers(column, def->read.numbers(seen)); break;
  default: *there = put_number(column, row, def->read.number(seen)); return LTS_OK;
  }
  ((int32_t *)column->values)[row + 1] = (int32_t)(column->length / lts_column_width(def->type));
  return status;
}

void lts_batch_forget(lts_batch *batch, int count) {
  uint32_t row = batch->rows;
  for (lts_column *column = batch->columns; column < batch->columns + count; column++)
    if (lts_column_has_offsets(column->def->type))
      column->length =
          (size_t)((int32_t *)column->values)[row] * lts_column_width(column->def->type);
}

lts_status lts_batch_put(lts_batch *batch, lts_seen *seen, int from, int until) {
  uint32_t row = batch->rows;
  unsigned bit = row % 8;
  uint64_t all = 0;
  bool overflows = false;
  for (int i = from; i < until; i++) {
    lts_column *column = &batch->columns[i];
    bool there;
    if (put(column, row, seen, &there)) {
      lts_batch_forget(batch, until);
      return LTS_ERROR;
    }
    uint8_t *validity = &column->validity[row / 8];
    *validity = (uint8_t)((*validity & ~(1U << bit)) | (unsigned)there << bit);
    all |= (uint64_t)there << i;
    overflows |= column->length > MOST_DATA;
  }
  batch->there = all;
  batch->overflows |= overflows;
  return LTS_OK;
}

lts_status lts_batch_add(lts_batch *batch, lts_seen *seen) {
  if (lts_batch_put(batch, seen, 0, batch->count)) return LTS_ERROR;
  batch->rows++;
  return LTS_OK;
}

/* ---- buffers ---- */

struct lts_buffer {
  lts_batch *batch;
  lts_array array;
};

static lts_array bytes_array(void *memory, size_t count) {
  return (lts_array){.memory = memory, .count = count, .size = 1, .format = "B"};
}

static lts_array data_of(const lts_column *column) {
  if (column->def->type != LTS_COLUMN_LIST) return bytes_array(column->data, column->length);
  size_t size = lts_column_width(LTS_COLUMN_LIST);
  return (lts_array){.memory = column->data,
                     .count = column->length / size,
                     .size = size,
                     .format = types[LTS_COLUMN_UINT16].format};
}

static lts_array values_of(const lts_column *column, uint32_t start, uint32_t count) {
  lts_column_type type = column->def->type;
  size_t size = column->size;
  lts_array array = {.memory = (uint8_t *)column->values + start * size,
                     .count = count + lts_column_has_offsets(type),
                     .size = size,
                     .format = types[type].format};
  if (type == LTS_COLUMN_ADDRESS) array.size = 1, array.width = size;
  return array;
}

lts_buffer *new_lts_buffer(lts_batch *batch, int column, lts_part part, int start, int count) {
  if (column < 0 || column >= batch->count || part < LTS_PART_VALIDITY || part > LTS_PART_DATA ||
      start < 0 || count < 0 || (uint64_t)start + (uint64_t)count > batch->rows) {
    lts_fail(LTS_E_VALUE, 0, NULL, "there is no such part of the batch");
    return NULL;
  }
  lts_buffer *buffer = malloc(sizeof *buffer);
  if (!buffer) return lts_fail_memory(), NULL;
  const lts_column *source = &batch->columns[column];
  batch->references++;
  buffer->batch = batch;
  buffer->array = part == LTS_PART_VALIDITY ? bytes_array(source->validity, (batch->rows + 7) / 8)
                  : part == LTS_PART_DATA   ? data_of(source)
                                            : values_of(source, (uint32_t)start, (uint32_t)count);
  return buffer;
}

void delete_lts_buffer(lts_buffer *buffer) {
  if (!buffer) return;
  delete_lts_batch(buffer->batch);
  free(buffer);
}

lts_array lts_buffer_array(const lts_buffer *buffer) { return buffer->array; }
