/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * DNS messages: the optional part of the flat C API, over ldns. The conventions are those of lts.h.
 */
#ifndef LTS_DNS_H
#define LTS_DNS_H

#include "lts.h"

typedef struct lts_dns lts_dns;
typedef struct lts_dns_rr lts_dns_rr;

/* Text that the caller frees; NULL on failure. */
typedef char *lts_string;

typedef enum lts_dns_section {
  LTS_DNS_QUESTION,
  LTS_DNS_ANSWER,
  LTS_DNS_AUTHORITY,
  LTS_DNS_ADDITIONAL,
  LTS_DNS_SECTIONS
} lts_dns_section;

/* The records of one section; valid as long as the message. */
typedef struct lts_dns_rrs {
  lts_presence presence;
  size_t count;
  lts_dns_rr *first;
} lts_dns_rrs;

/* ---- messages ---- */

/* Decodes the message at the start of `wire`; with `stream`, the one behind the length prefix of
 * DNS over TCP. A damaged message is no failure, it is not ok. NULL when out of memory. */
lts_dns *new_lts_dns(const uint8_t *wire, size_t length, int stream);
/* Records that were taken from the message stay valid. */
void delete_lts_dns(lts_dns *dns);

lts_truth lts_dns_is_ok(lts_dns *dns);
/* A code of ldns; 0 is fine. */
lts_field lts_dns_status_get(lts_dns *dns);
lts_string lts_dns_errorstr(lts_dns *dns, int64_t code);
/* How many bytes the capture lacks of those that the length prefix announces. */
lts_field lts_dns_missing_get(lts_dns *dns);

/* These fail with LTS_E_VALUE when the message is not ok. */
lts_field lts_dns_ident_get(lts_dns *dns);
lts_truth lts_dns_is_response_get(lts_dns *dns);
lts_field lts_dns_opcode_get(lts_dns *dns);
lts_field lts_dns_rcode_get(lts_dns *dns);
lts_field lts_dns_response_type_get(lts_dns *dns);
/* LTS_MISSING where the section is empty. */
lts_dns_rrs lts_dns_query_rr_list_get(lts_dns *dns);
lts_dns_rrs lts_dns_response_rr_list_get(lts_dns *dns);
/* Never LTS_MISSING. OPT and TSIG, which describe the message, are left out. */
lts_dns_rrs lts_dns_auth_rr_list_get(lts_dns *dns);
lts_dns_rrs lts_dns_addit_rr_list_get(lts_dns *dns);

/* ---- records ---- */

/* A reference of the caller's own, which keeps the message alive. */
lts_dns_rr *lts_dns_rrs_take(lts_dns_rrs rrs, size_t index);
void delete_lts_dns_rr(lts_dns_rr *record);

lts_string lts_dns_rr_owner_get(lts_dns_rr *record);
lts_field lts_dns_rr_type_get(lts_dns_rr *record);
lts_field lts_dns_rr_ttl_get(lts_dns_rr *record);
/* In ldns's presentation format, or that of RFC 3597 where ldns has none for what is there. */
lts_string lts_dns_rr_rdata_get(lts_dns_rr *record);
lts_string lts_dns_rr_str_get(lts_dns_rr *record);
lts_string lts_dns_rr_repr(lts_dns_rr *record);

/* ---- names of numbers ---- */
lts_string lts_dns_opcodestr(int64_t number);
lts_string lts_dns_rcodestr(int64_t number);
lts_string lts_dns_typestr(int64_t number);

#endif
