/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The life of a trace: configure, start, pause, close.
 */
#include "lts_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

lts_trace *new_lts_trace(const char *uri) {
  lts_trace *trace = calloc(1, sizeof *trace);
  if (trace) trace->uri = strdup(uri);
  if (!trace || !trace->uri) {
    free(trace);
    lts_fail_memory();
    return NULL;
  }
  const lts_scheme *scheme = lts_scheme_find(uri);
  trace->source = scheme ? scheme->source : LTS_FILE;
  trace->promisc = trace->socket = trace->wake = -1;
  trace->forks = lts_forks;
  for (int i = 0; i < LTS_STATISTICS; i++) trace->last_known[i] = LTS_UNKNOWN;
  return trace;
}

lts_name lts_trace_uri_get(lts_trace *trace) { return trace->uri; }

lts_name lts_state_name(lts_state state) {
  static const char *const names[] = {"new", "started", "paused", "closed"};
  return names[state];
}

lts_name lts_trace_state_get(lts_trace *trace) {
  bool stopped = trace->state == LTS_STARTED && trace->stopped;
  return stopped ? "stopped" : lts_state_name(trace->state);
}

/* In a process that was forked off: a read that another thread was in is never over here, and what
 * it read with, unless it only waited for an interface or a pipe, may be in any state. */
static void inherit(lts_trace *trace) {
  trace->ended |= trace->busy && !lts_trace_waits(trace);
  trace->busy = trace->closing = false;
  trace->forks = lts_forks;
}

static lts_status enter_inherited(lts_trace *trace) {
  bool ended = trace->ended;
  inherit(trace);
  if (trace->ended == ended) return LTS_OK;
  return lts_fail(LTS_E_STATE, TRACE_ERR_BAD_STATE, trace->uri,
                  "cannot go on in '%s': another thread read it when this process was forked off",
                  trace->uri);
}

bool lts_trace_is_busy(const lts_trace *trace) { return trace->busy && trace->forks == lts_forks; }

lts_status lts_trace_enter(lts_trace *trace) {
  if (trace->forks != lts_forks && enter_inherited(trace)) return LTS_ERROR;
  return lts_wait_until_idle(&trace->busy);
}

/* ---- wake those that wait ---- */

static void wake(lts_trace *trace) {
  if (trace->wake >= 0) eventfd_write(trace->wake, 1);
}

void lts_trace_calm(lts_trace *trace) {
  eventfd_t count;
  if (trace->wake >= 0 && !trace->stopped && !trace->closing) eventfd_read(trace->wake, &count);
}

static void resume(lts_trace *trace) {
  trace->stopped = false;
  lts_trace_calm(trace);
}

void lts_trace_stop(lts_trace *trace) {
  trace->stopped = true;
  wake(trace);
}

/* A paused pipe or stream goes on: see lts_trace_pause(). */
static lts_status start_source(lts_trace *trace) {
  if (trace->starting) return lts_trace_start_pipe(trace);
  if (!trace->raw) return lts_trace_open(trace);
  bool goes_on = trace->source == LTS_STREAM || trace->source == LTS_PIPE;
  return goes_on ? LTS_OK : lts_trace_start_raw(trace);
}

/* A signal tells more than the call that it made fail. Its handler may start the trace, too. */
static lts_status start_failed(lts_trace *trace) {
  if (lts_error_last()->kind == LTS_E_INTERRUPTED || lts_interrupted()) return LTS_ERROR;
  return trace->state == LTS_STARTED ? LTS_OK : LTS_ERROR;
}

lts_status lts_trace_start(lts_trace *trace) {
  if (trace->state == LTS_STARTED && !trace->stopped) return LTS_OK;
  if (!trace->fetching && lts_trace_enter(trace)) return LTS_ERROR;
  resume(trace);
  if (trace->state == LTS_STARTED) return LTS_OK;
  if (trace->state == LTS_CLOSED)
    return lts_fail(LTS_E_STATE, TRACE_ERR_BAD_STATE, trace->uri, "cannot start '%s': it is closed",
                    trace->uri);
  if (start_source(trace)) return start_failed(trace);
  trace->state = LTS_STARTED;
  return LTS_OK;
}

/* ---- pause and close ---- */

lts_status lts_trace_detach_all(lts_trace *trace) {
  for (int i = 0; i < 2; i++)
    if (trace->slots[i].borrower && lts_frame_detach(trace->slots[i].borrower)) return LTS_ERROR;
  return LTS_OK;
}

/* The packets are their own then, and nobody waits. */
static lts_status end_reads(lts_trace *trace) {
  if (trace->forks != lts_forks) inherit(trace);
  trace->closing = true;
  wake(trace);
  lts_status status = lts_trace_enter(trace);
  trace->closing = false;
  if (!status) status = lts_trace_detach_all(trace);
  if (status) lts_trace_calm(trace);
  return status;
}

static void close_raw(lts_trace *trace) {
  for (int i = 0; i < LTS_STATISTICS; i++)
    trace->last_known[i] = lts_trace_statistic(trace, (lts_statistic)i);
  lts_trace_drop_raw(trace, true);
}

/* A thread that waits for a stream, perhaps for ever, is left alone with what it reads with. */
static lts_status leave_fetching(lts_trace *trace) {
  wake(trace);
  return lts_trace_detach_all(trace);
}

/* Guard: an interface is opened anew after a pause. libtrace 3 would go on in the middle of a ring
 * that starts at its beginning, and ask a closed pcap handle for its counters. Of a stream, a
 * packet may be fetched, which libtrace 4 would make invalid. */
lts_status lts_trace_pause(lts_trace *trace) {
  if (trace->fetching ? leave_fetching(trace) : end_reads(trace)) return LTS_ERROR;
  if (trace->state != LTS_STARTED)
    return lts_fail(LTS_E_STATE, TRACE_ERR_BAD_STATE, trace->uri,
                    "cannot pause '%s': it is not started", trace->uri);
  if (trace->source == LTS_LIVE)
    close_raw(trace);
  else if (trace->source == LTS_FILE && trace_pause(trace->raw) < 0)
    return lts_fail_libtrace(trace->raw, trace->uri, "pause");
  trace->state = LTS_PAUSED;
  return LTS_OK;
}

/* The thread gives back what it reads with. */
static lts_status close_fetched(lts_trace *trace) {
  if (leave_fetching(trace)) return LTS_ERROR;
  lts_trace_forget_raw(trace);
  trace->busy = false;
  return LTS_OK;
}

static lts_status close_idle(lts_trace *trace) {
  if (end_reads(trace)) return LTS_ERROR;
  close_raw(trace);
  return LTS_OK;
}

lts_status lts_trace_close(lts_trace *trace) {
  if (trace->fetching ? close_fetched(trace) : close_idle(trace)) return LTS_ERROR;
  trace->state = LTS_CLOSED;
  lts_pipe_close(trace->pipe);
  trace->pipe = NULL;
  delete_lts_filter(trace->filter);
  trace->filter = NULL;
  return LTS_OK;
}

/* Nobody can be told: a packet that could not be copied out shows no bytes any more. */
static void abandon(lts_slot *slot) {
  lts_frame *frame = slot->borrower;
  if (!frame) return;
  frame->capture_length = frame->header_length = frame->padding = 0;
  frame->headers.decoded = false;
  frame->slot = NULL;
}

void delete_lts_trace(lts_trace *trace) {
  if (!trace) return;
  if (lts_trace_close(trace))
    for (int i = 0; i < 2; i++) abandon(&trace->slots[i]);
  lts_trace_drop_raw(trace, true);
  lts_pipe_close(trace->pipe);
  delete_lts_filter(trace->filter);
  free(trace->interfaces);
  free(trace->served);
  free(trace->uri);
  free(trace);
}

/* ---- configuration ---- */

static lts_status not_closed(lts_trace *trace, const char *what) {
  if (trace->state != LTS_CLOSED) return LTS_OK;
  return lts_fail(LTS_E_STATE, TRACE_ERR_BAD_STATE, trace->uri,
                  "cannot set the %s of '%s': it is closed", what, trace->uri);
}

lts_status lts_trace_conf_filter(lts_trace *trace, lts_filter *filter) {
  if (not_closed(trace, "filter")) return LTS_ERROR;
  lts_filter *old = trace->filter;
  trace->filter = filter ? lts_filter_ref(filter) : NULL;
  delete_lts_filter(old);
  return LTS_OK;
}

lts_status lts_trace_conf_snaplen(lts_trace *trace, int snaplen) {
  if (not_closed(trace, "snap length")) return LTS_ERROR;
  if (snaplen < 0 || snaplen > LIBTRACE_PACKET_BUFSIZE)
    return lts_fail(LTS_E_VALUE, TRACE_ERR_BAD_STATE, trace->uri, "a snap length is 0 to %d bytes",
                    LIBTRACE_PACKET_BUFSIZE);
  if (trace->raw && trace->pcapint && trace->wanted && (!snaplen || snaplen > trace->wanted))
    return lts_fail(LTS_E_TRACE, TRACE_ERR_OPTION_UNAVAIL, trace->uri,
                    "cannot raise the snap length of '%s' above %d while it runs: pause() it first",
                    trace->uri, trace->wanted);
  trace->snaplen = snaplen;
  return trace->raw && trace->source == LTS_LIVE ? lts_trace_config_snaplen(trace) : LTS_OK;
}

lts_status lts_trace_conf_promisc(lts_trace *trace, int promisc) {
  if (not_closed(trace, "promiscuous mode")) return LTS_ERROR;
  if (trace->source != LTS_LIVE)
    return lts_fail(LTS_E_TRACE, TRACE_ERR_OPTION_UNAVAIL, trace->uri,
                    "cannot set the promiscuous mode of '%s': it is no interface", trace->uri);
  trace->promisc = promisc;
  if (trace->socket >= 0) return lts_socket_promisc(trace, promisc);
  return trace->raw ? lts_trace_config_raw(trace, TRACE_OPTION_PROMISC, promisc, "promiscuous mode")
                    : LTS_OK;
}

lts_status lts_trace_conf_timeout(lts_trace *trace, double seconds) {
  if (not_closed(trace, "timeout")) return LTS_ERROR;
  if (!(seconds >= 0) || isinf(seconds))
    return lts_fail(LTS_E_VALUE, TRACE_ERR_BAD_STATE, trace->uri, "a timeout is 0 or more seconds");
  trace->timeout = seconds;
  return LTS_OK;
}

lts_status lts_trace_conf_meta(lts_trace *trace, int meta) {
  if (not_closed(trace, "metadata")) return LTS_ERROR;
  const char *why = !lts_feature_get(LTS_FEATURE_META) ? "this needs libtrace 4"
                    : trace->source == LTS_LIVE        ? "an interface has none"
                                                       : NULL;
  if (meta && why)
    return lts_fail(LTS_E_TRACE, TRACE_ERR_OPTION_UNAVAIL, trace->uri,
                    "cannot read the metadata of '%s': %s", trace->uri, why);
  trace->meta = meta;
  return LTS_OK;
}

/* pcapng counts what its blocks tell. */
static bool has_counter(const lts_trace *trace, lts_statistic which) {
  const lts_scheme *scheme = lts_scheme_find(trace->uri);
  return !scheme || strcmp(scheme->name, "pcapng") || trace->told[which];
}

lts_count lts_trace_statistic(lts_trace *trace, lts_statistic which) {
  if (which == LTS_STAT_ACCEPTED) return trace->accepted;
  if (which == LTS_STAT_FILTERED) return trace->filtered;
  if ((unsigned)which >= LTS_STATISTICS) return LTS_UNKNOWN;
  if (trace->socket >= 0) lts_socket_count(trace);
  lts_count before = trace->last_known[which];
  bool ask = trace->raw && trace->socket < 0 && has_counter(trace, which);
  lts_count since = ask ? lts_raw_statistic(trace->raw, which) : LTS_UNKNOWN;
  if (since == LTS_UNKNOWN) return before;
  return before == LTS_UNKNOWN ? since : before + since;
}
