/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "lts_int.h"

#include <string.h>
#include <strings.h>

/* LIBTRACE_API_VERSION is not usable in 4.0.26 and later: feature tests only. */
#ifdef LIBTRACE_STAT_FIELDS
#define LIBTRACE4 1
#else
#define LIBTRACE4 0
#endif

int lts_feature_get(lts_feature feature) {
  return feature == LTS_FEATURE_MAJOR_VERSION ? 3 + LIBTRACE4 : LIBTRACE4;
}

lts_name lts_version(void) { return PACKAGE_VERSION; }

bool lts_raw_writes_nanoseconds(void) { return LIBTRACE4; }

#if LIBTRACE4
bool lts_raw_is_meta(libtrace_packet_t *raw) {
  /* A pcap file's link type can be any number, and so can then the type of its packets. */
  return IS_LIBTRACE_META_PACKET(raw) && trace_get_format(raw) != TRACE_FORMAT_PCAPFILE;
}

bool lts_raw_is_pcapng(libtrace_packet_t *raw) {
  return trace_get_format(raw) == TRACE_FORMAT_PCAPNG;
}

#else
bool lts_raw_is_meta(libtrace_packet_t *raw) {
  (void)raw;
  return false;
}

bool lts_raw_is_pcapng(libtrace_packet_t *raw) {
  (void)raw;
  return false;
}
#endif

#if LIBTRACE4
lts_count lts_raw_statistic(libtrace_t *raw, lts_statistic which) {
  libtrace_stat_t *stat = trace_get_statistics(raw, NULL);
  if (!stat) return LTS_UNKNOWN;
  switch (which) {
  case LTS_STAT_RECEIVED: return stat->received_valid ? stat->received : LTS_UNKNOWN;
  case LTS_STAT_DROPPED: return stat->dropped_valid ? stat->dropped : LTS_UNKNOWN;
  case LTS_STAT_CAPTURED:
    /* A difference of two counters that the kernel counts apart, which may get below 0. */
    return stat->captured_valid && stat->captured <= INT64_MAX ? stat->captured : LTS_UNKNOWN;
  case LTS_STAT_MISSING: return stat->missing_valid ? stat->missing : LTS_UNKNOWN;
  case LTS_STAT_ERRORS: return stat->errors_valid ? stat->errors : LTS_UNKNOWN;
  default: return LTS_UNKNOWN;
  }
}
#else
lts_count lts_raw_statistic(libtrace_t *raw, lts_statistic which) {
  switch (which) {
  case LTS_STAT_RECEIVED: return trace_get_received_packets(raw);
  case LTS_STAT_DROPPED: return trace_get_dropped_packets(raw);
  default: return LTS_UNKNOWN;
  }
}
#endif

/* libtrace 3 closes what pcapint: has opened, but not what pcap: has. */
bool lts_raw_leaks(const char *uri) { return !LIBTRACE4 && !strncmp(uri, "pcap:", 5); }

/* libtrace 3's rawerf: asks for the link type before there is a payload, which an ERF record of
 * type 0 has it in. What sets it apart from erf:, that it ignores an index, concerns no reader. */
const char *lts_raw_uri(const char *uri) {
  static const char rawerf[] = "rawerf:";
  bool crashes = !LIBTRACE4 && !strncasecmp(uri, rawerf, sizeof rawerf - 1);
  return crashes ? uri + (sizeof "raw" - 1) : uri;
}

/* libtrace 3 hands a legacy trace's stream to wandio_destroy() even when it was never opened. */
void lts_raw_destroy(libtrace_t *raw, bool started, const char *uri) {
  if (!started && strncmp(uri, "legacy", 6) == 0) return;
  trace_destroy(raw);
}
