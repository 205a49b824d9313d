/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * What the files that write packets share.
 */
#ifndef LTS_OUTPUT_H
#define LTS_OUTPUT_H

#include "codec.h"
#include "lts_int.h"

#include <pthread.h>

/* ---- files (sink.c) ---- */

enum { LTS_SINK_ROOM = 1 << 18, LTS_SHORTEST_RECORD = 16 };

/* A file, and the records that are not in it yet. */
typedef struct lts_sink {
  const char *uri;
  int fd;
  bool regular;          /* it can be cut back to its last whole record */
  _Atomic bool draining; /* without the interpreter lock */
  off_t size;            /* of the file, while it is not compressed */
  lts_codec *codec;
  lts_codec_state packing;
  uint8_t *packed; /* what the codec made, from packed_from on not in the file yet */
  size_t packed_from;
  size_t used;      /* of room */
  uint32_t waiting; /* records in room, and where each of them ends */
  uint32_t ends[LTS_SINK_ROOM / LTS_SHORTEST_RECORD];
  uint8_t room[LTS_SINK_ROOM];
} lts_sink;

/* Creates or empties the file. NULL on failure. */
lts_sink *lts_sink_open(const char *uri, lts_compression_type type, int level);
/* Sees to it that a record of `length` bytes has room; only this gives up the interpreter lock. */
lts_status lts_sink_make_room(lts_sink *sink, size_t length);
/* Where the next record goes, which lts_sink_keep() then takes in. */
static inline uint8_t *lts_sink_end(lts_sink *sink) { return sink->room + sink->used; }
void lts_sink_keep(lts_sink *sink, size_t length);
/* Frees the sink, come what may; *lost records are not in the file. */
lts_status lts_sink_close(lts_sink *sink, uint32_t *lost);
/* The same without writing what is waiting. */
void lts_sink_discard(lts_sink *sink);

/* ---- records (encode.c) ---- */

/* What is written of a packet. */
typedef struct lts_entry {
  lts_packet *packet;
  const uint8_t *header; /* the record header that it was read with */
  const uint8_t *data;
  uint32_t header_length, captured;
  uint32_t padding; /* bytes of the record behind the captured ones */
  uint32_t wire;    /* with the FCS, as libtrace counts */
  uint32_t fcs;     /* how much of that pcap leaves out */
  int64_t seconds;
  uint32_t nanoseconds;
  uint32_t rt_type;
  int dlt; /* the link type's number in the pcap file that it came from, else -1 */
  int link, direction;
  bool erf;   /* header is an ERF record's */
  bool exact; /* from a pcap or pcapng file of nanoseconds */
} lts_entry;

/* ---- outputs (output.c) ---- */

typedef lts_status lts_encode(lts_output *output, lts_entry *entry);

typedef struct lts_writer {
  lts_name scheme;
  lts_encode *encode; /* NULL: into an interface */
} lts_writer;

struct lts_output {
  char *uri;
  const lts_writer *writer;
  lts_state state;
  bool busy;        /* a write is under way without the interpreter lock */
  pthread_t thread; /* which wrote last */
  int compression, level;
  uint64_t packets;
  lts_sink *sink;       /* of a file, from the first packet on */
  int linktype;         /* of a pcap or DUCK file, else -1 */
  bool nanoseconds;     /* a pcap file of nanoseconds */
  uint16_t *interfaces; /* the link types of a pcapng file's interfaces */
  uint32_t interface_count;
  int socket;     /* of an interface, or -1 */
  unsigned forks; /* lts_forks then */
  lts_output *next, **previous;
};

lts_encode lts_encode_pcap, lts_encode_pcapng, lts_encode_erf, lts_encode_duck;

#endif
