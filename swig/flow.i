/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * class IPflow, class FlowHome
 */
%{
static lts_packet *to_packet(PyObject *object) {
  lts_packet *packet = instance_of(SWIGTYPE_p_lts_packet, object);
  if (!packet) PyErr_Format(PyExc_ValueError, "expected a Packet, not %.200s", Py_TYPE(object)->tp_name);
  return packet;
}

static PyObject *flow_object(lts_flow *flow) {
  PyObject *object = new_object(flow, SWIGTYPE_p_lts_flow);
  if (!object) delete_lts_flow(flow);
  return object;
}

/* Not an __init__(): it could not give None. */
static PyObject *make_flow(PyTypeObject *type, PyObject *object) {
  PyObject *self;
  lts_flow *flow;
  lts_packet *packet = to_packet(object);
  if (!packet) return NULL;
  lts_more found = lts_flow_of(packet, &flow);
  if (found == LTS_FAIL) return raised();
  if (found == LTS_END) Py_RETURN_NONE;
  if (type == type_of(SWIGTYPE_p_lts_flow)) return flow_object(flow);
  self = type->tp_alloc(type, 0);
  if (self) return SWIG_NewPointerObj(flow, SWIGTYPE_p_lts_flow, SWIG_BUILTIN_INIT);
  delete_lts_flow(flow);
  return NULL;
}

static PyObject *flow_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
  PyObject *object;
  if (!no_keywords(keywords, "IPflow") || !PyArg_UnpackTuple(arguments, "IPflow", 1, 1, &object)) return NULL;
  return make_flow(type, object);
}

/* The same without a tuple around the argument. */
static PyObject *flow_vectorcall(PyObject *type, PyObject *const *arguments, size_t count, PyObject *keywords) {
  if (PyVectorcall_NARGS(count) == 1 && !keywords) return make_flow((PyTypeObject *)type, arguments[0]);
  PyErr_SetString(PyExc_TypeError, "IPflow() takes one packet");
  return NULL;
}

static int flow_init(PyObject *self, PyObject *arguments, PyObject *keywords) {
  (void)self, (void)arguments, (void)keywords;
  return 0;
}

static lts_home *parse_home(PyObject *arguments) {
  Py_ssize_t count = PyTuple_GET_SIZE(arguments);
  lts_prefix **prefixes = PyMem_New(lts_prefix *, count);
  if (!prefixes) return (lts_home *)PyErr_NoMemory();
  for (Py_ssize_t i = 0; i < count; i++) {
    prefixes[i] = to_prefix(PyTuple_GET_ITEM(arguments, i));
    if (prefixes[i]) continue;
    PyMem_Free(prefixes);
    return NULL;
  }
  lts_home *home = new_lts_home(prefixes, (size_t)count);
  PyMem_Free(prefixes);
  return home ? home : raised();
}

static int home_init(PyObject *self, PyObject *arguments, PyObject *keywords) {
  lts_home *home = no_keywords(keywords, "FlowHome") ? parse_home(arguments) : NULL;
  if (!home) return -1;
  delete_lts_home(pointer_of(self));
  ((SwigPyObject *)self)->ptr = NULL;
  SWIG_NewPointerObj(home, SWIGTYPE_p_lts_home, SWIG_BUILTIN_INIT);
  return 0;
}
%}

%typemap(in) lts_packet *packet {
  $1 = to_packet($input);
  if (!$1) SWIG_fail;
}
%typemap(in, numinputs=0) lts_flow **OUTPUT_FLOW (lts_flow *flow = NULL) { $1 = &flow; }
%typemap(argout) lts_flow **OUTPUT_FLOW {
  $result = flow$argnum ? flow_object(flow$argnum) : SWIG_Py_Void();
}
%typemap(out) lts_more flow {
  if ($1 == LTS_FAIL) RAISE
}

%feature("docstring") lts_flow
"IPflow(packet, /)
--

Who talks to whom in a packet: its addresses, protocol and ports. Gives None for what is not IP.

Parameters
----------
packet : Packet
    Or one of its layers.

Raises
------
ValueError
    Nothing was read into the packet yet, or it was not read from a trace.
TruncatedError
    The capture cuts off the addresses.

Examples
--------
>>> from collections import Counter
>>> import libtrace, natkit
>>> packets = Counter()
>>> for packet in libtrace.open('tests/data/sample.pcap'):
...     if flow := natkit.IPflow(packet):
...         packets[flow.fwd_key] += 1";
%feature("python:tp_new", "flow_new") lts_flow;
%feature("python:tp_init", "flow_init") lts_flow;
%feature("python:tp_setattro", "set_attribute") lts_flow;
%feature("python:slot", "tp_repr", functype="reprfunc") lts_flow::repr;
%rename(__repr__) lts_flow::repr;
typedef struct lts_flow {} lts_flow;

FIELD(lts_flow, lts_field, version, "int: 4 or 6.")
FIELD(lts_flow, lts_field, proto, "int: Protocol number, behind IPv6 extension headers; 0 for later fragments and
where the headers are incomplete.")
FIELD(lts_flow, lts_field, src_port, "int: Source port of TCP or UDP; else 0.")
FIELD(lts_flow, lts_field, dst_port, "int: Destination port of TCP or UDP; else 0.")
FIELD(lts_flow, lts_new_prefix, src_prefix, "IPprefix: Source address, without a length.")
FIELD(lts_flow, lts_new_prefix, dst_prefix, "IPprefix: Destination address, without a length.")
FIELD(lts_flow, lts_address, src, "ipaddress.IPv4Address or ipaddress.IPv6Address: Source address.")
FIELD(lts_flow, lts_address, dst, "ipaddress.IPv4Address or ipaddress.IPv6Address: Destination address.")
FIELD(lts_flow, lts_key, fwd_key, "bytes: Version, protocol (1 byte each), source and destination port (2 each),
source and destination address (4 or 16 each), in network order.")
FIELD(lts_flow, lts_key, rev_key, "bytes: `fwd_key` of the packets that come back.")
FIELD(lts_flow, lts_key, home_key, "bytes or None: `fwd_key` where the destination is in home, else `rev_key`;
None for a flow that no `FlowHome` made.")
FIELD(lts_flow, lts_truth, src_in_home, "bool or None: Whether the source is in home; None as `home_key`.")
FIELD(lts_flow, lts_truth, dst_in_home, "bool or None: Whether the destination is in home; None as `home_key`.")
FIELD(lts_flow, lts_truth, is_inward, "bool or None: Whether exactly one end is in home; None as `home_key`.")
%extend lts_flow {
  ~lts_flow();
  lts_line repr();
}
REUSED(lts_flow)
CLASS_OF(natkit, IPflow, lts_flow)
%init %{
  type_of(SWIGTYPE_p_lts_flow)->tp_new = flow_new;
  type_of(SWIGTYPE_p_lts_flow)->tp_vectorcall = flow_vectorcall;
%}

%feature("docstring") lts_home
"FlowHome(*prefixes)
--

The networks at home, which flows come into and go out of.

Parameters
----------
*prefixes : IPprefix
    With lengths. Bits behind the length do not count.

Raises
------
ValueError
    One is no IPprefix, or has no length.";
%feature("python:tp_init", "home_init") lts_home;
%feature("python:tp_setattro", "set_attribute") lts_home;
%feature("python:slot", "tp_repr", functype="reprfunc") lts_home::repr;
%rename(__repr__) lts_home::repr;
typedef struct lts_home {} lts_home;

FIELD(lts_home, lts_name, owner, "str: ``dummy``, as ever.")
METHOD(lts_home, flow, "flow(packet)
--

Make the flow of a packet, with what it has to do with home.

Parameters
----------
packet : Packet
    Or one of its layers.

Returns
-------
IPflow or None
    As ``IPflow(packet)``.")
%extend lts_home {
  ~lts_home();
  lts_more flow(lts_packet *packet, lts_flow **OUTPUT_FLOW);
  lts_line repr();
}
CLASS_OF(natkit, FlowHome, lts_home)
