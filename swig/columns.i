/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * class Batches, class Batch, class Buffer, class FlowCache: what python/libtrace/columns.py makes tables of.
 */
SELF(struct lts_batches)
SELF(struct lts_batch)
SELF(struct lts_flow_cache)

%define INSTANCE(CLASS, NAME)
%typemap(in) CLASS *NAME {
  $1 = (CLASS *)instance_of($1_descriptor, $input);
  if (!$1) {
    PyErr_Format(PyExc_TypeError, "expected a $1_name, not %.200s", Py_TYPE($input)->tp_name);
    SWIG_fail;
  }
}
%enddef
INSTANCE(lts_trace, trace)
INSTANCE(lts_batch, batch)

%typemap(in) lts_flow_cache *cache_or_none {
  $1 = (lts_flow_cache *)instance_of($1_descriptor, $input);
  if (!$1 && $input != Py_None) {
    PyErr_Format(PyExc_TypeError, "expected a FlowCache, not %.200s", Py_TYPE($input)->tp_name);
    SWIG_fail;
  }
}

%apply const char *text { const char *columns };
%apply int snaplen { int size, int max_flows };
%apply int { lts_part, lts_rows_of };
%apply int promisc { int counted };

%{
static PyObject *batch_object(lts_batch *batch, swig_type_info *type) {
  PyObject *object = owner(batch, type);
  if (!object) delete_lts_batch(batch);
  return object;
}
%}
%typemap(in, numinputs=0) lts_batch **OUTPUT_BATCH (lts_batch *batch), lts_batch **FOUND_BATCH (lts_batch *batch) {
  $1 = &batch;
}
%typemap(argout) lts_batch **OUTPUT_BATCH {
  Py_XDECREF($result);
  $result = batch_object(*$1, $*1_descriptor);
}
%typemap(argout) lts_batch **FOUND_BATCH {
  if (result == LTS_ITEM) {
    Py_DECREF($result);
    $result = batch_object(*$1, $*1_descriptor);
  }
}

%{
/* Arrow's memory does not change, so neither may its views. */
static int buffer_getbuffer(PyObject *self, Py_buffer *view, int flags) {
  lts_buffer *buffer = (lts_buffer *)pointer_of(self);
  view->obj = NULL;
  if (!buffer || flags & PyBUF_WRITABLE) {
    PyErr_SetString(PyExc_BufferError, buffer ? "a column is read-only" : "this object was never initialised");
    return -1;
  }
  lts_array array = lts_buffer_array(buffer);
  Py_ssize_t *shape = PyMem_New(Py_ssize_t, 4);
  if (!shape) return PyErr_NoMemory(), -1;
  shape[0] = (Py_ssize_t)array.count;
  shape[1] = (Py_ssize_t)array.width;
  shape[2] = (Py_ssize_t)(array.size * (array.width ? array.width : 1));
  shape[3] = (Py_ssize_t)array.size;
  *view = (Py_buffer){
      .buf = array.memory ? array.memory : (void *)"",
      .obj = self,
      .len = shape[0] * shape[2],
      .itemsize = (Py_ssize_t)array.size,
      .readonly = 1,
      .ndim = array.width ? 2 : 1,
      .format = flags & PyBUF_FORMAT ? (char *)array.format : NULL,
      .shape = flags & PyBUF_ND ? shape : NULL,
      .strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? shape + 2 : NULL,
      .internal = shape,
  };
  Py_INCREF(self);
  return 0;
}

static void buffer_releasebuffer(PyObject *self, Py_buffer *view) {
  (void)self;
  PyMem_Free(view->internal);
}
%}

%{
/* Behind Python's own code a signal handler's exception would replace the batch. */
static PyObject *batches_next(PyObject *self) {
  PyObject *trace = PyObject_GetAttrString(self, "_trace");
  PyObject *read = trace ? PyObject_CallMethod(self, "read", "O", trace) : NULL;
  Py_XDECREF(trace);
  if (!read) return NULL;
  lts_batch *batch = instance_of(SWIGTYPE_p_lts_batch, read);
  PyObject *made = PyObject_CallMethod(self, "_batch_of", "O", read);
  if (!made && batch) lts_batches_give_back(pointer_of(self), batch);
  Py_DECREF(read);
  return made;
}
%}
CONSTRUCTOR(lts_batches)
%feature("python:tp_iternext", "batches_next") lts_batches;
CONSTRUCTOR(lts_buffer)
CONSTRUCTOR(lts_flow_cache)
%rename(Batches) lts_batches;
%rename(_fetch) lts_batches::fetch;
%rename(_poll) lts_batches::poll;
%rename(Batch) lts_batch;
%rename(Buffer) lts_buffer;
%rename(FlowCache) lts_flow_cache;
%feature("python:bf_getbuffer", "buffer_getbuffer") lts_buffer;
%feature("python:bf_releasebuffer", "buffer_releasebuffer") lts_buffer;

typedef struct lts_batch {} lts_batch;
%extend lts_batch {
  ~lts_batch();
  lts_field nulls(int column);
}
FIELD(lts_batch, lts_count, rows, "int: How many rows.")

typedef struct lts_buffer {} lts_buffer;
%extend lts_buffer {
  lts_buffer(lts_batch *batch, int column, lts_part part, int start, int count);
  ~lts_buffer();
}

typedef struct lts_flow_cache {} lts_flow_cache;
%extend lts_flow_cache {
  lts_flow_cache(double idle_timeout, double active_timeout, int max_flows);
  ~lts_flow_cache();
}
FIELD(lts_flow_cache, lts_count, count, "int: How many flows have not ended.")
FIELD(lts_flow_cache, lts_count, ignored, "int: How many packets were of no flow.")

/* The out typemap of a method that is also called next, and has another result. */
%typemap(out) lts_more read {
  if ($1 == LTS_FAIL) RAISE
  if ($1 == LTS_END) {
    PyErr_SetNone(PyExc_StopIteration);
    SWIG_fail;
  }
}
typedef struct lts_batches {} lts_batches;
%extend lts_batches {
  lts_batches(const char *columns, int size, double max_wait, int counted,
              lts_flow_cache *cache_or_none);
  ~lts_batches();
  lts_status limit(int64_t packets);
  lts_more read(lts_trace *trace, lts_batch **OUTPUT_BATCH);
  lts_more poll(lts_trace *trace, double waited, lts_batch **FOUND_BATCH, lts_wait *OUTPUT_WAIT);
  void fetch(lts_trace *trace);
}
%rename(column_name) lts_column_name;
lts_name lts_column_name(lts_rows_of rows, int number);
%rename(column_type) lts_column_kind;
int lts_column_kind(lts_rows_of rows, int number);
