/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * natkit's functions
 */
%typemap(in) lts_bytes BUFFER (Py_buffer view = {0}) {
  if (PyObject_GetBuffer($input, &view, PyBUF_SIMPLE)) SWIG_fail;
  $1.data = view.buf;
  $1.length = (size_t)view.len;
}
%typemap(freearg) lts_bytes BUFFER { PyBuffer_Release(&view$argnum); }

%typemap(in) int64_t index {
  PyObject *number = PyNumber_Index($input);
  if (!number) SWIG_fail;
  $1 = saturated(number);
  Py_DECREF(number);
}

%typemap(in) lts_sequence {
  PyObject *number = PyNumber_Index($input);
  if (!number) SWIG_fail;
  $1 = (lts_sequence)PyLong_AsUnsignedLongMask(number);
  Py_DECREF(number);
}
%typemap(out) lts_sequence { $result = PyLong_FromUnsignedLong($1); }

%define FUNCTION(NAME, DOC)
%rename(NAME) lts_ ## NAME;
%feature("docstring") lts_ ## NAME DOC;
%enddef

FUNCTION(ba_get_short, "ba_get_short(ba, i)
--

Read a big-endian number of 2 bytes.

Parameters
----------
ba : bytearray
    Or anything else made of bytes.
i : int
    Where the number starts.

Returns
-------
int or None
    None where it does not end within `ba`.

Raises
------
IndexError
    `i` is negative.")
lts_field lts_ba_get_short(lts_bytes BUFFER, int64_t index);

FUNCTION(ba_get_long, "ba_get_long(ba, i)
--

Read a big-endian number of 4 bytes, as `ba_get_short` does.")
lts_field lts_ba_get_long(lts_bytes BUFFER, int64_t index);

FUNCTION(seq_add, "seq_add(a, b)
--

Return a + b, modulo 2**32 as sequence numbers are.")
lts_sequence lts_seq_add(lts_sequence a, lts_sequence b);

FUNCTION(seq_sub, "seq_sub(a, b)
--

Return a - b, modulo 2**32.")
lts_sequence lts_seq_sub(lts_sequence a, lts_sequence b);

FUNCTION(seq_gt, "seq_gt(a, b)
--

Return whether `a` is after `b`: the way from `b` up to `a`, modulo 2**32, is 1 to 2**31 - 1.")
lts_truth lts_seq_gt(lts_sequence a, lts_sequence b);

FUNCTION(seq_ge, "seq_ge(a, b)
--

Return whether `a` is after `b`, as `seq_gt`, or equal to it.")
lts_truth lts_seq_ge(lts_sequence a, lts_sequence b);

FUNCTION(seq_lt, "seq_lt(a, b)
--

Return whether `a` is before `b`: neither after it nor equal, as `seq_ge`.")
lts_truth lts_seq_lt(lts_sequence a, lts_sequence b);
