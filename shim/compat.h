/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The one place that knows that there are two versions of libtrace.
 */
#ifndef LTS_COMPAT_H
#define LTS_COMPAT_H

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <pthread.h> /* libtrace 4's header uses its types without including it */

#include <libtrace.h>

#include "lts.h"

#include <stdbool.h>

/* libtrace 4 counts what a pcapng block or an ERF provenance record says as packets, too. */
bool lts_raw_is_meta(libtrace_packet_t *raw);
bool lts_raw_is_pcapng(libtrace_packet_t *raw);

/* One of libtrace's own counters. */
lts_count lts_raw_statistic(libtrace_t *raw, lts_statistic which);

/* Whether the file of a URI would stay open for ever. */
bool lts_raw_leaks(const char *uri);
/* Whether a pcap file of nanoseconds is copied as one. */
bool lts_raw_writes_nanoseconds(void);

/* The URI to hand to libtrace: that of a format which reads the same, where one crashes. */
const char *lts_raw_uri(const char *uri);

/* libtrace 3 can neither configure nor destroy some traces safely: see the definitions. */
void lts_raw_destroy(libtrace_t *raw, bool started, const char *uri);

#endif
