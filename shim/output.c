/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The life of an output: configure, start, write, close.
 */
#include "output.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const lts_writer writers[] = {
    {"pcapfile", lts_encode_pcap},
    {"pcap", lts_encode_pcap},
    {"pcapng", lts_encode_pcapng},
    {"erf", lts_encode_erf},
    {"rawerf", lts_encode_erf},
    {"duck", lts_encode_duck},
    {"int", NULL},
    {"ring", NULL},
    {"pcapint", NULL},
};

/* ---- the end of the process ---- */

static lts_output *outputs;

static bool stayed_behind(const lts_output *output) {
  return output->busy && lts_stayed_behind(output->forks, output->thread);
}

/* What a daemon thread was writing stays as it is, if the thread does not end that soon: it dies
 * when it wants the interpreter lock back, and a pipe may be full for ever. */
static bool is_left_alone(const lts_output *output) {
  enum { PATIENCE_MS = 500 };
  if (!output->busy || stayed_behind(output)) return false;
  for (int ms = 0; output->sink && ms < PATIENCE_MS; ms++) {
    if (!output->sink->draining) return false;
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
  return true;
}

/* Python leaves objects behind that something still refers to. The interpreter is gone by now. */
static void close_all(void) {
  lts_leave_interpreter();
  for (lts_output *output = outputs; output; output = output->next) {
    if (is_left_alone(output)) continue;
    output->busy = false;
    lts_status status = lts_output_close(output);
    (void)status; /* nobody can be told */
  }
}

static void enlist(lts_output *output) {
  static bool watching;
  if (!watching) watching = !atexit(close_all);
  output->next = outputs;
  output->previous = &outputs;
  if (outputs) outputs->previous = &output->next;
  outputs = output;
}

static void delist(lts_output *output) {
  *output->previous = output->next;
  if (output->next) output->next->previous = output->previous;
}

/* ---- life ---- */

static const lts_writer *writer_of(const char *uri) {
  const char *colon = strchr(uri, ':');
  size_t length = colon ? (size_t)(colon - uri) : 0;
  for (size_t i = 0; i < sizeof writers / sizeof *writers; i++)
    if (strlen(writers[i].scheme) == length && !strncasecmp(writers[i].scheme, uri, length))
      return &writers[i];
  lts_fail(LTS_E_VALUE, TRACE_ERR_BAD_FORMAT, uri,
           "cannot write to '%s': %s; it begins with pcapfile:, erf: or pcapng:, or int: for an "
           "interface",
           uri, colon ? "no format that can be written" : "a URI names its format");
  return NULL;
}

lts_output *new_lts_output(const char *uri) {
  const lts_writer *writer = writer_of(uri);
  if (!writer) return NULL;
  lts_output *output = calloc(1, sizeof *output);
  if (output) output->uri = strdup(uri);
  if (!output || !output->uri) {
    free(output);
    lts_fail_memory();
    return NULL;
  }
  output->writer = writer;
  output->linktype = output->socket = -1;
  enlist(output);
  return output;
}

void delete_lts_output(lts_output *output) {
  if (!output) return;
  lts_error_clear();
  lts_status status = lts_output_close(output);
  (void)status; /* the caller looks at the last error */
  delist(output);
  free(output->interfaces);
  free(output->uri);
  free(output);
}

lts_name lts_output_uri_get(lts_output *output) { return output->uri; }

lts_name lts_output_state_get(lts_output *output) { return lts_state_name(output->state); }

lts_count lts_output_packets_written_get(lts_output *output) { return output->packets; }

static lts_status wrong_state(const lts_output *output, const char *doing) {
  return lts_fail(LTS_E_STATE, TRACE_ERR_BAD_STATE, output->uri, "cannot %s '%s': it is %s", doing,
                  output->uri, output->state == LTS_NEW ? "not started" : "closed");
}

lts_status lts_output_start(lts_output *output) {
  if (output->state == LTS_CLOSED) return wrong_state(output, "start");
  output->state = LTS_STARTED;
  return LTS_OK;
}

/* A process that was forked off and wrote nothing leaves the packets to the one that did. */
static lts_status close_sink(lts_output *output) {
  uint32_t lost = 0;
  lts_sink *sink = output->sink;
  output->sink = NULL;
  if (!sink) return LTS_OK;
  if (output->forks != lts_forks) {
    lts_sink_discard(sink);
    return LTS_OK;
  }
  lts_status status = lts_sink_close(sink, &lost);
  output->packets -= lost;
  return status;
}

/* A signal handler cannot wait for the write that it interrupted. */
static lts_status not_interrupted(const lts_output *output, const char *doing) {
  bool inside = output->busy && pthread_equal(output->thread, pthread_self());
  if (!inside || stayed_behind(output)) return LTS_OK;
  return lts_fail(LTS_E_STATE, TRACE_ERR_BAD_STATE, output->uri,
                  "cannot %s '%s': this signal handler has interrupted a write to it", doing,
                  output->uri);
}

/* No further write begins, and the one that is under way is waited for. */
lts_status lts_output_close(lts_output *output) {
  if (not_interrupted(output, "close")) return LTS_ERROR;
  output->state = LTS_CLOSED;
  if (stayed_behind(output)) output->busy = false;
  if (lts_wait_until_idle(&output->busy)) return LTS_ERROR;
  if (output->socket >= 0) close(output->socket);
  output->socket = -1;
  return close_sink(output);
}

/* ---- configuration ---- */

static lts_status unsupported(const lts_output *output, int type) {
  lts_name needs = lts_codec_needs((lts_compression_type)type);
  return lts_fail(LTS_E_TRACE, TRACE_ERR_UNSUPPORTED_COMPRESS, output->uri,
                  "cannot compress '%s': %s%s", output->uri,
                  needs ? "this build lacks " : "there is no such type of compression",
                  needs ? needs : "");
}

lts_status lts_output_conf_file_flags(lts_output *output, int value) {
  (void)value; /* as ever: a file is created or emptied, whatever they say */
  return output->state == LTS_CLOSED ? wrong_state(output, "set the flags of") : LTS_OK;
}

lts_status lts_output_conf_compress_type(lts_output *output, int value) {
  if (value < 0 || value > LTS_COMPRESS_LAST)
    return lts_fail(LTS_E_VALUE, TRACE_ERR_UNSUPPORTED_COMPRESS, output->uri,
                    "compression type %d is not within 0..%d", value, LTS_COMPRESS_LAST);
  if (output->state == LTS_CLOSED) return wrong_state(output, "set the compression of");
  output->compression = value;
  return LTS_OK;
}

lts_status lts_output_conf_compress_level(lts_output *output, int value) {
  if (output->state == LTS_CLOSED) return wrong_state(output, "set the compression of");
  output->level = value;
  return LTS_OK;
}

enum { LOWEST_LEVEL = 1, HIGHEST_LEVEL = 9 };

lts_status lts_output_compress(lts_output *output, int type, int level) {
  if (level < LOWEST_LEVEL || level > HIGHEST_LEVEL)
    return lts_fail(LTS_E_VALUE, TRACE_ERR_UNSUPPORTED_COMPRESS, output->uri,
                    "compression level %d is not within %d..%d", level, LOWEST_LEVEL,
                    HIGHEST_LEVEL);
  if (lts_output_conf_compress_type(output, type)) return LTS_ERROR;
  if (type != LTS_COMPRESS_NONE && !lts_codec_exists((lts_compression_type)type))
    return unsupported(output, type);
  return lts_output_conf_compress_level(output, level);
}

/* ---- interfaces ---- */

/* As if_nametoindex(), which needs a descriptor more and does not tell when there is none. */
static int interface_index(const lts_output *output) {
  const char *name = strchr(output->uri, ':') + 1;
  struct ifreq request = {0};
  if (strlen(name) < sizeof request.ifr_name) {
    memcpy(request.ifr_name, name, strlen(name));
    return ioctl(output->socket, SIOCGIFINDEX, &request) ? 0 : request.ifr_ifindex;
  }
  errno = ENODEV;
  return 0;
}

/* libtrace's own writers fall over an interface that is not there (pcapint:), free their state
 * twice without the right to open a socket (int:, ring:), and do no more than this. */
static lts_status open_socket(lts_output *output) {
  struct sockaddr_ll address = {.sll_family = AF_PACKET};
  output->socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (output->socket >= 0) address.sll_ifindex = interface_index(output);
  if (address.sll_ifindex && !bind(output->socket, (struct sockaddr *)&address, sizeof address))
    return LTS_OK;
  int failure = errno;
  if (failure == EPERM && !if_nametoindex(strchr(output->uri, ':') + 1)) failure = ENODEV;
  if (output->socket >= 0) close(output->socket);
  output->socket = -1;
  return lts_fail(LTS_E_TRACE, failure, output->uri, "cannot open '%s' to write: %s%s", output->uri,
                  strerror(failure), failure == EPERM ? LTS_NEEDS_NET_RAW : "");
}

/* Other threads may let go of the packet meanwhile, hence the copy. */
static lts_status send_frame(lts_output *output, const lts_entry *entry) {
  uint8_t frame[LIBTRACE_PACKET_BUFSIZE];
  size_t length = entry->captured < sizeof frame ? entry->captured : sizeof frame;
  if (length) memcpy(frame, entry->data, length);
  for (;;) {
    void *lock = lts_release();
    ssize_t sent = send(output->socket, frame, length, 0);
    int failure = errno;
    lts_acquire(lock);
    if (sent >= 0) return LTS_OK;
    if (failure != EINTR)
      return lts_fail(LTS_E_TRACE, failure, output->uri, "cannot write to '%s': %s", output->uri,
                      strerror(failure));
    if (lts_interrupted()) return LTS_ERROR;
  }
}

/* ---- files ---- */

/* libtrace, as it is commonly built, does without a compression that it lacks. */
static lts_status open_file(lts_output *output) {
  int type = output->compression, level = output->level;
  if (level < 0 || level > HIGHEST_LEVEL)
    return lts_fail(LTS_E_TRACE, TRACE_ERR_UNSUPPORTED_COMPRESS, output->uri,
                    "cannot compress '%s': level %d is not within 0..%d", output->uri, level,
                    HIGHEST_LEVEL);
  bool can = type == LTS_COMPRESS_NONE || lts_codec_exists((lts_compression_type)type);
  if (!can && type != LTS_COMPRESS_LZO) return unsupported(output, type);
  if (!can || !level) type = LTS_COMPRESS_NONE;
  output->sink = lts_sink_open(output->uri, (lts_compression_type)type, level);
  return output->sink ? LTS_OK : LTS_ERROR;
}

/* All that the writers know of struct lts_packet. */
static lts_status enter_packet(lts_packet *packet, lts_entry *entry) {
  const lts_frame *frame = packet->frame;
  if (packet->layer != LTS_PACKET)
    return lts_fail(LTS_E_VALUE, 0, NULL, "write_packet() takes a packet, not a layer of one");
  if (!lts_frame_is_filled(frame)) return LTS_ERROR;
  *entry = (lts_entry){
      .packet = packet,
      .header = frame->header,
      .data = frame->data,
      .header_length = frame->header_length,
      .captured = frame->capture_length,
      .padding = frame->padding,
      .wire = frame->wire_length,
      .fcs = frame->fcs,
      .seconds = lts_frame_seconds(frame),
      .nanoseconds = lts_frame_nanoseconds(frame),
      .rt_type = frame->rt_type,
      .dlt = frame->dlt,
      .link = frame->link,
      .direction = frame->direction,
      .erf = frame->erf,
      .exact = frame->exact,
  };
  return LTS_OK;
}

/* Making room gives up the interpreter lock, and the packet's bytes may be moved then. */
static lts_status write_file(lts_output *output, lts_packet *packet, lts_entry *entry) {
  enum { MOST_HEADERS = 128 };
  size_t most = (size_t)entry->header_length + entry->captured + entry->padding + MOST_HEADERS;
  if (!output->sink && open_file(output)) return LTS_ERROR;
  if (lts_sink_make_room(output->sink, most) || enter_packet(packet, entry)) return LTS_ERROR;
  return output->writer->encode(output, entry);
}

static lts_status write_socket(lts_output *output, const lts_entry *entry) {
  if (lts_link_is_meta(entry->link))
    return lts_fail(LTS_E_TRACE, TRACE_ERR_NO_CONVERSION, output->uri,
                    "cannot write to '%s': metadata is no packet", output->uri);
  if (output->socket < 0 && open_socket(output)) return LTS_ERROR;
  return send_frame(output, entry);
}

static lts_status wait_for_write(const lts_output *output) {
  if (not_interrupted(output, "write to")) return LTS_ERROR;
  if (!stayed_behind(output)) return lts_wait_until_idle(&output->busy);
  return lts_fail(LTS_E_STATE, TRACE_ERR_BAD_STATE, output->uri,
                  "cannot write to '%s': another thread did when this process was forked off",
                  output->uri);
}

lts_status lts_output_write_packet(lts_output *output, lts_packet *packet) {
  lts_entry entry;
  if ((output->busy && wait_for_write(output)) || enter_packet(packet, &entry)) return LTS_ERROR;
  if (output->state != LTS_STARTED) return wrong_state(output, "write to");
  packet = lts_packet_ref(packet);
  output->busy = true;
  output->thread = pthread_self();
  output->forks = lts_forks;
  lts_status status =
      output->writer->encode ? write_file(output, packet, &entry) : write_socket(output, &entry);
  output->busy = false;
  delete_lts_packet(packet);
  if (!status) output->packets++;
  return status;
}
