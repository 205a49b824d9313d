/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Failures, and how the shim waits.
 */
#include "lts_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The failure, and where it is a field that is cut off, which; the text is still to be made of it
 * then. A table of packets asks for many such fields, and wants no text. */
typedef struct failure {
  lts_error error;
  const char *name;
  uint64_t needed;
  uint32_t captured;
} failure;

static _Thread_local failure outermost;
static _Thread_local failure *handlers; /* of the signal handler that runs, or NULL */

static failure *last(void) { return handlers ? handlers : &outermost; }

static void describe_cut(failure *cut) {
  lts_error *error = &cut->error;
  if (cut->needed > cut->captured)
    snprintf(error->text, sizeof error->text, "%s is cut off: it needs %llu bytes, %u are captured",
             cut->name, (unsigned long long)cut->needed, cut->captured);
  else
    snprintf(error->text, sizeof error->text,
             "%s is cut off: the headers need more than the %u bytes captured", cut->name,
             cut->captured);
}

const lts_error *lts_error_last(void) {
  failure *cut = last();
  if (cut->name && cut->error.kind == LTS_E_TRUNCATED) describe_cut(cut);
  cut->name = NULL;
  return &cut->error;
}

void lts_error_clear(void) { last()->error.kind = LTS_E_NONE; }

lts_status lts_fail(lts_error_kind kind, int code, const char *uri, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  failure *made = last();
  made->name = NULL;
  made->error.kind = kind;
  made->error.code = code;
  snprintf(made->error.uri, sizeof made->error.uri, "%s", uri ? uri : "");
  vsnprintf(made->error.text, sizeof made->error.text, format, arguments);
  va_end(arguments);
  return LTS_ERROR;
}

void lts_fail_cut(const char *name, uint64_t needed, uint32_t captured) {
  failure *cut = last();
  cut->error.kind = LTS_E_TRUNCATED;
  cut->error.code = 0;
  cut->error.uri[0] = '\0';
  cut->name = name;
  cut->needed = needed;
  cut->captured = captured;
}

lts_status lts_fail_memory(void) { return lts_fail(LTS_E_MEMORY, ENOMEM, NULL, "out of memory"); }

/* libtrace ends some of its texts with a newline or ": Success". */
static void trim(char *text) {
  static const char success[] = ": Success";
  size_t length = strlen(text);
  while (length && strchr(" \n", text[length - 1])) text[--length] = '\0';
  if (length >= sizeof success - 1 && !strcmp(text + length - (sizeof success - 1), success))
    text[length - (sizeof success - 1)] = '\0';
}

lts_status lts_fail_libtrace(libtrace_t *raw, const char *uri, const char *doing) {
  if (!trace_is_err(raw))
    return lts_fail(LTS_E_TRACE, TRACE_ERR_BAD_PACKET, uri,
                    "cannot %s '%s': libtrace gives no reason", doing, uri);
  libtrace_err_t error = trace_get_err(raw);
  trim(error.problem);
  bool refused = error.err_num == EPERM || error.err_num == EACCES;
  const char *nothing = strstr(error.problem, LTS_NOTHING), *path = strchr(uri, ':');
  bool piped = nothing && path && !strstr(path, LTS_NOTHING);
  int before = (int)(piped ? nothing - error.problem : (ptrdiff_t)strlen(error.problem));
  return lts_fail(LTS_E_TRACE, error.err_num, uri, "cannot %s '%s': %.*s%s%s%s", doing, uri, before,
                  error.problem, piped ? path + 1 : "", piped ? nothing + strlen(LTS_NOTHING) : "",
                  refused ? LTS_NEEDS_NET_RAW : "");
}

/* ---- forks ---- */

unsigned lts_forks;
static pthread_t forker;

static void note_fork(void) {
  lts_forks++;
  forker = pthread_self();
}

__attribute__((constructor)) static void watch_forks(void) {
  pthread_atfork(NULL, NULL, note_fork);
}

bool lts_stayed_behind(unsigned forks, pthread_t thread) {
  return forks != lts_forks && !pthread_equal(thread, forker);
}

/* ---- the interpreter lock ---- */

static lts_hooks given;
static _Thread_local bool alone;

void lts_set_hooks(const lts_hooks *hooks) { given = *hooks; }

void lts_leave_interpreter(void) { alone = true; }

static const lts_hooks *hooks(void) {
  static const lts_hooks none;
  return alone ? &none : &given;
}

void *lts_release(void) { return hooks()->release ? hooks()->release() : NULL; }

void lts_acquire(void *state) {
  if (hooks()->acquire) hooks()->acquire(state);
}

void lts_return_buffer(void *lender) {
  if (hooks()->return_buffer) hooks()->return_buffer(lender);
}

lts_status lts_wait_until_idle(const bool *busy) {
  while (*busy) {
    void *lock = lts_release();
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    lts_acquire(lock);
    if (lts_interrupted()) return LTS_ERROR;
  }
  return LTS_OK;
}

double lts_now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Another thread asks for the interpreter lock for some time (sys.getswitchinterval(), 5 ms) before
 * it insists. Every release begins that time anew: given up more often, it would never get it. */
bool lts_breathe(double *breath) {
  enum { BREATH_MS = 10 };
  double time = lts_now();
  if (time - *breath < BREATH_MS / 1e3) return true;
  lts_acquire(lts_release());
  *breath = lts_now();
  return !lts_interrupted();
}

/* What a handler fails in and catches is not the failure of the call that it interrupted. */
static bool handle_signals(void) {
  failure theirs, *outer = handlers;
  theirs.error.kind = LTS_E_NONE;
  theirs.name = NULL;
  handlers = &theirs;
  bool raised = hooks()->interrupted();
  handlers = outer;
  return raised;
}

bool lts_interrupted(void) {
  if (!hooks()->interrupted || !handle_signals()) return false;
  lts_fail(LTS_E_INTERRUPTED, EINTR, NULL, "interrupted");
  return true;
}
