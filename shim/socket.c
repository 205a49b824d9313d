/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The packet socket behind int:, ring: and pcapint:, see packet(7).
 */
#include "lts_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- before the start ---- */

static lts_status no_such_interface(const char *uri, const char *name) {
  char known[256] = "";
  struct if_nameindex *list = if_nameindex();
  for (const struct if_nameindex *at = list; at && at->if_index; at++) {
    size_t used = strlen(known);
    snprintf(known + used, sizeof known - used, " %s", at->if_name);
  }
  if (list) if_freenameindex(list);
  return lts_fail(LTS_E_TRACE, ENODEV, uri,
                  "cannot open '%.200s': there is no interface '%.100s'; there are:%s", uri, name,
                  known);
}

static lts_status not_permitted(const char *uri) {
  return lts_fail(LTS_E_TRACE, EPERM, uri, "cannot open '%.200s': %s%s", uri, strerror(EPERM),
                  LTS_NEEDS_NET_RAW);
}

/* The highest of so many descriptors that are free; -1 where there are less. */
static int highest_free(int count) {
  int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  int higher = count > 1 ? highest_free(count - 1) : fd;
  close(fd);
  return higher;
}

/* Guards: libtrace waits for an interface with select(), which must not see a higher descriptor;
 * and it takes a lack of descriptors for one of interfaces. */
static lts_status has_descriptors(const char *uri) {
  enum { NEEDED = 4, FOR_LIBTRACE = 8 };
  int fd = highest_free(NEEDED);
  if (fd < 0)
    return lts_fail(LTS_E_TRACE, EMFILE, uri, "cannot start '%s': %s", uri, strerror(EMFILE));
  if (fd < FD_SETSIZE - FOR_LIBTRACE) return LTS_OK;
  return lts_fail(LTS_E_TRACE, EMFILE, uri,
                  "cannot start '%s': too many files are open; libtrace can wait for an interface "
                  "only where fewer than %d are",
                  uri, FD_SETSIZE - FOR_LIBTRACE);
}

static const char *format_of(const lts_trace *trace) {
  const lts_scheme *scheme = lts_scheme_find(trace->uri);
  return scheme ? scheme->name : "";
}

static bool has_socket(const char *format) {
  return !strcmp(format, "int") || !strcmp(format, "ring") || !strcmp(format, "pcapint");
}

lts_status lts_interface_check(lts_trace *trace) {
  const char *format = format_of(trace), *name = strchr(trace->uri, ':') + 1;
  if (has_descriptors(trace->uri)) return LTS_ERROR;
  bool others = !strcmp(format, "pcapint"); /* of libpcap, such as nflog and usbmon */
  bool known = if_nametoindex(name) != 0 || (others && !strcmp(name, "any"));
  bool packets = has_socket(format) && (known || !others);
  if (packets && !known && *name) return no_such_interface(trace->uri, name);
  int fd = socket(packets ? AF_PACKET : AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno == EPERM ? not_permitted(trace->uri) : LTS_OK;
  close(fd);
  return LTS_OK;
}

/* ---- what it tells ---- */

int lts_socket_failure(const struct pollfd *ready) {
  int failure = 0;
  socklen_t size = sizeof failure;
  if (ready->revents & POLLERR) getsockopt(ready->fd, SOL_SOCKET, SO_ERROR, &failure, &size);
  return failure;
}

bool lts_socket_is_orphan(const lts_trace *trace) {
  struct sockaddr_ll address = {0};
  socklen_t size = sizeof address;
  return !getsockname(trace->socket, (struct sockaddr *)&address, &size) && address.sll_ifindex < 0;
}

static void add(lts_count *sum, lts_count more) { *sum = (*sum == LTS_UNKNOWN ? 0 : *sum) + more; }

/* The kernel begins anew whenever it is asked. */
static void count(lts_trace *trace, uint32_t foreign) {
  struct tpacket_stats stats;
  socklen_t size = sizeof stats;
  if (getsockopt(trace->socket, SOL_PACKET, PACKET_STATISTICS, &stats, &size)) return;
  add(&trace->last_known[LTS_STAT_RECEIVED], stats.tp_packets - foreign);
  add(&trace->last_known[LTS_STAT_DROPPED], stats.tp_drops);
  add(&trace->last_known[LTS_STAT_CAPTURED], stats.tp_packets - stats.tp_drops - foreign);
}

void lts_socket_count(lts_trace *trace) { count(trace, 0); }

/* ---- the socket ---- */

static bool is_packet_socket(int fd) {
  int domain = 0;
  socklen_t size = sizeof domain;
  return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) && domain == AF_PACKET;
}

void lts_socket_list(fd_set *found) {
  FD_ZERO(found);
  for (int fd = 0; fd < FD_SETSIZE; fd++)
    if (is_packet_socket(fd)) FD_SET(fd, found);
}

static int new_socket(const fd_set *known) {
  for (int fd = 0; fd < FD_SETSIZE; fd++)
    if (!FD_ISSET(fd, known) && is_packet_socket(fd)) return fd;
  return -1;
}

/* Guard: what came on any interface before libtrace 3 had bound the socket to its own. */
static uint32_t drain(int fd) {
  enum { AT_MOST = 4096 };
  uint32_t drained = 0;
  char byte;
  while (drained < AT_MOST && recv(fd, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) >= 0) drained++;
  return drained;
}

/* The system's default is full after some hundred packets. */
static void enlarge(int fd) {
  const int bytes = 8 << 20;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes))
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

/* An interface may be down at the start: what it receives once it is up is captured. */
static void forget_failure(int fd) {
  int failure;
  socklen_t size = sizeof failure;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size);
}

void lts_socket_adopt(lts_trace *trace, const fd_set *known) {
  trace->socket = new_socket(known);
  if (trace->socket < 0) return;
  fcntl(trace->socket, F_SETFD, FD_CLOEXEC);
  forget_failure(trace->socket);
  if (strcmp(format_of(trace), "int")) return;
  enlarge(trace->socket);
  count(trace, drain(trace->socket));
}

/* ---- what it can be told ---- */

/* libtrace asks for the promiscuous mode at the start only, and the kernel counts how often. */
lts_status lts_socket_promisc(lts_trace *trace, bool promisc) {
  struct sockaddr_ll address = {0};
  socklen_t size = sizeof address;
  int fd = trace->socket, failure = getsockname(fd, (struct sockaddr *)&address, &size);
  struct packet_mreq mode = {.mr_ifindex = address.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
  if (!failure) failure = setsockopt(fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &mode, sizeof mode);
  if (!failure && promisc)
    failure = setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mode, sizeof mode);
  if (!failure) return LTS_OK;
  return lts_fail(LTS_E_TRACE, errno, trace->uri, "cannot set the promiscuous mode of '%s': %s",
                  trace->uri, strerror(errno));
}

int lts_trace_fileno(lts_trace *trace) {
  if (trace->socket >= 0) return trace->socket;
  if (!has_socket(format_of(trace)))
    lts_fail(LTS_E_UNSUPPORTED, TRACE_ERR_OPTION_UNAVAIL, trace->uri,
             "'%s' has no descriptor to wait for: int:, ring: and pcapint: have", trace->uri);
  else
    lts_fail(LTS_E_STATE, TRACE_ERR_BAD_STATE, trace->uri,
             "'%s' has no descriptor to wait for: it is %s", trace->uri,
             lts_trace_state_get(trace));
  return -1;
}
