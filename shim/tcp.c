/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Fields of TCP (RFC 9293, 3.1) and UDP (RFC 768).
 */
#include "layer.h"

LTS_NUMBER(tcp, src_port, 0, 2)
LTS_NUMBER(tcp, dst_port, 2, 2)
LTS_NUMBER(tcp, seq_nbr, 4, 4)
LTS_NUMBER(tcp, ack_nbr, 8, 4)
LTS_NUMBER(tcp, window, 14, 2)
LTS_NUMBER(tcp, checksum, 16, 2)
LTS_NUMBER(tcp, urg_ptr, 18, 2)

LTS_NUMBER(udp, src_port, 0, 2)
LTS_NUMBER(udp, dst_port, 2, 2)
LTS_NUMBER(udp, len, 4, 2)
LTS_NUMBER(udp, checksum, 6, 2)

lts_field lts_tcp_urgent_get(lts_tcp *tcp) { return lts_tcp_urg_ptr_get(tcp); }

lts_status lts_tcp_checksum_set(lts_tcp *tcp, int value) {
  return lts_layer_set_checksum(&tcp->layer, tcp->layer.at, 16, value);
}

lts_status lts_udp_checksum_set(lts_udp *udp, int value) {
  return lts_layer_set_checksum(&udp->layer, udp->layer.at, 6, value);
}

lts_field lts_tcp_doff_get(lts_tcp *tcp) {
  lts_field value = lts_layer_number(&tcp->layer, tcp->layer.at, 12, 1, "doff");
  return value == LTS_FAILED ? value : value >> 4;
}

/* ---- flags ---- */

lts_field lts_tcp_flags_get(lts_tcp *tcp) {
  lts_field value = lts_layer_number(&tcp->layer, tcp->layer.at, 12, 2, "flags");
  return value == LTS_FAILED ? value : value & 0xfff;
}

#define FLAG(NAME, BIT)                                                                            \
  lts_truth lts_tcp_##NAME##_get(lts_tcp *tcp) {                                                   \
    lts_field value = lts_layer_number(&tcp->layer, tcp->layer.at, 13, 1, #NAME);                  \
    return value == LTS_FAILED ? value : value >> BIT & 1;                                         \
  }
FLAG(fin_flag, 0)
FLAG(syn_flag, 1)
FLAG(rst_flag, 2)
FLAG(psh_flag, 3)
FLAG(ack_flag, 4)
FLAG(urg_flag, 5)

/* RFC 9293, 3.1; RFC 3168; AE: RFC 9768. */
lts_names lts_tcp_flag_names_get(lts_tcp *tcp) {
  static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"};
  lts_names result = {.count = 0};
  lts_field flags = lts_tcp_flags_get(tcp);
  if (flags == LTS_FAILED) return (lts_names){.count = -1};
  for (size_t bit = 0; bit < sizeof names / sizeof *names; bit++)
    if (flags >> bit & 1) result.names[result.count++] = names[bit];
  return result;
}

/* ---- options ---- */

enum { HEADER = 20, END = 0, PADDING = 1, SACK_PERMITTED = 4 };

/* The captured part of the options; NULL where the header has no place for them. */
static const uint8_t *options(const lts_packet *tcp, uint32_t *length) {
  uint32_t end = lts_layer_end(tcp);
  if ((uint64_t)tcp->at + HEADER > end) return NULL;
  const uint8_t *header = tcp->frame->data + tcp->at;
  uint32_t whole = (header[12] >> 4) * 4u, captured = end - tcp->at;
  if (whole < HEADER) return NULL;
  *length = (whole < captured ? whole : captured) - HEADER;
  return header + HEADER;
}

/* One step of the walk, of at most 40: false at its end. An option that runs past the area has no
 * value. */
static bool next_option(const uint8_t *area, uint32_t area_length, uint32_t *at, uint8_t *kind,
                        lts_bytes *value) {
  while (*at < area_length && area[*at] == PADDING) ++*at;
  if (*at >= area_length || area[*at] == END) return false;
  *kind = area[*at];
  uint8_t length = *at + 1 < area_length ? area[*at + 1] : 0;
  bool whole = length >= 2 && *at + length <= area_length;
  *value = whole ? (lts_bytes){area + *at + 2, length - 2u} : (lts_bytes){NULL, 0};
  *at = whole ? *at + length : area_length;
  return true;
}

lts_value lts_tcp_options_data_get(lts_tcp *tcp) {
  uint32_t length;
  const uint8_t *area = options(&tcp->layer, &length);
  return area ? lts_value_bytes(area, length) : lts_value_truth(false);
}

lts_value lts_tcp_option_numbers_get(lts_tcp *tcp) {
  uint32_t length, at = 0;
  const uint8_t *area = options(&tcp->layer, &length);
  if (!area || !length) return lts_value_truth(false);
  lts_value kinds = {.kind = LTS_VALUE_BYTES};
  lts_bytes value;
  while (next_option(area, length, &at, &kinds.room[kinds.bytes.length], &value))
    kinds.bytes.length++;
  return kinds;
}

lts_value lts_tcp_option(lts_tcp *tcp, int number) {
  uint32_t length, at = 0;
  uint8_t kind;
  lts_bytes value;
  if (number < 2 || number > 255) {
    lts_fail(LTS_E_VALUE, 0, NULL, "TCP option %d is not within 2..255", number);
    return lts_value_failed();
  }
  const uint8_t *area = options(&tcp->layer, &length);
  while (area && next_option(area, length, &at, &kind, &value)) {
    if (kind != number || !value.data) continue;
    return kind == SACK_PERMITTED ? lts_value_truth(true)
                                  : lts_value_bytes(value.data, value.length);
  }
  return lts_value_truth(false);
}

/* RFC 9293, 3.2; RFC 7323; RFC 2018: values of the right length only. */
static void read_numbers(lts_option *option) {
  enum { MSS = 2, WINDOW_SCALE = 3, SACK = 5, TIMESTAMPS = 8 };
  const uint8_t *at = option->value.data;
  size_t length = option->value.length;
  if (option->kind == MSS && length == 2)
    option->numbers[option->count++] = be16(at);
  else if (option->kind == WINDOW_SCALE && length == 1)
    option->numbers[option->count++] = at[0];
  else if ((option->kind == SACK && length % 8 == 0) || (option->kind == TIMESTAMPS && length == 8))
    for (size_t i = 0; i + 4 <= length && option->count < 10; i += 4)
      option->numbers[option->count++] = be32(at + i);
}

lts_field lts_tcp_option_number(lts_tcp *tcp, uint8_t kind, int index) {
  uint32_t length, at = 0;
  lts_option option;
  if (!lts_layer_bytes(&tcp->layer, tcp->layer.at, 0, HEADER, "options")) return LTS_FAILED;
  const uint8_t *area = options(&tcp->layer, &length);
  while (area && next_option(area, length, &at, &option.kind, &option.value)) {
    if (option.kind != kind || !option.value.data) continue;
    option.count = 0;
    read_numbers(&option);
    if (index < option.count) return option.numbers[index];
  }
  return LTS_ABSENT;
}

lts_options lts_tcp_options_get(lts_tcp *tcp) {
  uint32_t length, at = 0;
  lts_options result = {.count = 0};
  if (!lts_layer_bytes(&tcp->layer, tcp->layer.at, 0, HEADER, "options"))
    return (lts_options){.count = -1};
  const uint8_t *area = options(&tcp->layer, &length);
  lts_option option = {.count = 0};
  while (area && next_option(area, length, &at, &option.kind, &option.value)) {
    option.count = 0;
    if (!option.value.data) break;
    read_numbers(&option);
    result.items[result.count++] = option;
  }
  return result;
}
