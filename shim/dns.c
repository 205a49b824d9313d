/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * DNS messages: how they are read, what they and their records show.
 */
#include "dns.h"
#include "lts_int.h"

#include <ldns/ldns.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lts_dns_rr {
  lts_dns *dns;
  ldns_rr *rr;
};

struct lts_dns {
  int references;
  ldns_status status;
  size_t missing;
  uint16_t ident, flags;
  size_t counts[LTS_DNS_SECTIONS];
  lts_dns_rr *records; /* of all sections, one after another */
};

/* ---- reading ---- */

/* As ldns_wire2rdf(), which allocates the length of the whole rdata for each string in it: half a
 * gigabyte for a packet full of empty ones. */
static ldns_status read_strings(ldns_rr *rr, const uint8_t *wire, size_t length, size_t *at) {
  size_t end = *at + 2 + ldns_read_uint16(wire + *at);
  *at += 2;
  if (end > length) return LDNS_STATUS_PACKET_OVERFLOW;
  while (*at < end) {
    size_t size = (size_t)wire[*at] + 1;
    if (*at + size > end) return LDNS_STATUS_PACKET_OVERFLOW;
    ldns_rdf *string = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, size, wire + *at);
    if (!string || !ldns_rr_push_rdf(rr, string)) {
      ldns_rdf_deep_free(string);
      return LDNS_STATUS_MEM_ERR;
    }
    *at += size;
  }
  return LDNS_STATUS_OK;
}

/* ldns allocates the length of the whole rdata for other fields, too. */
static void trim(ldns_rr *rr) {
  for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
    ldns_rdf *field = ldns_rr_rdf(rr, i);
    size_t size = ldns_rdf_size(field);
    void *data = size ? realloc(ldns_rdf_data(field), size) : NULL;
    if (data) ldns_rdf_set_data(field, data);
  }
}

/* As ldns_wire2rr(), but for the memory that it takes. */
static ldns_status read_record(ldns_rr *rr, const uint8_t *wire, size_t length, size_t *at) {
  enum { QUESTION = 4, RECORD = 10 };
  ldns_rdf *owner = NULL;
  ldns_status status = ldns_wire2dname(&owner, wire, length, at);
  if (status) return status;
  ldns_rr_set_owner(rr, owner);
  if (*at + (ldns_rr_is_question(rr) ? QUESTION : RECORD) > length)
    return LDNS_STATUS_PACKET_OVERFLOW;
  ldns_rr_set_type(rr, ldns_read_uint16(wire + *at));
  ldns_rr_set_class(rr, ldns_read_uint16(wire + *at + 2));
  *at += QUESTION;
  if (ldns_rr_is_question(rr)) return LDNS_STATUS_OK;
  ldns_rr_set_ttl(rr, ldns_read_uint32(wire + *at));
  *at += 4;
  if (ldns_rr_descript((uint16_t)ldns_rr_get_type(rr))->_variable == LDNS_RDF_TYPE_STR)
    return read_strings(rr, wire, length, at);
  status = ldns_wire2rdf(rr, wire, length, at);
  trim(rr);
  return status;
}

/* OPT and TSIG describe the message; ldns takes them out of its last section. */
static bool is_meta(const ldns_rr *rr, lts_dns_section section) {
  return section == LTS_DNS_ADDITIONAL &&
         (ldns_rr_get_type(rr) == LDNS_RR_TYPE_OPT || ldns_rr_get_type(rr) == LDNS_RR_TYPE_TSIG);
}

static ldns_status read_section(lts_dns *dns, lts_dns_section section, lts_dns_rr **next,
                                const uint8_t *wire, size_t length, size_t *at) {
  enum { COUNTS = 4 };
  for (unsigned left = ldns_read_uint16(wire + COUNTS + 2 * section); left; left--) {
    ldns_rr *rr = ldns_rr_new();
    if (!rr) return LDNS_STATUS_MEM_ERR;
    ldns_rr_set_question(rr, section == LTS_DNS_QUESTION);
    ldns_status status = read_record(rr, wire, length, at);
    if (status || is_meta(rr, section)) {
      ldns_rr_free(rr);
      if (status) return status;
      continue;
    }
    *(*next)++ = (lts_dns_rr){dns, rr};
    dns->counts[section]++;
  }
  return LDNS_STATUS_OK;
}

static ldns_status incomplete(lts_dns_section section) {
  static const ldns_status statuses[] = {
      LDNS_STATUS_WIRE_INCOMPLETE_QUESTION, LDNS_STATUS_WIRE_INCOMPLETE_ANSWER,
      LDNS_STATUS_WIRE_INCOMPLETE_AUTHORITY, LDNS_STATUS_WIRE_INCOMPLETE_ADDITIONAL};
  return statuses[section];
}

/* As ldns_wire2pkt(), which leaks a repeated TSIG and stops too early behind one. */
static ldns_status read_message(lts_dns *dns, const uint8_t *wire, size_t length) {
  enum { HEADER = LDNS_HEADER_SIZE, SMALLEST_RECORD = 5 };
  if (length < HEADER) return LDNS_STATUS_WIRE_INCOMPLETE_HEADER;
  dns->ident = ldns_read_uint16(wire);
  dns->flags = ldns_read_uint16(wire + 2);
  lts_dns_rr *next = dns->records = calloc(length / SMALLEST_RECORD, sizeof *next);
  if (!next) return LDNS_STATUS_MEM_ERR;
  size_t at = HEADER;
  for (lts_dns_section section = 0; section < LTS_DNS_SECTIONS; section++) {
    ldns_status status = read_section(dns, section, &next, wire, length, &at);
    if (status == LDNS_STATUS_PACKET_OVERFLOW) status = incomplete(section);
    if (status) return status;
  }
  size_t used = (size_t)(next - dns->records);
  if (used) next = realloc(dns->records, used * sizeof *next);
  if (next) dns->records = next;
  return LDNS_STATUS_OK;
}

/* ---- memory ---- */

static void forget_records(lts_dns *dns) {
  lts_dns_rr *record = dns->records;
  for (int section = 0; section < LTS_DNS_SECTIONS; section++)
    for (; dns->counts[section]; dns->counts[section]--) ldns_rr_free(record++->rr);
  free(dns->records);
  dns->records = NULL;
}

/* Leaves in *length that of the first message. */
static size_t skip_prefix(lts_dns *dns, const uint8_t *wire, size_t *length) {
  enum { PREFIX = 2 };
  size_t announced = *length < PREFIX ? 0 : ldns_read_uint16(wire);
  size_t captured = *length < PREFIX ? 0 : *length - PREFIX;
  dns->missing = announced > captured ? announced - captured : 0;
  *length = announced < captured ? announced : captured;
  return *length ? PREFIX : 0;
}

lts_dns *new_lts_dns(const uint8_t *wire, size_t length, int stream) {
  lts_dns *dns = calloc(1, sizeof *dns);
  if (!dns) {
    lts_fail_memory();
    return NULL;
  }
  dns->references = 1;
  size_t skipped = stream ? skip_prefix(dns, wire, &length) : 0;
  dns->status = read_message(dns, wire + skipped, length);
  if (dns->status) forget_records(dns);
  if (dns->status != LDNS_STATUS_MEM_ERR) return dns;
  delete_lts_dns(dns);
  lts_fail_memory();
  return NULL;
}

void delete_lts_dns(lts_dns *dns) {
  if (!dns || --dns->references) return;
  forget_records(dns);
  free(dns);
}

lts_dns_rr *lts_dns_rrs_take(lts_dns_rrs rrs, size_t index) {
  lts_dns_rr *record = rrs.first + index;
  record->dns->references++;
  return record;
}

void delete_lts_dns_rr(lts_dns_rr *record) {
  if (record) delete_lts_dns(record->dns);
}

/* ---- messages ---- */

static const char *status_text(int64_t code) {
  return code == (int)code ? ldns_get_errorstr_by_id((ldns_status)code) : NULL;
}

static bool is_ok(const lts_dns *dns) {
  if (!dns->status) return true;
  lts_fail(LTS_E_VALUE, (int)dns->status, NULL, "the DNS message cannot be read: %s",
           status_text(dns->status));
  return false;
}

lts_truth lts_dns_is_ok(lts_dns *dns) { return !dns->status; }
lts_field lts_dns_status_get(lts_dns *dns) { return dns->status; }
lts_field lts_dns_missing_get(lts_dns *dns) { return (lts_field)dns->missing; }

lts_field lts_dns_ident_get(lts_dns *dns) { return is_ok(dns) ? dns->ident : LTS_FAILED; }
lts_truth lts_dns_is_response_get(lts_dns *dns) {
  return is_ok(dns) ? dns->flags >> 15 : LTS_FAILED;
}
lts_field lts_dns_opcode_get(lts_dns *dns) {
  return is_ok(dns) ? dns->flags >> 11 & 15 : LTS_FAILED;
}
lts_field lts_dns_rcode_get(lts_dns *dns) { return is_ok(dns) ? dns->flags & 15 : LTS_FAILED; }
lts_field lts_dns_response_type_get(lts_dns *dns) { return lts_dns_rcode_get(dns); }

static lts_dns_rrs records_of(lts_dns *dns, lts_dns_section which, lts_presence when_empty) {
  if (!is_ok(dns)) return (lts_dns_rrs){.presence = LTS_CUT};
  lts_dns_rrs result = {LTS_PRESENT, dns->counts[which], dns->records};
  for (int i = 0; i < (int)which; i++) result.first += dns->counts[i];
  if (!result.count) result.presence = when_empty;
  return result;
}

lts_dns_rrs lts_dns_query_rr_list_get(lts_dns *dns) {
  return records_of(dns, LTS_DNS_QUESTION, LTS_MISSING);
}
lts_dns_rrs lts_dns_response_rr_list_get(lts_dns *dns) {
  return records_of(dns, LTS_DNS_ANSWER, LTS_MISSING);
}
lts_dns_rrs lts_dns_auth_rr_list_get(lts_dns *dns) {
  return records_of(dns, LTS_DNS_AUTHORITY, LTS_PRESENT);
}
lts_dns_rrs lts_dns_addit_rr_list_get(lts_dns *dns) {
  return records_of(dns, LTS_DNS_ADDITIONAL, LTS_PRESENT);
}

/* ---- text ---- */

static bool is_service(const ldns_rr *rr) {
  enum { SVCB = 64, HTTPS = 65 };
  int type = (int)ldns_rr_get_type(rr);
  return type == SVCB || type == HTTPS;
}

/* Guard: ldns writes some characters of the parameters of SVCB and HTTPS, and aborts the process
 * where the buffer is full, instead of making room. None takes more than this. */
static size_t room_for(const ldns_rr *rr) {
  enum { MOST = 16, REST = 128 };
  if (!is_service(rr)) return 0;
  size_t size = ldns_rdf_size(ldns_rr_owner(rr));
  for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) size += ldns_rdf_size(ldns_rr_rdf(rr, i));
  return REST + MOST * size;
}

typedef ldns_status printer(ldns_buffer *out, const ldns_rr *rr);

/* What `print` makes of the record, whatever the program's locale says of digits and letters; NULL
 * when it fails, as the status tells. */
static lts_string print_with(printer *print, const ldns_rr *rr, ldns_status *status) {
  static locale_t plain;
  if (!plain) plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  ldns_buffer *out = ldns_buffer_new(LDNS_MIN_BUFLEN + room_for(rr));
  *status = LDNS_STATUS_MEM_ERR;
  if (!out) return NULL;
  locale_t programs = uselocale(plain);
  *status = print(out, rr);
  lts_string text = *status == LDNS_STATUS_OK ? ldns_buffer_export2str(out) : NULL;
  if (*status == LDNS_STATUS_OK && !text) *status = LDNS_STATUS_MEM_ERR;
  uselocale(programs);
  ldns_buffer_free(out);
  return text;
}

/* ldns looks each port of a WKS record up in the system's database of services. */
static bool takes_too_long(const ldns_rr *rr) {
  enum { BITMAP_OF_WELL_KNOWN_PORTS = 1 + 1024 / 8 };
  return ldns_rr_get_type(rr) == LDNS_RR_TYPE_WKS && ldns_rr_rd_count(rr) == 2 &&
         ldns_rdf_size(ldns_rr_rdf(rr, 1)) > BITMAP_OF_WELL_KNOWN_PORTS;
}

static bool is_alpn(const uint8_t *at, size_t left) {
  bool any = left > 0;
  while (left && at[0] && at[0] < left) {
    left -= 1U + at[0];
    at += 1U + at[0];
  }
  return any && !left;
}

/* RFC 9460, section 14.3.2. */
static bool is_parameter(unsigned key, const uint8_t *value, size_t length) {
  enum { MANDATORY, ALPN, NO_DEFAULT_ALPN, PORT, IPV4HINT, ECH, IPV6HINT };
  switch (key) {
  case MANDATORY: return length && length % 2 == 0;
  case ALPN: return is_alpn(value, length);
  case NO_DEFAULT_ALPN: return !length;
  case PORT: return length == 2;
  case IPV4HINT: return length && length % 4 == 0;
  case IPV6HINT: return length && length % 16 == 0;
  default: return true;
  }
}

/* Of parameters that are not well formed, ldns leaves out some. */
static bool has_broken_parameters(const ldns_rr *rr) {
  enum { HEADER = 4 };
  if (!is_service(rr) || ldns_rr_rd_count(rr) < 3) return false;
  const ldns_rdf *rdf = ldns_rr_rdf(rr, 2);
  const uint8_t *at = ldns_rdf_data(rdf);
  for (size_t left = ldns_rdf_size(rdf); left;) {
    if (left < HEADER) return true;
    size_t length = (size_t)at[2] << 8 | at[3];
    if (length > left - HEADER || !is_parameter(at[0] << 8 | at[1], at + HEADER, length))
      return true;
    at += HEADER + length;
    left -= HEADER + length;
  }
  return false;
}

static ldns_status print_owner(ldns_buffer *out, const ldns_rr *rr) {
  return ldns_rdf2buffer_str_dname(out, ldns_rr_owner(rr));
}

static ldns_status print_rdata(ldns_buffer *out, const ldns_rr *rr) {
  if (takes_too_long(rr) || has_broken_parameters(rr)) return LDNS_STATUS_ERR;
  for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
    if (i) ldns_buffer_printf(out, " ");
    ldns_status status = ldns_rdf2buffer_str(out, ldns_rr_rdf(rr, i));
    if (status) return status;
  }
  return ldns_buffer_status(out);
}

/* The form of RFC 3597 for rdata of any kind. */
static ldns_status print_plain_rdata(ldns_buffer *out, const ldns_rr *rr) {
  size_t size = 0;
  for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) size += ldns_rdf_size(ldns_rr_rdf(rr, i));
  ldns_buffer_printf(out, "\\# %zu ", size);
  for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
    ldns_rdf2buffer_str_hex(out, ldns_rr_rdf(rr, i));
  return ldns_buffer_status(out);
}

static ldns_status print_record(ldns_buffer *out, const ldns_rr *rr) {
  if (takes_too_long(rr) || has_broken_parameters(rr)) return LDNS_STATUS_ERR;
  ldns_status status = ldns_rr2buffer_str(out, rr);
  if (status == LDNS_STATUS_OK) ldns_buffer_skip(out, -1); /* its newline */
  return status;
}

static ldns_status print_plain_record(ldns_buffer *out, const ldns_rr *rr) {
  print_owner(out, rr);
  ldns_buffer_printf(out, "\t%u\t", (unsigned)ldns_rr_ttl(rr));
  ldns_rr_class2buffer_str(out, ldns_rr_get_class(rr));
  ldns_buffer_printf(out, "\t");
  ldns_rr_type2buffer_str(out, ldns_rr_get_type(rr));
  ldns_buffer_printf(out, "\t");
  return print_plain_rdata(out, rr);
}

/* Rdata that makes no sense to ldns fails the first only. */
static lts_string text_of(const lts_dns_rr *record, printer *ldns, printer *plain) {
  ldns_status status;
  lts_string text = print_with(ldns, record->rr, &status);
  if (!text && status != LDNS_STATUS_MEM_ERR) text = print_with(plain, record->rr, &status);
  if (!text) lts_fail_memory();
  return text;
}

/* ---- records ---- */

lts_string lts_dns_rr_owner_get(lts_dns_rr *record) {
  return text_of(record, print_owner, print_owner);
}
lts_field lts_dns_rr_type_get(lts_dns_rr *record) { return ldns_rr_get_type(record->rr); }
lts_field lts_dns_rr_ttl_get(lts_dns_rr *record) { return ldns_rr_ttl(record->rr); }
lts_string lts_dns_rr_rdata_get(lts_dns_rr *record) {
  return text_of(record, print_rdata, print_plain_rdata);
}
lts_string lts_dns_rr_str_get(lts_dns_rr *record) {
  return text_of(record, print_record, print_plain_record);
}

lts_string lts_dns_rr_repr(lts_dns_rr *record) {
  static const char format[] = "<libtrace.dns.Record %s>";
  lts_string text = lts_dns_rr_str_get(record);
  if (!text) return NULL;
  for (char *at = text; (at = strchr(at, '\t')); at++) *at = ' ';
  size_t size = strlen(text) + sizeof format;
  lts_string result = malloc(size);
  if (result)
    snprintf(result, size, format, text);
  else
    lts_fail_memory();
  free(text);
  return result;
}

/* ---- names of numbers ---- */

static lts_string format(const char *name, const char *prefix, int64_t number) {
  char text[32];
  if (!name) snprintf(text, sizeof text, "%s%lld", prefix, (long long)number);
  lts_string copy = strdup(name ? name : text);
  if (!copy) lts_fail_memory();
  return copy;
}

static const char *lookup(ldns_lookup_table *table, int64_t number) {
  ldns_lookup_table *entry = number == (int)number ? ldns_lookup_by_id(table, (int)number) : NULL;
  return entry ? entry->name : NULL;
}

lts_string lts_dns_errorstr(lts_dns *dns, int64_t code) {
  (void)dns;
  return format(status_text(code), "ERR", code);
}

lts_string lts_dns_opcodestr(int64_t number) {
  return format(lookup(ldns_opcodes, number), "OPCODE", number);
}

lts_string lts_dns_rcodestr(int64_t number) {
  return format(lookup(ldns_rcodes, number), "RCODE", number);
}

lts_string lts_dns_typestr(int64_t number) {
  if (number != (uint16_t)number) return format(NULL, "TYPE", number);
  lts_string text = ldns_rr_type2str((ldns_rr_type)number);
  if (!text) lts_fail_memory();
  return text;
}
