/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * How every module declares the attributes and methods of its types.
 */
%{
/* A script's own subclass may hold itself, in attributes that only SWIG's types know of. Those are
 * not collected by themselves, hence without the flag. */
static int traverse_attributes(PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(((SwigPyObject *)self)->dict);
  return 0;
}

static int clear_attributes(PyObject *self) {
  Py_CLEAR(((SwigPyObject *)self)->dict);
  return 0;
}

/* What SWIG gives to its types lets a script leak an object, or free one that is in use. */
static int hide_ownership(PyTypeObject *type) {
  static const char *const names[] = {"acquire", "append", "disown", "next", "own", "this", "thisown"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (PyMapping_HasKeyString(type->tp_dict, names[i]) && PyDict_DelItemString(type->tp_dict, names[i])) return -1;
  PyType_Modified(type);
  return 0;
}

static int adapt_types(void) {
  for (size_t i = 0; i < swig_module.size; i++) {
    SwigPyClientData *data = (SwigPyClientData *)swig_module.types[i]->clientdata;
    if (!data || !data->pytype) continue;
    data->pytype->tp_traverse = traverse_attributes;
    data->pytype->tp_clear = clear_attributes;
    if (hide_ownership(data->pytype)) return -1;
  }
  return hide_ownership(SwigPyObject_type());
}
%}
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
