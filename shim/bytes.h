/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Integers from bytes at any alignment.
 */
#ifndef LTS_BYTES_H
#define LTS_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t be16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
static inline uint16_t le16(const uint8_t *at) { return (uint16_t)(at[1] << 8 | at[0]); }
static inline uint32_t be32(const uint8_t *at) { return (uint32_t)be16(at) << 16 | be16(at + 2); }
static inline uint32_t le32(const uint8_t *at) { return (uint32_t)le16(at + 2) << 16 | le16(at); }
static inline uint64_t le64(const uint8_t *at) { return (uint64_t)le32(at + 4) << 32 | le32(at); }

/* Numbers in the byte order of the machine that wrote the file. */
static inline uint16_t half(const uint8_t *at, bool swapped) {
  uint16_t value;
  memcpy(&value, at, sizeof value);
  return swapped ? __builtin_bswap16(value) : value;
}

static inline uint32_t word(const uint8_t *at, bool swapped) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return swapped ? __builtin_bswap32(value) : value;
}

static inline uint64_t twice(const uint8_t *at, bool swapped) {
  uint64_t value;
  memcpy(&value, at, sizeof value);
  return swapped ? __builtin_bswap64(value) : value;
}

#endif
