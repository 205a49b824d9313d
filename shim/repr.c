/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Packets and layers as a person reads them, in the manner of tcpdump.
 */
#include "layer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- repr ---- */

static void append(lts_line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(lts_line *line, const char *format, ...) {
  size_t used = strlen(line->text);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line->text + used, sizeof line->text - used, format, arguments);
  va_end(arguments);
}

/* What can be said of one end: address and port, or MAC address, or nothing. */
static void append_end(lts_line *line, lts_text address, lts_text mac, lts_field port, bool v6) {
  if (address.presence == LTS_PRESENT && port >= 0)
    append(line, v6 ? "[%s]:%d" : "%s:%d", address.text, (int)port);
  else if (address.presence == LTS_PRESENT)
    append(line, "%s", address.text);
  else if (mac.presence == LTS_PRESENT)
    append(line, "%s", mac.text);
}

static void append_ends(lts_line *line, lts_packet *packet) {
  bool v6 = lts_network_of(packet).version == 6;
  lts_text source = lts_packet_src_text_get(packet), source_mac = lts_packet_src_mac_get(packet);
  lts_text target = lts_packet_dst_text_get(packet), target_mac = lts_packet_dst_mac_get(packet);
  bool addresses = source.presence == LTS_PRESENT && target.presence == LTS_PRESENT;
  bool macs = source_mac.presence == LTS_PRESENT && target_mac.presence == LTS_PRESENT;
  if (!addresses && !macs) return;
  append(line, " ");
  append_end(line, source, source_mac, lts_packet_src_port_get(packet), v6);
  append(line, " > ");
  append_end(line, target, target_mac, lts_packet_dst_port_get(packet), v6);
}

/* The flags as tcpdump shows them: "S." is SYN and ACK. */
static void append_tcp(lts_line *line, lts_tcp *tcp) {
  static const char letters[] = "FSRP.UEW";
  lts_field flags = lts_tcp_flags_get(tcp), window = lts_tcp_window_get(tcp);
  if (flags == LTS_FAILED || window == LTS_FAILED) return;
  append(line, " [");
  for (int bit = 0; letters[bit]; bit++)
    if (flags >> bit & 1) append(line, "%c", letters[bit]);
  append(line, "] seq=%u ack=%u win=%u", (unsigned)lts_tcp_seq_nbr_get(tcp),
         (unsigned)lts_tcp_ack_nbr_get(tcp), (unsigned)window);
}

static void append_message(lts_line *line, lts_field type, lts_field code) {
  if (code != LTS_FAILED) append(line, " type=%d code=%d", (int)type, (int)code);
}

static void append_fields(lts_line *line, lts_packet *packet) {
  switch (packet->layer) {
  case LTS_TCP: append_tcp(line, (lts_tcp *)packet); break;
  case LTS_ICMP: {
    lts_icmp *icmp = (lts_icmp *)packet;
    append_message(line, lts_icmp_type_get(icmp), lts_icmp_code_get(icmp));
    break;
  }
  case LTS_ICMP6: {
    lts_icmp6 *icmp6 = (lts_icmp6 *)packet;
    append_message(line, lts_icmp6_type_get(icmp6), lts_icmp6_code_get(icmp6));
    break;
  }
  case LTS_IP:
  case LTS_IP6: {
    lts_field proto = lts_internet_proto_get((lts_internet *)packet);
    lts_field ttl = lts_internet_ttl_get((lts_internet *)packet);
    if (proto >= 0 && ttl >= 0) append(line, " proto=%d ttl=%d", (int)proto, (int)ttl);
    break;
  }
  case LTS_CHUNK: {
    lts_chunk *chunk = (lts_chunk *)packet;
    append(line, " type=%d length=%d", (int)lts_chunk_type_get(chunk),
           (int)lts_chunk_length_get(chunk));
    break;
  }
  default: break;
  }
}

static lts_line repr_of_packet(lts_packet *packet) {
  lts_line line = {"<Packet"};
  const lts_frame *frame = packet->frame;
  if (!frame->filled) {
    append(&line, ", nothing read>");
    return line;
  }
  lts_time time = lts_packet_time_get(packet);
  append(&line, " %lld.%06d", (long long)time.seconds, time.microseconds);
  append_ends(&line, packet);
  if (lts_link_is_meta(frame->link))
    append(&line, ", metadata, %u bytes>", frame->capture_length);
  else
    append(&line, ", %u of %u bytes>", frame->capture_length, lts_frame_wire(frame));
  return line;
}

lts_line lts_packet_repr(lts_packet *packet) {
  if (packet->layer == LTS_PACKET) return repr_of_packet(packet);
  lts_line line = {"<"};
  append(&line, "%s", lts_packet_type_get(packet));
  if (packet->network.version || !packet->copy) append_ends(&line, packet);
  if (!packet->payload) append_fields(&line, packet);
  append(&line, ", %u bytes>", (unsigned)lts_packet_data_get(packet).length);
  return line;
}

/* ---- hexdump ---- */

enum { ROW = 16, ROW_TEXT = 6 + 3 * ROW + 2 + ROW + 1 };

static void dump_row(char *text, const uint8_t *data, uint32_t at, uint32_t count) {
  static const char digits[] = "0123456789abcdef";
  int used = snprintf(text, 7, "%04x  ", at & 0xffff);
  for (uint32_t i = 0; i < ROW; i++) {
    text[used++] = i < count ? digits[data[at + i] >> 4] : ' ';
    text[used++] = i < count ? digits[data[at + i] & 15] : ' ';
    text[used++] = ' ';
  }
  text[used++] = ' ';
  for (uint32_t i = 0; i < count; i++)
    text[used++] = (char)(data[at + i] >= ' ' && data[at + i] < 0x7f ? data[at + i] : '.');
  text[used++] = '\n';
  text[used] = '\0';
}

lts_owned lts_packet_hexdump(lts_packet *packet) {
  lts_bytes bytes = lts_packet_captured(packet);
  lts_owned result = {malloc((bytes.length / ROW + 1) * (ROW_TEXT + 1) + 1), 0};
  if (!result.data) {
    lts_fail_memory();
    return result;
  }
  for (uint32_t at = 0; at < bytes.length; at += ROW) {
    uint32_t left = (uint32_t)bytes.length - at;
    dump_row((char *)result.data + result.length, bytes.data, at, left < ROW ? left : ROW);
    result.length += strlen((char *)result.data + result.length);
  }
  return result;
}
