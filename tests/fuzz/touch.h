/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Everything that the shim answers, asked. What must always hold is checked on the way: a broken
 * promise aborts, as a sanitizer's finding does.
 */
#ifndef TOUCH_H
#define TOUCH_H

#include "lts.h"

#include <stdbool.h>
#include <stdlib.h>

#define PROMISE(CONDITION)                                                                         \
  do {                                                                                             \
    if (!(CONDITION)) promise_broken(__FILE__, __LINE__, #CONDITION), abort();                     \
  } while (0)
void promise_broken(const char *file, int line, const char *condition);

/* Of all answers, in order. */
extern uint64_t digest;
void digest_bytes(const void *bytes, size_t length);
void digest_text(const char *text);

/* A packet, its layers, their parts and all that can be made of them: the digest of it. */
uint64_t touch_once(lts_packet *packet, lts_layer_kind kind);
/* The same, and that asking again gives the same. */
uint64_t touch(lts_packet *packet, lts_layer_kind kind);
/* The same with each setter called, too, with values from the digest. */
void touch_and_change(lts_packet *packet, lts_layer_kind kind);
/* What is to be known of a trace or an output. */
void touch_trace(lts_trace *trace);
void touch_output(lts_output *output);
/* Touches a packet in each of its states: as it is, copied through bytes, changed, written. */
void touch_states(lts_packet *packet);

/* All the values of a batch of rows. */
void touch_batch(lts_batch *batch, lts_rows_of of);
/* An output of a format that `choice` selects. */
lts_output *open_output(const char *path, unsigned choice);

/* ---- targets ---- */

typedef void target(const uint8_t *data, size_t size);
target fuzz_columns, fuzz_dns, fuzz_file, fuzz_filter, fuzz_object, fuzz_packet, fuzz_pipe;

/* A packet of the link type that the first byte selects; NULL where there is no such byte. */
lts_packet *packet_from(const uint8_t *data, size_t size);
/* The input of the targets that read files, but for its first two bytes, which select the format
 * and how it is read. */
void write_input(const uint8_t *data, size_t size);
lts_trace *open_input(uint8_t scheme, uint8_t how);
/* The same of another file. */
lts_trace *open_path(uint8_t scheme, uint8_t how, const char *path);

#endif
