/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The next packet of a trace.
 */
#define _GNU_SOURCE /* ppoll() */
#include "lts_int.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Kept out of the loop over a plain file, whose registers it would take. */
#define RARE __attribute__((noinline, cold))
/* And this is the loop's, though others call it, too. */
#define OFTEN __attribute__((always_inline)) inline

enum { SLICE_MS = 50 }; /* a wait asks for signals this often, where none interrupts it */

/* ---- slots ---- */

/* Memory that libtrace only lends is gone at the next read. */
OFTEN static bool is_lent(const libtrace_packet_t *raw) {
  return raw->buf_control != TRACE_CTRL_PACKET || raw->header != raw->buffer;
}

/* A loop holds one packet while it fetches the next, so the one before that is still alive only if
 * the script keeps it. Copying that one out, and no other, makes a plain loop free of copies. Lent
 * memory must go back first: as long as a ring has it, its socket says that there is a packet. */
OFTEN static lts_status next_slot(lts_trace *trace, lts_slot **out) {
  if (!is_lent(trace->slots[trace->turn].raw)) trace->turn ^= 1;
  lts_slot *slot = *out = &trace->slots[trace->turn];
  return slot->borrower ? lts_frame_detach(slot->borrower) : LTS_OK;
}

/* ---- files ---- */

RARE static lts_more read_error(lts_trace *trace) {
  if (trace->source != LTS_LIVE) trace->ended = true;
  if (trace_is_err(trace->raw))
    lts_fail_libtrace(trace->raw, trace->uri, "read on in");
  else
    lts_fail(LTS_E_TRACE, TRACE_ERR_BAD_PACKET, trace->uri,
             "cannot read on in '%s': the last record is cut off", trace->uri);
  return LTS_FAIL;
}

/* Guard: libtrace calls it the end of the file when a pcap record ends right behind its header.
 * The caller has zeroed the length in the buffer; only a new header fills it. */
static bool ends_in_record(libtrace_packet_t *raw, const uint8_t *caplen) {
  static const uint8_t none[4];
  return caplen && raw->buffer && memcmp(caplen, none, sizeof none) != 0;
}

/* The place of a pcap record's captured length in the buffer, if it is one. */
static uint8_t *zeroed_caplen(lts_trace *trace, libtrace_packet_t *raw) {
  uint8_t *caplen = trace->pcapfile && raw->buffer ? (uint8_t *)raw->buffer + 8 : NULL;
  if (caplen) memset(caplen, 0, 4);
  return caplen;
}

static lts_more outcome(lts_trace *trace, libtrace_packet_t *raw, int64_t length,
                        const uint8_t *caplen) {
  /* Guard: atmhdr returns the length of a record that is cut off as if it were whole. */
  if (length > 0)
    return trace->pcapfile || !trace_is_err(trace->raw) ? LTS_ITEM : read_error(trace);
  if (length < -1 && !trace_is_err(trace->raw))
    return LTS_ITEM; /* pcap: a wire length above 2^31 */
  if (length < 0 || ends_in_record(raw, caplen)) return read_error(trace);
  trace->ended = true;
  return LTS_END;
}

OFTEN static lts_more read_file(lts_trace *trace, libtrace_packet_t *raw, int64_t *length) {
  uint8_t *caplen = zeroed_caplen(trace, raw);
  errno = EIO; /* what libtrace reports for a record that is cut off */
  *length = trace_read_packet(trace->raw, raw);
  return outcome(trace, raw, *length, caplen);
}

/* ---- pipes ---- */

/* What libtrace says of a record that was not there for now is forgotten. */
RARE static lts_more read_pipe(lts_trace *trace, libtrace_packet_t *raw, int64_t *length) {
  uint8_t *caplen = zeroed_caplen(trace, raw);
  lts_pipe_enter(trace->pipe);
  errno = EIO;
  *length = trace_read_packet(trace->raw, raw);
  if (!lts_pipe_leave(trace->pipe)) {
    lts_pipe_accept(trace->pipe);
    return outcome(trace, raw, *length, caplen);
  }
  if (trace_is_err(trace->raw)) trace_get_err(trace->raw);
  lts_trace_await_pipe(trace);
  return LTS_WAIT;
}

void lts_trace_await_pipe(lts_trace *trace) {
  trace->event.type = TRACE_EVENT_IOWAIT;
  trace->event.fd = lts_pipe_fd(trace->pipe);
}

/* ---- streams ---- */

static int read_unlocked(lts_trace *trace, libtrace_packet_t *raw) {
  libtrace_t *from = trace->raw; /* close() forgets it */
  trace->busy = true;
  void *lock = lts_release();
  errno = EIO;
  int length = trace_read_packet(from, raw);
  lts_acquire(lock);
  trace->busy = false;
  return length;
}

static void fetch(lts_trace *trace, libtrace_packet_t *raw) {
  trace->fetched_caplen = zeroed_caplen(trace, raw);
  trace->fetched_length = read_unlocked(trace, raw);
  trace->fetched = true;
}

/* A signal makes the read fail, and libtrace 3 must not go on then; one that came before it would
 * leave it waiting. Signal handlers may close the trace, or read on: only then is the slot
 * chosen. */
RARE static lts_more read_stream(lts_trace *trace, lts_slot **slot, int64_t *length) {
  if (lts_interrupted()) return LTS_FAIL;
  if (trace->closing || trace->stopped || trace->state != LTS_STARTED) return LTS_END;
  if (trace->fetched)
    *slot = &trace->slots[trace->turn];
  else if (next_slot(trace, slot))
    return LTS_FAIL;
  if (!trace->fetched) fetch(trace, (*slot)->raw);
  trace->fetched = false;
  *length = trace->fetched_length;
  lts_more more = outcome(trace, (*slot)->raw, *length, trace->fetched_caplen);
  if (more == LTS_ITEM) return more;
  if (lts_interrupted()) return LTS_FAIL;
  return trace->state == LTS_STARTED && !trace->stopped ? more : LTS_END;
}

/* ---- live traces ---- */

static double slice_until(double deadline) {
  double left = deadline - lts_now();
  return deadline == 0 || left > SLICE_MS / 1e3 ? SLICE_MS / 1e3 : left > 0 ? left : 0;
}

double lts_trace_deadline(const lts_trace *trace, double since) {
  return lts_trace_waits(trace) && trace->timeout > 0 ? since + trace->timeout : 0;
}

RARE lts_more lts_trace_timed_out(lts_trace *trace) {
  lts_fail(LTS_E_TIMEOUT, ETIMEDOUT, trace->uri, "no packet on '%s' within %g seconds", trace->uri,
           trace->timeout);
  return LTS_FAIL;
}

static lts_more interface_failed(lts_trace *trace, int failure) {
  trace->failed = true;
  if (lts_socket_is_orphan(trace)) failure = ENODEV;
  lts_fail(LTS_E_TRACE, failure, trace->uri, "cannot read on in '%s': %s", trace->uri,
           strerror(failure));
  return LTS_FAIL;
}

/* Of the live formats only rt: ends by itself. libtrace prints why another did, and forgets it. */
static lts_more live_end(lts_trace *trace) {
  if (trace_is_err(trace->raw)) return read_error(trace);
  if (!strncmp(trace->uri, "rt:", 3)) return LTS_END;
  return interface_failed(trace, ENETDOWN);
}

/* Guard: when an interface fails, libpcap waits until it is up again, and libtrace with it: what it
 * reads is asked before. The others are asked only after a wait, which the failure ends. */
static int interface_failure(lts_trace *trace) {
  struct pollfd ready = {.fd = trace->socket};
  bool suspect = trace->waited || trace->pcapint;
  if (trace->waited && trace->event.type == TRACE_EVENT_IOWAIT) ready.fd = trace->event.fd;
  trace->waited = false;
  return suspect && poll(&ready, 1, 0) > 0 ? lts_socket_failure(&ready) : 0;
}

RARE static lts_more read_live(lts_trace *trace, libtrace_packet_t *raw, int64_t *length) {
  int failure = interface_failure(trace);
  if (failure || (trace->failed && lts_socket_is_orphan(trace)))
    return interface_failed(trace, failure);
  trace->event = trace_event(trace->raw, raw);
  *length = trace->event.size;
  trace->failed &= trace->event.type != TRACE_EVENT_PACKET;
  if (trace->event.type == TRACE_EVENT_PACKET) return LTS_ITEM;
  if (trace->event.type == TRACE_EVENT_TERMINATE) return live_end(trace);
  trace->waited = true;
  return LTS_WAIT;
}

/* One bounded wait without the interpreter lock, for what trace_event() said. */
static void wait_for(lts_trace *trace, double seconds) {
  const libtrace_eventobj_t *event = &trace->event;
  bool sleeps = event->type != TRACE_EVENT_IOWAIT;
  struct pollfd ready[] = {{.fd = sleeps ? -1 : event->fd, .events = POLLIN},
                           {.fd = trace->wake, .events = POLLIN}};
  if (sleeps && event->seconds < seconds) seconds = event->seconds;
  const struct timespec slice = {.tv_nsec = (long)(seconds * 1e9)};
  trace->busy = true;
  void *lock = lts_release();
  ppoll(ready, sizeof ready / sizeof *ready, &slice, NULL);
  lts_acquire(lock);
  trace->busy = false;
}

RARE lts_more lts_trace_wait_until(lts_trace *trace, double deadline) {
  wait_for(trace, slice_until(deadline));
  lts_trace_calm(trace); /* a process that was forked off has closed its copy */
  if (trace->closing) return LTS_END;
  return lts_interrupted() ? LTS_FAIL : LTS_AGAIN;
}

/* ---- packets ---- */

/* A thread that fetches from a stream may wait for ever: one that reads no more need not. */
OFTEN static lts_status enter(lts_trace *trace) {
  bool over = trace->fetching && (trace->stopped || trace->state != LTS_STARTED);
  return over ? LTS_OK : lts_trace_enter(trace);
}

OFTEN static lts_more readable(lts_trace *trace) {
  if (enter(trace)) return LTS_FAIL;
  if (trace->state == LTS_STARTED) return trace->ended || trace->stopped ? LTS_END : LTS_ITEM;
  lts_fail(LTS_E_STATE, TRACE_ERR_BAD_STATE, trace->uri, "cannot read '%s': it is %s", trace->uri,
           trace->state == LTS_NEW ? "not started" : lts_trace_state_get(trace));
  return LTS_FAIL;
}

lts_more lts_trace_readable(lts_trace *trace) { return readable(trace); }

lts_more lts_trace_still_readable(lts_trace *trace) {
  if (enter(trace)) return LTS_FAIL;
  bool more = trace->state == LTS_STARTED && !trace->ended && !trace->stopped;
  return more ? LTS_ITEM : LTS_END;
}

OFTEN static lts_more read_slot(lts_trace *trace, lts_slot **slot, int64_t *length) {
  int turn = trace->turn;
  bool stream = trace->source == LTS_STREAM;
  if (!stream && next_slot(trace, slot)) return LTS_FAIL;
  lts_more more = stream                      ? read_stream(trace, slot, length)
                  : trace->source == LTS_FILE ? read_file(trace, (*slot)->raw, length)
                  : trace->source == LTS_PIPE ? read_pipe(trace, (*slot)->raw, length)
                                              : read_live(trace, (*slot)->raw, length);
  if (more == LTS_WAIT) trace->turn = turn; /* the packet before keeps its buffer */
  if (more != LTS_ITEM || trace->pcapfile) return more;
  libtrace_packet_t *raw = (*slot)->raw;
  if (!lts_raw_is_meta(raw)) return more;
  if (lts_raw_is_pcapng(raw) && lts_pcapng_note(trace, raw, *length)) {
    trace->ended = true; /* what follows cannot be told without it */
    return LTS_FAIL;
  }
  return trace->meta ? LTS_ITEM : LTS_AGAIN;
}

OFTEN static lts_more admit(lts_trace *trace, lts_filter *filter, lts_frame *frame) {
  if (trace->meta && lts_link_is_meta(frame->link)) return LTS_ITEM;
  lts_more match = filter ? lts_filter_match(filter, frame) : LTS_ITEM;
  if (match == LTS_END) trace->filtered++;
  if (match != LTS_ITEM) return match == LTS_END ? LTS_AGAIN : match;
  if (trace->snaplen && frame->capture_length > (uint32_t)trace->snaplen) {
    frame->capture_length = (uint32_t)trace->snaplen;
    frame->padding = 0;
  }
  trace->accepted++;
  return LTS_ITEM;
}

OFTEN static lts_more attempt(lts_trace *trace, lts_packet **out) {
  lts_slot *slot;
  int64_t length;
  lts_frame *frame = lts_frame_take(); /* first: no packet is lost for want of memory */
  if (!frame) return LTS_FAIL;
  lts_more more = read_slot(trace, &slot, &length);
  if (more != LTS_ITEM) {
    lts_frame_unref(frame);
    return more;
  }
  frame->slot = slot;
  slot->borrower = frame;
  lts_record(trace, slot->raw, length, frame);
  more = admit(trace, trace->filter, frame);
  if (more == LTS_ITEM)
    *out = &frame->self;
  else
    lts_frame_unref(frame);
  return more;
}

lts_more lts_trace_take(lts_trace *trace, lts_filter *const *filter, lts_frame *frame) {
  lts_slot *slot;
  int64_t length;
  lts_more more = read_slot(trace, &slot, &length);
  if (more != LTS_ITEM) return more;
  lts_record(trace, slot->raw, length, frame);
  return admit(trace, *filter, frame);
}

lts_more lts_trace_next(lts_trace *trace, lts_packet **out) {
  enum { BETWEEN_CLOCKS = 4096 };
  double deadline = lts_trace_deadline(trace, lts_now()), breath = 0;
  lts_more more = readable(trace);
  for (unsigned attempts = 1; more == LTS_ITEM; attempts++) {
    more = attempt(trace, out);
    if (more == LTS_WAIT) more = lts_trace_wait_until(trace, deadline);
    if (more != LTS_AGAIN) return more;
    if (deadline != 0 && lts_now() >= deadline) return lts_trace_timed_out(trace);
    if (attempts % BETWEEN_CLOCKS == 0 && !lts_breathe(&breath)) return LTS_FAIL;
    more = lts_trace_still_readable(trace);
  }
  return more;
}

/* ---- without waiting ---- */

/* A clock that costs a tenth of the other one and ticks every few milliseconds. */
static double coarse_now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

bool lts_trace_turn_is_over(lts_trace *trace) {
  enum { TURN_MS = 5 };
  double time = coarse_now();
  if (trace->turn_ends == 0) trace->turn_ends = time + TURN_MS / 1e3;
  return time >= trace->turn_ends;
}

static bool must_fetch(const lts_trace *trace) {
  return trace->source == LTS_STREAM && !trace->fetched;
}

lts_status lts_trace_fetch(lts_trace *trace) {
  lts_slot *slot;
  if (lts_trace_enter(trace)) return LTS_ERROR;
  if (trace->state != LTS_STARTED || trace->ended || !must_fetch(trace)) return LTS_OK;
  if (next_slot(trace, &slot)) return LTS_ERROR;
  lts_raws raws = lts_raws_of(trace);
  trace->fetching = true;
  fetch(trace, slot->raw);
  trace->fetching = false;
  if (trace->state == LTS_CLOSED) lts_raws_destroy(&raws, true, trace->uri);
  return LTS_OK;
}

lts_more lts_trace_outlook(const lts_trace *trace) {
  bool over = trace->stopped || trace->state != LTS_STARTED;
  return over && trace->source != LTS_FILE ? LTS_END : LTS_WAIT;
}

static lts_more look(lts_trace *trace, lts_more more, lts_packet **out) {
  while (more == LTS_ITEM) {
    if (lts_trace_turn_is_over(trace) || must_fetch(trace)) return LTS_WAIT;
    more = attempt(trace, out);
    if (more != LTS_AGAIN) return more;
    more = lts_trace_still_readable(trace);
  }
  return more;
}

lts_more lts_trace_ready(lts_trace *trace, lts_packet **out) {
  return lts_trace_is_busy(trace) ? lts_trace_outlook(trace) : look(trace, readable(trace), out);
}

static lts_wait what_to_wait_for(const lts_trace *trace, double left) {
  enum { NAP_MS = 10 };
  if (must_fetch(trace)) return (lts_wait){LTS_FETCH, trace->wake, left};
  if (lts_trace_is_busy(trace)) return (lts_wait){-1, -1, NAP_MS / 1e3}; /* another thread reads */
  const libtrace_eventobj_t *event = &trace->event;
  bool sleeps = event->type == TRACE_EVENT_SLEEP;
  double seconds = sleeps && event->seconds < left ? event->seconds : left;
  return (lts_wait){sleeps ? -1 : event->fd, trace->wake, seconds};
}

lts_wait lts_trace_wait_for(lts_trace *trace, double left) {
  lts_wait wait =
      lts_trace_turn_is_over(trace) ? (lts_wait){-1, -1, 0} : what_to_wait_for(trace, left);
  trace->turn_ends = 0;
  return wait;
}

void lts_wait_close(const lts_wait *wait) {
  if (wait->fd >= 0) close(wait->fd);
  if (wait->wake >= 0) close(wait->wake);
}

static int copy(int fd) { return fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 0); }

lts_more lts_wait_own(lts_wait *wait, const char *uri) {
  lts_wait own = {copy(wait->fd), copy(wait->wake), wait->seconds};
  if ((own.fd < 0) == (wait->fd < 0) && (own.wake < 0) == (wait->wake < 0)) {
    *wait = own;
    return LTS_WAIT;
  }
  int failure = errno;
  lts_wait_close(&own);
  lts_fail(LTS_E_TRACE, failure, uri, "cannot wait for '%s': %s", uri, strerror(failure));
  return LTS_FAIL;
}

lts_more lts_trace_poll(lts_trace *trace, double waited, lts_packet **out, lts_wait *wait) {
  if (waited > 0) lts_trace_calm(trace); /* as lts_trace_wait_until() */
  lts_more more = lts_trace_is_busy(trace) ? lts_trace_outlook(trace)
                  : waited > 0             ? look(trace, lts_trace_still_readable(trace), out)
                                           : look(trace, readable(trace), out);
  if (more != LTS_WAIT) return more;
  double timeout = lts_trace_waits(trace) && trace->timeout > 0 ? trace->timeout : INFINITY;
  if (waited >= timeout) return lts_trace_timed_out(trace);
  *wait = lts_trace_wait_for(trace, timeout - waited);
  return lts_wait_own(wait, trace->uri);
}

lts_more lts_trace_read_packet(lts_trace *trace, lts_packet **refill) {
  lts_packet *packet;
  if ((*refill)->layer != LTS_PACKET) {
    lts_fail(LTS_E_VALUE, 0, trace->uri, "read_packet() fills a packet, not a layer of one");
    return LTS_FAIL;
  }
  lts_more more = lts_trace_next(trace, &packet);
  if (more != LTS_ITEM) return more;
  delete_lts_packet(*refill);
  *refill = packet;
  return LTS_ITEM;
}
