/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * class IPprefix
 */
%{
/* The addr of a prefix: a bytearray whose memory the prefix uses itself from then on. That it is
 * exported keeps it from being resized. */
typedef PyObject *live_bytearray;

static Py_buffer *lend_bytearray(lts_prefix *prefix) {
  lts_bytes bytes = lts_prefix_bytes(prefix);
  PyObject *array = PyByteArray_FromStringAndSize((const char *)bytes.data, (Py_ssize_t)bytes.length);
  Py_buffer *view = array ? PyMem_Malloc(sizeof *view) : NULL;
  if (array && !view) PyErr_NoMemory();
  if (view && PyObject_GetBuffer(array, view, PyBUF_WRITABLE)) {
    PyMem_Free(view);
    view = NULL;
  }
  if (view) lts_prefix_move(prefix, view->buf, view);
  Py_XDECREF(array);
  return view;
}

static live_bytearray lts_prefix_addr_get(lts_prefix *prefix) {
  Py_buffer *view = lts_prefix_lender(prefix);
  if (!view) view = lend_bytearray(prefix);
  if (!view) return NULL;
  Py_INCREF(view->obj);
  return view->obj;
}

static lts_prefix *to_prefix(PyObject *object) {
  lts_prefix *prefix = instance_of(SWIGTYPE_p_lts_prefix, object);
  if (!prefix) PyErr_Format(PyExc_ValueError, "expected an IPprefix, not %.200s", Py_TYPE(object)->tp_name);
  return prefix;
}

/* Each mistake has the exception that the old ipp had for it. */
static lts_prefix *parse_prefix(PyObject *arguments) {
  PyObject *version_number, *array = NULL, *length_number = NULL;
  int version = 0, length = LTS_NO_LENGTH;
  if (!PyArg_UnpackTuple(arguments, "IPprefix", 1, 3, &version_number, &array, &length_number)) {
    PyErr_SetString(PyExc_AttributeError, "IPprefix() takes a version, an address and perhaps a length");
    return NULL;
  }
  if (!to_int(version_number, "version", &version)) return NULL;
  if (length_number && !to_int(length_number, "length", &length)) return NULL;
  if (!array || !PyByteArray_CheckExact(array)) {
    PyErr_SetString(PyExc_ValueError, "the address must be a bytearray");
    return NULL;
  }
  lts_bytearray address = {(const uint8_t *)PyByteArray_AS_STRING(array), (size_t)PyByteArray_GET_SIZE(array)};
  lts_prefix *prefix = new_lts_prefix(version, address, length);
  return prefix ? prefix : raised();
}

static int prefix_init(PyObject *self, PyObject *arguments, PyObject *keywords) {
  lts_prefix *prefix = no_keywords(keywords, "IPprefix") ? parse_prefix(arguments) : NULL;
  if (!prefix) return -1;
  delete_lts_prefix(pointer_of(self));
  ((SwigPyObject *)self)->ptr = NULL;
  SWIG_NewPointerObj(prefix, SWIGTYPE_p_lts_prefix, SWIG_BUILTIN_INIT);
  return 0;
}

static PyObject *prefix_compare(PyObject *self, PyObject *other, int operation) {
  lts_prefix *left = to_prefix(self), *right = left ? to_prefix(other) : NULL;
  if (!right) return NULL;
  lts_order order = lts_prefix_compare(left, right);
  if (order == LTS_UNORDERED) return raised();
  Py_RETURN_RICHCOMPARE((int)order, 0, operation);
}

static Py_hash_t prefix_hash(PyObject *self) {
  lts_prefix *prefix = to_prefix(self);
  return prefix ? (Py_hash_t)lts_prefix_hash(prefix) : -1;
}

/* Python's own, instead of SWIG's. */
static PyObject *prefix_repr(PyObject *self) { return PyBaseObject_Type.tp_repr(self); }

static int prefix_setattr(PyObject *self, PyObject *name, PyObject *value) {
  if (PyUnicode_Check(name) && !PyUnicode_CompareWithASCIIString(name, "length"))
    return set_attribute(self, name, value);
  PyErr_SetString(PyExc_AttributeError, "version and addr are READONLY");
  return -1;
}

/* The length is a state of its own, since the constructor refuses 0. */
static PyObject *lts_prefix_reduce(lts_prefix *prefix, PyObject *self) {
  lts_bytes bytes = lts_prefix_bytes(prefix);
  PyObject *array = PyByteArray_FromStringAndSize((const char *)bytes.data, (Py_ssize_t)bytes.length);
  return Py_BuildValue("O(iN)i", Py_TYPE(self), (int)lts_prefix_version_get(prefix), array, lts_prefix_state(prefix));
}
%}

%typemap(in) lts_prefix *other {
  $1 = to_prefix($input);
  if (!$1) SWIG_fail;
}
%typemap(in) lts_field length {
  int length;
  if (!to_int($input, "length", &length)) SWIG_fail;
  $1 = length;
}
%typemap(in) int bit, int state, int number { if (!to_int($input, "$1_name", &$1)) SWIG_fail; }
%typemap(in, numinputs=0) PyObject *SELF { $1 = self; }
%typemap(out) live_bytearray { $result = $1; }

%feature("docstring") lts_prefix
"IPprefix(version, addr, length=None, /)
--

An IPv4 or IPv6 address, with or without a prefix length.

Parameters
----------
version : int
    4 or 6.
addr : bytearray
    The address in network order. One that is too short is filled up with zeros.
length : int, optional
    1 to 32 or 128. Bits behind it are kept.

Raises
------
TypeError, ValueError, AttributeError
    As the old ``ipp`` module did: for a `version` that is no int; for another `version`, an `addr`
    that is no bytearray; for too long an `addr`, a wrong `length` or number of arguments.

Notes
-----
Prefixes of one IP version are ordered by address; of the same address, the longer comes first. One
without a length equals all with its address. Comparing with anything else raises, also ``==``:
`AttributeError` for the other IP version, `ValueError` for what is no IPprefix.

Examples
--------
>>> from ipp import IPprefix
>>> net = IPprefix(4, bytearray([192, 0, 2]), 24)
>>> str(net)
'192.0.2.0/24'
>>> net.is_prefix(IPprefix.from_s('192.0.2.77'))
True";

%feature("python:tp_init", "prefix_init") lts_prefix;
%feature("python:tp_hash", "prefix_hash") lts_prefix;
%feature("python:tp_repr", "prefix_repr") lts_prefix;
%feature("python:tp_richcompare", "prefix_compare") lts_prefix;
%feature("python:tp_setattro", "prefix_setattr") lts_prefix;
%feature("python:slot", "tp_str", functype="reprfunc") lts_prefix::str;
%rename(__str__) lts_prefix::str;
%rename(__reduce__) lts_prefix::reduce;
%rename(__setstate__) lts_prefix::restore;
typedef struct lts_prefix {} lts_prefix;

FIELD(lts_prefix, lts_field, version, "int: 4 or 6.")
FIELD(lts_prefix, live_bytearray, addr, "bytearray: The address itself, 4 or 16 bytes in network order: changing
an element changes the prefix, and its hash. It cannot be resized.")
FIELD(lts_prefix, lts_field, width, "int: `length` - 1; `AttributeError` without a length.")
FIELD(lts_prefix, lts_new_prefix, complement, "IPprefix: The same with all address bits inverted.")
FIELD(lts_prefix, lts_truth, is_rfc1918, "bool: Whether all of it is in 10.0.0.0/8, 172.16.0.0/12 or
192.168.0.0/16 (RFC 1918, 3).")
FIELD(lts_prefix, lts_address, address, "ipaddress.IPv4Address or ipaddress.IPv6Address: The address alone.")
%feature("docstring") lts_prefix::length
"int: Bits of the prefix; `AttributeError` without. Can be set, to 1 or more.";
SETTER(lts_prefix, length)

METHOD(lts_prefix, from_s, "from_s(text)
--

Make a prefix from its text form.

Parameters
----------
text : str
    A dotted quad or an IPv6 address, with ``/`` and a length from 0 or without.

Returns
-------
IPprefix

Raises
------
ValueError
    `text` is something else.")
METHOD(lts_prefix, equal, "equal(other)
--

Whether the addresses are the same, whatever the lengths.

Parameters
----------
other : IPprefix

Returns
-------
bool")
METHOD(lts_prefix, is_prefix, "is_prefix(other)
--

Whether `other` is an address or prefix within this one, which has a length.

Parameters
----------
other : IPprefix

Returns
-------
bool")
METHOD(lts_prefix, has_bit_set, "has_bit_set(n)
--

Whether a bit of the address is set; True for a negative `n`, False behind the last bit.

Parameters
----------
n : int
    0 is the most significant bit.

Returns
-------
bool")
METHOD(lts_prefix, first_bit_different, "first_bit_different(other)
--

Find where two prefixes, both with lengths, begin to differ.

Parameters
----------
other : IPprefix

Returns
-------
int
    A bit, from 0; the smaller length if none before it differs.")
METHOD(lts_prefix, reduce, "Helper for `pickle` and `copy`.")
METHOD(lts_prefix, restore, "Helper for `pickle` and `copy`.")
%extend lts_prefix {
  lts_field length;
  ~lts_prefix();
  static lts_new_prefix from_s(const char *text);
  lts_truth equal(lts_prefix *other);
  lts_truth is_prefix(lts_prefix *other);
  lts_truth has_bit_set(int bit);
  lts_field first_bit_different(lts_prefix *other);
  lts_text str();
  PyObject *reduce(PyObject *SELF);
  lts_status restore(int state);
}
REUSED(lts_prefix)
CLASS_OF(ipp, IPprefix, lts_prefix)
