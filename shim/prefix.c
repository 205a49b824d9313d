/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * IP addresses with or without a prefix length.
 */
#include "bytes.h"
#include "lts_int.h"
#include "spares.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

enum { NO_LENGTH = LTS_NO_LENGTH };

struct lts_prefix {
  uint8_t *bytes; /* the address: `own`, or memory that a script can write to */
  int version;
  int length; /* NO_LENGTH where there is none */
  uint8_t own[16];
  void *lender; /* of the memory that `bytes` points to */
};

/* ---- memory ---- */

static lts_spares spare = LTS_SPARES(lts_prefix);

static uint32_t size_of(int version) { return version == 4 ? 4 : 16; }
static int bits_of(int version) { return version == 4 ? 32 : 128; }

lts_prefix *lts_prefix_from_bytes(int version, const uint8_t *bytes) {
  lts_prefix *prefix = lts_spares_take(&spare);
  if (!prefix) return NULL;
  prefix->bytes = prefix->own;
  prefix->version = version;
  prefix->length = NO_LENGTH;
  prefix->lender = NULL;
  memcpy(prefix->own, bytes, size_of(version));
  return prefix;
}

lts_prefix *new_lts_prefix(int version, lts_bytearray address, int length) {
  uint8_t bytes[16] = {0};
  if (version != 4 && version != 6) {
    lts_fail(LTS_E_VALUE, 0, NULL, "version must be 4 or 6");
    return NULL;
  }
  if (address.length > size_of(version)) {
    lts_fail(LTS_E_ATTRIBUTE, 0, NULL, "an IPv%d address has at most %u bytes, not %zu", version,
             size_of(version), address.length);
    return NULL;
  }
  if (length != NO_LENGTH && (length < 1 || length > bits_of(version))) {
    lts_fail(LTS_E_ATTRIBUTE, 0, NULL, "length of an IPv%d prefix must be 1 to %d", version,
             bits_of(version));
    return NULL;
  }
  if (address.length) memcpy(bytes, address.data, address.length);
  lts_prefix *prefix = lts_prefix_from_bytes(version, bytes);
  if (prefix) prefix->length = length;
  return prefix;
}

void delete_lts_prefix(lts_prefix *prefix) {
  if (!prefix) return;
  if (prefix->lender) lts_return_buffer(prefix->lender);
  lts_spares_give(&spare, prefix);
}

lts_bytes lts_prefix_bytes(const lts_prefix *prefix) {
  return (lts_bytes){prefix->bytes, size_of(prefix->version)};
}

void lts_prefix_move(lts_prefix *prefix, uint8_t *memory, void *lender) {
  memcpy(memory, prefix->bytes, size_of(prefix->version));
  prefix->bytes = memory;
  prefix->lender = lender;
}

void *lts_prefix_lender(const lts_prefix *prefix) { return prefix->lender; }

/* ---- attributes ---- */

lts_field lts_prefix_version_get(lts_prefix *prefix) { return prefix->version; }

static bool has_length(const lts_prefix *prefix) {
  if (prefix->length != NO_LENGTH) return true;
  lts_fail(LTS_E_ATTRIBUTE, 0, NULL, "the prefix has no length");
  return false;
}

lts_field lts_prefix_length_get(lts_prefix *prefix) {
  return has_length(prefix) ? prefix->length : LTS_FAILED;
}

lts_status lts_prefix_length_set(lts_prefix *prefix, lts_field length) {
  if (length < 1) return lts_fail(LTS_E_VALUE, 0, NULL, "length must be > 0");
  if (length > bits_of(prefix->version))
    return lts_fail(LTS_E_VALUE, 0, NULL, "IPv%d length must be <= %d", prefix->version,
                    bits_of(prefix->version));
  prefix->length = (int)length;
  return LTS_OK;
}

int lts_prefix_state(const lts_prefix *prefix) { return prefix->length; }

lts_status lts_prefix_restore(lts_prefix *prefix, int state) {
  if (state < NO_LENGTH || state > bits_of(prefix->version))
    return lts_fail(LTS_E_VALUE, 0, NULL, "no prefix has the length %d", state);
  prefix->length = state;
  return LTS_OK;
}

lts_field lts_prefix_width_get(lts_prefix *prefix) {
  return has_length(prefix) ? prefix->length - 1 : LTS_FAILED;
}

lts_new_prefix lts_prefix_complement_get(lts_prefix *prefix) {
  uint8_t bytes[16] = {0};
  for (uint32_t i = 0; i < size_of(prefix->version); i++) bytes[i] = (uint8_t)~prefix->bytes[i];
  lts_prefix *complement = lts_prefix_from_bytes(prefix->version, bytes);
  if (complement) complement->length = prefix->length;
  return complement;
}

lts_address lts_prefix_address_get(lts_prefix *prefix) {
  lts_address address = {.presence = LTS_PRESENT, .version = prefix->version};
  memcpy(address.bytes, prefix->bytes, size_of(prefix->version));
  return address;
}

/* ---- bits ---- */

int lts_common_bits(const uint8_t *a, const uint8_t *b, int limit) {
  for (int at = 0; at < limit; at += 8) {
    unsigned difference = a[at / 8] ^ b[at / 8];
    if (!difference) continue;
    int bit = at + __builtin_clz(difference) - ((int)sizeof difference - 1) * 8;
    return bit < limit ? bit : limit;
  }
  return limit;
}

lts_truth lts_prefix_is_rfc1918_get(lts_prefix *prefix) {
  static const struct {
    uint8_t address[4];
    int length;
  } private[] = {{{10}, 8}, {{172, 16}, 12}, {{192, 168}, 16}};
  if (prefix->version != 4) return false;
  int length = prefix->length == NO_LENGTH ? bits_of(4) : prefix->length;
  for (size_t i = 0; i < sizeof private / sizeof *private; i++)
    if (length >= private[i].length &&
        lts_common_bits(prefix->bytes, private[i].address, private[i].length) == private[i].length)
      return true;
  return false;
}

lts_truth lts_prefix_has_bit_set(lts_prefix *prefix, int bit) {
  if (bit < 0) return true;
  if (bit >= bits_of(prefix->version)) return false;
  return prefix->bytes[bit / 8] >> (7 - bit % 8) & 1;
}

static bool same_version(const lts_prefix *prefix, const lts_prefix *other) {
  if (prefix->version == other->version) return true;
  lts_fail(LTS_E_ATTRIBUTE, 0, NULL, "IPv4 and IPv6 prefixes cannot be compared");
  return false;
}

lts_truth lts_prefix_equal(lts_prefix *prefix, lts_prefix *other) {
  if (!same_version(prefix, other)) return LTS_FAILED;
  return !memcmp(prefix->bytes, other->bytes, size_of(prefix->version));
}

lts_truth lts_prefix_is_prefix(lts_prefix *prefix, lts_prefix *other) {
  if (!same_version(prefix, other) || !has_length(prefix)) return LTS_FAILED;
  if (other->length != NO_LENGTH && other->length < prefix->length) return false;
  return lts_common_bits(prefix->bytes, other->bytes, prefix->length) == prefix->length;
}

lts_field lts_prefix_first_bit_different(lts_prefix *prefix, lts_prefix *other) {
  if (!same_version(prefix, other) || !has_length(prefix) || !has_length(other)) return LTS_FAILED;
  int shorter = prefix->length < other->length ? prefix->length : other->length;
  return lts_common_bits(prefix->bytes, other->bytes, shorter);
}

/* ---- order ---- */

lts_order lts_prefix_compare(const lts_prefix *prefix, const lts_prefix *other) {
  if (!same_version(prefix, other)) return LTS_UNORDERED;
  int order = memcmp(prefix->bytes, other->bytes, size_of(prefix->version));
  if (!order && prefix->length != NO_LENGTH && other->length != NO_LENGTH)
    order = other->length - prefix->length;
  return order < 0 ? LTS_LESS : order > 0 ? LTS_GREATER : LTS_EQUAL;
}

uint32_t lts_prefix_hash(const lts_prefix *prefix) {
  enum { NONE = 129, LENGTH = 63997, VERSION = 41, GROUP = 99991 };
  uint32_t length = prefix->length == NO_LENGTH ? NONE : (uint32_t)prefix->length;
  uint32_t hash = length * LENGTH * 256 + (uint32_t)prefix->version * VERSION;
  for (uint32_t at = 0; at < size_of(prefix->version); at += 4)
    hash ^= le32(prefix->bytes + at) * GROUP;
  return hash & INT32_MAX;
}

/* ---- text ---- */

lts_text lts_prefix_str(lts_prefix *prefix) {
  lts_text result = lts_text_of_address(lts_prefix_address_get(prefix));
  if (prefix->length != NO_LENGTH)
    result.length += snprintf(result.text + result.length,
                              sizeof result.text - (size_t)result.length, "/%d", prefix->length);
  return result;
}

/* Digits alone; one more than any prefix has where the number is larger. */
static int parse_length(const char *text, int limit) {
  int length = 0;
  if (!*text) return NO_LENGTH;
  for (; *text; text++) {
    if (*text < '0' || *text > '9') return NO_LENGTH;
    length = length > limit ? length : length * 10 + (*text - '0');
  }
  return length;
}

lts_new_prefix lts_prefix_from_s(const char *text) {
  char address[INET6_ADDRSTRLEN];
  uint8_t bytes[16];
  size_t size = strcspn(text, "/");
  int version = memchr(text, ':', size) ? 6 : 4, length = NO_LENGTH;
  int printed = snprintf(address, sizeof address, "%.*s", (int)size, text);
  if (size >= sizeof address || (size_t)printed != size ||
      inet_pton(version == 4 ? AF_INET : AF_INET6, address, bytes) != 1) {
    lts_fail(LTS_E_VALUE, 0, NULL, "'%.64s' is no IPv4 or IPv6 address", text);
    return NULL;
  }
  if (text[size]) {
    length = parse_length(text + size + 1, bits_of(version));
    if (length == NO_LENGTH || length > bits_of(version)) {
      lts_fail(LTS_E_VALUE, 0, NULL, "the length in '%.64s' is no number from 0 to %d", text,
               bits_of(version));
      return NULL;
    }
  }
  lts_prefix *prefix = lts_prefix_from_bytes(version, bytes);
  if (prefix) prefix->length = length;
  return prefix;
}
