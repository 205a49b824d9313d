/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * SipHash-1-3 of whole words: who sends the packets must not be able to choose where in a table
 * they go.
 */
#ifndef LTS_HASH_H
#define LTS_HASH_H

#include <stdint.h>

typedef struct lts_hash {
  uint64_t v[4];
} lts_hash;

static inline uint64_t lts_hash_rotate(uint64_t value, int bits) {
  return value << bits | value >> (64 - bits);
}

static inline void lts_hash_round(uint64_t v[4]) {
  v[0] += v[1], v[1] = lts_hash_rotate(v[1], 13) ^ v[0], v[0] = lts_hash_rotate(v[0], 32);
  v[2] += v[3], v[3] = lts_hash_rotate(v[3], 16) ^ v[2];
  v[0] += v[3], v[3] = lts_hash_rotate(v[3], 21) ^ v[0];
  v[2] += v[1], v[1] = lts_hash_rotate(v[1], 17) ^ v[2], v[2] = lts_hash_rotate(v[2], 32);
}

static inline lts_hash lts_hash_begin(const uint64_t seed[2]) {
  return (lts_hash){{seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d,
                     seed[0] ^ 0x6c7967656e657261, seed[1] ^ 0x7465646279746573}};
}

static inline void lts_hash_word(lts_hash *hash, uint64_t word) {
  hash->v[3] ^= word;
  lts_hash_round(hash->v);
  hash->v[0] ^= word;
}

static inline uint64_t lts_hash_end(lts_hash *hash) {
  enum { FINAL = 3 };
  hash->v[2] ^= 0xff;
  for (int i = 0; i < FINAL; i++) lts_hash_round(hash->v);
  return hash->v[0] ^ hash->v[1] ^ hash->v[2] ^ hash->v[3];
}

#endif
