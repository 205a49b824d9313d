/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * How the shim's value types look in Python.
 */

/* ---- arguments ---- */

SELF(struct lts_trace)
SELF(struct lts_packet)
SELF(struct lts_filter)
SELF(struct lts_prefix)
SELF(struct lts_flow)
SELF(struct lts_home)

%typemap(in) lts_filter *filter, lts_filter *filter_or_none {
  $1 = (lts_filter *)instance_of($1_descriptor, $input);
  if (!$1 && ($input != Py_None || !strcmp("$1_name", "filter"))) {
    PyErr_Format(PyExc_TypeError, "expected a Filter, not %.200s", Py_TYPE($input)->tp_name);
    SWIG_fail;
  }
}

/* The object's own pointer: the shim puts another packet in its place. */
%typemap(in) lts_packet **REFILL {
  if (!instance_of($*1_descriptor, $input)) {
    PyErr_Format(PyExc_ValueError, "expected a Packet, not %.200s", Py_TYPE($input)->tp_name);
    SWIG_fail;
  }
  $1 = (lts_packet **)&((SwigPyObject *)$input)->ptr;
}

/* A file name may hold bytes that are no UTF-8. */
%typemap(in) const char *uri (PyObject *bytes = NULL), const char *path (PyObject *bytes = NULL) {
  if (!PyUnicode_FSConverter($input, &bytes)) SWIG_fail;
  $1 = PyBytes_AS_STRING(bytes);
}
%typemap(freearg) const char *uri, const char *path { Py_XDECREF(bytes$argnum); }

%typemap(in) const char *expression, const char *text {
  Py_ssize_t length = 0;
  $1 = (char *)(PyUnicode_Check($input) ? PyUnicode_AsUTF8AndSize($input, &length) : NULL);
  if (!$1 && !PyErr_Occurred())
    PyErr_Format(PyExc_TypeError, "$1_name: expected a str, not %.200s", Py_TYPE($input)->tp_name);
  if ($1 && strlen($1) != (size_t)length) PyErr_SetString(PyExc_ValueError, "embedded null character");
  if (PyErr_Occurred()) SWIG_fail;
}
%typemap(freearg) const char *expression, const char *text ""

/* Too large for C is out of range, and not another kind of error. Python 3.9 would take a float. */
%typemap(in) int snaplen, int64_t packets {
  int overflow = 0;
  if (!PyIndex_Check($input)) {
    PyErr_Format(PyExc_TypeError, "expected an int, not %.200s", Py_TYPE($input)->tp_name);
    SWIG_fail;
  }
  long long value = PyLong_AsLongLongAndOverflow($input, &overflow);
  if (value == -1 && PyErr_Occurred()) SWIG_fail;
  $1 = ($1_ltype)value;
  if (overflow || $1 != value) $1 = -1;
}

%typemap(in) double seconds, double max_wait, double idle_timeout, double active_timeout {
  if (!PyFloat_Check($input) && !PyLong_Check($input)) {
    PyErr_Format(PyExc_TypeError, "$1_name: expected a number, not %.200s", Py_TYPE($input)->tp_name);
    SWIG_fail;
  }
  $1 = PyFloat_Check($input) ? PyFloat_AS_DOUBLE($input) : PyLong_AsDouble($input);
  if (PyErr_Occurred()) {
    PyErr_SetString(PyExc_ValueError, "$1_name: out of range");
    SWIG_fail;
  }
}

%define BOOLEAN(NAME, ERROR)
%typemap(in) int NAME {
  if (!PyBool_Check($input)) {
    PyErr_SetString(PyExc_ ## ERROR, "conf_" #NAME "() takes True or False");
    SWIG_fail;
  }
  $1 = $input == Py_True;
}
%enddef
BOOLEAN(promisc, ValueError)
BOOLEAN(meta, TypeError)

%typemap(in) lts_bytearray {
  if (!PyByteArray_CheckExact($input)) {
    PyErr_Format(PyExc_ValueError, "expected a bytearray, not %.200s", Py_TYPE($input)->tp_name);
    SWIG_fail;
  }
  $1.data = (const uint8_t *)PyByteArray_AS_STRING($input);
  $1.length = (size_t)PyByteArray_GET_SIZE($input);
}

%apply int { lts_statistic, lts_feature };

/* A field that can be set: out of range is the shim's to say. */
%typemap(in) lts_number {
  int overflow = 0;
  if (!PyLong_Check($input)) {
    PyErr_Format(PyExc_TypeError, "expected an int, not %.200s", Py_TYPE($input)->tp_name);
    SWIG_fail;
  }
  long value = PyLong_AsLongAndOverflow($input, &overflow);
  $1 = overflow || value > INT_MAX || value < INT_MIN ? -1 : (int)value;
}

/* ---- outcomes ---- */

%typemap(out) lts_status {
  if ($1) RAISE
  $result = SWIG_Py_Void();
}

%typemap(out) int fileno {
  if ($1 < 0) RAISE
  $result = PyLong_FromLong($1);
}

%typemap(out) lts_more {
  if ($1 == LTS_FAIL) RAISE
  $result = PyBool_FromLong($1 == LTS_ITEM);
}

%typemap(out) lts_more next {
  if ($1 == LTS_FAIL) RAISE
  if ($1 == LTS_END) {
    PyErr_SetNone(PyExc_StopIteration);
    SWIG_fail;
  }
}
%typemap(in, numinputs=0) lts_packet **OUTPUT_PACKET (lts_packet *packet) { $1 = &packet; }
%typemap(argout) lts_packet **OUTPUT_PACKET {
  $result = packet_object(*$1, $*1_descriptor);
}

/* Of functions that never wait. */
%typemap(out) lts_more ready, lts_more poll {
  if ($1 == LTS_FAIL) RAISE
  $result = SWIG_Py_Void();
}
%typemap(in, numinputs=0) lts_packet **FOUND_PACKET ($*1_ltype item) {
  $1 = &item;
}
%typemap(argout) lts_packet **FOUND_PACKET {
  if (result == LTS_ITEM) {
    Py_DECREF($result);
    $result = packet_object(*$1, $*1_descriptor);
  }
}
%typemap(in, numinputs=0) lts_wait *OUTPUT_WAIT (lts_wait wait) { $1 = &wait; }
%typemap(argout) lts_wait *OUTPUT_WAIT {
  if (result == LTS_WAIT) {
    Py_DECREF($result);
    $result = Py_BuildValue("((ii)d)", $1->fd, $1->wake, $1->seconds);
    if (!$result) lts_wait_close($1);
  }
}

%typemap(in, numinputs=0) char **OUTPUT_STRING (char *text) { $1 = &text; }
%typemap(argout) char **OUTPUT_STRING {
  Py_XDECREF($result);
  $result = PyUnicode_DecodeFSDefault(*$1);
  free(*$1);
}

/* A constructor that found a bad argument, or no memory. SWIG would leak what __init__() makes for
 * an object that has its pointer. */
%define CONSTRUCTOR(CLASS)
%exception CLASS::CLASS {
  if (pointer_of(self)) {
    PyErr_SetString(PyExc_RuntimeError, "this object is initialised already");
    SWIG_fail;
  }
  $action
  if (!result) RAISE
}
%enddef
CONSTRUCTOR(lts_packet)
CONSTRUCTOR(lts_trace)
CONSTRUCTOR(lts_filter)

/* ---- values ---- */

%typemap(out) lts_number = lts_field;

%typemap(out) lts_value {
  switch ($1.kind) {
    case LTS_VALUE_FAILED: RAISE
    case LTS_VALUE_FALSE: $result = PyBool_FromLong(0); break;
    case LTS_VALUE_TRUE: $result = PyBool_FromLong(1); break;
    case LTS_VALUE_BYTES:
      $result = PyByteArray_FromStringAndSize(
          (const char *)($1.bytes.data ? $1.bytes.data : $1.room), (Py_ssize_t)$1.bytes.length);
      break;
    case LTS_VALUE_LAYER:
      $result = packet_object($1.layer, layer_descriptor($1.type));
  }
}

/* SWIG finds these only if they stand before the type that has such members. */
%typemap(out) struct lts_layer2 *, struct lts_layer3 *, struct lts_transport *, struct lts_ip *,
    struct lts_ip6 *, struct lts_tcp *, struct lts_udp *, struct lts_icmp *, struct lts_icmp6 *,
    struct lts_sctp *, struct lts_echo *, struct lts_redirect *, struct lts_echo6 *,
    struct lts_toobig6 *, struct lts_param6 *, struct lts_neighbour6 * {
  if ((void *)$1 == (void *)LTS_NO_LAYER) RAISE
  $result = $1 ? packet_object((lts_packet *)$1, $1_descriptor) : SWIG_Py_Void();
}

/* Of an SCTP packet's chunks. */
%typemap(out) lts_list {
  if ($1.length < 0) RAISE
  $result = PyList_New($1.length);
  for (int i = 0; i < $1.length; i++)
    set_item(&$result, i, packet_object($1.items[i], SWIGTYPE_p_lts_chunk));
  free($1.items);
}

%typemap(out) lts_numbers {
  if ($1.count < 0) RAISE
  $result = PyList_New($1.count);
  for (int i = 0; $result && i < $1.count; i++)
    set_item(&$result, i, PyLong_FromUnsignedLong($1.values[i]));
}

%typemap(out) lts_layer_list {
  if ($1.count < 0) RAISE
  $result = PyList_New($1.count);
  for (int i = 0; i < $1.count; i++)
    if ($result)
      set_item(&$result, i, layer_tuple(&$1.items[i]));
    else
      delete_lts_packet($1.items[i].object);
}

%typemap(out) lts_count {
  $result = $1 == LTS_UNKNOWN ? SWIG_Py_Void() : PyLong_FromUnsignedLongLong($1);
}

%typemap(out) lts_unsigned {
  if ($1.presence == LTS_CUT) RAISE
  $result = $1.presence == LTS_MISSING ? SWIG_Py_Void() : PyLong_FromUnsignedLongLong($1.value);
}

/* SWIG has one of its own for const double. */
%typemap(out) double, const double {
  if (isnan($1)) RAISE
  $result = PyFloat_FromDouble($1);
}

%typemap(out) lts_text {
  if ($1.presence == LTS_CUT) RAISE
  $result = $1.presence == LTS_MISSING ? SWIG_Py_Void() : PyUnicode_DecodeASCII($1.text, $1.length, NULL);
}

%typemap(out) lts_key {
  $result = $1.presence == LTS_MISSING ? SWIG_Py_Void() : PyBytes_FromStringAndSize((const char *)$1.bytes, $1.length);
}

%typemap(in) lts_new_prefix {
  $1 = (lts_prefix *)instance_of($descriptor(lts_prefix *), $input);
  if (!$1) {
    PyErr_Format(PyExc_TypeError, "expected an IPprefix, not %.200s", Py_TYPE($input)->tp_name);
    SWIG_fail;
  }
}
%typemap(out) lts_new_prefix {
  if (!$1) RAISE
  $result = new_object($1, SWIGTYPE_p_lts_prefix);
  if (!$result) delete_lts_prefix($1);
}

%typemap(out) lts_line { $result = PyUnicode_FromString($1.text); }
%typemap(out) lts_name { $result = $1 ? PyUnicode_DecodeFSDefault($1) : SWIG_Py_Void(); }
%typemap(out) lts_bytes { $result = PyBytes_FromStringAndSize((const char *)$1.data, (Py_ssize_t)$1.length); }
%typemap(out) lts_bytearray {
  $result = PyByteArray_FromStringAndSize((const char *)$1.data, (Py_ssize_t)$1.length);
}

%{
/* A callable of the standard library, looked up once. */
static PyObject *standard(PyObject **cache, const char *module, const char *name) {
  if (!*cache) {
    PyObject *found = PyImport_ImportModule(module);
    if (found) *cache = PyObject_GetAttrString(found, name);
    Py_XDECREF(found);
  }
  return *cache;
}

static PyObject *packet_object(lts_packet *packet, swig_type_info *type) {
  PyObject *object = new_object(packet, type);
  if (!object) delete_lts_packet(packet);
  return object;
}

static swig_type_info *layer_descriptor(lts_layer_kind kind);

static PyObject *layer_tuple(const lts_layer_item *item) {
  static PyObject *type;
  PyObject *object = item->object ? packet_object(item->object, layer_descriptor(item->kind)) : SWIG_Py_Void();
  if (!object || !standard(&type, "libtrace.layers", "Layer")) {
    Py_XDECREF(object);
    return NULL;
  }
  return PyObject_CallFunction(type, "sIIN", item->name, item->offset, item->length, object);
}

static PyObject *address_object(const lts_address *address) {
  static PyObject *ipv4, *ipv6;
  PyObject *type = address->version == 4 ? standard(&ipv4, "ipaddress", "IPv4Address")
                                         : standard(&ipv6, "ipaddress", "IPv6Address");
  return type ? PyObject_CallFunction(type, "y#", address->bytes, (Py_ssize_t)(address->version == 4 ? 4 : 16)) : NULL;
}

/* A datetime without a float in between: naive local time, or aware. */
static PyObject *time_object(lts_time time, int aware) {
  static PyObject *type, *timezone;
  if (!standard(&type, "datetime", "datetime") || !standard(&timezone, "datetime", "timezone"))
    return NULL;
  PyObject *utc = aware ? PyObject_GetAttrString(timezone, "utc") : SWIG_Py_Void();
  if (!utc) return NULL;
  PyObject *whole = PyObject_CallMethod(type, "fromtimestamp", "LN", (long long)time.seconds, utc);
  PyObject *arguments = PyTuple_New(0), *fraction = Py_BuildValue("{s:i}", "microsecond", time.microseconds);
  PyObject *replace = whole ? PyObject_GetAttrString(whole, "replace") : NULL;
  PyObject *result = replace && arguments && fraction ? PyObject_Call(replace, arguments, fraction) : NULL;
  Py_XDECREF(whole);
  Py_XDECREF(arguments);
  Py_XDECREF(fraction);
  Py_XDECREF(replace);
  return result;
}
%}

%typemap(out) lts_address {
  if ($1.presence == LTS_CUT) RAISE
  $result = $1.presence == LTS_MISSING ? SWIG_Py_Void() : address_object(&$1);
}

%typemap(out) lts_time {
  if ($1.seconds == LTS_FAILED) RAISE
  $result = time_object($1, 0);
}

%typemap(out) lts_utc {
  if ($1.seconds == LTS_FAILED) RAISE
  $result = time_object($1, 1);
}

/* Text or bytes that the shim has made for us. */
%typemap(out) lts_owned {
  if (!$1.data) RAISE
  $result = PyBytes_FromStringAndSize((const char *)$1.data, (Py_ssize_t)$1.length);
  free($1.data);
}
%typemap(out) lts_owned hexdump {
  if (!$1.data) RAISE
  $result = PyUnicode_DecodeASCII((const char *)$1.data, (Py_ssize_t)$1.length, NULL);
  free($1.data);
}

%typemap(in) lts_bytes frozen {
  if (!PyBytes_Check($input)) {
    PyErr_SetString(PyExc_TypeError, "expected bytes");
    SWIG_fail;
  }
  $1.data = (const uint8_t *)PyBytes_AS_STRING($input);
  $1.length = (size_t)PyBytes_GET_SIZE($input);
}
%typemap(out) lts_packet *lts_packet_load {
  if ($1 == LTS_NO_LAYER) RAISE
  $result = packet_object($1, SWIGTYPE_p_lts_packet);
}

%typemap(out) lts_names {
  if ($1.count < 0) RAISE
  $result = PyList_New($1.count);
  for (int i = 0; $result && i < $1.count; i++)
    set_item(&$result, i, PyUnicode_FromString($1.names[i]));
}

%typemap(out) lts_options {
  static PyObject *make;
  if ($1.count < 0) RAISE
  if (!standard(&make, "libtrace.layers", "make_tcp_option")) SWIG_fail;
  $result = PyList_New($1.count);
  for (int i = 0; $result && i < $1.count; i++) {
    const lts_option *item = &$1.items[i];
    PyObject *numbers = PyList_New(item->count);
    for (int n = 0; numbers && n < item->count; n++)
      set_item(&numbers, n, PyLong_FromUnsignedLong(item->numbers[n]));
    PyObject *option = PyObject_CallFunction(make, "By#N", item->kind, (const char *)item->value.data,
                                             (Py_ssize_t)item->value.length, numbers);
    set_item(&$result, i, option);
  }
}
