/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * DNS without Python: who owns what, and what damaged messages do. Every message lies in memory of
 * its exact size, so that valgrind and the sanitizers see a read past it.
 */
#include "dns.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;
static const char *test;

static void check(bool good, const char *what, int line) {
  if (good) return;
  failures++;
  fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, line, test, what);
}

#define CHECK(condition) check((condition), #condition, __LINE__)
#define CHECK_TEXT(call, expected)                                                                 \
  do {                                                                                             \
    lts_string text_ = (call);                                                                     \
    check(text_ && !strcmp(text_, (expected)), #call " is " expected, __LINE__);                   \
    free(text_);                                                                                   \
  } while (0)

/* ---- messages ---- */

typedef struct message {
  size_t length;
  uint8_t wire[1024];
} message;

/* A response with counts of questions, answers, authority and additional records. */
static message start(int questions, int answers, int authority, int additional) {
  const int counts[] = {questions, answers, authority, additional};
  message result = {.length = 12, .wire = {0x12, 0x34, 0x84, 3}};
  for (int i = 0; i < 4; i++) result.wire[5 + 2 * i] = (uint8_t)counts[i];
  return result;
}

static void add(message *to, const void *bytes, size_t length) {
  memcpy(to->wire + to->length, bytes, length);
  to->length += length;
}

static void add_u16(message *to, unsigned value) {
  const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};
  add(to, bytes, sizeof bytes);
}

/* example.test, at offset 12. */
static void add_question(message *to) {
  static const uint8_t name[] = "\7example\4test";
  add(to, name, sizeof name);
  add_u16(to, 1);
  add_u16(to, 1);
}

/* A record of example.test. */
static void add_record(message *to, unsigned type, const void *data, size_t length) {
  static const uint8_t ttl[] = {0, 0, 1, 44};
  add_u16(to, 0xc00c);
  add_u16(to, type);
  add_u16(to, 1);
  add(to, ttl, sizeof ttl);
  add_u16(to, (unsigned)length);
  add(to, data, length);
}

#define ADD(TO, TYPE, DATA) add_record((TO), (TYPE), (DATA), sizeof(DATA) - 1)

enum { A = 1, NS = 2, SOA = 6, WKS = 11, MX = 15, TXT = 16, OPT = 41, NSEC = 47, TSIG = 250 };

static message sample(void) {
  message whole = start(1, 4, 1, 3);
  add_question(&whole);
  ADD(&whole, A, "\300\0\2\1");
  ADD(&whole, MX, "\0\12\300\14");
  ADD(&whole, TXT, "\1a\0\3b\"c");
  ADD(&whole, SOA, "\300\14\2me\300\14\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5");
  ADD(&whole, NS, "\2ns\300\14");
  ADD(&whole, OPT, "");
  ADD(&whole, A, "\300\0\2\2");
  ADD(&whole, TSIG, "\0\0\0\0\0\0\0\1\54\0\0\0\0\0\0\0\0");
  return whole;
}

static lts_dns *decode(const uint8_t *wire, size_t length, int stream) {
  uint8_t *exact = malloc(length);
  if (!exact && length) abort();
  if (length) memcpy(exact, wire, length);
  lts_dns *dns = new_lts_dns(exact, length, stream);
  free(exact);
  if (!dns) abort();
  return dns;
}

/* ---- walking over all that a message shows ---- */

static void show_record(lts_dns_rr *record) {
  lts_string texts[] = {lts_dns_rr_owner_get(record), lts_dns_rr_rdata_get(record),
                        lts_dns_rr_str_get(record), lts_dns_rr_repr(record)};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    CHECK(texts[i]);
    free(texts[i]);
  }
  CHECK(lts_dns_rr_type_get(record) >= 0 && lts_dns_rr_ttl_get(record) >= 0);
  delete_lts_dns_rr(record);
}

static void show(lts_dns *dns) {
  const lts_dns_rrs sections[] = {lts_dns_query_rr_list_get(dns), lts_dns_response_rr_list_get(dns),
                                  lts_dns_auth_rr_list_get(dns), lts_dns_addit_rr_list_get(dns)};
  for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
    CHECK((sections[i].presence == LTS_CUT) == !lts_dns_is_ok(dns));
    for (size_t j = 0; j < sections[i].count; j++) show_record(lts_dns_rrs_take(sections[i], j));
  }
  delete_lts_dns(dns);
}

/* ---- tests ---- */

static void test_fields(void) {
  test = "fields";
  message whole = sample();
  lts_dns *dns = decode(whole.wire, whole.length, 0);
  CHECK(lts_dns_is_ok(dns) == 1 && lts_dns_status_get(dns) == 0);
  CHECK(lts_dns_ident_get(dns) == 0x1234 && lts_dns_is_response_get(dns) == 1);
  CHECK(lts_dns_opcode_get(dns) == 0 && lts_dns_rcode_get(dns) == 3);
  CHECK(lts_dns_query_rr_list_get(dns).count == 1);
  CHECK(lts_dns_response_rr_list_get(dns).count == 4);
  CHECK(lts_dns_auth_rr_list_get(dns).count == 1);
  CHECK(lts_dns_addit_rr_list_get(dns).count == 1);
  show(dns);
}

static void test_records_outlive_the_message(void) {
  test = "records outlive the message";
  message whole = sample();
  lts_dns *dns = decode(whole.wire, whole.length, 0);
  lts_dns_rr *text = lts_dns_rrs_take(lts_dns_response_rr_list_get(dns), 2);
  lts_dns_rr *again = lts_dns_rrs_take(lts_dns_response_rr_list_get(dns), 2);
  delete_lts_dns(dns);
  delete_lts_dns_rr(text);
  CHECK_TEXT(lts_dns_rr_owner_get(again), "example.test.");
  CHECK_TEXT(lts_dns_rr_rdata_get(again), "\"a\" \"\" \"b\\\"c\"");
  delete_lts_dns_rr(again);
}

static void test_not_ok(void) {
  test = "not ok";
  message whole = sample();
  lts_dns *dns = decode(whole.wire, 30, 0);
  CHECK(!lts_dns_is_ok(dns) && lts_dns_status_get(dns) != 0);
  lts_error_clear();
  CHECK(lts_dns_ident_get(dns) == LTS_FAILED && lts_error_last()->kind == LTS_E_VALUE);
  CHECK(lts_dns_query_rr_list_get(dns).presence == LTS_CUT);
  CHECK_TEXT(lts_dns_errorstr(dns, 9999), "ERR9999");
  CHECK_TEXT(lts_dns_errorstr(dns, 0), "All OK");
  delete_lts_dns(dns);
}

static void test_every_length(void) {
  test = "every length";
  message whole = sample();
  message stream = {.length = 2, .wire = {(uint8_t)(whole.length >> 8), (uint8_t)whole.length}};
  add(&stream, whole.wire, whole.length);
  for (size_t length = 0; length <= whole.length; length++) show(decode(whole.wire, length, 0));
  for (size_t length = 0; length <= stream.length; length++) {
    lts_dns *dns = decode(stream.wire, length, 1);
    CHECK(length < 2 || lts_dns_missing_get(dns) == (lts_field)(stream.length - length));
    show(dns);
  }
}

static void test_every_byte(void) {
  static const uint8_t values[] = {0, 1, 2, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff};
  test = "every byte";
  message whole = sample();
  for (size_t at = 0; at < whole.length; at++)
    for (size_t i = 0; i < sizeof values; i++) {
      uint8_t old = whole.wire[at];
      whole.wire[at] = values[i];
      show(decode(whole.wire, whole.length, 0));
      whole.wire[at] = old;
    }
}

/* Data that fits no type: whatever ldns makes of it, there is a text. */
static void test_every_type(void) {
  static const uint8_t seeds[] = {0, 1, 3, 5, 32, 255};
  test = "every type";
  for (unsigned type = 0; type < 262; type++)
    for (size_t i = 0; i < sizeof seeds; i++)
      for (size_t length = 0; length < 48; length += 1 + length / 4) {
        uint8_t data[48];
        for (size_t at = 0; at < length; at++) data[at] = (uint8_t)(seeds[i] + at * (i & 1));
        message odd = start(1, 1, 0, 0);
        add_question(&odd);
        add_record(&odd, type, data, length);
        show(decode(odd.wire, odd.length, 0));
      }
}

static void test_loops(void) {
  static const char owners[][5] = {"\300\14", "\1a\300\14", "\300\16\300\14", "\300\0"};
  test = "loops";
  for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
    message odd = start(1, 0, 0, 0);
    add(&odd, owners[i], 4);
    add(&odd, "\0\1\0\1", 4);
    lts_dns *dns = decode(odd.wire, odd.length, 0);
    CHECK(!lts_dns_is_ok(dns));
    delete_lts_dns(dns);
  }
}

static void test_repeated_meta_records(void) {
  test = "repeated meta records";
  message odd = start(1, 0, 0, 5);
  add_question(&odd);
  for (int i = 0; i < 2; i++) {
    ADD(&odd, TSIG, "\0\0\0\0\0\0\0\1\54\0\0\0\0\0\0\0\0");
    ADD(&odd, OPT, "\0\12\0\2ab");
  }
  ADD(&odd, A, "\300\0\2\2");
  lts_dns *dns = decode(odd.wire, odd.length, 0);
  CHECK(lts_dns_addit_rr_list_get(dns).count == 1);
  show(dns);
}

static void test_names(void) {
  test = "names";
  CHECK_TEXT(lts_dns_opcodestr(4), "NOTIFY");
  CHECK_TEXT(lts_dns_opcodestr(INT64_MAX), "OPCODE9223372036854775807");
  CHECK_TEXT(lts_dns_rcodestr(4), "NOTIMPL");
  CHECK_TEXT(lts_dns_rcodestr(-1), "RCODE-1");
  CHECK_TEXT(lts_dns_typestr(255), "ANY");
  CHECK_TEXT(lts_dns_typestr(65537), "TYPE65537");
}

int main(void) {
  test_fields();
  test_records_outlive_the_message();
  test_not_ok();
  test_every_length();
  test_every_byte();
  test_every_type();
  test_loops();
  test_repeated_meta_records();
  test_names();
  return failures != 0;
}
