/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Arbitrary filter expressions on arbitrary packets: the expression, a zero, the packet. In the
 * expression, a byte that is not ASCII stands for a word of pcap-filter(7).
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

/* ---- expressions ---- */

static const char words[] =
    "host net port portrange src dst and or not ip ip6 tcp udp icmp icmp6 sctp arp ether vlan mpls "
    "pppoes wlan type subtype proto link greater less broadcast len protochain geneve [ ] ( ) : = "
    "!= < >= & | + - * / % << >> 0 1 4 80 0xffffffff 192.0.2.1 /24 2001:db8::1 02:00:00:00:00:0a "
    "tcpflags tcp-syn inbound ifname lo ";

/* What a byte stands for, and its length. */
static int word_of(const char *byte, const char **word) {
  *word = byte;
  if (!(*byte & 0x80)) return 1;
  const char *at = words;
  for (int number = *byte & 0x7f; number; number--) {
    at += strcspn(at, " ") + 1;
    if (!*at) at = words;
  }
  *word = at;
  return (int)strcspn(at, " ") + 1;
}

/* The expression with its words; the caller frees. */
static char *expand(const char *packed) {
  char *expression = malloc(strlen(packed) * sizeof words + 1), *end = expression;
  PROMISE(expression);
  for (const char *word; *packed; packed++) {
    int length = word_of(packed, &word);
    memcpy(end, word, (size_t)length);
    end += length;
  }
  *end = '\0';
  return expression;
}

static bool matches(lts_packet *packet, lts_filter *filter) {
  lts_truth match = lts_packet_apply_filter(packet, filter);
  PROMISE(match == 0 || match == 1 || match == LTS_ABSENT);
  PROMISE(lts_packet_apply_filter(packet, filter) == match);
  return match == 1;
}

void fuzz_filter(const uint8_t *data, size_t size) {
  enum { LONGEST = 200 };
  const uint8_t *end = size ? memchr(data, '\0', size) : NULL;
  if (!end || end - data > LONGEST) return;
  char *expression = expand((const char *)data);
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
  free(expression);
}
