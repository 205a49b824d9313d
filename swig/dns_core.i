/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The module libtrace.dns_core: a module of its own, so that only those who decode DNS need ldns.
 * It shares no type with libtrace.core.
 */
%module(package="libtrace") dns_core
%{
#include "dns.h"
%}
%include <stdint.i>

%include "errors.i"
%include "fields.i"

SELF(struct lts_dns)
SELF(struct lts_dns_rr)

%typemap(in) (const uint8_t *wire, size_t length) (Py_buffer view = {0}) {
  if (PyObject_GetBuffer($input, &view, PyBUF_SIMPLE)) SWIG_fail;
  $1 = view.buf;
  $2 = (size_t)view.len;
}
%typemap(freearg) (const uint8_t *wire, size_t length) { PyBuffer_Release(&view$argnum); }

%typemap(out) lts_string {
  if (!$1) RAISE
  $result = PyUnicode_DecodeLatin1($1, (Py_ssize_t)strlen($1), NULL);
  free($1);
}

%{
static PyObject *record_list(lts_dns_rrs rrs, swig_type_info *type) {
  PyObject *list = PyList_New((Py_ssize_t)rrs.count);
  for (size_t i = 0; list && i < rrs.count; i++) {
    lts_dns_rr *record = lts_dns_rrs_take(rrs, i);
    PyObject *object = owner(record, type);
    if (!object) delete_lts_dns_rr(record);
    set_item(&list, (Py_ssize_t)i, object);
  }
  return list;
}
%}
%typemap(out) lts_dns_rrs {
  if ($1.presence == LTS_CUT) RAISE
  $result = $1.presence == LTS_MISSING ? SWIG_Py_Void() : record_list($1, $descriptor(lts_dns_rr *));
}

%nodefaultctor;
%rename(Message) lts_dns;
%rename(Record) lts_dns_rr;

/* ---- messages ---- */

%exception lts_dns::lts_dns { $action if (!result) RAISE }
%feature("python:tp_setattro", "set_attribute") lts_dns;
typedef struct lts_dns {} lts_dns;
METHOD(lts_dns, is_ok, "is_ok()
--

Return whether the whole message could be read, as `bool`.")
METHOD(lts_dns, errorstr, "errorstr(code)
--

Return what a status code of ldns means.

Parameters
----------
code : int
    A code, as `status`.

Returns
-------
str
    ldns's text, or ``ERR<code>`` for an unknown one.")
%extend lts_dns {
  lts_dns(const uint8_t *wire, size_t length, int stream);
  ~lts_dns();
  lts_truth is_ok();
  lts_string errorstr(int64_t code);
}

%define DNS_FIELD(TYPE, NAME, DOC)
FIELD(lts_dns, TYPE, NAME, DOC)
%enddef

DNS_FIELD(lts_field, status, "int: ldns's code for how reading the message went: 0 is fine, `errorstr` tells the
others.")
DNS_FIELD(lts_field, missing, "int: How many bytes the capture lacks of those that the length prefix of DNS over
TCP announces (RFC 1035, 4.2.2).")
DNS_FIELD(lts_field, ident, "int: Identifier of the query and its response (RFC 1035, 4.1.1).")
DNS_FIELD(lts_truth, is_response, "bool: The QR bit (RFC 1035, 4.1.1).")
DNS_FIELD(lts_field, opcode, "int: Kind of query (RFC 1035, 4.1.1); `opcodestr` names it.")
DNS_FIELD(lts_field, rcode, "int: Response code, without its extension by EDNS (RFC 1035, 4.1.1); `rcodestr`
names it.")
DNS_FIELD(lts_field, response_type, "int: Another name of `rcode`.")
DNS_FIELD(lts_dns_rrs, query_rr_list, "list of Record or None: The question section; None where it is empty.")
DNS_FIELD(lts_dns_rrs, response_rr_list, "list of Record or None: The answer section; None where it is empty.")
DNS_FIELD(lts_dns_rrs, auth_rr_list, "list of Record: The authority section.")
DNS_FIELD(lts_dns_rrs, addit_rr_list, "list of Record: The additional section, without OPT (RFC 6891) and TSIG
(RFC 8945).")

/* ---- records ---- */

%feature("docstring") lts_dns_rr
"A record of a DNS message, which it keeps alive.";
%feature("python:tp_setattro", "set_attribute") lts_dns_rr;
%feature("python:slot", "tp_repr", functype="reprfunc") lts_dns_rr::repr;
%rename(__repr__) lts_dns_rr::repr;
typedef struct lts_dns_rr {} lts_dns_rr;
%extend lts_dns_rr {
  ~lts_dns_rr();
  lts_string repr();
}

%define RECORD_FIELD(TYPE, NAME, DOC)
FIELD(lts_dns_rr, TYPE, NAME, DOC)
%enddef

RECORD_FIELD(lts_string, owner, "str: The name that the record is about, with its final dot.")
RECORD_FIELD(lts_field, type, "int: Type (RFC 1035, 3.2.2); `typestr` names it.")
RECORD_FIELD(lts_field, ttl, "int: Time to live in seconds; 3600 for a question, which has none.")
RECORD_FIELD(lts_string, rdata, "str: The data, as a zone file has it; ``''`` where there is none. What cannot be
presented so is ``\\\\# <length> <hex>`` (RFC 3597, 5).")
RECORD_FIELD(lts_string, str, "str: Owner, TTL, class, type and data, separated by tabs; of a question owner, class
and type.")

/* ---- names of numbers ---- */

%define NAMES(NAME, WHAT, UNKNOWN)
%rename(NAME) lts_dns_##NAME;
%feature("docstring") lts_dns_##NAME
"NAME(number)
--

Return the name of " WHAT " as `str`, ``" UNKNOWN "<number>`` for an unknown one.";
lts_string lts_dns_##NAME(int64_t number);
%enddef

NAMES(opcodestr, "a kind of query", "OPCODE")
NAMES(rcodestr, "a response code", "RCODE")
NAMES(typestr, "a record type", "TYPE")
%init %{
  adapt_types();
%}
