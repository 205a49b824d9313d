/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The Python types. Each is an opaque struct of the shim; a field NAME is its
 * lts_<type>_NAME_get(), a method its lts_<type>_NAME().
 */
%nodefaultctor;
%rename(Trace) lts_trace;
%rename(Packet) lts_packet;
%rename(Filter) lts_filter;
%rename(IPprefix) lts_prefix;
%rename(IPflow) lts_flow;
%rename(FlowHome) lts_home;

typedef struct lts_filter {} lts_filter;
%extend lts_filter {
  lts_filter(const char *expression, int check);
  ~lts_filter();
}
FIELD(lts_filter, lts_name, expression, "str: The expression as it was given.")

%include "prefix.i"
%include "packet.i"
%include "layers.i"
%include "flow.i"
%include "natkit.i"

%feature("python:tp_iter", "PyObject_SelfIter") lts_trace;
%feature("python:slot", "tp_iternext", functype="iternextfunc") lts_trace::next;
typedef struct lts_trace {} lts_trace;
%rename(__next__) lts_trace::next;
%rename(_ready) lts_trace::ready;
%rename(_poll) lts_trace::poll;
FIELD(lts_trace, lts_name, uri, "str: Where the packets come from; with the format in front once it is known.")
FIELD(lts_trace, lts_name, state, "str: ``new``, ``started``, ``paused`` or ``closed``.")
%extend lts_trace {
  lts_trace(const char *uri);
  ~lts_trace();
  lts_status start();
  lts_status pause();
  lts_status close();
  lts_status conf_filter(lts_filter *filter_or_none);
  lts_status conf_snaplen(int snaplen);
  lts_status conf_promisc(int promisc);
  lts_status conf_timeout(double seconds);
  lts_more next(lts_packet **OUTPUT_PACKET);
  lts_more ready(lts_packet **FOUND_PACKET);
  lts_more poll(double waited, lts_packet **FOUND_PACKET, lts_wait *OUTPUT_WAIT);
  lts_more read_packet(lts_packet **REFILL);
  lts_count statistic(lts_statistic which);
}

%include "output.i"
