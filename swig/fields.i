/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * How every module declares the attributes and methods of its types.
 */
/* A little more than the type that they all derive from has: Python then refuses to make a class
 * from two of them, whose objects would have the pointer of one and the methods of the other. */
%feature("python:tp_basicsize", "sizeof(SwigPyObject) + sizeof(void *)");

%define FIELD(CLASS, TYPE, NAME, DOC)
%feature("docstring") CLASS::NAME DOC;
%extend CLASS { const TYPE NAME; }
%enddef

%define METHOD(CLASS, NAME, DOC)
%feature("docstring") CLASS::NAME DOC;
%enddef

/* The descriptor or slot has checked the type of self: take its pointer, no second check. It is
 * NULL in an object that __new__() made and no __init__() filled. */
%define SELF(STRUCT)
%typemap(in) STRUCT *self {
  $1 = ($1_ltype)((SwigPyObject *)$input)->ptr;
  if (!$1) {
    PyErr_SetString(PyExc_ValueError, "this object was never initialised");
    SWIG_fail;
  }
}
%enddef

%typemap(out) lts_field {
  if ($1 == LTS_FAILED) RAISE
  $result = $1 == LTS_ABSENT ? SWIG_Py_Void() : PyLong_FromLongLong($1);
}

%typemap(out) lts_truth {
  if ($1 == LTS_FAILED) RAISE
  $result = $1 == LTS_ABSENT ? SWIG_Py_Void() : PyBool_FromLong($1 != 0);
}

%{
/* Deleting SWIG's `thisown` crashes, setting it leaks; what an object points to is nobody's business. */
static void hide_pointers(void) {
  for (size_t i = 0; i < swig_module.size; i++) {
    SwigPyClientData *data = (SwigPyClientData *)swig_module.types[i]->clientdata;
    if (!data || !data->pytype) continue;
    if (PyDict_DelItemString(data->pytype->tp_dict, "this")) PyErr_Clear();
    if (PyDict_DelItemString(data->pytype->tp_dict, "thisown")) PyErr_Clear();
    PyType_Modified(data->pytype);
  }
}
%}
