/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * How every module declares the attributes and methods of its types.
 */
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
/* Guards. Deleting SWIG's `thisown` crashes, setting it leaks: what an object points to is nobody's
 * business. With a little more than the type that they all derive from has, Python refuses to make
 * a class from two types, whose objects would have the pointer of one and the methods of the other. */
static void guard_types(void) {
  for (size_t i = 0; i < swig_module.size; i++) {
    SwigPyClientData *data = (SwigPyClientData *)swig_module.types[i]->clientdata;
    PyTypeObject *type = data ? data->pytype : NULL, *root = type;
    while (root && root->tp_base != &PyBaseObject_Type) root = root->tp_base;
    if (type == root) continue;
    if (PyDict_DelItemString(type->tp_dict, "this")) PyErr_Clear();
    if (PyDict_DelItemString(type->tp_dict, "thisown")) PyErr_Clear();
    if (type->tp_basicsize == root->tp_basicsize) type->tp_basicsize += (Py_ssize_t)sizeof(void *);
    PyType_Modified(type);
  }
}
%}
