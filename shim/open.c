/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * What libtrace reads a trace with: its trace, its packets and their buffers.
 */
#include "lts_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Guards: libtrace 3 writes 16 bytes of record header in front of up to 65,535 bytes. libtrace 4
 * writes 24 bytes of a pcapng section in front of up to 65,536; it looks for the last 4 bytes of a
 * block that is shorter in front of it; and only a zero ends its walk over the extension headers
 * that fill a whole ERF record. */
enum { HEADROOM = 16, TAIL = 64, ROOM = HEADROOM + LIBTRACE_PACKET_BUFSIZE + TAIL };

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

void lts_trace_forget_raw(lts_trace *trace) {
  if (trace->wake >= 0) close(trace->wake);
  trace->wake = trace->socket = -1;
  trace->failed = trace->waited = trace->fetched = trace->starting = false;
  for (int i = 0; i < 2; i++) {
    trace->slots[i].raw = NULL;
    trace->slots[i].room = NULL;
  }
  trace->raw = NULL;
}

void lts_trace_drop_raw(lts_trace *trace, bool started) {
  lts_raws raws = lts_raws_of(trace);
  lts_trace_forget_raw(trace);
  lts_raws_destroy(&raws, started, trace->uri);
}

lts_status lts_trace_config_raw(lts_trace *trace, trace_option_t option, int value,
                                const char *name) {
  /* Guard: libtrace returns success and sets an error for a value out of range. */
  if (trace_config(trace->raw, option, &value) == 0 && !trace_is_err(trace->raw)) return LTS_OK;
  char doing[64];
  snprintf(doing, sizeof doing, "set the %s of", name);
  return lts_fail_libtrace(trace->raw, trace->uri, doing);
}

/* Guard: libpcap may give a few bytes less than it is asked for. Reading cuts to the exact length.
 */
lts_status lts_trace_config_snaplen(lts_trace *trace) {
  enum { SLACK = 16, LONGEST = LIBTRACE_PACKET_BUFSIZE };
  int asked = trace->snaplen && trace->snaplen < LONGEST - SLACK ? trace->snaplen + SLACK : LONGEST;
  return lts_trace_config_raw(trace, TRACE_OPTION_SNAPLEN, asked, "snap length");
}

static lts_status config_live(lts_trace *trace) {
  if (trace->source != LTS_LIVE) return LTS_OK;
  trace->wanted = trace->snaplen;
  if (trace->snaplen && lts_trace_config_snaplen(trace)) return LTS_ERROR;
  if (trace->promisc < 0) return LTS_OK;
  return lts_trace_config_raw(trace, TRACE_OPTION_PROMISC, trace->promisc, "promiscuous mode");
}

static int opening; /* streams, without the interpreter lock: wandio has not asked for them yet */

/* What answers may come late, or be another thread. */
static int start_unlocked(lts_trace *trace) {
  trace->busy = true;
  opening++;
  void *lock = lts_release();
  int status = trace_start(trace->raw);
  lts_acquire(lock);
  opening--;
  trace->busy = false;
  return status;
}

lts_status lts_trace_start_raw(lts_trace *trace) {
  int copy = keep_stdin(trace->uri);
  int status = trace->source == LTS_STREAM ? start_unlocked(trace) : trace_start(trace->raw);
  restore_stdin(copy);
  if (status == 0 && !trace_is_err(trace->raw)) return LTS_OK;
  return lts_fail_libtrace(trace->raw, trace->uri, "start");
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
  if (lts_trace_start_raw(trace)) return LTS_ERROR;
  lts_socket_adopt(trace, &known);
  return LTS_OK;
}

/* ---- pipes ---- */

/* LTS_ITEM: a signal handler or another thread has started it meanwhile, and perhaps paused it. */
static lts_more await_writer(lts_trace *trace, double deadline) {
  lts_trace_await_pipe(trace);
  lts_more more = lts_trace_wait_until(trace, deadline);
  if (more == LTS_FAIL) return LTS_FAIL;
  if (trace->raw && !trace->starting) return LTS_ITEM;
  if (more == LTS_END || !trace->raw || trace->stopped) {
    lts_fail(LTS_E_STATE, TRACE_ERR_BAD_STATE, trace->uri,
             "cannot start '%s': it was %s before its writer came", trace->uri,
             trace->stopped ? "stopped" : "closed");
    return LTS_FAIL;
  }
  return deadline != 0 && lts_now() >= deadline ? lts_trace_timed_out(trace) : LTS_WAIT;
}

static lts_more try_to_start(lts_trace *trace) {
  lts_pipe_enter(trace->pipe);
  int status = trace_start(trace->raw);
  trace->starting = true;
  if (lts_pipe_leave(trace->pipe)) return LTS_WAIT;
  if (status < 0 || trace_is_err(trace->raw)) {
    lts_fail_libtrace(trace->raw, trace->uri, "start");
    return LTS_FAIL;
  }
  lts_pipe_accept(trace->pipe);
  trace->starting = false;
  return LTS_ITEM;
}

/* What could not start cannot start again. */
static lts_more start_anew(lts_trace *trace) {
  lts_raw_destroy(trace->raw, false, trace->uri);
  trace->raw = create_raw(trace->served);
  if (trace->raw && !trace_is_err(trace->raw)) return try_to_start(trace);
  if (trace->raw)
    lts_fail_libtrace(trace->raw, trace->uri, "open");
  else
    lts_fail_memory();
  return LTS_FAIL;
}

/* A file's header is read at the start. */
lts_status lts_trace_start_pipe(lts_trace *trace) {
  double deadline = lts_trace_deadline(trace, lts_now());
  lts_more more = trace->starting ? start_anew(trace) : try_to_start(trace);
  while (more == LTS_WAIT) {
    more = await_writer(trace, deadline);
    if (more == LTS_WAIT) more = start_anew(trace);
  }
  return more == LTS_ITEM ? LTS_OK : LTS_ERROR;
}

/* libtrace opens nothing, and is given the pipe's bytes. */
static lts_status open_pipe(lts_trace *trace, const lts_scheme *scheme) {
  enum { DUCK_VERSION = 4 };
  size_t once = strcmp(scheme->name, "duck") ? 0 : DUCK_VERSION;
  size_t size = strlen(scheme->name) + sizeof ":" LTS_NOTHING;
  free(trace->served); /* of a file that was in the pipe's place */
  trace->served = malloc(size);
  if (!trace->served) return lts_fail_memory();
  snprintf(trace->served, size, "%s:" LTS_NOTHING, scheme->name);
  trace->pipe = lts_pipe_open(strchr(trace->uri, ':') + 1, lts_wandio_is_plain(), once);
  if (trace->pipe) return LTS_OK;
  if (errno == ENOMEM) return lts_fail_memory();
  return lts_fail(LTS_E_TRACE, errno, trace->uri, "cannot open '%s': %s", trace->uri,
                  strerror(errno));
}

/* Not of what libpcap opens itself, nor where libtrace takes a time from the file's name. */
static bool can_be_given(const lts_scheme *scheme) {
  return scheme->wandio && strcmp(scheme->name, "legacynzix") != 0;
}

/* ---- all traces ---- */

static lts_status start_new(lts_trace *trace) {
  switch (trace->source) {
  case LTS_LIVE: return start_live(trace);
  case LTS_PIPE: return lts_trace_start_pipe(trace);
  default: return lts_trace_start_raw(trace);
  }
}

static lts_status open_raw(lts_trace *trace, const char *uri, const lts_scheme *scheme,
                           lts_compression compression) {
  if (trace->source == LTS_LIVE && lts_interface_check(trace)) return LTS_ERROR;
  trace->wandio = scheme && scheme->wandio;
  trace->pcapint = scheme && !strcmp(scheme->name, "pcapint");
  if (scheme && !strcmp(scheme->name, "ring"))
    trace->ring_frame = lts_ring_frame(strchr(trace->uri, ':') + 1);
  bool thread = compression != LTS_PLAIN && !opening;
  bool raw = scheme && !strcmp(scheme->name, "rawerf");
  if (trace->wandio && lts_wandio_prepare(thread, raw)) return LTS_ERROR;
  if (trace->source == LTS_PIPE && !trace->pipe && open_pipe(trace, scheme)) return LTS_ERROR;
  lts_status status = LTS_ERROR;
  trace->raw = create_raw(trace->pipe ? trace->served : uri);
  if (!trace->raw)
    lts_fail_memory();
  else if (trace_is_err(trace->raw))
    lts_fail_libtrace(trace->raw, trace->uri, "open");
  else if (!config_live(trace) && !make_slots(trace) && !make_wake(trace))
    status = start_new(trace);
  bool started = trace->state == LTS_STARTED || trace->state == LTS_PAUSED;
  bool started_by_others = trace->source == LTS_PIPE && started;
  if (status && !started_by_others) lts_trace_drop_raw(trace, false);
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

lts_status lts_trace_open(lts_trace *trace) {
  if (resolve(trace)) return LTS_ERROR;
  const char *served = served_uri(trace);
  const lts_scheme *scheme = lts_scheme_find(served);
  lts_compression compression = LTS_PLAIN;
  if (!scheme) return lts_scheme_unknown(trace->uri);
  if (scheme->source == LTS_FILE && !trace->pipe &&
      check_file(trace, strchr(trace->uri, ':') + 1, &compression))
    return LTS_ERROR;
  if (trace->source == LTS_PIPE && !can_be_given(scheme)) trace->source = LTS_STREAM;
  trace->pcapfile = !strcmp(scheme->name, "pcapfile");
  return open_raw(trace, served, scheme, compression);
}
