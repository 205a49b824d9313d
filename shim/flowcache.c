/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The cache of flows that have not ended: a hash table, and lists in the order of their last
 * packets. It never holds more flows than it was told.
 */
#include "flowcache.h"
#include "hash.h"

#include <math.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

/* Connections that TCP has closed are waited for in a list of their own. */
typedef enum lts_liveness { OPEN, CLOSED, LISTS } lts_liveness;

typedef struct records {
  lts_flow_record *oldest, *newest;
} records;

enum { SLAB = 1024 };
typedef struct slab {
  struct slab *next;
  lts_flow_record records[SLAB];
} slab;

struct lts_flow_cache {
  int references;
  bool busy;             /* a reader is inside */
  unsigned forks;        /* lts_forks, when the last one entered */
  lts_flow_cache *outer; /* which its thread is inside of, too: in signal handlers */
  uint64_t timeouts[LISTS], active_timeout; /* nanoseconds */
  uint32_t most, count;
  uint64_t seed[2];
  /* Where the clock stands, and the time in the trace that this is. */
  uint64_t now;
  int64_t time;
  bool started;
  lts_flow_record **buckets;
  uint64_t mask;
  records live[LISTS];
  records ended;
  lts_flow_record *free;
  slab *slabs;
  uint32_t used; /* of the newest slab */
  uint64_t ignored;
};

/* ---- life ---- */

static uint64_t nanoseconds(double seconds) {
  return seconds * 1e9 < 0x1p64 ? (uint64_t)(seconds * 1e9) : UINT64_MAX;
}

static lts_status check(double idle_timeout, double active_timeout, int max_flows) {
  if (!(idle_timeout >= 0) || !(active_timeout >= 0))
    return lts_fail(LTS_E_VALUE, 0, NULL, "idle_timeout and active_timeout are 0 or more seconds");
  if (max_flows < 1) return lts_fail(LTS_E_VALUE, 0, NULL, "max_flows is 1 or more, below 2^31");
  return LTS_OK;
}

static lts_status prepare(lts_flow_cache *cache) {
  enum { BUCKETS = 1024 };
  cache->buckets = calloc(BUCKETS, sizeof *cache->buckets);
  cache->mask = BUCKETS - 1;
  if (!cache->buckets) return lts_fail_memory();
  if (!getentropy(cache->seed, sizeof cache->seed)) return LTS_OK;
  return lts_fail(LTS_E_TRACE, 0, NULL, "the system gives no random numbers to seed a table with");
}

lts_flow_cache *new_lts_flow_cache(double idle_timeout, double active_timeout, int max_flows) {
  enum { LINGER = 5 }; /* as Zeek's tcp_close_delay */
  if (check(idle_timeout, active_timeout, max_flows)) return NULL;
  lts_flow_cache *cache = calloc(1, sizeof *cache);
  if (!cache) return lts_fail_memory(), NULL;
  cache->references = 1;
  cache->timeouts[OPEN] = nanoseconds(idle_timeout);
  cache->timeouts[CLOSED] = nanoseconds(idle_timeout < LINGER ? idle_timeout : LINGER);
  cache->active_timeout = nanoseconds(active_timeout);
  cache->most = (uint32_t)max_flows;
  if (!prepare(cache)) return cache;
  delete_lts_flow_cache(cache);
  return NULL;
}

lts_flow_cache *lts_flow_cache_ref(lts_flow_cache *cache) {
  cache->references++;
  return cache;
}

void delete_lts_flow_cache(lts_flow_cache *cache) {
  if (!cache || --cache->references) return;
  for (slab *next, *old = cache->slabs; old; old = next) {
    next = old->next;
    free(old);
  }
  free(cache->buckets);
  free(cache);
}

lts_count lts_flow_cache_count_get(lts_flow_cache *cache) { return cache->count; }
lts_count lts_flow_cache_ignored_get(lts_flow_cache *cache) { return cache->ignored; }

bool lts_flow_cache_has_begun(const lts_flow_cache *cache) { return cache->started; }

bool lts_flow_cache_is_empty(const lts_flow_cache *cache) {
  return !cache->count && !cache->ended.oldest;
}

/* ---- readers ---- */

static _Thread_local lts_flow_cache *inside;

lts_status lts_flow_cache_enter(lts_flow_cache *cache) {
  for (const lts_flow_cache *entered = inside; entered; entered = entered->outer)
    if (entered == cache)
      return lts_fail(LTS_E_STATE, 0, NULL, "these flows are being read: no signal handler may");
  if (cache->busy && !lts_flow_cache_is_busy(cache))
    return lts_fail(LTS_E_STATE, 0, NULL,
                    "another thread read these flows when this process was forked off");
  if (lts_wait_until_idle(&cache->busy)) return LTS_ERROR;
  cache->busy = true;
  cache->forks = lts_forks;
  cache->outer = inside;
  inside = cache;
  return LTS_OK;
}

void lts_flow_cache_leave(lts_flow_cache *cache) {
  inside = cache->outer;
  cache->busy = false;
}

bool lts_flow_cache_is_busy(const lts_flow_cache *cache) {
  return cache->busy && cache->forks == lts_forks;
}

/* ---- records ---- */

static lts_flow_record *take(lts_flow_cache *cache) {
  lts_flow_record *record = cache->free;
  if (record) {
    cache->free = record->next;
    return record;
  }
  if (!cache->slabs || cache->used == SLAB) {
    slab *more = malloc(sizeof *more);
    if (!more) return lts_fail_memory(), NULL;
    more->next = cache->slabs;
    cache->slabs = more;
    cache->used = 0;
  }
  return &cache->slabs->records[cache->used++];
}

static void give(lts_flow_cache *cache, lts_flow_record *record) {
  record->next = cache->free;
  cache->free = record;
}

static void unlink_record(lts_flow_cache *cache, lts_flow_record *record, lts_liveness list) {
  records *live = &cache->live[list];
  *(record->older ? &record->older->newer : &live->oldest) = record->newer;
  *(record->newer ? &record->newer->older : &live->newest) = record->older;
}

static void link_newest(lts_flow_cache *cache, lts_flow_record *record) {
  records *live = &cache->live[record->closed ? CLOSED : OPEN];
  record->older = live->newest;
  record->newer = NULL;
  *(live->newest ? &live->newest->newer : &live->oldest) = record;
  live->newest = record;
}

/* ---- the table ---- */

static uint64_t hash_of(const lts_flow_cache *cache, const lts_flow_key *key) {
  enum { WORDS = sizeof *key / 8 };
  _Static_assert(sizeof *key == WORDS * 8, "the key is made of words");
  uint64_t words[WORDS];
  memcpy(words, key, sizeof words);
  lts_hash hash = lts_hash_begin(cache->seed);
  for (int i = 0; i < WORDS; i++) lts_hash_word(&hash, words[i]);
  return lts_hash_end(&hash);
}

static lts_flow_record *find(lts_flow_cache *cache, uint64_t hash, const lts_flow_key *key) {
  lts_flow_record *record = cache->buckets[hash & cache->mask];
  while (record && (record->hash != hash || memcmp(&record->key, key, sizeof *key)))
    record = record->next;
  return record;
}

static void put_into(lts_flow_record **buckets, uint64_t mask, lts_flow_record *record) {
  lts_flow_record **bucket = &buckets[record->hash & mask];
  record->next = *bucket;
  *bucket = record;
}

/* Without memory the chains just get longer. */
static void grow(lts_flow_cache *cache) {
  uint64_t count = cache->mask + 1;
  lts_flow_record **buckets = calloc(count * 2, sizeof *buckets);
  if (!buckets) return;
  for (uint64_t i = 0; i < count; i++)
    for (lts_flow_record *next, *record = cache->buckets[i]; record; record = next) {
      next = record->next;
      put_into(buckets, count * 2 - 1, record);
    }
  free(cache->buckets);
  cache->buckets = buckets;
  cache->mask = count * 2 - 1;
}

static void take_out(lts_flow_cache *cache, const lts_flow_record *record) {
  lts_flow_record **at = &cache->buckets[record->hash & cache->mask];
  while (*at != record) at = &(*at)->next;
  *at = record->next;
}

/* ---- ends ---- */

static void end(lts_flow_cache *cache, lts_flow_record *record, lts_flow_end reason) {
  take_out(cache, record);
  unlink_record(cache, record, record->closed ? CLOSED : OPEN);
  cache->count--;
  record->reason = (uint8_t)reason;
  record->next = NULL;
  *(cache->ended.newest ? &cache->ended.newest->next : &cache->ended.oldest) = record;
  cache->ended.newest = record;
}

/* Ends the oldest flow of a list if it had no packet since so long. */
static bool end_oldest(lts_flow_cache *cache, lts_liveness list, uint64_t now, uint64_t timeout,
                       lts_flow_end reason) {
  lts_flow_record *oldest = cache->live[list].oldest;
  if (!oldest || now - oldest->seen < timeout) return false;
  end(cache, oldest, list == CLOSED ? LTS_FLOW_END_OF_FLOW : reason);
  return true;
}

static void expire(lts_flow_cache *cache, uint64_t now) {
  for (int list = OPEN; list < LISTS; list++)
    while (end_oldest(cache, list, now, cache->timeouts[list], LTS_FLOW_IDLE_TIMEOUT)) continue;
}

void lts_flow_cache_end(lts_flow_cache *cache) {
  for (int list = OPEN; list < LISTS; list++)
    while (end_oldest(cache, list, cache->now, 0, LTS_FLOW_FORCED_END)) continue;
}

/* ---- time ---- */

/* The clock follows the trace's time, but never goes back. It waits for time that is late by less
 * than a timeout; for more, it goes on from the time that the trace has now. */
static void tick(lts_flow_cache *cache, int64_t time) {
  uint64_t idle = cache->timeouts[OPEN], active = cache->active_timeout;
  uint64_t passed = (uint64_t)time - (uint64_t)cache->time;
  uint64_t late = (uint64_t)cache->time - (uint64_t)time;
  if (!cache->started || time >= cache->time || late >= (idle < active ? idle : active)) {
    if (cache->started && time > cache->time) cache->now += passed;
    cache->time = time;
  }
  cache->started = true;
}

void lts_flow_cache_wait(lts_flow_cache *cache, double seconds) {
  if (seconds > 0) expire(cache, cache->now + nanoseconds(seconds));
}

double lts_flow_cache_patience(const lts_flow_cache *cache) {
  double least = INFINITY;
  for (int list = OPEN; list < LISTS; list++) {
    const lts_flow_record *oldest = cache->live[list].oldest;
    uint64_t timeout = cache->timeouts[list];
    if (!oldest || timeout == UINT64_MAX) continue;
    uint64_t age = cache->now - oldest->seen;
    double left = timeout > age ? (double)(timeout - age) / 1e9 : 0;
    if (left < least) least = left;
  }
  return least;
}

/* ---- packets ---- */

static lts_flow_record *begin(lts_flow_cache *cache, const lts_flow_key *key, uint64_t hash,
                              uint8_t source) {
  if (cache->count == cache->most &&
      !end_oldest(cache, CLOSED, cache->now, 0, LTS_FLOW_END_OF_FLOW))
    end_oldest(cache, OPEN, cache->now, 0, LTS_FLOW_LACK_OF_RESOURCES);
  lts_flow_record *record = take(cache);
  if (!record) return NULL;
  *record = (lts_flow_record){
      .hash = hash, .key = *key, .source = source, .began = cache->now, .seen = cache->now};
  if (cache->count++ > cache->mask) grow(cache);
  put_into(cache->buckets, cache->mask, record);
  link_newest(cache, record);
  return record;
}

/* Ends the flow if the packet is of another one. The parts that the active timeout makes of a flow
 * keep its direction. */
static bool is_over(lts_flow_cache *cache, lts_flow_record *record, const lts_segment *segment,
                    uint8_t *source) {
  bool active = cache->now - record->began >= cache->active_timeout;
  if (record->closed && lts_segment_opens(segment)) {
    end(cache, record, LTS_FLOW_END_OF_FLOW);
  } else if (active) {
    end(cache, record, LTS_FLOW_ACTIVE_TIMEOUT);
    *source = record->source;
  } else {
    return false;
  }
  return true;
}

lts_status lts_flow_cache_add(lts_flow_cache *cache, lts_seen *seen) {
  lts_flow_key key;
  uint8_t sender;
  tick(cache, seen->packet->frame->timestamp_ns);
  expire(cache, cache->now);
  if (!lts_flow_key_read(&key, &sender, seen)) {
    cache->ignored++;
    return LTS_OK;
  }
  lts_segment segment = lts_segment_read(seen);
  uint64_t hash = hash_of(cache, &key);
  lts_flow_record *record = find(cache, hash, &key);
  uint8_t source = sender;
  if (record && is_over(cache, record, &segment, &source)) record = NULL;
  if (!record) record = begin(cache, &key, hash, source);
  if (!record) return LTS_ERROR;
  lts_liveness list = record->closed ? CLOSED : OPEN;
  lts_flow_record_add(record, sender, seen, &segment);
  record->seen = cache->now;
  unlink_record(cache, record, list);
  link_newest(cache, record);
  return LTS_OK;
}

/* ---- rows ---- */

lts_status lts_flow_cache_hand_out(lts_flow_cache *cache, lts_batch *batch) {
  while (cache->ended.oldest && lts_batch_has_room(batch)) {
    lts_flow_record *record = cache->ended.oldest;
    if (lts_batch_add(batch, &(lts_seen){.flow = record})) return LTS_ERROR;
    cache->ended.oldest = record->next;
    if (!record->next) cache->ended.newest = NULL;
    give(cache, record);
  }
  return LTS_OK;
}
