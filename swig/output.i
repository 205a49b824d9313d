/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * class OutputTrace
 */
%typemap(in) struct lts_output *self = struct lts_trace *self;

/* Any int is as good as another: the shim tells which it can use. */
%typemap(in) int value, int type, int level {
  if (!PyLong_Check($input)) {
    PyErr_Format(PyExc_ValueError, "expected an int, not %.200s", Py_TYPE($input)->tp_name);
    SWIG_fail;
  }
  int overflow = 0;
  long number = PyLong_AsLongAndOverflow($input, &overflow);
  $1 = overflow || number > INT_MAX || number < INT_MIN ? INT_MAX : (int)number;
}

%exception lts_output::lts_output { $action if (!result) RAISE }
/* Python reports what an object raises while it is destroyed. */
%exception lts_output::~lts_output { $action if (lts_error_last()->kind) RAISE }

%feature("python:tp_setattro", "set_attribute") lts_output;
%rename(OutputTrace) lts_output;
typedef struct lts_output {} lts_output;
METHOD(lts_output, start, "start()
--

Allow packets to be written; again, it does nothing. A file is created with the first packet.")
METHOD(lts_output, close, "close()
--

Write what is still in memory, and close; again, it does nothing.

Raises
------
TraceStateError
    A signal handler has interrupted a write to it.
LibtraceError
    Not all could be written: the disk is full, say. The output is closed all the same, and a file
    that is not compressed ends with the last packet that fitted; see `packets_written`.")
METHOD(lts_output, write_packet, "write_packet(packet)
--

Write a packet as it is now: with its own time and lengths, cut and changed as it may be.

Parameters
----------
packet : Packet
    Of any trace, open or closed.

Raises
------
ValueError
    It is no packet, or nothing was read into it yet.
TraceStateError
    The output is not started, or closed; or a signal handler has interrupted a write to it.
LibtraceError
    The file cannot be opened or written, or the packet does not go into this format or file. The
    packets before stay, and others can follow.")
METHOD(lts_output, conf_file_flags, "conf_file_flags(flags)
--

Do nothing, as ever: a file is created or emptied, whatever the `int` says.")
METHOD(lts_output, conf_compress_type, "conf_compress_type(type)
--

Choose how the file is compressed, which also needs a level above 0, before the first packet.

Parameters
----------
type : int
    A `Compression`. As libtrace does, LZO leaves the file uncompressed where it is not supported;
    with any other that this build lacks, the first :meth:`write_packet` fails.")
METHOD(lts_output, conf_compress_level, "conf_compress_level(level)
--

Choose how much effort goes into compression, before the first packet.

Parameters
----------
level : int
    From 0, none, which is the default, to 9. With any other, the first :meth:`write_packet` fails.")
METHOD(lts_output, compress, "compress(type, level)
--

Choose type and level of compression at once, before the first packet.")
%extend lts_output {
  lts_output(const char *uri);
  ~lts_output();
  lts_status start();
  lts_status close();
  lts_status write_packet(lts_packet *packet);
  lts_status conf_file_flags(int value);
  lts_status conf_compress_type(int value);
  lts_status conf_compress_level(int value);
  lts_status compress(int type, int level);
}
FIELD(lts_output, lts_name, uri, "str: Where the packets go.")
FIELD(lts_output, lts_name, state, "str: ``new``, ``started`` or ``closed``.")
FIELD(lts_output, lts_count, packets_written, "int: Packets written so far; those that a failed :meth:`close` could
not bring into a file without compression are taken off.")
