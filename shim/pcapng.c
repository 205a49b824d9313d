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

enum { SECTION = 0x0a0d0d0a, INTERFACE = 1, SIMPLE = 3, ENHANCED = 6, TRAILER = 4 };
enum { BILLION = 1000000000, BEYOND = 38 }; /* at 10^39 units a second, no count is 1 ns */

struct lts_interface {
  uint16_t linktype;
  uint8_t resolution; /* if_tsresol: a negative power of 10, or with the top bit set of 2 */
  int64_t offset;     /* if_tsoffset, seconds */
};

/* Every block type that libtrace hands over is small, but for the section's palindrome. */
static bool is_swapped(const uint8_t *block) {
  uint32_t type = word(block, false);
  return type != SECTION && type > 0xffff;
}

static void read_options(lts_interface *interface, const uint8_t *at, uint32_t left, bool swapped) {
  enum { HEADER = 4, IF_TSRESOL = 9, IF_TSOFFSET = 14 };
  while (left >= HEADER) {
    uint16_t code = half(at, swapped), length = half(at + 2, swapped);
    uint32_t whole = HEADER + ((length + 3u) & ~3u);
    if (!code || whole > left) return;
    if (code == IF_TSRESOL && length == 1) interface->resolution = at[HEADER];
    if (code == IF_TSOFFSET && length == 8)
      interface->offset = (int64_t)twice(at + HEADER, swapped);
    at += whole;
    left -= whole;
  }
}

static lts_status add_interface(lts_trace *trace, const uint8_t *block, uint32_t length,
                                bool swapped) {
  enum { FIXED = 16, MICROSECONDS = 6 };
  lts_interface interface = {half(block + 8, swapped), MICROSECONDS, 0};
  lts_interface *grown = realloc(trace->interfaces, (trace->interface_count + 1) * sizeof *grown);
  if (!grown) return lts_fail_memory();
  if (length > FIXED + TRAILER)
    read_options(&interface, block + FIXED, length - FIXED - TRAILER, swapped);
  trace->interfaces = grown;
  trace->interfaces[trace->interface_count++] = interface;
  return LTS_OK;
}

lts_status lts_pcapng_note(lts_trace *trace, const libtrace_packet_t *raw) {
  const uint8_t *block = raw->header;
  if (!block) return LTS_OK;
  bool swapped = is_swapped(block);
  uint32_t type = word(block, swapped), length = word(block + 4, swapped);
  if (type == SECTION) trace->interface_count = 0;
  bool interface = type == INTERFACE && length <= LIBTRACE_PACKET_BUFSIZE;
  return interface ? add_interface(trace, block, length, swapped) : LTS_OK;
}

/* A file may say any nonsense: the arithmetic wraps, as unsigned. */
static int64_t nanoseconds(const lts_interface *interface, uint64_t count) {
  enum { BINARY = 0x80 };
  uint8_t power = interface->resolution & 0x7f;
  uint64_t start = (uint64_t)interface->offset * BILLION;
  unsigned __int128 units = 1;
  if (interface->resolution & BINARY)
    units <<= power;
  else if (power <= BEYOND)
    while (power--) units *= 10;
  else
    count = 0;
  return (int64_t)(start + (uint64_t)((unsigned __int128)count * BILLION / units));
}

uint32_t lts_record_pcapng(lts_trace *trace, libtrace_packet_t *raw, lts_frame *frame,
                           uint32_t *linktype) {
  enum { SIMPLE_HEADER = 12, ENHANCED_HEADER = 28, NO_LINKTYPE = 0xffff };
  static const lts_interface unknown = {NO_LINKTYPE, BEYOND + 1, 0};
  uint8_t *block = raw->header;
  bool swapped = is_swapped(block), simple = word(block, swapped) == SIMPLE;
  uint32_t length = word(block + 4, swapped), index = simple ? 0 : word(block + 8, swapped);
  uint32_t header = simple ? SIMPLE_HEADER : ENHANCED_HEADER;
  uint32_t most = length > header + TRAILER ? length - header - TRAILER : 0;
  uint32_t wire = word(block + header - 4, swapped);
  uint32_t captured = simple ? wire : word(block + header - 8, swapped);
  const lts_interface *from = index < trace->interface_count ? &trace->interfaces[index] : &unknown;
  uint64_t count = (uint64_t)word(block + 12, swapped) << 32 | word(block + 16, swapped);
  frame->header = block;
  frame->header_length = header;
  frame->data = block + header;
  frame->capture_length = captured < most ? captured : most;
  frame->timestamp_ns = simple ? 0 : nanoseconds(from, count);
  *linktype = from->linktype;
  return wire;
}
