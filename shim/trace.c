/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The life of a trace: configure, start, pause, close.
 */
#include "lts_int.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <wandio.h>

/* Guards: libtrace 3 writes 16 bytes of record header in front of up to 65,535 bytes. libtrace 4
 * writes 24 bytes of a pcapng section in front of up to 65,536; it looks for the last 4 bytes of a
 * block that is shorter in front of it; and only a zero ends its walk over the extension headers
 * that fill a whole ERF record. */
enum { HEADROOM = 16, TAIL = 64, ROOM = HEADROOM + LIBTRACE_PACKET_BUFSIZE + TAIL };

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

lts_status lts_trace_enter(lts_trace *trace) { return lts_wait_until_idle(&trace->busy); }

/* ---- start ---- */

static lts_status make_slots(lts_trace *trace) {
  for (int i = 0; i < 2; i++) {
    lts_slot *slot = &trace->slots[i];
    if (slot->raw) continue;
    slot->raw = trace_create_packet();
    if (!slot->raw) return lts_fail_memory();
    if (!trace->wandio) continue;
    slot->room = calloc(1, ROOM);
    if (!slot->room) return lts_fail_memory();
    memset(slot->room, UINT8_MAX, HEADROOM); /* no length of a block */
    slot->raw->buffer = slot->room + HEADROOM;
  }
  return LTS_OK;
}

lts_raws lts_raws_of(const lts_trace *trace) {
  return (lts_raws){trace->raw, {trace->slots[0], trace->slots[1]}};
}

static void drop_slot(lts_slot *slot) {
  if (!slot->raw) return;
  if (slot->room && slot->raw->buffer == slot->room + HEADROOM) slot->raw->buffer = NULL;
  trace_destroy_packet(slot->raw);
  free(slot->room);
}

/* Guard: libtrace closes the standard input that it was given, and the next file that the script
 * opens would be in its place. */
static int keep_stdin(const char *uri) {
  const char *path = strchr(uri, ':');
  return path && !strcmp(path, ":-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : -1;
}

static void restore_stdin(int copy) {
  if (copy < 0) return;
  if (fcntl(STDIN_FILENO, F_GETFD) < 0) dup2(copy, STDIN_FILENO);
  close(copy);
}

/* Guard: on libtrace 4 a packet must die before its trace. */
void lts_raws_destroy(lts_raws *raws, bool started, const char *uri) {
  for (int i = 0; i < 2; i++) drop_slot(&raws->slots[i]);
  int copy = keep_stdin(uri);
  if (raws->trace) lts_raw_destroy(raws->trace, started, uri);
  restore_stdin(copy);
}

static void forget_raw(lts_trace *trace) {
  if (trace->wake >= 0) close(trace->wake);
  trace->wake = trace->socket = -1;
  trace->waited = trace->fetched = false;
  for (int i = 0; i < 2; i++) {
    trace->slots[i].raw = NULL;
    trace->slots[i].room = NULL;
  }
  trace->raw = NULL;
}

static void drop_raw(lts_trace *trace, bool started) {
  lts_raws raws = lts_raws_of(trace);
  forget_raw(trace);
  lts_raws_destroy(&raws, started, trace->uri);
}

/* wandio reads every file through a thread of its own unless the environment says otherwise, which
 * it asks at each open and keeps for the process. For a plain file the thread costs more than it
 * gives, and in a pipe it would keep signals from ending a read; a compressed file it decompresses
 * meanwhile. */
static void choose_io(lts_compression compression) {
  if (getenv("LIBTRACEIO")) return;
  setenv("LIBTRACEIO", compression == LTS_PLAIN ? "nothreads" : "threads=-1", 1);
  io_t *io = wandio_create("/dev/null");
  if (io) wandio_destroy(io);
  unsetenv("LIBTRACEIO");
}

static lts_status config_raw(lts_trace *trace, trace_option_t option, int value, const char *name) {
  /* Guard: libtrace returns success and sets an error for a value out of range. */
  if (trace_config(trace->raw, option, &value) == 0 && !trace_is_err(trace->raw)) return LTS_OK;
  char doing[64];
  snprintf(doing, sizeof doing, "set the %s of", name);
  return lts_fail_libtrace(trace->raw, trace->uri, doing);
}

/* Guard: libpcap may give a few bytes less than it is asked for. Reading cuts to the exact length.
 */
static lts_status config_snaplen(lts_trace *trace) {
  enum { SLACK = 16, LONGEST = LIBTRACE_PACKET_BUFSIZE };
  int asked = trace->snaplen && trace->snaplen < LONGEST - SLACK ? trace->snaplen + SLACK : LONGEST;
  return config_raw(trace, TRACE_OPTION_SNAPLEN, asked, "snap length");
}

static lts_status config_live(lts_trace *trace) {
  if (trace->source != LTS_LIVE) return LTS_OK;
  trace->wanted = trace->snaplen;
  if (trace->snaplen && config_snaplen(trace)) return LTS_ERROR;
  if (trace->promisc < 0) return LTS_OK;
  return config_raw(trace, TRACE_OPTION_PROMISC, trace->promisc, "promiscuous mode");
}

/* A pipe's writer may come late, or be another thread. */
static int start_unlocked(lts_trace *trace) {
  trace->busy = true;
  void *lock = lts_release();
  int status = trace_start(trace->raw);
  lts_acquire(lock);
  trace->busy = false;
  return status;
}

static lts_status start_raw(lts_trace *trace) {
  int copy = keep_stdin(trace->uri);
  int status = trace->source == LTS_STREAM ? start_unlocked(trace) : trace_start(trace->raw);
  restore_stdin(copy);
  if (status == 0 && !trace_is_err(trace->raw)) return LTS_OK;
  lts_fail_libtrace(trace->raw, trace->uri, "start");
  lts_interrupted(); /* tells more than the call that it made fail */
  return LTS_ERROR;
}

/* Guard: for legacynzix: libtrace sets TZ of the whole process. */
static libtrace_t *create_raw(const char *uri) {
  const char *zone = getenv("TZ");
  char *kept = zone ? strdup(zone) : NULL;
  if (zone && !kept) return NULL;
  libtrace_t *raw = trace_create(lts_raw_uri(uri));
  if (kept)
    setenv("TZ", kept, 1);
  else
    unsetenv("TZ");
  tzset();
  free(kept);
  return raw;
}

static lts_status make_wake(lts_trace *trace) {
  if (trace->source == LTS_FILE) return LTS_OK;
  trace->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (trace->wake >= 0) return LTS_OK;
  return lts_fail(LTS_E_TRACE, errno, trace->uri, "cannot start '%s': %s", trace->uri,
                  strerror(errno));
}

static lts_status start_live(lts_trace *trace) {
  fd_set known;
  lts_socket_list(&known);
  if (start_raw(trace)) return LTS_ERROR;
  lts_socket_adopt(trace, &known);
  return LTS_OK;
}

/* wandio allocates a megabyte anew for each that it reads, and glibc gives that back to the system
 * each time: a sixth of the time of a loop goes into page faults. Once a larger block was freed, it
 * keeps such memory (mallopt(3), M_MMAP_THRESHOLD). Guard: wandio goes on without its buffers where
 * it gets none, and crashes. */
static lts_status keep_buffers(void) {
  enum { LARGER = 8 << 20 };
  void *volatile block = malloc(LARGER);
  if (!block) return lts_fail_memory();
  free(block);
  return LTS_OK;
}

static lts_status open_raw(lts_trace *trace, const char *uri, const lts_scheme *scheme,
                           lts_compression compression) {
  if (trace->source == LTS_LIVE && lts_interface_check(trace)) return LTS_ERROR;
  trace->wandio = scheme && scheme->wandio;
  trace->pcapint = scheme && !strcmp(scheme->name, "pcapint");
  if (scheme && !strcmp(scheme->name, "ring"))
    trace->ring_frame = lts_ring_frame(strchr(trace->uri, ':') + 1);
  if (trace->wandio) {
    choose_io(compression);
    if (keep_buffers()) return LTS_ERROR;
  }
  lts_status status = LTS_ERROR;
  trace->raw = create_raw(uri);
  if (!trace->raw)
    lts_fail_memory();
  else if (trace_is_err(trace->raw))
    lts_fail_libtrace(trace->raw, trace->uri, "open");
  else if (!config_live(trace) && !make_slots(trace) && !make_wake(trace))
    status = trace->source == LTS_LIVE ? start_live(trace) : start_raw(trace);
  if (status) drop_raw(trace, false);
  return status;
}

/* A path without a scheme gets the one that its content tells. */
static lts_status resolve(lts_trace *trace) {
  char *uri;
  if (strchr(trace->uri, ':')) return LTS_OK;
  if (lts_detect(trace->uri, &uri)) return LTS_ERROR;
  free(trace->uri);
  trace->uri = uri;
  return LTS_OK;
}

/* What libtrace gets to read: where it never closes what pcap: opens, pcapfile: reads the same. */
static const char *served_uri(lts_trace *trace) {
  const char *path = strchr(trace->uri, ':') + 1;
  if (lts_raw_leaks(trace->uri) && !trace->served && !lts_detect(path, &trace->served) &&
      strncmp(trace->served, "pcapfile:", 9)) {
    free(trace->served);
    trace->served = NULL;
  }
  return trace->served ? trace->served : trace->uri;
}

/* libtrace 3 leaks what it has made of a URI that it does not like, and libtrace 4 forgets why a
 * file cannot be opened: see to both first. */
static lts_status check_file(lts_trace *trace, const char *path, lts_compression *compression) {
  int failure = lts_file_check(path, compression, &trace->source);
  if (failure)
    return lts_fail(LTS_E_TRACE, failure, trace->uri, "cannot open '%s': %s", trace->uri,
                    strerror(failure));
  if (*compression == LTS_NEEDS_LIBTRACE4)
    return lts_fail(LTS_E_TRACE, TRACE_ERR_UNSUPPORTED_COMPRESS, trace->uri,
                    "cannot open '%s': zstd and lz4 need libtrace 4", trace->uri);
  if (lts_scheme_accepts(trace->uri)) return LTS_OK;
  return lts_fail(LTS_E_TRACE, TRACE_ERR_INIT_FAILED, trace->uri,
                  "cannot open '%s': the times of this format are relative to that in the file's "
                  "name, such as 20001231-235959, which this one lacks",
                  trace->uri);
}

static lts_status open_trace(lts_trace *trace) {
  if (resolve(trace)) return LTS_ERROR;
  const char *served = served_uri(trace);
  const lts_scheme *scheme = lts_scheme_find(served);
  lts_compression compression = LTS_PLAIN;
  if (!scheme) return lts_scheme_unknown(trace->uri);
  if (scheme->source == LTS_FILE && check_file(trace, strchr(trace->uri, ':') + 1, &compression))
    return LTS_ERROR;
  trace->pcapfile = !strcmp(scheme->name, "pcapfile");
  return open_raw(trace, served, scheme, compression);
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

lts_status lts_trace_start(lts_trace *trace) {
  if (trace->state == LTS_STARTED && !trace->stopped) return LTS_OK;
  if (lts_trace_enter(trace)) return LTS_ERROR;
  resume(trace);
  if (trace->state == LTS_STARTED) return LTS_OK;
  if (trace->state == LTS_CLOSED)
    return lts_fail(LTS_E_STATE, TRACE_ERR_BAD_STATE, trace->uri, "cannot start '%s': it is closed",
                    trace->uri);
  if (trace->raw ? start_raw(trace) : open_trace(trace)) return LTS_ERROR;
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
  drop_raw(trace, true);
}

/* Guard: an interface is opened anew after a pause. libtrace 3 would go on in the middle of a ring
 * that starts at its beginning, and ask a closed pcap handle for its counters. */
lts_status lts_trace_pause(lts_trace *trace) {
  if (end_reads(trace)) return LTS_ERROR;
  if (trace->state != LTS_STARTED)
    return lts_fail(LTS_E_STATE, TRACE_ERR_BAD_STATE, trace->uri,
                    "cannot pause '%s': it is not started", trace->uri);
  if (trace->source == LTS_LIVE)
    close_raw(trace);
  else if (trace_pause(trace->raw) < 0)
    return lts_fail_libtrace(trace->raw, trace->uri, "pause");
  trace->fetched = false; /* libtrace 4 has made it invalid */
  trace->state = LTS_PAUSED;
  return LTS_OK;
}

/* A thread that waits for a pipe, perhaps for ever, gives back what it reads with. */
static lts_status close_fetched(lts_trace *trace) {
  wake(trace);
  if (lts_trace_detach_all(trace)) return LTS_ERROR;
  forget_raw(trace);
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
  drop_raw(trace, true);
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
    return lts_fail(LTS_E_VALUE, TRACE_ERR_BAD_STATE, trace->uri,
                    "snap length %d is not within 0..%d", snaplen, LIBTRACE_PACKET_BUFSIZE);
  if (trace->raw && trace->pcapint && trace->wanted && (!snaplen || snaplen > trace->wanted))
    return lts_fail(LTS_E_TRACE, TRACE_ERR_OPTION_UNAVAIL, trace->uri,
                    "cannot raise the snap length of '%s' above %d while it runs: pause() it first",
                    trace->uri, trace->wanted);
  trace->snaplen = snaplen;
  return trace->raw && trace->source == LTS_LIVE ? config_snaplen(trace) : LTS_OK;
}

lts_status lts_trace_conf_promisc(lts_trace *trace, int promisc) {
  if (not_closed(trace, "promiscuous mode")) return LTS_ERROR;
  if (trace->source != LTS_LIVE)
    return lts_fail(LTS_E_TRACE, TRACE_ERR_OPTION_UNAVAIL, trace->uri,
                    "cannot set the promiscuous mode of '%s': it is no interface", trace->uri);
  trace->promisc = promisc;
  if (trace->socket >= 0) return lts_socket_promisc(trace, promisc);
  return trace->raw ? config_raw(trace, TRACE_OPTION_PROMISC, promisc, "promiscuous mode") : LTS_OK;
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

lts_count lts_trace_statistic(lts_trace *trace, lts_statistic which) {
  if (which == LTS_STAT_ACCEPTED) return trace->accepted;
  if (which == LTS_STAT_FILTERED) return trace->filtered;
  if ((unsigned)which >= LTS_STATISTICS) return LTS_UNKNOWN;
  if (trace->socket >= 0) lts_socket_count(trace);
  lts_count before = trace->last_known[which];
  bool ask = trace->raw && trace->socket < 0;
  lts_count since = ask ? lts_raw_statistic(trace->raw, which) : LTS_UNKNOWN;
  if (since == LTS_UNKNOWN) return before;
  return before == LTS_UNKNOWN ? since : before + since;
}
