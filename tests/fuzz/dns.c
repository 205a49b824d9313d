/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Arbitrary bytes as a DNS message, over UDP or, when the first byte is odd, TCP.
 */
#include "touch.h"

#include "dns.h"

#include <string.h>

/* calls_dns.h has these lines for dns.h; see touch.c. */
static void use_number(int64_t number) {
  PROMISE(number != LTS_FAILED || lts_error_last()->kind == LTS_E_VALUE);
}

static void use_string(lts_string text) {
  if (!text) PROMISE(lts_error_last()->kind != LTS_E_NONE);
  if (text) digest_text(text);
  free(text);
}

static void touch_record(lts_dns_rr *record);

static void use_records(lts_dns_rrs records) {
  for (size_t i = 0; records.presence == LTS_PRESENT && i < records.count; i++) {
    lts_dns_rr *record = lts_dns_rrs_take(records, i);
    PROMISE(record);
    touch_record(record);
    delete_lts_dns_rr(record);
  }
}

#define USE(VALUE)                                                                                 \
  _Generic((VALUE), int64_t : use_number, lts_string : use_string, lts_dns_rrs : use_records)(VALUE)

#define ASK_dns_rr(FUNCTION) USE(FUNCTION(record));
#define ASK_dns(FUNCTION)
#define ASK(TYPE, FUNCTION) ASK_##TYPE(FUNCTION)
static void touch_record(lts_dns_rr *record) {
#include "tests/fuzz/calls_dns.h"
}
#undef ASK_dns_rr
#undef ASK_dns
#define ASK_dns_rr(FUNCTION)
#define ASK_dns(FUNCTION) USE(FUNCTION(dns));
static void touch_message(lts_dns *dns) {
#include "tests/fuzz/calls_dns.h"
}

void fuzz_dns(const uint8_t *data, size_t size) {
  if (!size) return;
  uint8_t *wire = malloc(size - 1);
  if (size > 1) memcpy(wire, data + 1, size - 1);
  lts_dns *dns = new_lts_dns(wire, size - 1, data[0] & 1);
  free(wire);
  PROMISE(dns);
  touch_message(dns);
  use_string(lts_dns_errorstr(dns, lts_dns_status_get(dns)));
  int64_t number = data[0];
  use_string(lts_dns_opcodestr(number));
  use_string(lts_dns_rcodestr(number));
  use_string(lts_dns_typestr(number));
  lts_dns_rrs first = lts_dns_is_ok(dns) == 1 ? lts_dns_response_rr_list_get(dns)
                                              : (lts_dns_rrs){.presence = LTS_MISSING};
  lts_dns_rr *kept = first.presence == LTS_PRESENT ? lts_dns_rrs_take(first, 0) : NULL;
  delete_lts_dns(dns);
  if (kept) touch_record(kept);
  delete_lts_dns_rr(kept);
}
