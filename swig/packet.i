/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * class Packet
 */
%{
/* A view holds the packet's memory, not the Packet: read_packet() may put another one in there. */
static int packet_getbuffer(PyObject *self, Py_buffer *view, int flags) {
  lts_packet *packet = (lts_packet *)((SwigPyObject *)self)->ptr;
  view->obj = NULL;
  if (!packet) {
    PyErr_SetString(PyExc_BufferError, "this object was never initialised");
    return -1;
  }
  if (lts_packet_pin(packet)) {
    raise_last_error();
    return -1;
  }
  lts_bytes bytes = lts_packet_captured(packet);
  if (PyBuffer_FillInfo(view, self, (void *)bytes.data, (Py_ssize_t)bytes.length, 0, flags)) return -1;
  view->internal = lts_packet_ref(packet);
  return 0;
}

/* Another packet may be read into the object: not the pointer of what it holds. */
static Py_hash_t packet_hash(PyObject *self) { return (Py_hash_t)((size_t)self >> 4); }

static void packet_releasebuffer(PyObject *self, Py_buffer *view) {
  (void)self;
  delete_lts_packet((lts_packet *)view->internal);
}
%}

%feature("docstring") lts_packet
"A captured packet.

An iterated packet is an object of its own: kept, it stays valid and unchanged after the trace is
read on, closed or deleted. ``Packet()`` makes an empty one for :meth:`Trace.read_packet`.

``bytes(packet)`` copies all captured bytes; ``memoryview(packet)`` shows them, writable, and keeps
them where they are.

Fields of headers are those of the outermost one. A field is ``None`` where its protocol is not
there; one that the capture cuts off raises `TruncatedError`.";

%feature("python:bf_getbuffer", "packet_getbuffer") lts_packet;
%feature("python:bf_releasebuffer", "packet_releasebuffer") lts_packet;
%feature("python:tp_setattro", "set_attribute") lts_packet;
%feature("python:tp_hash", "packet_hash") lts_packet;
%feature("python:slot", "tp_repr", functype="reprfunc") lts_packet::repr;
%rename(__repr__) lts_packet::repr;
%rename(__bytes__) lts_packet::captured;
struct lts_packet {};
METHOD(lts_packet, captured, "All captured bytes, copied, as `bytes`.")
METHOD(lts_packet, apply_filter, "apply_filter(filter)
--

Whether the packet matches.

Parameters
----------
filter : Filter

Returns
-------
bool or None
    None where the expression is invalid for the packet's link type.

Raises
------
ValueError
    Nothing was read into the packet yet.")
METHOD(lts_packet, hexdump, "hexdump()
--

The captured bytes as text: offset, hexadecimal and ASCII, 16 a line, as `str`.")
METHOD(lts_packet, dump, "dump()
--

Nothing: the old ``plt`` printed pointers.")
%rename(_freeze) lts_packet::freeze;
METHOD(lts_packet, freeze, "All that is known of the packet as `bytes`, for pickle.")
METHOD(lts_packet, info, "info()
--

A line about the packet's memory, as the old ``plt`` gave it, as `str`.")
%feature("docstring") lts_packet::data
"bytearray: A copy of the frame without capture pseudo-headers (Linux SLL, radiotap, Prism, pflog).
Assigning overwrites the leading bytes in place; too long a value raises `ValueError`.";
SETTER(lts_packet, data)
%extend lts_packet {
  lts_packet();
  ~lts_packet();
  lts_bytes captured();
  lts_truth apply_filter(lts_filter *filter);
  lts_text info();
  lts_line repr();
  lts_owned hexdump();
  void dump();
  lts_owned freeze();
  lts_bytearray data;
}
REUSED(lts_packet)

%define PACKET_FIELD(TYPE, NAME, DOC)
FIELD(lts_packet, TYPE, NAME, DOC)
%enddef

PACKET_FIELD(lts_name, kind, "str: ``packet``.")
PACKET_FIELD(lts_name, type, "str: ``Packet``.")
PACKET_FIELD(lts_field, size, "int: Length of `data` in bytes.")
PACKET_FIELD(lts_field, linktype, "int: Link type of `data`, a `LinkType` (libtrace's ``TRACE_TYPE_*``).")
PACKET_FIELD(lts_field, direction, "int: A `Direction`, an ERF or TSH interface number, or -1 where unknown
(trace_get_direction).")
PACKET_FIELD(lts_field, wire_len, "int: Bytes on the wire, an Ethernet FCS included
(trace_get_wire_length).")
PACKET_FIELD(lts_field, capture_len, "int: Bytes captured, pseudo-headers included
(trace_get_capture_length).")
PACKET_FIELD(lts_truth, is_truncated, "bool: Whether fewer bytes were captured than were on the wire; a missing
FCS does not count.")
PACKET_FIELD(lts_truth, is_meta, "bool: Whether it is no packet but metadata, which `Trace.conf_meta` asks for: a
pcapng block, whole and in its section's byte order; an ERF provenance record; a DUCK clock report. Its fields
of headers are ``None``, its time is 0 where the file gives none (IS_LIBTRACE_META_PACKET).")
PACKET_FIELD(lts_field, timestamp_ns, "int: Time of capture in nanoseconds since 1970-01-01 UTC, exact.")
PACKET_FIELD(lts_field, ts_sec, "int: Time of capture in whole seconds since 1970-01-01 UTC.")
PACKET_FIELD(double, seconds, "float: Time of capture in seconds since 1970-01-01 UTC, to microseconds.")
PACKET_FIELD(lts_unsigned, erf_time, "int: Time of capture as ERF has it: seconds in the upper, their fraction
in the lower 32 bits (trace_get_erf_timestamp).")
PACKET_FIELD(lts_time, time, "datetime.datetime: Time of capture, naive, in local time, to microseconds.")
PACKET_FIELD(lts_utc, datetime, "datetime.datetime: Time of capture, aware, in UTC, to microseconds.")
PACKET_FIELD(lts_field, ethertype, "int: EtherType of layer 3, behind at most one 802.1Q tag; for an IEEE 802.3
frame its length; 0 where there is none.")
PACKET_FIELD(lts_field, vlan_id, "int: VLAN identifier of the outermost 802.1Q tag, or 0 (IEEE 802.1Q, 9.6).")
PACKET_FIELD(lts_field, proto, "int: 0 for a packet, as in the old ``plt``; see `ip_proto`.")
PACKET_FIELD(lts_field, ip_proto, "int or None: Protocol number of the IP payload, behind IPv6 extension headers
(RFC 791, 3.1; RFC 8200, 4).")
PACKET_FIELD(lts_field, src_port, "int or None: Source port of TCP, UDP, SCTP, DCCP or UDP-Lite; None also for
later fragments.")
PACKET_FIELD(lts_field, dst_port, "int or None: Destination port, as `src_port`.")
PACKET_FIELD(lts_address, src, "ipaddress.IPv4Address or ipaddress.IPv6Address or None: Source address.")
PACKET_FIELD(lts_address, dst, "ipaddress.IPv4Address or ipaddress.IPv6Address or None: Destination address.")
PACKET_FIELD(lts_text, src_text, "str or None: `src` as text (RFC 5952), made without an address object.")
PACKET_FIELD(lts_text, dst_text, "str or None: `dst` as text, as `src_text`.")
PACKET_FIELD(lts_text, src_mac, "str or None: Source MAC address of Ethernet or IEEE 802.11, as
``02:00:00:00:00:01``.")
PACKET_FIELD(lts_text, dst_mac, "str or None: Destination MAC address, as `src_mac`.")
PACKET_FIELD(lts_field, payload_length, "int or None: Bytes behind the header of TCP, UDP, UDP-Lite, ICMP or SCTP, as
the IP header states the length: padding does not count, and what was not captured does. None where
there is no such header, or no such length (segmentation offload, jumbograms).")
PACKET_FIELD(lts_unsigned, flow_hash, "int or None: 64 bits of the addresses, `ip_proto` and the ports, the same in
both directions and in every run; None where there is no IP.")
