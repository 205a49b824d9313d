/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * What a URI or a file is, before libtrace sees it.
 */
#include "bytes.h"
#include "lts_int.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wandio.h>

static const lts_scheme schemes[] = {
    {"pcapfile", LTS_FILE, true},   {"pcap", LTS_FILE, false},     {"erf", LTS_FILE, true},
    {"rawerf", LTS_FILE, true},     {"tsh", LTS_FILE, true},       {"fr+", LTS_FILE, true},
    {"legacyatm", LTS_FILE, true},  {"legacypos", LTS_FILE, true}, {"legacyeth", LTS_FILE, true},
    {"legacynzix", LTS_FILE, true}, {"atmhdr", LTS_FILE, true},    {"duck", LTS_FILE, true},
    {"pcapng", LTS_FILE, true},     {"etsifile", LTS_FILE, true},  {"corsarotag", LTS_FILE, true},
    {"int", LTS_LIVE, false},       {"ring", LTS_LIVE, false},     {"pcapint", LTS_LIVE, false},
    {"bpf", LTS_LIVE, false},       {"dag", LTS_LIVE, false},      {"rt", LTS_LIVE, false},
    {"dpdk", LTS_LIVE, false},      {"dpdkvdev", LTS_LIVE, false}, {"dpdkndag", LTS_LIVE, false},
    {"ndag", LTS_LIVE, false},      {"ndagtcp", LTS_LIVE, false},  {"etsilive", LTS_LIVE, false},
    {"tzsplive", LTS_LIVE, false},  {"xdp", LTS_LIVE, false},      {"pfring", LTS_LIVE, false},
    {"pfringold", LTS_LIVE, false},
};

const lts_scheme *lts_scheme_find(const char *uri) {
  const char *colon = strchr(uri, ':');
  if (!colon) return NULL;
  size_t length = (size_t)(colon - uri);
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (strlen(schemes[i].name) == length && !strncasecmp(schemes[i].name, uri, length))
      return &schemes[i];
  return NULL;
}

/* legacynzix: takes the start of the capture from a time in the name: YYYYMMDD-HHMMSS. */
bool lts_scheme_accepts(const char *uri) {
  static const char pattern[] = "dddddddd-dddddd";
  if (strncmp(uri, "legacynzix:", 11)) return true;
  for (const char *at = uri; *at; at++) {
    size_t i = 0;
    while (pattern[i] && (pattern[i] == 'd' ? isdigit((unsigned char)at[i]) : at[i] == '-')) i++;
    if (!pattern[i]) return true;
  }
  return false;
}

lts_status lts_scheme_unknown(const char *uri) {
  char known[512] = "";
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
    size_t used = strlen(known);
    snprintf(known + used, sizeof known - used, " %s:", schemes[i].name);
  }
  return lts_fail(LTS_E_TRACE, TRACE_ERR_BAD_FORMAT, uri,
                  "cannot open '%.200s': unknown format; libtrace's formats are%s", uri, known);
}

/* libtrace's own rule: the power of two that holds the MTU and a header. */
uint32_t lts_ring_frame(const char *interface) {
  enum { HEADER = TPACKET_ALIGN(TPACKET2_HDRLEN) };
  struct ifreq request = {0};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", interface);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  uint32_t least = LIBTRACE_PACKET_BUFSIZE, frame = (uint32_t)getpagesize();
  if (fd >= 0 && !ioctl(fd, SIOCGIFMTU, &request)) least = (uint32_t)request.ifr_mtu + HEADER;
  if (fd >= 0) close(fd);
  while (frame < least && frame < LIBTRACE_PACKET_BUFSIZE) frame <<= 1;
  return frame;
}

/* ---- compression ---- */

static lts_compression compression_of(const uint8_t *head, ssize_t length) {
  static const struct {
    const char *magic;
    ssize_t length;
    lts_compression compression;
  } known[] = {
      {"\x1f\x8b", 2, LTS_COMPRESSED},
      {"\x1f\x9d", 2, LTS_COMPRESSED},
      {"BZh", 3, LTS_COMPRESSED},
      {"\xfd"
       "7zXZ",
       5, LTS_COMPRESSED},
      {"\x89LZO", 4, LTS_COMPRESSED},
      {"\x28\xb5\x2f\xfd", 4, LTS_NEEDS_LIBTRACE4},
      {"\x04\x22\x4d\x18", 4, LTS_NEEDS_LIBTRACE4},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (length >= known[i].length && !memcmp(head, known[i].magic, (size_t)known[i].length)) {
      bool readable =
          known[i].compression == LTS_NEEDS_LIBTRACE4 && lts_feature_get(LTS_FEATURE_ZSTD);
      return readable ? LTS_COMPRESSED : known[i].compression;
    }
  return LTS_PLAIN;
}

int lts_file_check(const char *path, lts_compression *compression, lts_source *source) {
  *compression = LTS_PLAIN;
  *source = strstr(path, "://") ? LTS_STREAM : LTS_PIPE;
  if (!strcmp(path, "-") || *source == LTS_STREAM) return 0;
  struct stat status;
  if (stat(path, &status) < 0) return errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  if (!S_ISREG(status.st_mode)) return access(path, R_OK) ? errno : 0;
  *source = LTS_FILE;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  uint8_t head[8];
  ssize_t length = read(fd, head, sizeof head);
  int failure = length < 0 ? errno : 0;
  close(fd);
  *compression = compression_of(head, length);
  return failure;
}

/* ---- format ---- */

static bool is_pcap(const uint8_t *head, size_t length) {
  uint32_t magic = length >= 24 ? le32(head) : 0;
  return magic == 0xa1b2c3d4 || magic == 0xd4c3b2a1 || magic == 0xa1b23c4d || magic == 0x4d3cb2a1;
}

/* ERF has no magic number: a chain of plausible records, or one that fills the file. */
static bool is_erf(const uint8_t *head, size_t length) {
  enum { RECORD = 16, YEAR_1995 = 0x2f0539b0, LAST_TYPE = 48, ENOUGH = 4 };
  size_t at = 0;
  int records = 0;
  for (; at + RECORD <= length && records < ENOUGH; records++) {
    const uint8_t *record = head + at;
    uint16_t size = be16(record + 10);
    uint8_t type = record[8] & 0x7f;
    if (size < RECORD || type == 0 || type > LAST_TYPE) return false;
    if (type != 27 && le32(record + 4) < YEAR_1995) return false;
    at += size;
  }
  return records > 0;
}

/* Records of 44 bytes: time, then an IPv4 header without options, then 16 bytes. */
static bool is_tsh(const uint8_t *head, size_t length) {
  enum { RECORD = 44 };
  size_t at = 0;
  for (; at + RECORD <= length; at += RECORD)
    if (head[at + 8] >> 4 != 4 || (head[at + 8] & 15) < 5) return false;
  return at > 0;
}

static const char *format_of(const uint8_t *head, size_t length) {
  if (is_pcap(head, length)) return "pcapfile";
  if (length >= 4 && le32(head) == 0x0a0d0d0a) return "pcapng";
  if (is_erf(head, length)) return "erf";
  if (is_tsh(head, length)) return "tsh";
  return NULL;
}

static lts_status unknown_format(const char *path, const char *why) {
  return lts_fail(LTS_E_TRACE, TRACE_ERR_BAD_FORMAT, path,
                  "cannot tell the format of '%s': %s. By content known: pcap, %sERF, TSH (plain, "
                  "gzip, bzip2, xz%s); "
                  "name any other in the URI: legacyatm:, legacypos:, legacyeth:, legacynzix:, "
                  "atmhdr:, duck:, or "
                  "int:, ring:, pcapint: for an interface",
                  path, why, lts_feature_get(LTS_FEATURE_PCAPNG) ? "pcapng, " : "",
                  lts_feature_get(LTS_FEATURE_ZSTD) ? ", zstd, lz4" : "");
}

/* Guards: wandio's peek gives up to what it is asked for; libtrace's own probe of ERF accepts
 * almost any file. */
static ssize_t peek(const char *path, uint8_t *head, size_t size) {
  io_t *io = wandio_create(path);
  if (!io) return -1;
  ssize_t length = wandio_peek(io, head, (off_t)size);
  wandio_destroy(io);
  return length;
}

lts_status lts_detect(const char *path, char **uri) {
  lts_compression compression;
  lts_source source;
  int failure = lts_file_check(path, &compression, &source);
  if (failure)
    return lts_fail(LTS_E_TRACE, failure, path, "cannot open '%s': %s", path, strerror(failure));
  if (source != LTS_FILE)
    return unknown_format(path, "it cannot be read twice; name it: pcapfile:...");
  if (compression == LTS_NEEDS_LIBTRACE4)
    return unknown_format(path, "zstd and lz4 need libtrace 4");
  if (lts_wandio_prepare(false, false)) return LTS_ERROR;
  uint8_t head[4096];
  ssize_t length = peek(path, head, sizeof head);
  if (length < 0) return unknown_format(path, "it cannot be decompressed");
  if (length == 0) return unknown_format(path, "it is empty");
  const char *format = format_of(head, (size_t)length);
  if (!format) return unknown_format(path, "no known format begins like this");
  if (!strcmp(format, "pcapng") && !lts_feature_get(LTS_FEATURE_PCAPNG))
    return unknown_format(path,
                          "it is pcapng, which needs libtrace 4 (editcap -F pcap converts it)");
  size_t size = strlen(format) + strlen(path) + 2;
  *uri = malloc(size);
  if (!*uri) return lts_fail_memory();
  snprintf(*uri, size, "%s:%s", format, path);
  return LTS_OK;
}
