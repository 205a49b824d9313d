/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The next packet of a trace.
 */
#include "lts_int.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* Kept out of the loop over a plain file, whose registers it would take. */
#define RARE __attribute__((noinline, cold))

enum { SLICE_MS = 100 }; /* a wait asks for signals, close() and the timeout this often */

static double now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
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

static lts_more read_file(lts_trace *trace, libtrace_packet_t *raw, int64_t *length) {
  uint8_t *caplen = zeroed_caplen(trace, raw);
  errno = EIO; /* what libtrace reports for a record that is cut off */
  *length = trace_read_packet(trace->raw, raw);
  return outcome(trace, raw, *length, caplen);
}

/* ---- pipes and devices ---- */

static int read_unlocked(lts_trace *trace, libtrace_packet_t *raw) {
  trace->busy = true;
  void *lock = lts_release();
  errno = EIO;
  int length = trace_read_packet(trace->raw, raw);
  lts_acquire(lock);
  trace->busy = false;
  return length;
}

/* A signal makes the read fail, and libtrace 3 must not go on then. Signal handlers run last: they
 * may close the trace. */
RARE static lts_more read_stream(lts_trace *trace, libtrace_packet_t *raw, int64_t *length) {
  if (trace->closing) return LTS_END;
  uint8_t *caplen = zeroed_caplen(trace, raw);
  *length = read_unlocked(trace, raw);
  lts_more more = outcome(trace, raw, *length, caplen);
  if (more == LTS_ITEM) return more;
  if (lts_interrupted()) return LTS_FAIL;
  return trace->state == LTS_STARTED ? more : LTS_END;
}

/* ---- live traces ---- */

/* What happened to an interface, as its socket tells once: an errno, or 0. */
static int socket_failure(const struct pollfd *ready) {
  int failure = 0;
  socklen_t size = sizeof failure;
  if (ready->revents & POLLERR) getsockopt(ready->fd, SOL_SOCKET, SO_ERROR, &failure, &size);
  return failure;
}

/* One bounded wait without the interpreter lock; returns the socket's failure. */
static int wait_for(lts_trace *trace, libtrace_eventobj_t *event, int slice) {
  struct pollfd ready = {.fd = event->fd, .events = POLLIN};
  trace->busy = true;
  void *lock = lts_release();
  if (event->type == TRACE_EVENT_IOWAIT) {
    poll(&ready, 1, slice);
  } else {
    double seconds = event->seconds < slice / 1e3 ? event->seconds : slice / 1e3;
    nanosleep(&(struct timespec){.tv_nsec = (long)(seconds * 1e9)}, NULL);
  }
  lts_acquire(lock);
  trace->busy = false;
  return socket_failure(&ready);
}

static int slice_until(double deadline) {
  if (deadline == 0) return SLICE_MS;
  double left = (deadline - now()) * 1e3;
  return left < 1 ? 1 : left < SLICE_MS ? (int)left : SLICE_MS;
}

static double deadline_of(const lts_trace *trace) {
  return trace->source == LTS_LIVE && trace->timeout > 0 ? now() + trace->timeout : 0;
}

RARE static lts_more timed_out(lts_trace *trace) {
  lts_fail(LTS_E_TIMEOUT, ETIMEDOUT, trace->uri, "no packet on '%s' within %g seconds", trace->uri,
           trace->timeout);
  return LTS_FAIL;
}

static lts_more interface_failed(lts_trace *trace, int failure) {
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

/* Guard: when an interface fails, libpcap waits until it is up again, and libtrace with it. */
static int pcap_failure(lts_trace *trace) {
  struct pollfd ready = {.fd = trace->pcap_socket};
  return trace->pcap_socket && poll(&ready, 1, 0) > 0 ? socket_failure(&ready) : 0;
}

RARE static lts_more read_live(lts_trace *trace, libtrace_packet_t *raw, double deadline,
                               int64_t *length) {
  int failure = pcap_failure(trace);
  if (failure) return interface_failed(trace, failure);
  libtrace_eventobj_t event = trace_event(trace->raw, raw);
  *length = event.size;
  if (event.type == TRACE_EVENT_PACKET) return LTS_ITEM;
  if (event.type == TRACE_EVENT_TERMINATE) return live_end(trace);
  if (event.type == TRACE_EVENT_IOWAIT && trace->pcapint) trace->pcap_socket = event.fd;
  failure = wait_for(trace, &event, slice_until(deadline));
  if (trace->closing) return LTS_END;
  if (failure) return interface_failed(trace, failure);
  return lts_interrupted() ? LTS_FAIL : LTS_AGAIN;
}

/* ---- packets ---- */

/* Memory that libtrace only lends is gone at the next read. */
static bool is_lent(const libtrace_packet_t *raw) {
  return raw->buf_control != TRACE_CTRL_PACKET || raw->header != raw->buffer;
}

/* A loop holds one packet while it fetches the next, so the one before that is still alive only if
 * the script keeps it. Copying that one out, and no other, makes a plain loop free of copies. */
static lts_status next_slot(lts_trace *trace, lts_slot **out) {
  lts_slot *last = &trace->slots[trace->turn];
  lts_slot *slot = &trace->slots[trace->turn ^= 1];
  if (slot->borrower && lts_frame_detach(slot->borrower)) return LTS_ERROR;
  if (last->borrower && is_lent(last->raw) && lts_frame_detach(last->borrower)) return LTS_ERROR;
  *out = slot;
  return LTS_OK;
}

static lts_more readable(lts_trace *trace) {
  if (lts_trace_enter(trace)) return LTS_FAIL;
  if (trace->state == LTS_STARTED) return trace->ended ? LTS_END : LTS_ITEM;
  lts_fail(LTS_E_STATE, TRACE_ERR_BAD_STATE, trace->uri, "cannot read '%s': it is %s", trace->uri,
           trace->state == LTS_NEW ? "not started" : lts_trace_state_get(trace));
  return LTS_FAIL;
}

/* Other Python code may have run: a trace that it closed or paused ends a read that waits. */
static lts_more still_readable(lts_trace *trace) {
  if (lts_trace_enter(trace)) return LTS_FAIL;
  return trace->state == LTS_STARTED && !trace->ended ? LTS_ITEM : LTS_END;
}

static lts_more read_slot(lts_trace *trace, double deadline, lts_slot **slot, int64_t *length) {
  if (next_slot(trace, slot)) return LTS_FAIL;
  libtrace_packet_t *raw = (*slot)->raw;
  lts_more more = trace->source == LTS_FILE     ? read_file(trace, raw, length)
                  : trace->source == LTS_STREAM ? read_stream(trace, raw, length)
                                                : read_live(trace, raw, deadline, length);
  if (more == LTS_AGAIN) trace->turn ^= 1; /* the packet before keeps its buffer */
  if (more != LTS_ITEM || trace->pcapfile || !lts_raw_is_meta(raw)) return more;
  if (!lts_raw_is_pcapng(raw) || !lts_pcapng_note(trace, raw)) return LTS_AGAIN;
  trace->ended = true; /* what follows cannot be told without it */
  return LTS_FAIL;
}

static lts_more admit(lts_trace *trace, lts_frame *frame) {
  lts_more match = trace->filter ? lts_filter_match(trace->filter, frame) : LTS_ITEM;
  if (match == LTS_END) trace->filtered++;
  if (match != LTS_ITEM) return match == LTS_END ? LTS_AGAIN : match;
  if (trace->snaplen && frame->capture_length > (uint32_t)trace->snaplen) {
    frame->capture_length = (uint32_t)trace->snaplen;
    frame->padding = 0;
  }
  trace->accepted++;
  return LTS_ITEM;
}

static lts_more attempt(lts_trace *trace, double deadline, lts_packet **out) {
  lts_slot *slot;
  int64_t length;
  lts_frame *frame = lts_frame_take(); /* first: no packet is lost for want of memory */
  if (!frame) return LTS_FAIL;
  lts_more more = read_slot(trace, deadline, &slot, &length);
  if (more != LTS_ITEM) {
    lts_frame_unref(frame);
    return more;
  }
  frame->slot = slot;
  slot->borrower = frame;
  lts_record(trace, slot->raw, length, frame);
  more = admit(trace, frame);
  if (more == LTS_ITEM)
    *out = &frame->self;
  else
    lts_frame_unref(frame);
  return more;
}

lts_more lts_trace_next(lts_trace *trace, lts_packet **out) {
  enum { BREATH = 4096 };
  lts_more more = readable(trace);
  double deadline = deadline_of(trace);
  for (unsigned attempts = 1; more == LTS_ITEM; attempts++) {
    more = attempt(trace, deadline, out);
    if (more != LTS_AGAIN) return more;
    if (deadline != 0 && now() >= deadline) return timed_out(trace);
    if (attempts % BREATH == 0 && !lts_breathe()) return LTS_FAIL;
    more = still_readable(trace);
  }
  return more;
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
