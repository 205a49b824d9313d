/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Arbitrary filter expressions on arbitrary packets: the expression, a zero, the packet.
 */
#include "touch.h"

#include <netdb.h>
#include <netinet/ether.h>
#include <string.h>

/* Names in an expression are not looked up: libpcap finds these before those of the C library. */
#define VISIBLE __attribute__((visibility("default")))

VISIBLE int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                        struct addrinfo **found) {
  (void)node, (void)service, (void)hints, (void)found;
  return EAI_NONAME;
}

VISIBLE struct netent *getnetbyname(const char *name) {
  (void)name;
  return NULL;
}

VISIBLE int getnetbyname_r(const char *name, struct netent *room, char *buffer, size_t size,
                           struct netent **found, int *failure) {
  (void)name, (void)room, (void)buffer, (void)size, (void)failure;
  *found = NULL;
  return 0;
}

VISIBLE int ether_hostton(const char *name, struct ether_addr *address) {
  (void)name, (void)address;
  return -1;
}

static bool matches(lts_packet *packet, lts_filter *filter) {
  lts_truth match = lts_packet_apply_filter(packet, filter);
  PROMISE(match == 0 || match == 1 || match == LTS_ABSENT);
  PROMISE(lts_packet_apply_filter(packet, filter) == match);
  return match == 1;
}

void fuzz_filter(const uint8_t *data, size_t size) {
  const uint8_t *end = size ? memchr(data, '\0', size) : NULL;
  if (!end) return;
  const char *expression = (const char *)data;
  lts_packet *packet = packet_from(end + 1, (size_t)(data + size - end) - 1);
  lts_filter *late = new_lts_filter(expression, 0), *checked = new_lts_filter(expression, 1);
  PROMISE(late && !strcmp(lts_filter_expression_get(late), expression));
  PROMISE(checked || lts_error_last()->kind == LTS_E_FILTER);
  if (packet && checked)
    PROMISE(matches(packet, late) == matches(packet, checked));
  else if (packet)
    matches(packet, late);
  delete_lts_filter(late);
  delete_lts_filter(checked);
  delete_lts_packet(packet);
}
