/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * pcapng, which libtrace 4 reads. It makes the times in floating point, up to a nanosecond too low,
 * and divides by a resolution that the file may make zero; and it mixes the interfaces of several
 * sections up. So what the interface blocks say, which libtrace hands over as meta packets, is kept
 * and used here.
 * Blocks: draft-ietf-opsawg-pcapng, section 4.
 */
#include "bytes.h"
#include "lts_int.h"

#include <stdlib.h>

enum { SECTION = 0x0a0d0d0a, INTERFACE = 1, SIMPLE = 3, STATISTICS = 5, TRAILER = 4 };
enum { BILLION = 1000000000, BEYOND = 38 }; /* at 10^39 units a second, no count is 1 ns */

struct lts_interface {
  uint16_t linktype;
  uint8_t resolution; /* if_tsresol: a negative power of 10, or with the top bit set of 2 */
  int64_t offset;     /* if_tsoffset, seconds */
};

/* libtrace returns a block's length, which is below 2^17, in the byte order of the machine. */
static bool is_swapped(const uint8_t *block, int64_t length) {
  return word(block + 4, false) != length;
}

/* An option of a block, behind its code and length. */
typedef struct option {
  uint16_t code, length;
  const uint8_t *value;
} option;

/* The next of the options, or code 0 at their end. */
static option next_option(const uint8_t **at, uint32_t *left, bool swapped) {
  enum { HEADER = 4 };
  if (*left < HEADER) return (option){0};
  option next = {half(*at, swapped), half(*at + 2, swapped), *at + HEADER};
  uint32_t whole = HEADER + ((next.length + 3u) & ~3u);
  if (whole > *left) return (option){0};
  *at += whole;
  *left -= whole;
  return next;
}

static void read_options(lts_interface *interface, const uint8_t *at, uint32_t left, bool swapped) {
  enum { IF_TSRESOL = 9, IF_TSOFFSET = 14 };
  for (option o = next_option(&at, &left, swapped); o.code; o = next_option(&at, &left, swapped)) {
    if (o.code == IF_TSRESOL && o.length == 1) interface->resolution = *o.value;
    if (o.code == IF_TSOFFSET && o.length == 8)
      interface->offset = (int64_t)twice(o.value, swapped);
  }
}

static lts_status add_interface(lts_trace *trace, const uint8_t *block, int64_t length) {
  enum { FIXED = 16, MICROSECONDS = 6 };
  bool swapped = is_swapped(block, length);
  lts_interface interface = {half(block + 8, swapped), MICROSECONDS, 0};
  lts_interface *grown = realloc(trace->interfaces, (trace->interface_count + 1) * sizeof *grown);
  if (!grown) return lts_fail_memory();
  if (length > FIXED + TRAILER)
    read_options(&interface, block + FIXED, (uint32_t)length - FIXED - TRAILER, swapped);
  trace->interfaces = grown;
  trace->interfaces[trace->interface_count++] = interface;
  return LTS_OK;
}

/* Guard: libtrace has 0 for a counter that no block has told. */
static void note_counters(lts_trace *trace, const uint8_t *block, int64_t length, bool swapped) {
  enum { FIXED = 20, IFRECV = 4, IFDROP = 5, FILTERACCEPT = 6, OSDROP = 7 };
  if (length <= FIXED + TRAILER) return;
  const uint8_t *at = block + FIXED;
  uint32_t left = (uint32_t)length - FIXED - TRAILER;
  for (option o = next_option(&at, &left, swapped); o.code; o = next_option(&at, &left, swapped)) {
    trace->told[LTS_STAT_RECEIVED] |= o.code == IFRECV;
    trace->told[LTS_STAT_DROPPED] |= o.code == IFDROP || o.code == OSDROP;
    trace->told[LTS_STAT_CAPTURED] |= o.code == FILTERACCEPT;
  }
}

lts_status lts_pcapng_note(lts_trace *trace, const libtrace_packet_t *raw, int64_t length) {
  const uint8_t *block = raw->header;
  bool swapped = is_swapped(block, length);
  uint32_t type = word(block, swapped);
  if (type == SECTION) trace->interface_count = 0;
  if (type == STATISTICS) note_counters(trace, block, length, swapped);
  return type == INTERFACE ? add_interface(trace, block, length) : LTS_OK;
}

/* A file may say any nonsense: the nearest time that there is. */
static int64_t nanoseconds(const lts_interface *interface, uint64_t count) {
  enum { BINARY = 0x80 };
  uint8_t power = interface->resolution & 0x7f;
  unsigned __int128 units = 1;
  if (interface->resolution & BINARY)
    units <<= power;
  else if (power <= BEYOND)
    while (power--) units *= 10;
  else
    count = 0;
  __int128 since = (__int128)((unsigned __int128)count * BILLION / units);
  __int128 time = (__int128)interface->offset * BILLION + since;
  return time > INT64_MAX ? INT64_MAX : time < -INT64_MAX ? -INT64_MAX : (int64_t)time;
}

static bool is_finer_than_microseconds(const lts_interface *interface) {
  enum { BINARY = 0x80, MICROSECONDS = 6, COARSER = 19 }; /* 2^-19 s is more than one */
  uint8_t power = interface->resolution & 0x7f;
  return power > (interface->resolution & BINARY ? COARSER : MICROSECONDS);
}

static const lts_interface *interface_at(const lts_trace *trace, uint32_t index) {
  enum { NO_LINKTYPE = 0xffff };
  static const lts_interface unknown = {NO_LINKTYPE, BEYOND + 1, 0};
  return index < trace->interface_count ? &trace->interfaces[index] : &unknown;
}

/* Enhanced packets and statistics have their interface and their time at the same place. */
static int64_t time_of(const lts_trace *trace, const uint8_t *block, bool swapped) {
  uint64_t count = (uint64_t)word(block + 12, swapped) << 32 | word(block + 16, swapped);
  return nanoseconds(interface_at(trace, word(block + 8, swapped)), count);
}

/* The whole block, which says itself how to read it. */
void lts_record_pcapng_meta(lts_trace *trace, libtrace_packet_t *raw, int64_t length,
                            lts_frame *frame) {
  uint8_t *block = raw->header;
  bool swapped = is_swapped(block, length);
  frame->header = frame->data = block;
  frame->header_length = 0;
  frame->capture_length = (uint32_t)length;
  frame->wire_length = 0;
  frame->timestamp_ns = word(block, swapped) == STATISTICS ? time_of(trace, block, swapped) : 0;
  frame->link = LTS_LINK_PCAPNG_META;
}

uint32_t lts_record_pcapng(lts_trace *trace, libtrace_packet_t *raw, int64_t length,
                           lts_frame *frame, uint32_t *linktype) {
  enum { SIMPLE_HEADER = 12, ENHANCED_HEADER = 28 };
  uint8_t *block = raw->header;
  bool swapped = is_swapped(block, length), simple = word(block, swapped) == SIMPLE;
  uint32_t header = simple ? SIMPLE_HEADER : ENHANCED_HEADER;
  uint32_t most = length > header + TRAILER ? (uint32_t)length - header - TRAILER : 0;
  uint32_t wire = word(block + header - 4, swapped);
  uint32_t captured = simple ? wire : word(block + header - 8, swapped);
  frame->header = block;
  frame->header_length = header;
  frame->data = block + header;
  frame->capture_length = captured < most ? captured : most;
  frame->timestamp_ns = simple ? 0 : time_of(trace, block, swapped);
  const lts_interface *from = interface_at(trace, simple ? 0 : word(block + 8, swapped));
  frame->exact = !simple && is_finer_than_microseconds(from);
  *linktype = from->linktype;
  return wire;
}
