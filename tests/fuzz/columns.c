/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Arbitrary files as tables: the input is that of file.c.
 */
#include "touch.h"

#include <string.h>

enum { MOST = 500 };

/* All that there are. */
static const char *columns(void) {
  static char names[4096];
  if (*names) return names;
  for (int i = 0; lts_column_name(i); i++) {
    PROMISE(strlen(names) + strlen(lts_column_name(i)) + 2 < sizeof names);
    if (i) strcat(names, ",");
    strcat(names, lts_column_name(i));
  }
  return names;
}

static size_t count_rows(lts_trace *trace, int size) {
  size_t rows = 0;
  lts_batches *batches = new_lts_batches(columns(), size, 0);
  PROMISE(batches);
  lts_batch *batch;
  while (rows < MOST && lts_batches_read(batches, trace, &batch) == LTS_ITEM) {
    PROMISE(lts_batch_rows_get(batch) > 0 && lts_batch_rows_get(batch) <= (lts_count)size);
    touch_batch(batch);
    rows += lts_batch_rows_get(batch);
    delete_lts_batch(batch);
  }
  delete_lts_batches(batches);
  return rows;
}

static size_t count_packets(lts_trace *trace, size_t most) {
  size_t packets = 0;
  for (lts_packet *packet; packets < most && lts_trace_next(trace, &packet) == LTS_ITEM; packets++)
    delete_lts_packet(packet);
  return packets;
}

/* Tables have a row for each packet that a loop gets. */
void fuzz_columns(const uint8_t *data, size_t size) {
  if (size < 2) return;
  write_input(data + 2, size - 2);
  lts_trace *trace = open_input(data[0], data[1]);
  bool started = lts_trace_start(trace) == LTS_OK;
  size_t rows = started ? count_rows(trace, 1 + data[1] / 16) : 0;
  delete_lts_trace(trace);
  trace = open_input(data[0], data[1]);
  PROMISE((lts_trace_start(trace) == LTS_OK) == started);
  PROMISE(!started || count_packets(trace, rows < MOST ? MOST : rows) == rows);
  delete_lts_trace(trace);
}
