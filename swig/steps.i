/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * An asynchronous iterator whose steps need neither a coroutine nor the event loop as long as there
 * is something to deliver: those would cost several times as much as a packet.
 */
%{
/* What awaiting it runs through: over at once, with an item or an exception. */
typedef struct {
  PyObject_HEAD
  PyObject *item;
  int failed;
} done;

static void done_dealloc(PyObject *self) {
  Py_XDECREF(((done *)self)->item);
  PyObject_Free(self);
}

static PyObject *done_next(PyObject *self) {
  PyObject *item = ((done *)self)->item;
  ((done *)self)->item = NULL;
  if (item) PyErr_SetObject(((done *)self)->failed ? (PyObject *)Py_TYPE(item) : PyExc_StopIteration, item);
  Py_XDECREF(item);
  return NULL;
}

#if PY_VERSION_HEX >= 0x030a0000
/* The same without an exception, which costs a third of the whole step. */
static PySendResult done_send(PyObject *self, PyObject *sent, PyObject **result) {
  (void)sent;
  if (((done *)self)->failed || !((done *)self)->item) {
    *result = done_next(self);
    return PYGEN_ERROR;
  }
  *result = ((done *)self)->item;
  ((done *)self)->item = NULL;
  return PYGEN_RETURN;
}
#endif

static PyAsyncMethods done_async = {
#if PY_VERSION_HEX >= 0x030a0000
  .am_send = done_send,
#endif
};

static PyTypeObject done_type = {
  PyVarObject_HEAD_INIT(NULL, 0)
  .tp_name = "libtrace.core.done",
  .tp_basicsize = sizeof(done),
  .tp_flags = Py_TPFLAGS_DEFAULT,
  .tp_dealloc = done_dealloc,
  .tp_iter = PyObject_SelfIter,
  .tp_iternext = done_next,
  .tp_as_async = &done_async,
};

typedef struct {
  PyObject_HEAD
  PyObject *ready, *wait;
} steps;

static int steps_traverse(PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(((steps *)self)->ready);
  Py_VISIT(((steps *)self)->wait);
  return 0;
}

static int steps_clear(PyObject *self) {
  Py_CLEAR(((steps *)self)->ready);
  Py_CLEAR(((steps *)self)->wait);
  return 0;
}

static void steps_dealloc(PyObject *self) {
  PyObject_GC_UnTrack(self);
  steps_clear(self);
  PyObject_GC_Del(self);
}

static PyObject *done_with(PyObject *item, int failed) {
  done *made = item ? PyObject_New(done, &done_type) : NULL;
  if (made) {
    made->item = item;
    made->failed = failed;
  } else {
    Py_XDECREF(item);
  }
  return (PyObject *)made;
}

/* Python takes an exception from am_await for a lack of it. */
static PyObject *done_badly(void) {
  PyObject *type, *error, *traceback;
  PyErr_Fetch(&type, &error, &traceback);
  PyErr_NormalizeException(&type, &error, &traceback);
  if (traceback) PyException_SetTraceback(error, traceback);
  Py_DECREF(type);
  Py_XDECREF(traceback);
  return done_with(error, 1);
}

static PyObject *await_wait(PyObject *wait) {
  PyObject *coroutine = PyObject_CallObject(wait, NULL);
  PyObject *awaited = coroutine ? PyObject_CallMethod(coroutine, "__await__", NULL) : NULL;
  Py_XDECREF(coroutine);
  return awaited ? awaited : done_badly();
}

/* Takes an item only when a step is awaited: one that never is loses none. */
static PyObject *steps_await(PyObject *self) {
  PyObject *item = PyObject_CallNoArgs(((steps *)self)->ready);
  if (!item) return done_badly();
  if (item != Py_None) return done_with(item, 0);
  Py_DECREF(item);
  return await_wait(((steps *)self)->wait);
}

static PyAsyncMethods steps_async = {
  .am_await = steps_await,
  .am_aiter = PyObject_SelfIter,
  .am_anext = PyObject_SelfIter,
};

static PyTypeObject steps_type = {
  PyVarObject_HEAD_INIT(NULL, 0)
  .tp_name = "libtrace.core.steps",
  .tp_basicsize = sizeof(steps),
  .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
  .tp_dealloc = steps_dealloc,
  .tp_traverse = steps_traverse,
  .tp_clear = steps_clear,
  .tp_as_async = &steps_async,
};
%}

%feature("docstring") make_steps "make_steps(ready, wait)
--

An asynchronous iterator over what `ready()` returns; where that is None, over what `await wait()`
does.";
%inline %{
static PyObject *make_steps(PyObject *ready, PyObject *wait) {
  if (PyType_Ready(&done_type) || PyType_Ready(&steps_type)) return NULL;
  steps *made = PyObject_GC_New(steps, &steps_type);
  if (!made) return NULL;
  Py_INCREF(ready);
  Py_INCREF(wait);
  made->ready = ready;
  made->wait = wait;
  PyObject_GC_Track((PyObject *)made);
  return (PyObject *)made;
}
%}
