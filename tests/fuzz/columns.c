/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Arbitrary files as tables: the input is that of file.c.
 */
#include "touch.h"

#include <string.h>

enum { MOST = 500 };

/* All that there are. */
static const char *columns(lts_rows_of rows) {
  static char names[2][4096];
  char *of = names[rows];
  for (int i = 0; !i || *of; i++) {
    lts_name name = lts_column_name(rows, i);
    if (!name || (!i && *of)) break;
    PROMISE(strlen(of) + strlen(name) + 2 < sizeof *names);
    if (i) strcat(of, ",");
    strcat(of, name);
  }
  return of;
}

static size_t count_rows(lts_trace *trace, int size, lts_flow_cache *cache) {
  lts_rows_of of = cache ? LTS_ROWS_OF_FLOWS : LTS_ROWS_OF_PACKETS;
  size_t rows = 0;
  lts_batches *batches = new_lts_batches(columns(of), size, 0, 0, cache);
  PROMISE(batches);
  lts_batch *batch;
  while (rows < MOST && lts_batches_read(batches, trace, &batch) == LTS_ITEM) {
    PROMISE(lts_batch_rows_get(batch) > 0 && lts_batch_rows_get(batch) <= (lts_count)size);
    touch_batch(batch, of);
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

/* Tables have a row for each packet that a loop gets, but for what is no packet (DUCK), and of
 * flows no more. */
void fuzz_columns(const uint8_t *data, size_t size) {
  if (size < 2) return;
  write_input(data + 2, size - 2);
  int rows_of_batch = 1 + data[1] / 16;
  lts_trace *trace = open_input(data[0], data[1]);
  bool started = lts_trace_start(trace) == LTS_OK;
  size_t rows = started ? count_rows(trace, rows_of_batch, NULL) : 0;
  delete_lts_trace(trace);
  trace = open_input(data[0], data[1]);
  PROMISE((lts_trace_start(trace) == LTS_OK) == started);
  PROMISE(!started || count_packets(trace, rows) == rows);
  delete_lts_trace(trace);
  trace = open_input(data[0], data[1]);
  lts_flow_cache *cache = new_lts_flow_cache(10, 60, rows_of_batch);
  PROMISE(cache && (lts_trace_start(trace) == LTS_OK) == started);
  size_t flows = started ? count_rows(trace, rows_of_batch, cache) : 0;
  PROMISE(rows >= MOST || flows <= rows);
  delete_lts_flow_cache(cache);
  delete_lts_trace(trace);
}
