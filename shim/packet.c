/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Packets: their memory, and the fields that they show.
 */
#include "lts_int.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

/* Most packets are dropped at once; their structs are used again. */
enum { SPARE = 64 };
static lts_packet *spare[SPARE];
static int spares;

lts_packet *lts_packet_take(void) {
  lts_packet *packet = spares ? spare[--spares] : malloc(sizeof *packet);
  if (!packet) {
    lts_fail_memory();
    return NULL;
  }
  packet->references = 1;
  packet->slot = NULL;
  packet->owned = NULL;
  return packet;
}

lts_packet *new_lts_packet(void) {
  lts_packet *packet = lts_packet_take();
  if (packet) memset(packet, 0, sizeof *packet);
  if (packet) packet->references = 1;
  return packet;
}

lts_packet *lts_packet_ref(lts_packet *packet) {
  packet->references++;
  return packet;
}

void delete_lts_packet(lts_packet *packet) {
  if (!packet || --packet->references) return;
  if (packet->slot) packet->slot->borrower = NULL;
  free(packet->owned);
  if (spares < SPARE)
    spare[spares++] = packet;
  else
    free(packet);
}

lts_status lts_packet_detach(lts_packet *packet) {
  uint8_t *copy = malloc((size_t)packet->header_length + packet->capture_length + 1);
  if (!copy) return lts_fail_memory();
  if (packet->header_length) memcpy(copy, packet->header, packet->header_length);
  if (packet->capture_length)
    memcpy(copy + packet->header_length, packet->data, packet->capture_length);
  packet->owned = packet->header = copy;
  packet->data = copy + packet->header_length;
  packet->slot->borrower = NULL;
  packet->slot = NULL;
  return LTS_OK;
}

lts_status lts_packet_pin(lts_packet *packet) {
  return packet->slot ? lts_packet_detach(packet) : LTS_OK;
}

/* ---- the record ---- */

static bool is_filled(const lts_packet *packet) {
  if (packet->filled) return true;
  lts_fail(LTS_E_VALUE, 0, NULL, "nothing was read into this packet yet");
  return false;
}

lts_bytes lts_packet_captured(lts_packet *packet) {
  return (lts_bytes){packet->data, packet->filled ? packet->capture_length : 0};
}

lts_bytearray lts_packet_data_get(lts_packet *packet) {
  if (!packet->filled) return (lts_bytearray){NULL, 0};
  lts_headers *headers = lts_packet_decode(packet);
  return (lts_bytearray){packet->data + headers->link, headers->end - headers->link};
}

lts_status lts_packet_data_set(lts_packet *packet, lts_bytearray data) {
  lts_bytearray old = lts_packet_data_get(packet);
  if (data.length > old.length)
    return lts_fail(LTS_E_VALUE, 0, NULL, "%zu bytes do not fit in the %zu of this packet",
                    data.length, old.length);
  if (data.length) memmove((uint8_t *)old.data, data.data, data.length);
  packet->headers.decoded = false;
  return LTS_OK;
}

lts_field lts_packet_size_get(lts_packet *packet) {
  return (lts_field)lts_packet_data_get(packet).length;
}

lts_name lts_packet_kind_get(lts_packet *packet) {
  (void)packet;
  return "packet";
}

lts_name lts_packet_type_get(lts_packet *packet) {
  (void)packet;
  return "Packet";
}

lts_text lts_packet_info(lts_packet *packet) {
  enum { HISTORIC_LIMIT = 49 };
  lts_text result = {.presence = LTS_PRESENT};
  unsigned length = (unsigned)lts_packet_data_get(packet).length;
  unsigned network = packet->filled ? packet->headers.ip - packet->headers.link : 0;
  char whole[96];
  result.length = snprintf(whole, sizeof whole, "Data: type=Packet, kind=packet, inrem=%u, rem=%u",
                           length > network ? length - network : 0, length);
  if (result.length > HISTORIC_LIMIT) result.length = HISTORIC_LIMIT;
  memcpy(result.text, whole, (size_t)result.length);
  return result;
}

lts_field lts_packet_linktype_get(lts_packet *packet) {
  return packet->filled ? lts_packet_decode(packet)->linktype : 0;
}

lts_field lts_packet_direction_get(lts_packet *packet) {
  return is_filled(packet) ? packet->direction : LTS_FAILED;
}

lts_field lts_packet_wire_len_get(lts_packet *packet) {
  return is_filled(packet) ? packet->wire_length : LTS_FAILED;
}

lts_field lts_packet_capture_len_get(lts_packet *packet) {
  return is_filled(packet) ? packet->capture_length : LTS_FAILED;
}

lts_truth lts_packet_is_truncated_get(lts_packet *packet) {
  if (!is_filled(packet)) return LTS_FAILED;
  return (uint64_t)packet->capture_length + packet->fcs < packet->wire_length;
}

/* ---- time ---- */

enum { BILLION = 1000000000 };

static int64_t seconds_of(int64_t ns) { return ns / BILLION - (ns % BILLION < 0); }

lts_field lts_packet_timestamp_ns_get(lts_packet *packet) {
  return is_filled(packet) ? packet->timestamp_ns : LTS_FAILED;
}

lts_field lts_packet_ts_sec_get(lts_packet *packet) {
  return is_filled(packet) ? seconds_of(packet->timestamp_ns) : LTS_FAILED;
}

lts_time lts_packet_time_get(lts_packet *packet) {
  if (!is_filled(packet)) return (lts_time){LTS_FAILED, 0};
  int64_t seconds = seconds_of(packet->timestamp_ns);
  return (lts_time){seconds, (int)((packet->timestamp_ns - seconds * BILLION) / 1000)};
}

double lts_packet_seconds_get(lts_packet *packet) {
  lts_time time = lts_packet_time_get(packet);
  return time.seconds == LTS_FAILED ? NAN : (double)time.seconds + time.microseconds / 1e6;
}

/* An ERF record's own time is finer than nanoseconds. */
lts_unsigned lts_packet_erf_time_get(lts_packet *packet) {
  if (!is_filled(packet)) return (lts_unsigned){LTS_CUT, 0};
  if (packet->erf) {
    uint64_t time = 0;
    for (int i = 7; i >= 0; i--) time = time << 8 | packet->header[i];
    return (lts_unsigned){LTS_PRESENT, time};
  }
  int64_t seconds = seconds_of(packet->timestamp_ns);
  uint64_t fraction = (uint64_t)(packet->timestamp_ns - seconds * BILLION);
  return (lts_unsigned){LTS_PRESENT, ((uint64_t)seconds << 32) + (fraction << 32) / BILLION};
}

/* ---- headers ---- */

static lts_presence cut(const lts_packet *packet, const char *name, uint64_t needed) {
  if (needed > packet->headers.end)
    lts_fail(LTS_E_TRUNCATED, 0, NULL, "%s is cut off: it needs %llu bytes, %u are captured", name,
             (unsigned long long)needed, packet->headers.end);
  else
    lts_fail(LTS_E_TRUNCATED, 0, NULL,
             "%s is cut off: the headers need more than the %u bytes captured", name,
             packet->headers.end);
  return LTS_CUT;
}

/* Whether the bytes [at, at + length) of a header that is `presence` can be read. */
static lts_presence readable(const lts_packet *packet, int presence, uint64_t at, uint32_t length,
                             const char *name) {
  if (presence == LTS_PRESENT && at + length <= packet->headers.end) return LTS_PRESENT;
  if (presence == LTS_MISSING) return LTS_MISSING;
  return cut(packet, name, presence == LTS_CUT ? 0 : at + length);
}

static lts_field field_of(lts_presence presence, lts_field value) {
  return presence == LTS_PRESENT ? value : presence == LTS_MISSING ? LTS_ABSENT : LTS_FAILED;
}

lts_field lts_packet_ethertype_get(lts_packet *packet) {
  return packet->filled ? lts_packet_decode(packet)->ethertype : 0;
}

lts_field lts_packet_vlan_id_get(lts_packet *packet) {
  return packet->filled ? lts_packet_decode(packet)->vlan_id : 0;
}

lts_field lts_packet_proto_get(lts_packet *packet) {
  (void)packet;
  return 0;
}

lts_field lts_packet_ip_proto_get(lts_packet *packet) {
  if (!is_filled(packet)) return LTS_FAILED;
  lts_headers *headers = lts_packet_decode(packet);
  return field_of(readable(packet, headers->proto_presence, 0, 0, "ip_proto"), headers->proto);
}

static bool has_ports(uint8_t proto) {
  enum { TCP = 6, UDP = 17, DCCP = 33, SCTP = 132, UDPLITE = 136 };
  return proto == TCP || proto == UDP || proto == SCTP || proto == DCCP || proto == UDPLITE;
}

static lts_field port(lts_packet *packet, uint32_t offset, const char *name) {
  if (!is_filled(packet)) return LTS_FAILED;
  lts_headers *headers = lts_packet_decode(packet);
  if (headers->proto_presence == LTS_PRESENT && !has_ports(headers->proto)) return LTS_ABSENT;
  uint64_t at = (uint64_t)headers->transport + offset;
  lts_presence presence = readable(packet, headers->transport_presence, at, 2, name);
  if (presence != LTS_PRESENT) return field_of(presence, 0);
  return packet->data[at] << 8 | packet->data[at + 1];
}

lts_field lts_packet_src_port_get(lts_packet *packet) { return port(packet, 0, "src_port"); }
lts_field lts_packet_dst_port_get(lts_packet *packet) { return port(packet, 2, "dst_port"); }

static lts_address address(lts_packet *packet, bool source, const char *name) {
  lts_address result = {.presence = LTS_CUT};
  if (!is_filled(packet)) return result;
  lts_headers *headers = lts_packet_decode(packet);
  uint32_t length = headers->ip_version == 6 ? 16 : 4;
  uint32_t offset = headers->ip_version == 6 ? 8 : 12;
  uint64_t at = (uint64_t)headers->ip + offset + (source ? 0 : length);
  result.presence = readable(packet, headers->ip_presence, at, length, name);
  result.version = headers->ip_version;
  if (result.presence == LTS_PRESENT) memcpy(result.bytes, packet->data + at, length);
  return result;
}

lts_address lts_packet_src_get(lts_packet *packet) { return address(packet, true, "src"); }
lts_address lts_packet_dst_get(lts_packet *packet) { return address(packet, false, "dst"); }

/* ---- text ---- */

static char *append_decimal(char *at, uint8_t value) {
  if (value >= 100) *at++ = (char)('0' + value / 100);
  if (value >= 10) *at++ = (char)('0' + value / 10 % 10);
  *at++ = (char)('0' + value % 10);
  return at;
}

static int format_ipv4(char *text, const uint8_t *bytes) {
  char *at = text;
  for (int i = 0; i < 4; i++) {
    if (i) *at++ = '.';
    at = append_decimal(at, bytes[i]);
  }
  return (int)(at - text);
}

static lts_text text_of_address(lts_address address) {
  lts_text result = {.presence = address.presence};
  if (address.presence != LTS_PRESENT) return result;
  if (address.version == 4)
    result.length = format_ipv4(result.text, address.bytes);
  else if (inet_ntop(AF_INET6, address.bytes, result.text, sizeof result.text))
    result.length = (int)strlen(result.text);
  return result;
}

lts_text lts_packet_src_text_get(lts_packet *packet) {
  return text_of_address(address(packet, true, "src_text"));
}
lts_text lts_packet_dst_text_get(lts_packet *packet) {
  return text_of_address(address(packet, false, "dst_text"));
}

static lts_text mac(lts_packet *packet, bool source, const char *name) {
  static const char digits[] = "0123456789abcdef";
  enum { MAC = 6 };
  lts_text result = {.presence = LTS_CUT};
  if (!is_filled(packet)) return result;
  lts_headers *headers = lts_packet_decode(packet);
  uint32_t at = source ? headers->src_mac : headers->dst_mac;
  result.presence = readable(packet, headers->macs, at, MAC, name);
  if (result.presence != LTS_PRESENT) return result;
  for (int i = 0; i < MAC; i++) {
    if (i) result.text[result.length++] = ':';
    result.text[result.length++] = digits[packet->data[at + (uint32_t)i] >> 4];
    result.text[result.length++] = digits[packet->data[at + (uint32_t)i] & 15];
  }
  return result;
}

lts_text lts_packet_src_mac_get(lts_packet *packet) { return mac(packet, true, "src_mac"); }
lts_text lts_packet_dst_mac_get(lts_packet *packet) { return mac(packet, false, "dst_mac"); }

/* ---- repr ---- */

/* What can be said of one end of the packet: its address and port, or its MAC address, or nothing.
 */
static void format_end(char *text, size_t size, lts_packet *packet, bool source) {
  lts_headers *headers = lts_packet_decode(packet);
  lts_text name = text_of_address(address(packet, source, ""));
  lts_field number = port(packet, source ? 0 : 2, "");
  bool bracket = number >= 0 && headers->ip_version == 6;
  if (name.presence != LTS_PRESENT) name = mac(packet, source, "");
  int length = snprintf(text, size, "%s%s%s", bracket ? "[" : "", name.text, bracket ? "]" : "");
  if (number >= 0) snprintf(text + length, size - (size_t)length, ":%d", (int)number);
}

lts_line lts_packet_repr(lts_packet *packet) {
  lts_line line;
  char source[80], destination[80];
  if (!packet->filled) {
    snprintf(line.text, sizeof line.text, "<libtrace.Packet, nothing read>");
    return line;
  }
  format_end(source, sizeof source, packet, true);
  format_end(destination, sizeof destination, packet, false);
  bool both = *source && *destination;
  lts_time time = lts_packet_time_get(packet);
  snprintf(line.text, sizeof line.text, "<libtrace.Packet %lld.%06d%s%s%s%s, %u of %u bytes>",
           (long long)time.seconds, time.microseconds, both ? " " : "", both ? source : "",
           both ? " > " : "", both ? destination : "", packet->capture_length,
           packet->wire_length - packet->fcs);
  return line;
}
