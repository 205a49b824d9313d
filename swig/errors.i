/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * From the shim's failures to Python's exceptions. The classes are those of errors.py, which
 * registers the function that makes one.
 */
%{
static PyObject *make_exception;

static void raise_last_error(void) {
  const lts_error *error = lts_error_last();
  if (error->kind == LTS_E_INTERRUPTED) return; /* the signal handler has raised */
  if (error->kind == LTS_E_MEMORY) {
    PyErr_NoMemory();
    return;
  }
  PyObject *text = PyUnicode_DecodeFSDefault(error->text);
  PyObject *uri = PyUnicode_DecodeFSDefault(error->uri);
  PyObject *exception =
      text && uri ? PyObject_CallFunction(make_exception, "iiOO", (int)error->kind, error->code, text, uri) : NULL;
  if (exception) PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
  Py_XDECREF(exception);
  Py_XDECREF(text);
  Py_XDECREF(uri);
}
%}

%inline %{
static void register_exceptions(PyObject *callable) {
  Py_INCREF(callable);
  Py_XSETREF(make_exception, callable);
}
%}

%define RAISE
  { raise_last_error(); SWIG_fail; }
%enddef

/* A setter has no result to tell of its failure. The getter is under the same %exception: the
 * compiler drops from it what it does not need. */
%define SETTER(CLASS, NAME)
%exception CLASS::NAME {
  if (IS_SETTER("$symname")) lts_error_clear();
  $action
  if (IS_SETTER("$symname") && lts_error_last()->kind) RAISE
}
%enddef

%{
#define IS_SETTER(NAME) (NAME[sizeof NAME - sizeof "set"] == 's') /* "..._set", not "..._get" */
%}

%{
/* SWIG's own types: static ones until its version 4.4, heap types as a script's since then. */
static int is_own(PyTypeObject *type) {
  for (size_t i = 0; i < swig_module.size; i++) {
    SwigPyClientData *data = (SwigPyClientData *)swig_module.types[i]->clientdata;
    if (data && data->pytype == type) return 1;
  }
  return 0;
}

/* Whether a script's objects of the type may have attributes of their own: SWIG's types have a
 * __dict__, which only a subclass without __slots__ shall use. */
static int is_open(PyTypeObject *type) {
  for (; !is_own(type); type = type->tp_base)
    if (!PyDict_GetItemString(type->tp_dict, "__slots__")) return 1;
  return 0;
}

/* What old programs expect of a field that cannot be set or deleted, and of a name that is none. */
static int set_attribute(PyObject *self, PyObject *name, PyObject *value) {
  if (!PyUnicode_Check(name)) return PyObject_GenericSetAttr(self, name, value);
  PyTypeObject *type = Py_TYPE(self);
  PyObject *descriptor = PyObject_GetAttr((PyObject *)type, name);
  int open = is_open(type);
  int field = descriptor && Py_TYPE(descriptor) == &PyGetSetDescr_Type;
  int fixed = field ? !value || !((PyGetSetDescrObject *)descriptor)->d_getset->set
                    : descriptor && !open && !Py_TYPE(descriptor)->tp_descr_set;
  Py_XDECREF(descriptor);
  PyErr_Clear();
  if (fixed)
    PyErr_Format(PyExc_TypeError, "'%U' of a %.100s cannot be %s", name, type->tp_name,
                 value ? "assigned" : "deleted");
  else if (!descriptor && !open)
    PyErr_Format(PyExc_AttributeError, "a %.100s has no attribute '%U'", type->tp_name, name);
  else
    return PyObject_GenericSetAttr(self, name, value);
  return -1;
}
%}
