/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Bidirectional flows (RFC 5103), and the cache of those that have not ended yet. Names are those
 * of IPFIX (RFC 7011).
 */
#ifndef LTS_FLOWCACHE_H
#define LTS_FLOWCACHE_H

#include "columns.h"

/* IANA's registry of IPFIX entities: flowEndReason (136). */
typedef enum lts_flow_end {
  LTS_FLOW_IDLE_TIMEOUT = 1,
  LTS_FLOW_ACTIVE_TIMEOUT,
  LTS_FLOW_END_OF_FLOW,
  LTS_FLOW_FORCED_END,
  LTS_FLOW_LACK_OF_RESOURCES,
} lts_flow_end;

/* What the packets of a flow have in common, in either direction: which end is the first, the bytes
 * decide. It has no padding. */
typedef struct lts_flow_key {
  uint8_t addresses[2][16];
  uint16_t ports[2];
  uint16_t tag; /* the VLAN ID, and these bits */
  uint8_t proto, version;
} lts_flow_key;
enum { LTS_FLOW_NO_VLAN = 0x1000, LTS_FLOW_NO_PORTS = 0x2000 };

/* One of its directions. */
typedef struct lts_flow_way {
  uint64_t packets, bytes;
  uint16_t tcp_flags; /* of all packets; and this bit, if there was a TCP header */
} lts_flow_way;
enum { LTS_FLOW_TCP = 0x8000 };

typedef enum lts_handshake { LTS_NO_SYN, LTS_SYN, LTS_SYN_ACK, LTS_HANDSHAKE_DONE } lts_handshake;

typedef struct lts_flow_record lts_flow_record;
struct lts_flow_record {
  lts_flow_record *next;          /* in its bucket, or behind it among those that have ended */
  lts_flow_record *older, *newer; /* by their last packet */
  uint64_t hash;
  uint64_t began, seen; /* first and last packet, on the cache's clock */
  lts_flow_key key;
  lts_flow_way ways[2]; /* of the first packet, and the reverse */
  int64_t first, last;  /* the earliest and latest time, whatever the order of the packets */
  int64_t handshake_ns; /* when its SYN came; once it is done, how long it took, or negative */
  uint32_t expected;    /* what its next step acknowledges */
  uint8_t handshake;    /* lts_handshake */
  uint8_t opener;       /* the way that its SYN went */
  uint8_t source;       /* the end in the key that sent the first packet */
  uint8_t reason;       /* lts_flow_end */
  bool closed;          /* by TCP */
};

/* ---- records (flowrecord.c) ---- */

/* What of a TCP header a flow depends on. */
typedef struct lts_segment {
  lts_field flags; /* negative where there is no header */
  uint32_t seq, ack;
} lts_segment;

lts_segment lts_segment_read(lts_seen *seen);
/* Whether it asks for a new connection. */
bool lts_segment_opens(const lts_segment *segment);

/* The key of the packet's flow, and which of its ends has sent it; false where it is of no flow. */
bool lts_flow_key_read(lts_flow_key *key, uint8_t *sender, lts_seen *seen);
/* Takes account of a packet. */
void lts_flow_record_add(lts_flow_record *record, uint8_t sender, lts_seen *seen,
                         const lts_segment *segment);

/* ---- the cache (flowcache.c) ---- */

/* For a packet of the trace. What it ends is to be handed out. */
lts_status lts_flow_cache_add(lts_flow_cache *cache, lts_seen *seen);
/* Lets time pass without packets: so many seconds since the last one. */
void lts_flow_cache_wait(lts_flow_cache *cache, double seconds);
/* Ends all flows. */
void lts_flow_cache_end(lts_flow_cache *cache);
/* Moves flows that have ended to the batch, as far as it has room. */
lts_status lts_flow_cache_hand_out(lts_flow_cache *cache, lts_batch *batch);
/* Whether there was a packet. */
bool lts_flow_cache_has_begun(const lts_flow_cache *cache);
bool lts_flow_cache_is_empty(const lts_flow_cache *cache);
/* The seconds since the last packet after which a flow ends, if there is no other packet. */
double lts_flow_cache_patience(const lts_flow_cache *cache);

lts_flow_cache *lts_flow_cache_ref(lts_flow_cache *cache);
/* One reader at a time: waits for another thread to leave. */
lts_status lts_flow_cache_enter(lts_flow_cache *cache);
void lts_flow_cache_leave(lts_flow_cache *cache);
bool lts_flow_cache_is_busy(const lts_flow_cache *cache);

#endif
