/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Addresses as text. A table has two a packet, for which inet_ntop() takes more time than reading
 * and decoding it.
 */
#include "layer.h"

static const char digits[] = "0123456789abcdef";

/* ---- IP ---- */

static char *append_decimal(char *at, uint8_t value) {
  if (value >= 100) *at++ = (char)('0' + value / 100);
  if (value >= 10) *at++ = (char)('0' + value / 10 % 10);
  *at++ = (char)('0' + value % 10);
  return at;
}

static char *append_ipv4(char *at, const uint8_t *bytes) {
  for (int i = 0; i < 4; i++) {
    if (i) *at++ = '.';
    at = append_decimal(at, bytes[i]);
  }
  return at;
}

static char *append_group(char *at, uint16_t group) {
  int shift = group >> 12 ? 12 : group >> 8 ? 8 : group >> 4 ? 4 : 0;
  for (; shift >= 0; shift -= 4) *at++ = digits[group >> shift & 15];
  return at;
}

enum { GROUPS = 8 };

/* The first of the longest runs of zeros; -1 where none has two groups or more. */
static int find_zeros(const uint8_t *bytes, int *length) {
  int first = -1;
  *length = 1;
  for (int i = 0, run = 0; i < GROUPS; i++) {
    run = be16(bytes + 2 * i) ? 0 : run + 1;
    if (run <= *length) continue;
    *length = run;
    first = i + 1 - run;
  }
  return first;
}

/* RFC 5952; as inet_ntop(), mapped and compatible addresses (RFC 4291, 2.5.5) end as IPv4's. */
static char *append_ipv6(char *at, const uint8_t *bytes) {
  int length, zeros = find_zeros(bytes, &length);
  bool holds_ipv4 = zeros == 0 && (length == 6 || (length == 5 && be16(bytes + 10) == 0xffff));
  for (int i = 0; i < GROUPS; i++) {
    if (i == zeros) {
      *at++ = ':';
      i += length - 1;
      if (i == GROUPS - 1) *at++ = ':';
      continue;
    }
    if (i) *at++ = ':';
    if (i == 6 && holds_ipv4) return append_ipv4(at, bytes + 12);
    at = append_group(at, be16(bytes + 2 * i));
  }
  return at;
}

int lts_address_format(char *text, const lts_address *address) {
  if (address->presence != LTS_PRESENT) return -1;
  const uint8_t *bytes = address->bytes;
  return (int)((address->version == 4 ? append_ipv4(text, bytes) : append_ipv6(text, bytes)) -
               text);
}

lts_text lts_text_of_address(lts_address address) {
  lts_text result = {.presence = address.presence};
  if (address.presence == LTS_PRESENT) result.length = lts_address_format(result.text, &address);
  return result;
}

/* ---- MAC addresses ---- */

int lts_mac_format(char *text, const uint8_t *bytes) {
  enum { MAC = 6 };
  char *at = text;
  for (int i = 0; i < MAC; i++) {
    if (i) *at++ = ':';
    *at++ = digits[bytes[i] >> 4];
    *at++ = digits[bytes[i] & 15];
  }
  return (int)(at - text);
}
