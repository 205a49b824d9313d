/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * How every module declares the attributes and methods of its types.
 */
%{
/* A script's own subclass may hold itself, in attributes that only SWIG's types know of. Those are
 * not collected by themselves, hence without the flag. */
static PyObject **attributes_of(PyObject *self) {
  Py_ssize_t offset = Py_TYPE(self)->tp_dictoffset;
  return offset > 0 ? (PyObject **)((char *)self + offset) : NULL;
}

static int traverse_attributes(PyObject *self, visitproc visit, void *arg) {
  PyObject **attributes = attributes_of(self);
  if (attributes) Py_VISIT(*attributes);
  return 0;
}

static int clear_attributes(PyObject *self) {
  PyObject **attributes = attributes_of(self);
  if (attributes) Py_CLEAR(*attributes);
  return 0;
}

/* What SWIG gives to its types lets a script leak an object, free one that is in use, or crash by
 * deleting `thisown`. */
static void hide_ownership(PyTypeObject *type) {
  static const char *const names[] = {"acquire", "append", "disown", "next", "own", "this", "thisown"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (PyDict_DelItemString(type->tp_dict, names[i])) PyErr_Clear();
  PyType_Modified(type);
}

/* With a little more than the type that they all derive from has, Python refuses to make a class
 * from two types, whose objects would have the pointer of one and the methods of the other. */
static void adapt_types(void) {
  for (size_t i = 0; i < swig_module.size; i++) {
    SwigPyClientData *data = (SwigPyClientData *)swig_module.types[i]->clientdata;
    PyTypeObject *type = data ? data->pytype : NULL, *root = type;
    if (!type) continue;
    while (root->tp_base != &PyBaseObject_Type) root = root->tp_base;
    type->tp_traverse = traverse_attributes;
    type->tp_clear = clear_attributes;
    hide_ownership(type);
    hide_ownership(root);
    if (type != root && type->tp_basicsize == root->tp_basicsize)
      type->tp_basicsize += (Py_ssize_t)sizeof(void *);
  }
}
%}
%{
/* An object that owns what it points to; for want of memory SWIG gives None. */
static PyObject *owner(void *pointer, swig_type_info *type) {
  PyObject *object = SWIG_Python_NewPointerObj(NULL, pointer, type, SWIG_POINTER_OWN);
  if (object == Py_None) Py_CLEAR(object);
  return object;
}

/* Takes the item over. Without one there is no list either. */
static void set_item(PyObject **list, Py_ssize_t index, PyObject *item) {
  if (*list && item) {
    PyList_SET_ITEM(*list, index, item);
  } else {
    Py_XDECREF(item);
    Py_CLEAR(*list);
  }
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

