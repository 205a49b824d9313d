/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * How the shim, which knows nothing of Python, gives up the interpreter lock while it waits, and
 * memory that it was lent.
 */
%{
static void *release_lock(void) { return PyEval_SaveThread(); }
static void acquire_lock(void *state) { PyEval_RestoreThread((PyThreadState *)state); }

static void return_buffer(void *lender) {
  PyObject *type, *value, *traceback; /* the lender may run Python */
  PyErr_Fetch(&type, &value, &traceback);
  PyBuffer_Release((Py_buffer *)lender);
  PyMem_Free(lender);
  PyErr_Restore(type, value, traceback);
}

static const lts_hooks interpreter = {release_lock, acquire_lock, PyErr_CheckSignals, return_buffer};
%}
%init %{
  lts_set_hooks(&interpreter);
%}
