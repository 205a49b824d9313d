/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * What types need whose constructors SWIG cannot write, and those that come and go with every packet.
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

%{
/* Most objects are dropped at once; their memory, which is of one size, is used again by the next of
 * any type. */
enum { SPARE_OBJECTS = 64 };
static SwigPyObject *spare_objects[SPARE_OBJECTS];
static int spare_count;
static destructor swig_dealloc;

static PyObject *new_object(void *pointer, swig_type_info *info) {
  if (!spare_count) return owner(pointer, info);
  SwigPyObject *object = spare_objects[--spare_count];
  object->ptr = pointer;
  object->ty = info;
  object->own = SWIG_POINTER_OWN;
  return PyObject_Init((PyObject *)object, type_of(info));
}

static int has_member(PyObject *self, Py_ssize_t offset) { return offset && *(PyObject **)((char *)self + offset); }

/* No subclass's, and nothing to be cleared for the next. Only one that __init__() filled has its `ty`. */
static int is_plain(PyObject *self, PyTypeObject *type) {
  SwigPyObject *object = (SwigPyObject *)self;
  return object->ty && type == type_of(object->ty) && !object->next && !has_member(self, type->tp_dictoffset) &&
         !has_member(self, type->tp_weaklistoffset);
}

static int is_owner(PyObject *self) { return ((SwigPyObject *)self)->own; }

/* Once what it owned is deleted. SWIG's own destructor does the rest: with nothing owned, that of
 * any type. */
static inline void free_object(PyObject *self) {
  SwigPyObject *object = (SwigPyObject *)self;
  PyTypeObject *type = Py_TYPE(self);
  if (spare_count < SPARE_OBJECTS && is_plain(self, type)) {
    spare_objects[spare_count++] = object;
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) Py_DECREF(type);
  } else {
    object->own = 0;
    swig_dealloc(self);
  }
}
%}

%define REUSED(CLASS)
%{
static void free_ ## CLASS(PyObject *self) {
  if (is_owner(self)) delete_ ## CLASS(pointer_of(self));
  free_object(self);
}
%}
%init %{
  swig_dealloc = type_of(SWIGTYPE_p_ ## CLASS)->tp_dealloc;
  type_of(SWIGTYPE_p_ ## CLASS)->tp_dealloc = free_ ## CLASS;
%}
%enddef

%define CLASS_OF(MODULE, NAME, CLASS)
%init %{
  set_module(SWIGTYPE_p_ ## CLASS, #MODULE "." #NAME, #MODULE);
%}
%enddef
