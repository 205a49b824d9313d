/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * natkit's numbers: out of bytes, and modulo 2^32.
 */
#include "bytes.h"
#include "lts.h"
#include "lts_int.h"

/* Whether `size` bytes are there; LTS_FAILED for a negative index. */
static lts_truth is_within(lts_bytes bytes, int64_t index, size_t size) {
  if (index < 0) {
    lts_fail(LTS_E_INDEX, 0, NULL, "negative index");
    return LTS_FAILED;
  }
  return bytes.length >= size && (uint64_t)index <= bytes.length - size ? true : LTS_ABSENT;
}

lts_field lts_ba_get_short(lts_bytes BUFFER, int64_t index) {
  lts_truth within = is_within(BUFFER, index, 2);
  return within == true ? be16(BUFFER.data + index) : within;
}

lts_field lts_ba_get_long(lts_bytes BUFFER, int64_t index) {
  lts_truth within = is_within(BUFFER, index, 4);
  return within == true ? be32(BUFFER.data + index) : within;
}

static int32_t distance(lts_sequence a, lts_sequence b) { return (int32_t)(a - b); }

lts_sequence lts_seq_add(lts_sequence a, lts_sequence b) { return a + b; }
lts_sequence lts_seq_sub(lts_sequence a, lts_sequence b) { return a - b; }
lts_truth lts_seq_gt(lts_sequence a, lts_sequence b) { return distance(a, b) > 0; }
lts_truth lts_seq_ge(lts_sequence a, lts_sequence b) { return distance(a, b) >= 0; }
lts_truth lts_seq_lt(lts_sequence a, lts_sequence b) { return distance(a, b) < 0; }
