/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The layers of a packet. Each type has the fields of those that it derives from.
 */
%rename(Layer2) lts_layer2;
%rename(Layer3) lts_layer3;
%rename(Transport) lts_transport;
%rename(Internet) lts_internet;
%rename(IP) lts_ip;
%rename(IP6) lts_ip6;
%rename(TCP) lts_tcp;
%rename(UDP) lts_udp;

%define LAYER(CLASS, BASE, DOC)
%feature("docstring", DOC) CLASS;
%feature("python:tp_setattro", "set_attribute") CLASS;
%feature("python:bf_getbuffer", "packet_getbuffer") CLASS;
%feature("python:bf_releasebuffer", "packet_releasebuffer") CLASS;
%typemap(in) struct CLASS *self = struct lts_packet *self;
%typemap(out) struct CLASS * {
  if ((void *)$1 == LTS_NO_LAYER) RAISE
  $result = $1 ? SWIG_NewPointerObj($1, $1_descriptor, SWIG_POINTER_OWN) : SWIG_Py_Void();
}
struct CLASS : BASE {};
%extend CLASS { ~CLASS(); }
%enddef

%define OBJECT(CLASS, TYPE, NAME, DOC)
%feature("docstring") CLASS::NAME DOC;
%extend CLASS { struct TYPE *const NAME; }
%enddef

%define SETTABLE(CLASS, TYPE, NAME, DOC)
SETTER(CLASS, NAME)
%feature("docstring") CLASS::NAME DOC;
%extend CLASS { TYPE NAME; }
%enddef

LAYER(lts_layer2, lts_packet, "The link layer of a packet.")
LAYER(lts_layer3, lts_packet, "The network layer of a packet, whatever its protocol.")
LAYER(lts_transport, lts_layer3, "The payload of IP, whatever its protocol, or that of TCP or UDP.")
LAYER(lts_internet, lts_packet, "What belongs to an IP header: that header, or one behind it.")
LAYER(lts_ip, lts_internet, "An IPv4 header (RFC 791, 3.1).")
LAYER(lts_ip6, lts_internet, "An IPv6 header (RFC 8200, 3).")
LAYER(lts_tcp, lts_internet, "A TCP header (RFC 9293, 3.1).")
LAYER(lts_udp, lts_internet, "A UDP header (RFC 768).")

%{
static swig_type_info *layer_descriptor(int layer) {
  return layer == LTS_IP6 ? SWIGTYPE_p_lts_ip6 : SWIGTYPE_p_lts_ip;
}
%}

OBJECT(lts_packet, lts_layer2, layer2, "Layer2: The link layer.")
OBJECT(lts_packet, lts_layer3, layer3, "Layer3: The network layer, behind at most one 802.1Q tag.")
OBJECT(lts_packet, lts_transport, transport, "Transport or None: The payload of the outermost IP header.")
OBJECT(lts_packet, lts_ip, ip, "IP or None: The IPv4 header, where `ethertype` says so.")
OBJECT(lts_packet, lts_ip6, ip6, "IP6 or None: The IPv6 header, where `ethertype` says so.")
OBJECT(lts_packet, lts_tcp, tcp, "TCP or None: The TCP header, if at least its ports are captured.")
OBJECT(lts_packet, lts_udp, udp, "UDP or None: The UDP header, if at least its ports are captured.")
OBJECT(lts_packet, lts_transport, tcp_payload, "Transport or None: What follows the TCP header, if anything.")
OBJECT(lts_packet, lts_transport, udp_payload, "Transport or None: What follows the UDP header, if anything.")

FIELD(lts_transport, lts_field, proto, "int: Protocol number of the transport header.")

FIELD(lts_internet, lts_field, version, "int: Version in the header, 4 or 6.")
FIELD(lts_internet, lts_field, proto, "int or None: Protocol number of the payload, behind IPv6 extension
headers; None if those are not captured in full.")
SETTABLE(lts_internet, lts_number, traffic_class, "int: Traffic class (RFC 2474), 0..255. Settable.")
SETTABLE(lts_internet, lts_number, ttl, "int: Time to live or hop limit, 1..255. Settable.")
SETTABLE(lts_internet, lts_number, hop_limit, "int: The same as `ttl`. Settable.")
FIELD(lts_internet, lts_field, hdr_len, "int or None: Length of an IPv4 header in units of 4 bytes; None for IPv6.")
FIELD(lts_internet, lts_field, pkt_len, "int or None: Total length of an IPv4 packet in bytes; None for IPv6.")

FIELD(lts_ip, lts_field, ident, "int: Identification (RFC 791, 3.1).")
FIELD(lts_ip, lts_truth, has_rf, "bool: The reserved flag.")
FIELD(lts_ip, lts_truth, has_df, "bool: Don't fragment.")
FIELD(lts_ip, lts_truth, has_mf, "bool: More fragments.")
FIELD(lts_ip, lts_field, frag_offset, "int: Fragment offset in units of 8 bytes.")
SETTABLE(lts_ip, lts_number, checksum, "int: Header checksum, 0..65535. Settable on a captured packet's header.")
FIELD(lts_ip, lts_value, payload, "bytearray: What follows the header up to the capture's end, copied. A later fragment raises `TruncatedError`.")

FIELD(lts_ip6, lts_field, flow_label, "int: Flow label, 20 bits (RFC 6437).")
FIELD(lts_ip6, lts_field, payload_len, "int: Payload length in bytes.")
FIELD(lts_ip6, lts_field, next_hdr, "int: Type of the header behind this one.")
FIELD(lts_ip6, lts_value, payload, "bytearray: What follows the extension headers up to the capture's end, copied.")

FIELD(lts_tcp, lts_field, src_port, "int: Source port.")
FIELD(lts_tcp, lts_field, dst_port, "int: Destination port.")
FIELD(lts_tcp, lts_field, seq_nbr, "int: Sequence number.")
FIELD(lts_tcp, lts_field, ack_nbr, "int: Acknowledgment number.")
FIELD(lts_tcp, lts_field, doff, "int: Data offset in units of 4 bytes.")
FIELD(lts_tcp, lts_field, flags, "int: The 12 bits behind the data offset.")
FIELD(lts_tcp, lts_truth, urg_flag, "bool: URG.")
FIELD(lts_tcp, lts_truth, ack_flag, "bool: ACK.")
FIELD(lts_tcp, lts_truth, psh_flag, "bool: PSH.")
FIELD(lts_tcp, lts_truth, rst_flag, "bool: RST.")
FIELD(lts_tcp, lts_truth, syn_flag, "bool: SYN.")
FIELD(lts_tcp, lts_truth, fin_flag, "bool: FIN.")
FIELD(lts_tcp, lts_field, window, "int: Window, not scaled.")
SETTABLE(lts_tcp, lts_number, checksum, "int: Checksum, 0..65535. Settable on a captured packet's header.")
FIELD(lts_tcp, lts_field, urg_ptr, "int: Urgent pointer.")
FIELD(lts_tcp, lts_value, options_data, "bytearray or False: The options, empty if there are none; False if the header is not captured or too short.")
FIELD(lts_tcp, lts_value, option_numbers, "bytearray or False: The kinds of the options in order, without 0 and 1; False if there are no options.")
OBJECT(lts_tcp, lts_transport, payload, "Transport or None: What follows the header, if anything.")
METHOD(lts_tcp, option, "option(number)
--

The first option of a kind.

Parameters
----------
number : int
    Its kind, 2..255 (IANA, TCP Option Kind Numbers).

Returns
-------
bytearray or bool
    Its value; True for option 4, which has none; False if it is not there.

Raises
------
ValueError
    `number` is out of range.")
%extend lts_tcp { lts_value option(int number); }

FIELD(lts_udp, lts_field, src_port, "int: Source port.")
FIELD(lts_udp, lts_field, dst_port, "int: Destination port.")
FIELD(lts_udp, lts_field, len, "int: Length in the header, header included, in bytes.")
SETTABLE(lts_udp, lts_number, checksum, "int: Checksum, 0..65535. Settable on a captured packet's header.")
OBJECT(lts_udp, lts_transport, payload, "Transport or None: What follows the header, if anything.")
