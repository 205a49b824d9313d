/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * From our packets to the records of a file.
 *
 * They are made here and not by libtrace's writers, which do not copy a trace as it is. Of pcap
 * packets, 3.0.22 and 4.0.34 drop those of a link type that libtrace does not know (DLT_NULL, Linux
 * SLL 2 ...), add 4 to the wire length of radiotap packets, cut off what was captured beyond the
 * wire length, and abort (3) or write nonsense (4) for 64 KiB on the wire, which segmentation
 * offload reaches. Of ERF records, 3 drops the bytes of those with a receive error, on which 4
 * crashes; 4 also clears loss counters, drops padding, changes types, and refuses empty records.
 * Neither minds a second link type in a pcap file, nor a full disk.
 */
#include "bytes.h"
#include "output.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the formats share ---- */

static lts_status no_conversion(const lts_output *output, const lts_entry *entry) {
  if (lts_link_is_meta(entry->link))
    return lts_fail(LTS_E_TRACE, TRACE_ERR_NO_CONVERSION, output->uri,
                    "cannot write to '%s': metadata has no place in it; leave out what is_meta",
                    output->uri);
  const char *name = entry->dlt >= 0 ? pcap_datalink_val_to_name(entry->dlt) : NULL;
  return lts_fail(LTS_E_TRACE, TRACE_ERR_NO_CONVERSION, output->uri,
                  "cannot write to '%s': %s has nothing for the packet's link type, %s %d%s%s",
                  output->uri, output->writer->scheme, entry->dlt >= 0 ? "pcap's" : "libtrace's",
                  entry->dlt >= 0 ? entry->dlt : entry->link, name ? " " : "", name ? name : "");
}

static lts_status too_long(const lts_output *output, uint32_t limit, const lts_entry *entry) {
  return lts_fail(LTS_E_TRACE, TRACE_ERR_BAD_PACKET, output->uri,
                  "cannot write to '%s': %u bytes were captured, and %s holds up to %u",
                  output->uri, entry->captured, output->writer->scheme, limit);
}

static lts_status no_such_time(const lts_output *output, const lts_entry *entry, const char *last) {
  return lts_fail(
      LTS_E_TRACE, TRACE_ERR_BAD_PACKET, output->uri,
      "cannot write to '%s': the times of %s are those from 1970 to %s, this packet's is "
      "%lld seconds",
      output->uri, output->writer->scheme, last, (long long)entry->seconds);
}

/* Of pcap and ERF, which have 32 bits for it. */
static bool has_seconds(const lts_entry *entry) {
  return entry->seconds >= 0 && entry->seconds <= UINT32_MAX;
}

/* Takes off what lies before the link type that the format has. */
static void strip(lts_entry *entry, uint32_t header) {
  entry->data += header;
  entry->captured -= header;
  entry->wire = entry->wire > header ? entry->wire - header : 0;
  entry->dlt = -1;
  entry->erf = false;
}

static uint8_t *put(uint8_t *at, const void *from, size_t length) {
  if (length) memcpy(at, from, length);
  return at + length;
}

static uint8_t *put_be16(uint8_t *at, uint32_t value) {
  *at++ = (uint8_t)(value >> 8);
  *at++ = (uint8_t)value;
  return at;
}

/* ---- pcap ---- */

/* What a pcap file calls it, or -1. */
static int pcap_linktype(lts_entry *entry) {
  enum { ATM_HEADER = 4, LINKTYPE_ATM_RFC1483 = 100, LINKTYPE_RAW = 101, DLT_RAW_LINUX = 12 };
  if (entry->dlt >= 0) return entry->dlt == DLT_RAW_LINUX ? LINKTYPE_RAW : entry->dlt;
  if (entry->link == TRACE_TYPE_ATM && entry->captured >= ATM_HEADER) {
    strip(entry, ATM_HEADER);
    entry->link = TRACE_TYPE_LLCSNAP;
  }
  int dlt = lts_dlt_of_link(entry->link);
  if (dlt == DLT_ATM_RFC1483) return LINKTYPE_ATM_RFC1483;
  return dlt == DLT_RAW ? LINKTYPE_RAW : dlt;
}

/* pcap leaves the FCS out. A pcap packet keeps its lengths, even if they contradict each other. */
static void leave_out_fcs(lts_entry *entry) {
  entry->wire = entry->wire > entry->fcs ? entry->wire - entry->fcs : 0;
  if (entry->dlt < 0 && entry->captured > entry->wire) entry->captured = entry->wire;
}

/* libtrace 4 keeps the nanoseconds of a file whose first packet came with them: of pcap files, and
 * here of pcapng, too. */
static uint8_t *put_pcap_header(lts_output *output, const lts_entry *entry, int linktype,
                                uint8_t *at) {
  enum { MICROSECONDS = 0xa1b2c3d4, NANOSECONDS = 0xa1b23c4d };
  output->nanoseconds = entry->exact && lts_feature_get(LTS_FEATURE_NANOSECONDS);
  output->linktype = linktype;
  uint32_t magic = output->nanoseconds ? NANOSECONDS : MICROSECONDS;
  uint16_t version[] = {2, 4};
  uint32_t rest[] = {0, 0, LIBTRACE_PACKET_BUFSIZE, (uint32_t)linktype};
  return put(put(put(at, &magic, sizeof magic), version, sizeof version), rest, sizeof rest);
}

lts_status lts_encode_pcap(lts_output *output, lts_entry *entry) {
  int linktype = pcap_linktype(entry);
  if (linktype < 0) return no_conversion(output, entry);
  if (entry->captured >= LIBTRACE_PACKET_BUFSIZE)
    return too_long(output, LIBTRACE_PACKET_BUFSIZE - 1, entry);
  if (output->linktype >= 0 && linktype != output->linktype)
    return lts_fail(LTS_E_TRACE, TRACE_ERR_NO_CONVERSION, output->uri,
                    "cannot write to '%s': its packets have pcap's link type %d, this one has %d; "
                    "pcapng: takes both",
                    output->uri, output->linktype, linktype);
  if (!has_seconds(entry)) return no_such_time(output, entry, "2106");
  leave_out_fcs(entry);
  uint8_t *begin = lts_sink_end(output->sink), *at = begin;
  if (output->linktype < 0) at = put_pcap_header(output, entry, linktype, at);
  uint32_t fraction = output->nanoseconds ? entry->nanoseconds : entry->nanoseconds / 1000;
  uint32_t header[] = {(uint32_t)entry->seconds, fraction, entry->captured, entry->wire};
  at = put(put(at, header, sizeof header), entry->data, entry->captured);
  lts_sink_keep(output->sink, (size_t)(at - begin));
  return LTS_OK;
}

/* ---- pcapng ---- */

/* draft-ietf-opsawg-pcapng, 4.1 */
static uint8_t *put_section(uint8_t *at) {
  enum { SECTION = 0x0a0d0d0a, LENGTH = 28, MAGIC = 0x1a2b3c4d };
  uint32_t block[] = {SECTION, LENGTH, MAGIC, 0, UINT32_MAX, UINT32_MAX, LENGTH};
  uint16_t version[] = {1, 0};
  memcpy(&block[3], version, sizeof version);
  return put(at, block, sizeof block);
}

/* 4.2; with if_tsresol, since libtrace counts nanoseconds. */
static uint8_t *put_interface(uint8_t *at, uint16_t linktype) {
  enum { INTERFACE = 1, LENGTH = 32, IF_TSRESOL = 9, NANOSECONDS = 9 };
  uint32_t block[] = {INTERFACE, LENGTH, 0, LIBTRACE_PACKET_BUFSIZE, 0, 0, 0, LENGTH};
  uint16_t option[] = {IF_TSRESOL, 1};
  memcpy(&block[2], &linktype, sizeof linktype);
  memcpy(&block[4], option, sizeof option);
  *(uint8_t *)&block[5] = NANOSECONDS;
  return put(at, block, sizeof block);
}

/* The interface that stands for the link type: there is one for each. -1 when out of memory. */
static int64_t interface_of(lts_output *output, uint16_t linktype, uint8_t **at) {
  uint32_t count = output->interface_count;
  for (uint32_t i = 0; i < count; i++)
    if (output->interfaces[i] == linktype) return i;
  uint16_t *grown = realloc(output->interfaces, (count + 1) * sizeof *grown);
  if (!grown) return -1;
  grown[count] = linktype;
  output->interfaces = grown;
  if (!output->interface_count++) *at = put_section(*at);
  *at = put_interface(*at, linktype);
  return count;
}

/* 4.3 */
lts_status lts_encode_pcapng(lts_output *output, lts_entry *entry) {
  enum { ENHANCED = 6, FIXED = 32 };
  int linktype = pcap_linktype(entry);
  if (linktype < 0 || linktype > UINT16_MAX) return no_conversion(output, entry);
  if (entry->captured >= LIBTRACE_PACKET_BUFSIZE)
    return too_long(output, LIBTRACE_PACKET_BUFSIZE - 1, entry);
  if (entry->seconds < 0) return no_such_time(output, entry, "2262");
  leave_out_fcs(entry);
  uint8_t *begin = lts_sink_end(output->sink), *at = begin;
  int64_t interface = interface_of(output, (uint16_t)linktype, &at);
  if (interface < 0) return lts_fail_memory();
  uint32_t padding = -entry->captured & 3, length = FIXED + entry->captured + padding;
  uint64_t time = (uint64_t)entry->seconds * 1000000000 + entry->nanoseconds;
  uint32_t header[] = {ENHANCED,       length,          (uint32_t)interface, (uint32_t)(time >> 32),
                       (uint32_t)time, entry->captured, entry->wire};
  at = put(put(at, header, sizeof header), entry->data, entry->captured);
  at = put(put(at, "\0\0\0", padding), &length, sizeof length);
  lts_sink_keep(output->sink, (size_t)(at - begin));
  return LTS_OK;
}

/* ---- erf ---- */

enum { ERF_HEADER = 16, ERF_LENGTH = 10, ERF_LONGEST = 65535 };

/* The record as it was read; where the data is cut, or the header does not say, with its length. */
static lts_status copy_erf(lts_output *output, const lts_entry *entry) {
  uint32_t length = entry->header_length + entry->captured + entry->padding;
  uint8_t *begin = lts_sink_end(output->sink);
  uint8_t *at = put(begin, entry->header, entry->header_length);
  put_be16(begin + ERF_LENGTH, length);
  put(at, entry->data, entry->captured + entry->padding);
  lts_sink_keep(output->sink, length);
  return LTS_OK;
}

/* Cooked captures lose their pseudo-header, as with libtrace. */
static void demote_sll(lts_entry *entry) {
  enum { SLL = 16, ARPHRD = 2, PROTOCOL = 14 };
  enum { PPP = 512, LOOPBACK = 0x0060, IPV4 = 0x0800, IPV6 = 0x86dd };
  if (entry->link != TRACE_TYPE_LINUX_SLL || entry->captured < SLL) return;
  uint16_t protocol = be16(entry->data + PROTOCOL);
  bool ppp = be16(entry->data + ARPHRD) == PPP;
  if (ppp || protocol == IPV4 || protocol == IPV6)
    entry->link = TRACE_TYPE_NONE;
  else if (protocol == LOOPBACK)
    entry->link = TRACE_TYPE_ETH;
  else
    return;
  strip(entry, SLL);
}

/* ERF's type, or -1. */
static int erf_type(const lts_entry *entry) {
  enum { HDLC_POS = 1, ETH = 2, ATM = 3, AAL5 = 4, IPV4 = 22, IPV6 = 23 };
  switch (entry->link) {
  case TRACE_TYPE_HDLC_POS: return HDLC_POS;
  case TRACE_TYPE_ETH: return ETH;
  case TRACE_TYPE_ATM: return ATM;
  case TRACE_TYPE_AAL5: return AAL5;
  case LTS_LINK_IPV4: return IPV4;
  case LTS_LINK_IPV6: return IPV6;
  case TRACE_TYPE_NONE: return entry->captured && entry->data[0] >> 4 == 6 ? IPV6 : IPV4;
  default: return -1;
  }
}

/* The flags of libtrace: an interface, which without a direction is 1, and no more. */
lts_status lts_encode_erf(lts_output *output, lts_entry *entry) {
  enum { INTERFACES = 3, UNKNOWN = 1, ETH = 2 };
  if (entry->erf && entry->header_length >= ERF_HEADER) return copy_erf(output, entry);
  demote_sll(entry);
  int type = erf_type(entry);
  if (type < 0) return no_conversion(output, entry);
  uint32_t padding = type == ETH ? 2 : 0, framing = ERF_HEADER + padding;
  if (entry->captured > ERF_LONGEST - framing)
    return too_long(output, ERF_LONGEST - framing, entry);
  if (!has_seconds(entry)) return no_such_time(output, entry, "2106");
  uint8_t *at = lts_sink_end(output->sink);
  uint64_t time = lts_packet_erf_time_get(entry->packet).value;
  for (int i = 0; i < 8; i++) *at++ = (uint8_t)(time >> 8 * i);
  *at++ = (uint8_t)type;
  *at++ = entry->direction == TRACE_DIR_UNKNOWN ? UNKNOWN : entry->direction & INTERFACES;
  at = put_be16(at, framing + entry->captured);
  at = put_be16(at, 0);
  at = put_be16(at, entry->wire < UINT16_MAX ? entry->wire : UINT16_MAX);
  put(put(at, "\0\0", padding), entry->data, entry->captured);
  lts_sink_keep(output->sink, framing + entry->captured);
  return LTS_OK;
}

/* ---- duck ---- */

/* DAG clock reports, behind a word that tells their version. */
lts_status lts_encode_duck(lts_output *output, lts_entry *entry) {
  if (entry->link != TRACE_TYPE_DUCK) return no_conversion(output, entry);
  if (output->linktype >= 0 && output->linktype != (int)entry->rt_type)
    return lts_fail(LTS_E_TRACE, TRACE_ERR_NO_CONVERSION, output->uri,
                    "cannot write to '%s': another version of DUCK than before", output->uri);
  uint8_t *begin = lts_sink_end(output->sink), *at = begin;
  if (output->linktype < 0)
    for (int i = 0; i < 4; i++) *at++ = (uint8_t)(entry->rt_type >> 8 * i);
  output->linktype = (int)entry->rt_type;
  at = put(at, entry->data, entry->captured);
  lts_sink_keep(output->sink, (size_t)(at - begin));
  return LTS_OK;
}
