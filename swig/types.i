/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The Python types. Each is an opaque struct of the shim; a field NAME is its
 * lts_<type>_NAME_get(), a method its lts_<type>_NAME().
 */
%nodefaultctor;
%rename(Trace) lts_trace;
%rename(Packet) lts_packet;
%rename(Filter) lts_filter;
%rename(IPprefix) lts_prefix;
%rename(IPflow) lts_flow;
%rename(FlowHome) lts_home;

%feature("python:tp_setattro", "set_attribute") lts_filter;
typedef struct lts_filter {} lts_filter;
%extend lts_filter {
  lts_filter(const char *expression, int check);
  ~lts_filter();
}
FIELD(lts_filter, lts_name, expression, "str: The expression as it was given.")

%include "prefix.i"
%include "packet.i"
%include "layers.i"
%include "flow.i"
%include "natkit.i"

%feature("python:tp_setattro", "set_attribute") lts_trace;
%feature("python:tp_iter", "PyObject_SelfIter") lts_trace;
%feature("python:slot", "tp_iternext", functype="iternextfunc") lts_trace::next;
typedef struct lts_trace {} lts_trace;
%rename(__next__) lts_trace::next;
METHOD(lts_trace, start, "start()
--

Open the source, or go on after `pause`.

Raises
------
LibtraceError
    It cannot be opened or read; also a `FileNotFoundError` or `PermissionError` where that is why.
TraceStateError
    The trace is closed.")
METHOD(lts_trace, pause, "pause()
--

Stop reading until the next `start`, for instance to configure an interface anew.

Raises
------
TraceStateError
    The trace is not started.")
METHOD(lts_trace, close, "close()
--

Give the source back; packets that were kept stay valid. Closing again does nothing.")
METHOD(lts_trace, conf_filter, "conf_filter(filter)
--

Deliver only the packets that match, from the next one on.

Parameters
----------
filter : Filter or None
    None delivers all.

Raises
------
TraceStateError
    The trace is closed.")
METHOD(lts_trace, conf_snaplen, "conf_snaplen(snaplen)
--

Cut packets, from the next one on.

Parameters
----------
snaplen : int
    Most bytes of a packet, up to 65536; 0 does not cut.

Raises
------
ValueError
    It is out of range.
TraceStateError
    The trace is closed.")
METHOD(lts_trace, conf_promisc, "conf_promisc(promisc)
--

Set whether an interface takes packets for others, too; also named ``promisc``.

Parameters
----------
promisc : bool

Raises
------
LibtraceError
    The source is no interface.
TraceStateError
    The trace is closed.")
METHOD(lts_trace, conf_timeout, "conf_timeout(seconds)
--

Limit the wait for a packet of an interface: reading then raises `TraceTimeout`, and can go on.

Parameters
----------
seconds : float
    0 waits for ever.

Raises
------
ValueError
    It is negative or not finite.
TraceStateError
    The trace is closed.")
METHOD(lts_trace, conf_meta, "conf_meta(meta)
--

Set whether a file's metadata is delivered, too, from the next record on: pcapng's blocks of sections,
interfaces, names, statistics and of others' own; ERF's provenance records; DUCK's clock reports. They come
as packets whose `is_meta` is True. Every filter lets them pass, and no counter counts them.

Parameters
----------
meta : bool

Raises
------
LibtraceError
    The source is an interface, or libtrace is not version 4 (``features()[\"meta\"]``).
TraceStateError
    The trace is closed.")
METHOD(lts_trace, read_packet, "read_packet(packet)
--

Put the next packet into an object, in place of what it held; layers taken from it before keep that.

Parameters
----------
packet : Packet

Returns
-------
bool
    False at the end of the trace.

Raises
------
LibtraceError
    The source cannot be read on; `TraceTimeout`, `TraceStateError` as for iteration.")
METHOD(lts_trace, statistic, "statistic(which)
--

One counter as `int`, by its position in `statistics`; None where it is unknown.")
%rename(_fetch) lts_trace::fetch;
%rename(_ready) lts_trace::ready;
%rename(_poll) lts_trace::poll;
FIELD(lts_trace, lts_name, uri, "str: Where the packets come from; with the format in front once it is known.")
FIELD(lts_trace, lts_name, state, "str: ``new``, ``started``, ``stopped``, ``paused`` or ``closed``.")
METHOD(lts_trace, start, "start()
--

Open the trace and begin to capture; also go on after :meth:`pause` or :meth:`stop`. Nothing
happens when it is started already. Of a pipe, wait for what the format begins with, as a file's
header.

Raises
------
LibtraceError
    It cannot be opened; also a `FileNotFoundError` or `PermissionError` where that is why. Live
    capture needs the capability CAP_NET_RAW.
TraceTimeout
    The writer of a pipe did not come in time: see :meth:`conf_timeout`.
TraceStateError
    It is closed, or another thread has stopped it meanwhile. (Source: trace_start.)")
METHOD(lts_trace, pause, "pause()
--

Halt the trace. A read that waits in another thread ends as at the end of the trace. What an
interface receives until the next :meth:`start` is not captured; options can be set anew.

Raises
------
TraceStateError
    It is not started. (Source: trace_pause.)")
METHOD(lts_trace, close, "close()
--

Close the trace, whatever its state. Packets stay valid, statistics() keeps its values. A read that
waits in another thread ends as at the end of the trace. (Source: trace_destroy.)")
METHOD(lts_trace, stop, "stop()
--

End the reads of this trace, and of no other: the loop over it ends as at the end of the trace, and
so does every later read until :meth:`start`, which goes on where the trace was.

It may be called at any time, from any thread and from a signal handler, again and again. A read
that waits for an interface or a pipe ends at once, a read of a file at its next packet. (One that
waits for a pipe within ``pcap:`` or ``legacynzix:``, or for ``http://``, ends when something comes,
or at once, and for good, when a signal handler of the main thread, which reads, calls this.) The
trace stays open: an interface goes on filling its buffer, and statistics() can be asked.")
METHOD(lts_trace, fileno, "fileno()
--

Return the descriptor of an interface's socket, to be waited for with select() or an event loop.

It is readable when packets may be there and when the interface failed. Read until a read would
wait before you wait for it. It changes with each :meth:`start`.

Returns
-------
int
    The file descriptor, which stays the trace's: do not close it.

Raises
------
io.UnsupportedOperation
    The format has none: only ``int:``, ``ring:`` and ``pcapint:`` do. Also a `LibtraceError`.
TraceStateError
    The trace is not started.")
METHOD(lts_trace, conf_filter, "conf_filter(filter)
--

Deliver only the packets that match, from the next one on.

Parameters
----------
filter : Filter or None
    None lets all packets pass.")
METHOD(lts_trace, conf_snaplen, "conf_snaplen(snaplen)
--

Cut packets off, from the next one on.

Parameters
----------
snaplen : int
    Bytes, at most 65536; 0 does not cut.

Raises
------
ValueError
    It is out of range.
LibtraceError
    ``pcapint:`` is running with a smaller one: :meth:`pause` it first. (Source: trace_config.)")
METHOD(lts_trace, conf_promisc, "conf_promisc(promisc)
--

Take packets for others, too, or not; also while the interface is captured.

Parameters
----------
promisc : bool
    Before it is called, ``int:`` and ``ring:`` do, ``pcapint:`` does not.

Raises
------
LibtraceError
    The trace is no interface. (Source: trace_config.)")
METHOD(lts_trace, conf_timeout, "conf_timeout(seconds)
--

Limit how long a read waits for a packet, of an interface or a pipe, that passes the filter.

Parameters
----------
seconds : int or float
    After so many seconds the read raises `TraceTimeout`; the next can go on. 0, as at the
    beginning, waits for ever. A file never waits; a pipe that ``pcap:`` or ``legacynzix:``
    reads, and ``http://``, wait all the same.

Raises
------
ValueError
    It is negative, infinite or no number.")
METHOD(lts_trace, read_packet, "read_packet(packet)
--

Read the next packet into an old one. Its layers and views go on showing what it was.

Parameters
----------
packet : Packet
    It becomes the next packet.

Returns
-------
bool
    False at the end of the trace.")
METHOD(lts_trace, statistic, "statistic(which)
--

Return one of the counters of statistics(), by its number.")
%extend lts_trace {
  lts_trace(const char *uri);
  ~lts_trace();
  lts_status start();
  lts_status pause();
  lts_status close();
  void stop();
  int fileno();
  lts_status conf_filter(lts_filter *filter_or_none);
  lts_status conf_snaplen(int snaplen);
  lts_status conf_promisc(int promisc);
  lts_status conf_timeout(double seconds);
  lts_status conf_meta(int meta);
  lts_more next(lts_packet **OUTPUT_PACKET);
  lts_status fetch();
  lts_more ready(lts_packet **FOUND_PACKET);
  lts_more poll(double waited, lts_packet **FOUND_PACKET, lts_wait *OUTPUT_WAIT);
  lts_more read_packet(lts_packet **REFILL);
  lts_count statistic(lts_statistic which);
}

%include "output.i"
%include "columns.i"
