/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * From libtrace's packet to ours: lengths, time, link type. Each format's record header is read
 * here and not through libtrace's accessors where those abort (libtrace 3), read stale bytes or
 * lose precision on what a file may hold. Afterwards the packet needs libtrace no more.
 */
#include "bytes.h"
#include "lts_int.h"

#include <linux/if_packet.h>
#include <pcap/pcap.h>

enum { FCS = 4, BILLION = 1000000000 };

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* ---- link types ---- */

/* As libtrace's linktypes.c has them, and four more. */
static const struct {
  uint32_t dlt;
  int link;
} dlts[] = {
    {1, TRACE_TYPE_ETH},
    {101, TRACE_TYPE_NONE},
    {12, TRACE_TYPE_NONE},
    {113, TRACE_TYPE_LINUX_SLL},
    {276, LTS_LINK_SLL2},
    {105, TRACE_TYPE_80211},
    {127, TRACE_TYPE_80211_RADIO},
    {119, TRACE_TYPE_80211_PRISM},
    {9, TRACE_TYPE_PPP},
    {50, TRACE_TYPE_POS},
    {104, TRACE_TYPE_HDLC_POS},
    {11, TRACE_TYPE_LLCSNAP},
    {100, TRACE_TYPE_LLCSNAP},
    {117, TRACE_TYPE_PFLOG},
    {108, TRACE_TYPE_OPENBSD_LOOP},
    {0, LTS_LINK_NULL},
    {228, LTS_LINK_IPV4},
    {229, LTS_LINK_IPV6},
};

int lts_link_of_dlt(uint32_t dlt) {
  for (size_t i = 0; i < sizeof dlts / sizeof *dlts; i++)
    if (dlts[i].dlt == dlt) return dlts[i].link;
  return LTS_LINK_UNKNOWN;
}

int lts_dlt_of_link(int link) {
  if (link == TRACE_TYPE_NONE) return DLT_RAW;
  for (size_t i = 0; i < sizeof dlts / sizeof *dlts; i++)
    if (dlts[i].link == link) return (int)dlts[i].dlt;
  return -1;
}

bool lts_link_is_meta(int link) {
  return link == TRACE_TYPE_DUCK || link == LTS_LINK_ERF_META || link == LTS_LINK_PCAPNG_META;
}

/* ---- what the pcap formats share ---- */

/* The radiotap flags say whether the frame ends with its FCS. Field 1, behind an optional TSFT. */
static bool radiotap_has_fcs(const lts_frame *frame) {
  enum { TSFT = 1, FLAGS = 2, EXTENDED = 0x80, HAS_FCS = 0x10 };
  const uint8_t *at = frame->data;
  uint32_t length = frame->capture_length, offset = 8;
  if (length < 8 || !(at[4] & FLAGS)) return false;
  for (uint32_t present = 4; at[present + 3] & EXTENDED; offset += 4) {
    present += 4;
    if (present + 4 > length) return false;
  }
  if (at[4] & TSFT) offset = ((offset + 7) & ~7u) + 8;
  return offset < length && at[offset] & HAS_FCS;
}

/* A pcap length leaves out the FCS, libtrace's includes it. */
static uint8_t missing_fcs(const lts_frame *frame) {
  enum { SLL_PROTOCOL = 14, LOOPBACK = 0x0060 };
  if (frame->link == TRACE_TYPE_ETH) return FCS;
  if (frame->link == TRACE_TYPE_80211_RADIO) return radiotap_has_fcs(frame) ? 0 : FCS;
  if (frame->link == TRACE_TYPE_LINUX_SLL && frame->capture_length >= 16)
    return be16(frame->data + SLL_PROTOCOL) == LOOPBACK ? FCS : 0;
  return 0;
}

/* libtrace tells the two apart only for cooked captures and pflog. */
static int16_t pcap_direction(const lts_frame *frame) {
  enum { PFLOG_DIRECTION = 60, SLL2_TYPE = 10 };
  const uint8_t *at = frame->data;
  uint32_t length = frame->capture_length;
  if (frame->link == TRACE_TYPE_LINUX_SLL && length >= 16) return be16(at) == 0;
  if (frame->link == LTS_LINK_SLL2 && length >= 20) return at[SLL2_TYPE] == 0;
  if (frame->link == TRACE_TYPE_PFLOG && length > PFLOG_DIRECTION) return at[PFLOG_DIRECTION] == 0;
  return TRACE_DIR_UNKNOWN;
}

/* pcap's link type field: its upper bits tell whether and how much FCS the frames end with. */
static void pcap_link(lts_frame *frame, uint32_t field, uint32_t length) {
  enum { HAS_FCS_LENGTH = 0x04000000 };
  frame->dlt = (int32_t)(field & 0xffff);
  frame->link = (int16_t)lts_link_of_dlt(field & 0xffff);
  frame->fcs = field & HAS_FCS_LENGTH ? 0 : missing_fcs(frame);
  if (length > UINT32_MAX - frame->fcs) frame->fcs = 0;
  frame->wire_length = length + frame->fcs;
  frame->direction = pcap_direction(frame);
}

/* ---- pcapfile: ---- */

static int64_t libtrace_ns(const libtrace_packet_t *raw) {
  struct timespec ts = trace_get_timespec(raw);
  return (int64_t)ts.tv_sec * BILLION + ts.tv_nsec;
}

/* The record's captured length, which libtrace returned in host order, tells the byte order; for
 * an empty record its time does, unless that reads the same both ways. */
static void learn_order(lts_trace *trace, libtrace_packet_t *raw, uint32_t captured) {
  const uint8_t *at = raw->header;
  uint32_t fraction = word(at + 4, false);
  struct timespec ts = trace_get_timespec(raw);
  bool same_fraction = (uint32_t)ts.tv_nsec == fraction || (uint32_t)ts.tv_nsec == fraction * 1000;
  if (captured)
    trace->swapped = word(at + 8, false) != captured;
  else
    trace->swapped = word(at, false) != (uint32_t)ts.tv_sec || !same_fraction;
  trace->learned_order = captured != 0;
}

/* What libtrace makes of a fraction that reads the same in both byte orders. */
static void learn_resolution(lts_trace *trace, libtrace_packet_t *raw) {
  static const uint8_t probe[] = {1, 0, 0, 1};
  enum { NANOSECONDS = 0x01000001 };
  uint8_t *fraction = (uint8_t *)raw->header + 4, kept[sizeof probe];
  memcpy(kept, fraction, sizeof kept);
  memcpy(fraction, probe, sizeof probe);
  trace->nanoseconds = trace_get_timespec(raw).tv_nsec == NANOSECONDS;
  memcpy(fraction, kept, sizeof kept);
  trace->learned_resolution = true;
}

static void record_pcapfile(lts_trace *trace, libtrace_packet_t *raw, int64_t length,
                            lts_frame *frame) {
  enum { RECORD = 16 };
  uint8_t *at = raw->header;
  uint32_t captured = (uint32_t)length - RECORD;
  if (!trace->learned_order) learn_order(trace, raw, captured);
  if (!trace->learned_resolution) learn_resolution(trace, raw);
  uint32_t fraction = word(at + 4, trace->swapped);
  frame->header = at;
  frame->header_length = RECORD;
  frame->data = at + RECORD;
  frame->capture_length = captured;
  frame->timestamp_ns = (int64_t)word(at, trace->swapped) * BILLION +
                        (int64_t)fraction * (trace->nanoseconds ? 1 : 1000);
  frame->exact = trace->nanoseconds;
  pcap_link(frame, (uint32_t)raw->type - TRACE_RT_DATA_DLT, word(at + 12, trace->swapped));
}

/* ---- pcap:, pcapint:, pcapng: ---- */

/* Guard: libpcap reads the seconds of a file as if they had a sign. */
static void record_pcap(lts_trace *trace, libtrace_packet_t *raw, int64_t length,
                        lts_frame *frame) {
  (void)trace, (void)length;
  struct pcap_pkthdr *header = raw->header;
  int64_t seconds = header->ts.tv_sec < 0 ? (uint32_t)header->ts.tv_sec : header->ts.tv_sec;
  frame->header = raw->header;
  frame->header_length = sizeof *header;
  frame->data = raw->payload;
  frame->capture_length = smaller(header->caplen, LIBTRACE_PACKET_BUFSIZE);
  frame->timestamp_ns = seconds * BILLION + (int64_t)header->ts.tv_usec * 1000;
  pcap_link(frame, (uint32_t)raw->type - TRACE_RT_DATA_DLT, header->len);
}

static void record_pcapng(lts_trace *trace, libtrace_packet_t *raw, int64_t length,
                          lts_frame *frame) {
  if (lts_raw_is_meta(raw)) {
    lts_record_pcapng_meta(trace, raw, length, frame);
    return;
  }
  uint32_t linktype, wire = lts_record_pcapng(trace, raw, length, frame, &linktype);
  pcap_link(frame, linktype, wire);
}

/* ---- erf:, rawerf: ---- */

/* Guard: libtrace 4 follows extension headers out of a short record. */
static uint32_t erf_framing(const libtrace_packet_t *raw, uint32_t record) {
  enum { HEADER = 16, EXTENSION = 8, MORE = 0x80, PADDING = 2 };
  const uint8_t *at = raw->header;
  if (!(at[8] & MORE)) return smaller((uint32_t)trace_get_framing_length(raw), record);
  uint32_t framing = HEADER;
  for (bool more = true; more && framing + EXTENSION <= record; framing += EXTENSION)
    more = at[framing] & MORE;
  uint8_t type = at[8] & 0x7f;
  bool ethernet = type == 2 || type == 11 || type == 16 || type == 20;
  return smaller(framing + (ethernet ? PADDING : 0), record);
}

static void record_erf(lts_trace *trace, libtrace_packet_t *raw, int64_t length, lts_frame *frame) {
  (void)trace, (void)length;
  uint8_t *at = raw->header;
  uint64_t time = le64(at);
  uint32_t record = be16(at + 10);
  frame->erf = true;
  frame->header = at;
  frame->header_length = erf_framing(raw, record);
  frame->data = at + frame->header_length;
  frame->wire_length = be16(at + 14);
  /* libtrace shows no bytes of a record with a receive error. */
  frame->capture_length =
      raw->payload ? smaller(record - frame->header_length, frame->wire_length) : 0;
  frame->padding = record - frame->header_length - frame->capture_length;
  frame->timestamp_ns =
      (int64_t)(time >> 32) * BILLION + (int64_t)(((time & UINT32_MAX) * (uint64_t)BILLION) >> 32);
  frame->direction = at[9] & 3;
  /* Guard: for type 0 libtrace 3 looks into the packet without asking how long it is. */
  frame->link = at[8] & 0x7f ? (int16_t)trace_get_link_type(raw) : LTS_LINK_UNKNOWN;
  frame->fcs = frame->link == TRACE_TYPE_ETH ? FCS : 0;
}

/* ---- the rest ---- */

/* Old WAND formats: fixed records, of which libtrace claims more bytes than it has read. */
static void record_legacy(lts_trace *trace, libtrace_packet_t *raw, int64_t length,
                          lts_frame *frame) {
  enum { NZIX_HEADER = 12, MOVED = 2 };
  (void)trace;
  uint8_t *at = raw->header;
  frame->link = TRACE_TYPE_ETH;
  switch (trace_get_format(raw)) {
  case TRACE_FORMAT_LEGACY_ATM:
    frame->header_length = 12, frame->wire_length = 53, frame->link = TRACE_TYPE_ATM;
    break;
  case TRACE_FORMAT_LEGACY_ETH:
    frame->header_length = 10, frame->wire_length = le16(at + 8) + FCS, frame->fcs = FCS;
    break;
  case TRACE_FORMAT_LEGACY_POS:
    frame->header_length = 16, frame->wire_length = be32(at + 12);
    frame->link = (int16_t)trace_get_link_type(raw);
    break;
  default: /* nzix: libtrace moves two bytes of padding into the header */
    frame->header_length = NZIX_HEADER + MOVED, frame->wire_length = word(at + 8, false);
  }
  frame->header = at;
  frame->data = at + frame->header_length;
  frame->capture_length = (uint32_t)length - frame->header_length;
  frame->timestamp_ns = libtrace_ns(raw);
}

/* What libtrace says of it, but for the length on the wire. */
static void record_as_told(libtrace_packet_t *raw, lts_frame *frame) {
  size_t framing = trace_get_framing_length(raw);
  size_t captured = raw->payload ? trace_get_capture_length(raw) : 0;
  frame->header = raw->header;
  frame->header_length = framing <= LIBTRACE_PACKET_BUFSIZE ? (uint32_t)framing : 0;
  frame->data = raw->payload;
  frame->capture_length = captured <= LIBTRACE_PACKET_BUFSIZE ? (uint32_t)captured : 0;
  frame->link = (int16_t)trace_get_link_type(raw);
  frame->fcs = frame->link == TRACE_TYPE_ETH ? FCS : 0;
  frame->direction = (int16_t)trace_get_direction(raw);
  frame->timestamp_ns = libtrace_ns(raw);
}

/* Guard: libtrace 3 aborts on a wire length of 64 KiB, which segmentation offload reaches; `wire`,
 * from the record header, tells whether it would. */
static uint32_t safe_wire_length(const libtrace_packet_t *raw, int64_t wire,
                                 const lts_frame *frame) {
  if (wire + FCS < LIBTRACE_PACKET_BUFSIZE) return (uint32_t)trace_get_wire_length(raw);
  return (uint32_t)wire + frame->fcs;
}

static void record_other(lts_trace *trace, libtrace_packet_t *raw, int64_t length,
                         lts_frame *frame) {
  (void)trace;
  record_as_told(raw, frame);
  frame->wire_length = safe_wire_length(raw, length - frame->header_length, frame);
}

/* Guard: the kernel cuts a packet off where its frame ends; libtrace claims it whole, and would
 * show the next frames as a part of it. Since libtrace 4.0.30 the ring has no frames but headers
 * of version 3: these have the captured length where the others have two offsets, a larger number.
 */
static void record_ring(lts_trace *trace, libtrace_packet_t *raw, int64_t length,
                        lts_frame *frame) {
  const struct tpacket2_hdr *two = raw->header;
  const struct tpacket3_hdr *three = raw->header;
  (void)length;
  record_as_told(raw, frame);
  bool framed = three->tp_snaplen != frame->capture_length;
  frame->wire_length = safe_wire_length(raw, framed ? two->tp_len : three->tp_len, frame);
  if (framed)
    frame->capture_length =
        smaller(frame->capture_length, trace->ring_frame - frame->header_length);
}

typedef void recorder(lts_trace *, libtrace_packet_t *, int64_t, lts_frame *);

static recorder *recorder_of(libtrace_packet_t *raw) {
  if (lts_raw_is_pcapng(raw)) return record_pcapng;
  switch (trace_get_format(raw)) {
  case TRACE_FORMAT_PCAPFILE: return record_pcapfile;
  case TRACE_FORMAT_PCAP: return record_pcap;
  case TRACE_FORMAT_ERF:
  case TRACE_FORMAT_RAWERF: return record_erf;
  case TRACE_FORMAT_LEGACY_ATM:
  case TRACE_FORMAT_LEGACY_ETH:
  case TRACE_FORMAT_LEGACY_POS:
  case TRACE_FORMAT_LEGACY_NZIX: return record_legacy;
  case TRACE_FORMAT_LINUX_RING: return record_ring;
  default: return record_other;
  }
}

void lts_record(lts_trace *trace, libtrace_packet_t *raw, int64_t length, lts_frame *frame) {
  frame->filled = true;
  frame->erf = frame->exact = false;
  frame->fcs = 0;
  frame->padding = 0;
  frame->dlt = -1;
  frame->direction = TRACE_DIR_UNKNOWN;
  frame->rt_type = (uint32_t)raw->type;
  frame->headers.decoded = false;
  recorder *record = trace->pcapfile ? record_pcapfile : recorder_of(raw);
  record(trace, raw, length, frame);
  /* libtrace leaves an error behind for an odd packet, and would refuse to read on. */
  if (record != record_pcapfile && trace_is_err(trace->raw)) trace_get_err(trace->raw);
}
