/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Reading a trace batch by batch. A file is read without the interpreter lock.
 */
#include "flowcache.h"

#include <math.h>
#include <stdlib.h>

struct lts_batches {
  uint32_t size;
  double max_wait;
  bool headers;          /* a column needs them */
  bool counted;          /* equal rows are one */
  uint64_t left;         /* packets that may still be read */
  lts_flow_cache *cache; /* the rows are flows; or NULL */
  double heard;          /* when an interface's last packet came, on lts_now()'s clock */
  lts_batch *batch;      /* in the making, also between calls; or NULL */
  double due;            /* when it is full enough, on the same clock; 0 before its first row */
  double told;           /* the same as of the last LTS_WAIT */
  lts_error failure;     /* what came behind the last batch */
  size_t *data;          /* bytes of each column's data in the last batch */
  lts_spare *spare;      /* memory of a batch that nobody uses any more */
  lts_batch *returned;   /* batches that come next, again */
  bool over;             /* so did a close, or a pause */
  int count;
  const lts_column_def *defs[];
};

/* One call's work on a batch. */
typedef struct filling {
  lts_batches *batches;
  lts_trace *trace;
  lts_filter *filter; /* of our own, since others may use the trace's meanwhile; or NULL */
  lts_frame frame;
  bool waits;
  double began; /* the reader, on the same clock */
} filling;

/* ---- life ---- */

static int count_names(const char *columns) {
  int count = 1;
  for (const char *at = columns; *at; at++) count += *at == ',';
  return count;
}

static lts_status find_columns(lts_batches *batches, const char *columns) {
  const lts_table *table = lts_table_of(batches->cache ? LTS_ROWS_OF_FLOWS : LTS_ROWS_OF_PACKETS);
  for (const char *name = columns; batches->count < count_names(columns); batches->count++) {
    size_t length = strcspn(name, ",");
    const lts_column_def *def = lts_column_find(table, name, length);
    if (!def)
      return lts_fail(LTS_E_VALUE, 0, NULL, "there is no column '%.*s'; %s has all", (int)length,
                      name, table->documented);
    for (int i = 0; i < batches->count; i++)
      if (batches->defs[i] == def)
        return lts_fail(LTS_E_VALUE, 0, NULL, "column '%s' is asked for twice", def->name);
    batches->defs[batches->count] = def;
    batches->headers |= def->headers;
    name += length + 1;
  }
  return LTS_OK;
}

static void add_counts(lts_batches *batches) {
  for (int i = 0; i < lts_count_table.count; i++)
    batches->defs[batches->count++] = &lts_count_table.columns[i];
}

lts_batches *new_lts_batches(const char *columns, int size, double max_wait, int counted,
                             lts_flow_cache *cache_or_none) {
  enum { MOST = 1 << 24 };
  if (size < 1 || size > MOST) {
    lts_fail(LTS_E_VALUE, 0, NULL, "a batch has 1 to %d rows", MOST);
    return NULL;
  }
  if (!(max_wait >= 0) || isinf(max_wait)) {
    lts_fail(LTS_E_VALUE, 0, NULL, "max_wait is 0 or more seconds");
    return NULL;
  }
  size_t most = (size_t)count_names(columns) + (size_t)lts_count_table.count;
  lts_batches *batches = calloc(1, sizeof *batches + most * sizeof *batches->defs);
  if (!batches) return lts_fail_memory(), NULL;
  batches->data = calloc(most, sizeof *batches->data);
  batches->spare = lts_spare_make();
  if (!batches->data || !batches->spare)
    return delete_lts_batches(batches), lts_fail_memory(), NULL;
  batches->size = (uint32_t)size;
  batches->max_wait = max_wait;
  if (cache_or_none) batches->cache = lts_flow_cache_ref(cache_or_none);
  batches->counted = counted;
  batches->left = UINT64_MAX;
  if (find_columns(batches, columns)) {
    delete_lts_batches(batches);
    return NULL;
  }
  if (counted) add_counts(batches);
  return batches;
}

void lts_batches_give_back(lts_batches *batches, lts_batch *batch) {
  batch->references++;
  batch->next = batches->returned;
  batches->returned = batch;
}

static bool take_returned(lts_batches *batches, lts_batch **out) {
  *out = batches->returned;
  if (*out) batches->returned = (*out)->next;
  return *out != NULL;
}

void delete_lts_batches(lts_batches *batches) {
  lts_batch *returned;
  if (!batches) return;
  while (take_returned(batches, &returned)) delete_lts_batch(returned);
  delete_lts_batch(batches->batch);
  if (batches->spare) lts_spare_close(batches->spare);
  delete_lts_flow_cache(batches->cache);
  free(batches->data);
  free(batches);
}

lts_status lts_batches_limit(lts_batches *batches, int64_t packets) {
  if (packets < 0) return lts_fail(LTS_E_VALUE, 0, NULL, "limit is 0 or more packets, below 2^63");
  batches->left = (uint64_t)packets;
  return LTS_OK;
}

/* ---- rows ---- */

/* Of a call that waits or lets signals in, the batch may be gone: another one, by a signal handler
 * or a thread, then went on with it and handed it out. NULL when out of memory. */
static lts_batch *batch_of(lts_batches *batches) {
  if (!batches->batch)
    batches->batch =
        lts_batch_make(batches->defs, batches->data, batches->count, batches->size, batches->spare);
  return batches->batch;
}

static bool has_rows(const lts_batches *batches) { return batches->batch && batches->batch->rows; }

/* Whether more rows have room, when all flows that have ended are in. */
static lts_more room(lts_batches *batches) {
  if (!batch_of(batches)) return LTS_FAIL;
  if (batches->cache && lts_flow_cache_hand_out(batches->cache, batches->batch)) return LTS_FAIL;
  return lts_batch_has_room(batches->batch) ? LTS_AGAIN : LTS_ITEM;
}

static lts_more add_to_flow(filling *f, lts_seen *seen) {
  lts_seen_decode(seen);
  return lts_flow_cache_add(f->batches->cache, seen) ? LTS_FAIL : room(f->batches);
}

static lts_more add(filling *f) {
  lts_batches *batches = f->batches;
  lts_seen seen = {.packet = &f->frame.self, .index = f->trace->accepted - 1};
  if (batches->cache) return add_to_flow(f, &seen);
  if (!batch_of(batches)) return LTS_FAIL;
  if (batches->headers) lts_seen_decode(&seen);
  if (batches->counted ? lts_batch_count(batches->batch, &seen)
                       : lts_batch_add(batches->batch, &seen))
    return LTS_FAIL;
  return room(batches);
}

/* Signal handlers that read, too, find what is left without the packet that this one may get. */
static lts_more fetch(filling *f, lts_filter *const *filter) {
  if (!f->batches->left) return LTS_END;
  f->batches->left--;
  lts_more more = lts_trace_take(f->trace, filter, &f->frame);
  bool meta = more == LTS_ITEM && lts_link_is_meta(f->frame.link); /* a table is of packets */
  if (more == LTS_ITEM && !meta) return add(f);
  f->batches->left++;
  return meta ? LTS_AGAIN : more;
}

static lts_more go_on(lts_trace *trace) {
  lts_more more = lts_trace_still_readable(trace);
  return more == LTS_ITEM ? LTS_AGAIN : more;
}

/* ---- files ---- */

/* Until the batch is full, or for a while: then signals have their turn. */
static lts_more fill_for_a_while(filling *f) {
  enum { BETWEEN_CLOCKS = 4096, WHILE_MS = 50 };
  double end = lts_now() + WHILE_MS / 1e3;
  for (unsigned attempts = 1;; attempts++) {
    lts_more more = fetch(f, &f->filter);
    if (more != LTS_AGAIN) return more;
    if (attempts % BETWEEN_CLOCKS == 0 && (f->trace->closing || lts_now() >= end)) return LTS_AGAIN;
  }
}

static lts_more fill_unlocked(filling *f) {
  /* Which need the lock. */
  if (!batch_of(f->batches) || lts_trace_detach_all(f->trace)) return LTS_FAIL;
  f->trace->busy = true;
  void *lock = lts_release();
  lts_more more = fill_for_a_while(f);
  lts_acquire(lock);
  f->trace->busy = false;
  return more;
}

static lts_more fill_from_file(filling *f) {
  lts_filter *filter = f->trace->filter;
  if (filter && !f->filter) f->filter = new_lts_filter(lts_filter_expression_get(filter), false);
  if (filter && !f->filter) return LTS_FAIL;
  lts_more more = LTS_AGAIN;
  while (more == LTS_AGAIN) {
    more = fill_unlocked(f);
    if (more != LTS_AGAIN) return more;
    if (lts_interrupted() || lts_wait_until_idle(&f->trace->closing)) return LTS_FAIL;
    more = go_on(f->trace);
  }
  return more;
}

/* ---- interfaces, pipes and streams ---- */

static double sooner(double a, double b) { return a == 0 ? b : b == 0 ? a : a < b ? a : b; }

static double deadline(const lts_batches *batches, const lts_trace *trace, double began) {
  return lts_trace_deadline(trace, batches->heard > began ? batches->heard : began);
}

/* A silent interface ends flows, too; a pipe may bring what was captured long ago. */
static lts_more wait_for_packets(filling *f) {
  lts_batches *batches = f->batches;
  lts_more more = LTS_WAIT;
  if (f->waits)
    more =
        lts_trace_wait_until(f->trace, sooner(deadline(batches, f->trace, f->began), batches->due));
  bool passes = batches->cache && f->trace->source == LTS_LIVE;
  if (!passes || (more != LTS_AGAIN && more != LTS_WAIT)) return more;
  lts_flow_cache_wait(batches->cache, lts_now() - batches->heard);
  lts_more flows = room(batches);
  return flows == LTS_AGAIN ? more : flows;
}

static lts_more look(filling *f) {
  lts_batches *batches = f->batches;
  uint64_t accepted = f->trace->accepted;
  lts_more more = fetch(f, &f->trace->filter);
  if (more == LTS_WAIT) more = wait_for_packets(f);
  double now = lts_now();
  if (f->trace->accepted > accepted) batches->heard = now;
  if (more != LTS_AGAIN && more != LTS_WAIT) return more;
  if (batches->due == 0 && has_rows(batches)) batches->due = now + batches->max_wait;
  if (batches->due != 0 && now >= batches->due) return LTS_ITEM;
  double end = deadline(batches, f->trace, f->began);
  return end != 0 && now >= end ? lts_trace_timed_out(f->trace) : more;
}

static lts_more fill_from_stream(filling *f) {
  double breath = 0;
  for (;;) {
    lts_more more = look(f);
    if (more != LTS_AGAIN) return more;
    if (!f->waits && lts_trace_turn_is_over(f->trace)) return LTS_WAIT;
    if (f->waits && !lts_breathe(&breath)) return LTS_FAIL;
    more = lts_trace_still_readable(f->trace);
    if (more != LTS_ITEM) return more;
  }
}

/* Signals have their turn before a batch is handed out, since what a handler raises would replace
 * it. A handler may also have read the batch itself. */
static lts_more fill(filling *f) {
  lts_more more = room(f->batches);
  f->waits = true;
  for (;;) {
    if (more == LTS_AGAIN)
      more = f->trace->source == LTS_FILE ? fill_from_file(f) : fill_from_stream(f);
    if (more == LTS_FAIL || lts_interrupted()) return LTS_FAIL;
    if (more != LTS_ITEM || has_rows(f->batches)) return more;
    more = room(f->batches);
    if (more == LTS_AGAIN) more = go_on(f->trace);
  }
}

/* The end of the packets is that of all flows. */
static lts_more end_flows(filling *f, lts_more more) {
  lts_flow_cache *cache = f->batches->cache;
  bool over = more == LTS_END || (more == LTS_FAIL && lts_error_last()->kind == LTS_E_TRACE);
  if (!cache || !over) return more;
  lts_flow_cache_end(cache);
  return room(f->batches) == LTS_FAIL ? LTS_FAIL : more;
}

/* ---- the next batch ---- */

static lts_more raise_kept(lts_batches *batches) {
  lts_error *kept = &batches->failure;
  lts_fail(kept->kind, kept->code, kept->uri, "%s", kept->text);
  kept->kind = LTS_E_NONE;
  return LTS_FAIL;
}

static lts_status begin(filling *f, lts_batches *batches, lts_trace *trace, double waited) {
  *f = (filling){
      .batches = batches, .trace = trace, .frame = {.references = 1}, .began = lts_now() - waited};
  f->frame.self = (lts_packet){.frame = &f->frame, .layer = LTS_PACKET};
  return lts_trace_detach_all(trace);
}

/* Nothing that was read is lost: what an error or a signal stopped is handed out before, or next.
 */
static lts_more finish(filling *f, lts_more more, lts_batch **out) {
  lts_batches *batches = f->batches;
  delete_lts_filter(f->filter);
  bool goes_on =
      more == LTS_WAIT || (more == LTS_FAIL && lts_error_last()->kind == LTS_E_INTERRUPTED);
  if (goes_on || !has_rows(batches)) return more;
  if (more == LTS_FAIL && lts_error_last()->kind != LTS_E_TIMEOUT)
    batches->failure = *lts_error_last();
  for (int i = 0; i < batches->count; i++) batches->data[i] = batches->batch->columns[i].length;
  batches->over = more == LTS_END && f->trace->state != LTS_STARTED;
  batches->due = 0;
  *out = batches->batch;
  batches->batch = NULL;
  return LTS_ITEM;
}

/* Whether there may be more: a trace that is closed or paused is at the end of what began. */
static lts_more readable(lts_batches *batches, lts_trace *trace, bool began) {
  bool over = batches->over && trace->state != LTS_STARTED;
  batches->over = false;
  if (batches->failure.kind || over) return LTS_END;
  began |= has_rows(batches) || (batches->cache && lts_flow_cache_has_begun(batches->cache));
  return began ? lts_trace_still_readable(trace) : lts_trace_readable(trace);
}

/* LTS_WAIT: what there is will do. */
static lts_more make(lts_batches *batches, lts_trace *trace, lts_more more, double waited,
                     lts_more (*filler)(filling *), lts_batch **out) {
  filling f;
  bool left = has_rows(batches) || (batches->cache && !lts_flow_cache_is_empty(batches->cache));
  if (batches->failure.kind && !left) return raise_kept(batches);
  if (more == LTS_FAIL || (more == LTS_END && !left)) return more;
  if (begin(&f, batches, trace, waited)) return LTS_FAIL;
  more = more == LTS_ITEM ? filler(&f) : more == LTS_WAIT ? LTS_ITEM : more;
  return finish(&f, end_flows(&f, more), out);
}

lts_more lts_batches_read(lts_batches *batches, lts_trace *trace, lts_batch **out) {
  if (take_returned(batches, out)) return LTS_ITEM;
  if (batches->cache && lts_flow_cache_enter(batches->cache)) return LTS_FAIL;
  lts_more more = make(batches, trace, readable(batches, trace, false), 0, fill, out);
  if (batches->cache) lts_flow_cache_leave(batches->cache);
  return more;
}

/* ---- without waiting ---- */

static bool is_due(const lts_batches *batches) {
  return has_rows(batches) && batches->due != 0 && lts_now() >= batches->due;
}

static bool is_complete(const lts_batches *batches) {
  return batches->failure.kind || !batches->left || is_due(batches) ||
         (batches->batch && !lts_batch_has_room(batches->batch));
}

static bool has_busy_cache(const lts_batches *batches) {
  return batches->cache && lts_flow_cache_is_busy(batches->cache);
}

/* Of a stream only what is fetched: see lts_trace_fetch(). */
static lts_more read_ahead(lts_batches *batches, lts_trace *trace) {
  filling f;
  if (begin(&f, batches, trace, 0)) return LTS_FAIL;
  lts_more more = trace->source == LTS_FILE ? fill(&f) : look(&f);
  delete_lts_filter(f.filter);
  return more;
}

static lts_more fetch_some(lts_batches *batches, lts_trace *trace) {
  if (trace->source == LTS_STREAM && lts_trace_fetch(trace)) return LTS_FAIL;
  if (batches->cache && lts_flow_cache_enter(batches->cache)) return LTS_FAIL;
  lts_more more = lts_trace_still_readable(trace);
  if (more == LTS_ITEM && is_complete(batches))
    more = LTS_END;
  else if (more == LTS_ITEM)
    more = trace->source == LTS_FILE || trace->fetched ? read_ahead(batches, trace) : LTS_AGAIN;
  if (batches->cache) lts_flow_cache_leave(batches->cache);
  return more;
}

void lts_batches_fetch(lts_batches *batches, lts_trace *trace) {
  lts_more more = lts_trace_waits(trace) ? LTS_END : LTS_AGAIN;
  while (more == LTS_AGAIN) {
    more = lts_trace_still_readable(trace);
    bool news = is_complete(batches) || batches->due != batches->told;
    if (more == LTS_ITEM) more = news ? LTS_END : fetch_some(batches, trace);
  }
  if (more == LTS_FAIL) batches->failure = *lts_error_last();
}

static lts_more fill_without_waiting(filling *f) {
  lts_more more = room(f->batches);
  if (more != LTS_AGAIN) return more;
  if (lts_trace_waits(f->trace)) return fill_from_stream(f);
  if (!f->batches->left) return LTS_END;
  return f->batches->due != 0 && lts_now() >= f->batches->due ? LTS_ITEM : LTS_WAIT;
}

/* As readable(); LTS_WAIT while another thread reads. */
static lts_more outlook(lts_batches *batches, lts_trace *trace, double waited) {
  if (has_busy_cache(batches)) return LTS_WAIT;
  if (lts_trace_is_busy(trace)) return lts_trace_outlook(trace);
  if (waited > 0) lts_trace_calm(trace);
  return readable(batches, trace, waited > 0);
}

static lts_wait what_to_wait_for(const lts_batches *batches, lts_trace *trace, double waited) {
  enum { NAP_MS = 10 };
  double now = lts_now(), until = sooner(deadline(batches, trace, now - waited), batches->due);
  if (trace->source == LTS_LIVE && batches->cache)
    until = sooner(until, batches->heard + lts_flow_cache_patience(batches->cache));
  double seconds = until == 0 ? INFINITY : until > now ? until - now : 0;
  if (lts_trace_waits(trace) || lts_trace_turn_is_over(trace))
    return lts_trace_wait_for(trace, seconds);
  trace->turn_ends = 0;
  if (trace->source == LTS_STREAM && has_busy_cache(batches))
    return (lts_wait){-1, -1, NAP_MS / 1e3};
  return (lts_wait){LTS_FETCH, trace->wake, seconds};
}

lts_more lts_batches_poll(lts_batches *batches, lts_trace *trace, double waited, lts_batch **out,
                          lts_wait *wait) {
  if (take_returned(batches, out)) return LTS_ITEM;
  lts_more more = outlook(batches, trace, waited);
  if (more != LTS_FAIL && lts_trace_turn_is_over(trace)) more = LTS_WAIT;
  if (more != LTS_WAIT || is_due(batches))
    more = make(batches, trace, more, waited, fill_without_waiting, out);
  if (more != LTS_WAIT) return more;
  *wait = what_to_wait_for(batches, trace, waited);
  batches->told = batches->due;
  return lts_wait_own(wait, trace->uri);
}
