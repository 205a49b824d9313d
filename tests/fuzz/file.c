/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Arbitrary files: the first byte selects the format, or that it be found out; the second one how
 * the file is read; the rest is the file.
 */
#include "touch.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Packets that are read, and those of them that are looked into. */
enum { MOST = 500, TOUCHED = 8, KEPT = 3, PATH = 200 };

/* legacynzix: wants a time in the name. */
static char folder[PATH / 2], input[PATH], written[PATH];

static void remove_files(void) {
  unlink(input);
  unlink(written);
  rmdir(folder);
}

static void make_folder(void) {
  if (*folder) return;
  /* wandio's threads would take most of the time. */
  setenv("LIBTRACEIO", "nothreads", 0);
  const char *where = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/fuzz.XXXXXX", where ? where : "/tmp");
  PROMISE(mkdtemp(folder));
  snprintf(input, sizeof input, "%s/20010203-040506", folder);
  snprintf(written, sizeof written, "%s/written", folder);
  atexit(remove_files);
}

void write_input(const uint8_t *data, size_t size) {
  make_folder();
  int fd = open(input, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  PROMISE(fd >= 0 && write(fd, data, size) == (ssize_t)size);
  close(fd);
}

/* ---- reading ---- */

enum { PAUSE = 1, SNAPLEN = 2, FILTER = 4, REFILL = 8, FORMAT = 16, WRITE = 64, READ_BACK = 128 };

lts_trace *open_path(uint8_t scheme, uint8_t how, const char *path) {
  static const char *const schemes[] = {
      "",      "pcapfile:",  "pcap:",      "erf:",        "rawerf:",     "tsh:",
      "fr+:",  "legacyatm:", "legacypos:", "legacyeth:",  "legacynzix:", "atmhdr:",
      "duck:", "pcapng:",    "etsifile:",  "corsarotag:",
  };
  char uri[PATH + 16];
  snprintf(uri, sizeof uri, "%s%s", schemes[scheme % (sizeof schemes / sizeof *schemes)], path);
  lts_trace *trace = new_lts_trace(uri);
  PROMISE(trace);
  if (how & SNAPLEN) PROMISE(lts_trace_conf_snaplen(trace, 40) == LTS_OK);
  lts_filter *filter = how & FILTER ? new_lts_filter("greater 60", 1) : NULL;
  PROMISE(lts_trace_conf_filter(trace, filter) == LTS_OK);
  delete_lts_filter(filter);
  return trace;
}

lts_trace *open_input(uint8_t scheme, uint8_t how) { return open_path(scheme, how, input); }

static lts_more next(lts_trace *trace, uint8_t how, lts_packet **packet) {
  if (!(how & REFILL)) return lts_trace_next(trace, packet);
  *packet = new_lts_packet();
  lts_more more = lts_trace_read_packet(trace, packet);
  if (more != LTS_ITEM) delete_lts_packet(*packet);
  return more;
}

/* The last few packets, with what they were when they were read. */
static struct {
  lts_packet *packet;
  uint64_t digest;
} kept[KEPT];

static void release(int i) {
  if (kept[i].packet) PROMISE(touch_once(kept[i].packet, LTS_PACKET) == kept[i].digest);
  delete_lts_packet(kept[i].packet);
  kept[i].packet = NULL;
}

static void keep(int i, lts_packet *packet) {
  release(i);
  kept[i].packet = packet;
  kept[i].digest = touch(packet, LTS_PACKET);
}

/* How many packets went into the output. */
static int read_all(lts_trace *trace, uint8_t how, lts_output *output) {
  lts_more more = LTS_END;
  int count = 0, good = 0;
  for (lts_packet *packet; count < MOST; count++) {
    more = next(trace, how, &packet);
    if (more != LTS_ITEM) break;
    if (how & WRITE) good += lts_output_write_packet(output, packet) == LTS_OK;
    if (count < TOUCHED)
      keep(count % KEPT, packet);
    else
      delete_lts_packet(packet);
    if (!(how & PAUSE)) continue;
    PROMISE(lts_trace_pause(trace) == LTS_OK);
    if (lts_trace_start(trace) != LTS_OK) break;
  }
  if (more == LTS_FAIL) PROMISE(*lts_error_last()->text);
  return good;
}

/* ---- writing ---- */

/* What was written can be read. */
static void read_back(int wanted) {
  char *uri = NULL;
  if (!wanted || lts_detect(written, &uri) != LTS_OK) return;
  lts_trace *trace = new_lts_trace(uri);
  PROMISE(lts_trace_start(trace) == LTS_OK);
  int count = 0;
  lts_packet *packet;
  while (lts_trace_next(trace, &packet) == LTS_ITEM) {
    delete_lts_packet(packet);
    count++;
  }
  PROMISE(count == wanted);
  delete_lts_trace(trace);
  free(uri);
}

void fuzz_file(const uint8_t *data, size_t size) {
  if (size < 2) return;
  write_input(data + 2, size - 2);
  uint8_t how = data[1];
  lts_trace *trace = open_input(data[0], how);
  lts_output *output = open_output(written, how / FORMAT);
  int good = lts_trace_start(trace) == LTS_OK ? read_all(trace, how, output) : 0;
  touch_trace(trace);
  PROMISE(lts_trace_close(trace) == LTS_OK);
  for (int i = 0; i < KEPT; i++) release(i);
  touch_trace(trace);
  touch_output(output);
  PROMISE(lts_output_close(output) == LTS_OK);
  delete_lts_trace(trace);
  delete_lts_output(output);
  if (how & READ_BACK) read_back(good);
}
