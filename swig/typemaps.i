/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * How the shim's value types look in Python.
 */

/* ---- arguments ---- */

/* The descriptor or slot has checked the type of self: take its pointer, no second check. It is
 * NULL in an object that __new__() made and no __init__() filled. */
%typemap(in) struct lts_trace *self, struct lts_packet *self, struct lts_filter *self,
             struct lts_prefix *self, struct lts_flow *self, struct lts_home *self {
  $1 = ($1_ltype)((SwigPyObject *)$input)->ptr;
  if (!$1) {
    PyErr_SetString(PyExc_ValueError, "this object was never initialised");
    SWIG_fail;
  }
}

%typemap(in) lts_filter *filter {
  void *pointer = NULL;
  if ($input != Py_None && (!SWIG_IsOK(SWIG_ConvertPtr($input, &pointer, $1_descriptor, 0)) || !pointer)) {
    PyErr_Format(PyExc_TypeError, "expected a Filter, not %.200s", Py_TYPE($input)->tp_name);
    SWIG_fail;
  }
  $1 = (lts_filter *)pointer;
}

/* The object's own pointer: the shim puts another packet in its place. */
%typemap(in) lts_packet **REFILL {
  void *pointer = NULL;
  if (!SWIG_IsOK(SWIG_ConvertPtr($input, &pointer, $*1_descriptor, 0)) || !pointer) {
    PyErr_Format(PyExc_ValueError, "expected a Packet, not %.200s", Py_TYPE($input)->tp_name);
    SWIG_fail;
  }
  $1 = (lts_packet **)&SWIG_Python_GetSwigThis($input)->ptr;
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

/* Too large for C is out of range, and not another kind of error. */
%typemap(in) int snaplen {
  int overflow = 0;
  long value = PyLong_AsLongAndOverflow($input, &overflow);
  if (value == -1 && PyErr_Occurred()) SWIG_fail;
  $1 = overflow || value > INT_MAX || value < INT_MIN ? -1 : (int)value;
}

%typemap(in) int promisc {
  if (!PyBool_Check($input)) {
    PyErr_SetString(PyExc_ValueError, "conf_promisc() takes True or False");
    SWIG_fail;
  }
  $1 = $input == Py_True;
}

%typemap(in) lts_bytearray {
  if (!PyByteArray_CheckExact($input)) {
    PyErr_Format(PyExc_ValueError, "expected a bytearray, not %.200s", Py_TYPE($input)->tp_name);
    SWIG_fail;
  }
  $1.data = (const uint8_t *)PyByteArray_AS_STRING($input);
  $1.length = (size_t)PyByteArray_GET_SIZE($input);
}

%apply int { lts_statistic, lts_feature };

/* ---- outcomes ---- */

%typemap(out) lts_status {
  if ($1) RAISE
  $result = SWIG_Py_Void();
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
  $result = SWIG_NewPointerObj(*$1, $*1_descriptor, SWIG_POINTER_OWN);
}

%typemap(in, numinputs=0) char **OUTPUT_STRING (char *text) { $1 = &text; }
%typemap(argout) char **OUTPUT_STRING {
  Py_XDECREF($result);
  $result = PyUnicode_DecodeFSDefault(*$1);
  free(*$1);
}

/* A constructor that found a bad argument, or no memory. */
%exception lts_packet::lts_packet { $action if (!result) RAISE }
%exception lts_trace::lts_trace { $action if (!result) RAISE }
%exception lts_filter::lts_filter { $action if (!result) RAISE }

/* ---- values ---- */

%typemap(out) lts_field {
  if ($1 == LTS_FAILED) RAISE
  $result = $1 == LTS_ABSENT ? SWIG_Py_Void() : PyLong_FromLongLong($1);
}

%typemap(out) lts_truth {
  if ($1 == LTS_FAILED) RAISE
  $result = $1 == LTS_ABSENT ? SWIG_Py_Void() : PyBool_FromLong($1 != 0);
}

%typemap(out) lts_count {
  $result = $1 == LTS_UNKNOWN ? SWIG_Py_Void() : PyLong_FromUnsignedLongLong($1);
}

%typemap(out) lts_unsigned {
  if ($1.presence == LTS_CUT) RAISE
  $result = PyLong_FromUnsignedLongLong($1.value);
}

%typemap(out) double {
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

%typemap(out) lts_new_prefix {
  if (!$1) RAISE
  $result = SWIG_NewPointerObj($1, SWIGTYPE_p_lts_prefix, SWIG_POINTER_OWN);
}

%typemap(out) lts_line { $result = PyUnicode_FromString($1.text); }
%typemap(out) lts_name { $result = PyUnicode_DecodeFSDefault($1); }
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

static PyObject *address_object(const lts_address *address) {
  static PyObject *ipv4, *ipv6;
  PyObject *type = address->version == 4 ? standard(&ipv4, "ipaddress", "IPv4Address")
                                         : standard(&ipv6, "ipaddress", "IPv6Address");
  return type ? PyObject_CallFunction(type, "y#", address->bytes, (Py_ssize_t)(address->version == 4 ? 4 : 16)) : NULL;
}

/* Local time without a float in between. */
static PyObject *time_object(lts_time time) {
  static PyObject *type;
  if (!standard(&type, "datetime", "datetime")) return NULL;
  PyObject *whole = PyObject_CallMethod(type, "fromtimestamp", "L", (long long)time.seconds);
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
  $result = time_object($1);
}
