/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * What types need whose constructors SWIG cannot write.
 */
%{
static PyTypeObject *type_of(swig_type_info *info) { return ((SwigPyClientData *)info->clientdata)->pytype; }

/* NULL in an object that __new__() made and no __init__() filled. */
static void *pointer_of(PyObject *self) { return ((SwigPyObject *)self)->ptr; }

/* The pointer of an object of the type, or NULL. SWIG_ConvertPtr() crashes on what was not filled. */
static void *instance_of(swig_type_info *info, PyObject *object) {
  return PyObject_TypeCheck(object, type_of(info)) ? pointer_of(object) : NULL;
}

static void *raised(void) {
  raise_last_error();
  return NULL;
}

static int no_keywords(PyObject *keywords, const char *name) {
  if (!keywords || !PyDict_GET_SIZE(keywords)) return 1;
  PyErr_Format(PyExc_TypeError, "%s() takes no keyword arguments", name);
  return 0;
}

/* Numbers that are too large for C are as far out of range as the largest that are not. */
static long long saturated(PyObject *number) {
  int overflow = 0;
  long long value = PyLong_AsLongLongAndOverflow(number, &overflow);
  return overflow > 0 ? INT64_MAX : overflow < 0 ? INT64_MIN : value;
}

/* Only ints themselves: an __index__() in Python could free what the caller has in hand. */
static int to_int(PyObject *number, const char *name, int *value) {
  if (!PyLong_Check(number)) {
    PyErr_Format(PyExc_TypeError, "%s must be an integer", name);
    return 0;
  }
  long long wide = saturated(number);
  *value = wide > INT_MAX ? INT_MAX : wide < INT_MIN ? INT_MIN : (int)wide;
  return 1;
}

/* The module that scripts know the type by: where it is, depends on the kind of type that SWIG made.
 */
static void set_module(swig_type_info *info, const char *qualified, const char *module) {
  PyTypeObject *type = type_of(info);
  type->tp_name = qualified;
  if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) return;
  PyObject *name = PyUnicode_FromString(module);
  if (name) PyDict_SetItemString(type->tp_dict, "__module__", name);
  Py_XDECREF(name);
  PyType_Modified(type);
}
%}

%define CLASS_OF(MODULE, NAME, CLASS)
%init %{
  set_module(SWIGTYPE_p_ ## CLASS, #MODULE "." #NAME, #MODULE);
%}
%enddef
