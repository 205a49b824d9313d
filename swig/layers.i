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
%rename(ICMP) lts_icmp;
%rename(ICMP6) lts_icmp6;
%rename(SCTP) lts_sctp;
%rename(Chunk) lts_chunk;
%rename(Echo) lts_echo;
%rename(Redirect) lts_redirect;
%rename(Echo6) lts_echo6;
%rename(TooBig6) lts_toobig6;
%rename(Param6) lts_param6;
%rename(Neighbour6) lts_neighbour6;

%define LAYER(CLASS, BASE, DOC)
%feature("docstring", DOC) CLASS;
%feature("python:tp_setattro", "set_attribute") CLASS;
%feature("python:tp_hash", "packet_hash") CLASS;
%feature("python:bf_getbuffer", "packet_getbuffer") CLASS;
%feature("python:bf_releasebuffer", "packet_releasebuffer") CLASS;
%typemap(in) struct CLASS *self = struct lts_packet *self;
struct CLASS : BASE {};
%extend CLASS { ~CLASS(); }
REUSED(CLASS)
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
LAYER(lts_icmp, lts_ip, "An ICMP message (RFC 792), with the fields of the IPv4 header around it.")
LAYER(lts_echo, lts_icmp, "An ICMP message seen as echo or echo reply.")
LAYER(lts_redirect, lts_icmp, "An ICMP message seen as redirect.")
LAYER(lts_icmp6, lts_ip6, "An ICMPv6 message (RFC 4443), with the fields of the IPv6 header around it.")
LAYER(lts_echo6, lts_icmp6, "An ICMPv6 message seen as echo request or reply.")
LAYER(lts_toobig6, lts_icmp6, "An ICMPv6 message seen as packet too big.")
LAYER(lts_param6, lts_icmp6, "An ICMPv6 message seen as parameter problem.")
LAYER(lts_neighbour6, lts_icmp6, "An ICMPv6 message seen as neighbour discovery (RFC 4861).")
LAYER(lts_sctp, lts_internet, "An SCTP packet (RFC 9260, 3).")
LAYER(lts_chunk, lts_internet, "A chunk of an SCTP packet (RFC 9260, 3.2).")

%{
static swig_type_info *layer_descriptor(lts_layer_kind kind) {
  switch (kind) {
    case LTS_IP: return SWIGTYPE_p_lts_ip;
    case LTS_IP6: return SWIGTYPE_p_lts_ip6;
    case LTS_TCP: return SWIGTYPE_p_lts_tcp;
    case LTS_UDP: return SWIGTYPE_p_lts_udp;
    case LTS_ICMP: return SWIGTYPE_p_lts_icmp;
    case LTS_ICMP6: return SWIGTYPE_p_lts_icmp6;
    case LTS_SCTP: return SWIGTYPE_p_lts_sctp;
    default: return SWIGTYPE_p_lts_packet;
  }
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
SETTABLE(lts_internet, lts_new_prefix, src_prefix, "IPprefix: Source address, without a length. Settable.")
SETTABLE(lts_internet, lts_new_prefix, dst_prefix, "IPprefix: Destination address, without a length. Settable.")
FIELD(lts_internet, lts_field, hdr_len, "int or None: Length of an IPv4 header in units of 4 bytes; None for IPv6.")
FIELD(lts_internet, lts_field, pkt_len, "int or None: Total length of an IPv4 packet in bytes; None for IPv6.")

FIELD(lts_ip, lts_field, ident, "int: Identification (RFC 791, 3.1).")
FIELD(lts_ip, lts_truth, has_rf, "bool: The reserved flag.")
FIELD(lts_ip, lts_truth, has_df, "bool: Don't fragment.")
FIELD(lts_ip, lts_truth, has_mf, "bool: More fragments.")
FIELD(lts_ip, lts_field, frag_offset, "int: Fragment offset in units of 8 bytes.")
SETTABLE(lts_ip, lts_number, checksum, "int: Header checksum, 0..65535. Settable on a captured packet's header.")
FIELD(lts_ip, lts_value, payload, "bytearray: What follows the header up to the capture's end, copied. A later fragment raises `TruncatedError`.")

SETTABLE(lts_ip, lts_number, hdr_checksum, "int: The same as `checksum` of an IP object, also for an ICMP message. Settable.")

FIELD(lts_ip6, lts_field, flow_label, "int: Flow label, 20 bits (RFC 6437).")
FIELD(lts_ip6, lts_field, payload_len, "int: Payload length in bytes.")
FIELD(lts_ip6, lts_field, next_hdr, "int: Type of the header behind this one.")
SETTABLE(lts_ip6, lts_new_prefix, src_address, "IPprefix: The same as `src_prefix`. Settable.")
SETTABLE(lts_ip6, lts_new_prefix, dst_address, "IPprefix: The same as `dst_prefix`. Settable.")
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
FIELD(lts_tcp, lts_field, urgent, "int: The same as `urg_ptr`.")
FIELD(lts_tcp, lts_names, flag_names, "list of str: Names of the flags that are set, such as ``['SYN', 'ACK']``.")
FIELD(lts_tcp, lts_options, options, "list of libtrace.TCPOption: The options but for 0 and 1, each in the type of its
kind; one that the capture cuts off ends the list.")
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

OBJECT(lts_packet, lts_icmp, icmp, "ICMP or None: The ICMP message, if any byte of it is captured.")
OBJECT(lts_packet, lts_icmp6, icmp6, "ICMP6 or None: The ICMPv6 message, if any byte of it is captured.")
OBJECT(lts_packet, lts_sctp, sctp, "SCTP or None: The SCTP header, if at least its ports are captured.")

FIELD(lts_icmp, lts_field, type, "int: Message type.")
FIELD(lts_icmp, lts_field, code, "int: Message code.")
SETTABLE(lts_icmp, lts_number, checksum, "int: Checksum of the message, 0..65535. Settable on a captured packet's message.")
FIELD(lts_icmp, lts_value, payload, "IP or bytearray: The packet that an error message quotes; of other messages the bytes behind the first 8.")
OBJECT(lts_icmp, lts_echo, echo, "Echo: The message seen as echo, whatever its type.")
FIELD(lts_echo, lts_field, ident, "int: Identifier.")
FIELD(lts_echo, lts_field, sequence, "int: Sequence number.")
OBJECT(lts_icmp, lts_redirect, redirect, "Redirect: The message seen as redirect, whatever its type.")

FIELD(lts_redirect, lts_new_prefix, gateway, "IPprefix: Address of the gateway to use (RFC 792).")

FIELD(lts_icmp6, lts_field, type, "int: Message type.")
FIELD(lts_icmp6, lts_field, code, "int: Message code.")
SETTABLE(lts_icmp6, lts_number, checksum, "int: Checksum of the message, 0..65535. Settable on a captured packet's message.")
FIELD(lts_icmp6, lts_value, payload, "IP6 or bytearray: The packet that an error message quotes; of other messages the bytes behind the first 8.")
OBJECT(lts_icmp6, lts_echo6, echo, "Echo6: The message seen as echo, whatever its type.")
FIELD(lts_echo6, lts_field, ident, "int: Identifier.")
FIELD(lts_echo6, lts_field, sequence, "int: Sequence number.")
OBJECT(lts_icmp6, lts_toobig6, toobig, "TooBig6: The message seen as packet too big, whatever its type.")
FIELD(lts_toobig6, lts_field, mtu, "int: MTU of the next link in bytes (RFC 4443, 3.2).")
OBJECT(lts_icmp6, lts_param6, param, "Param6: The message seen as parameter problem, whatever its type.")
FIELD(lts_param6, lts_field, pointer, "int: Offset of the offending byte (RFC 4443, 3.4).")
OBJECT(lts_icmp6, lts_neighbour6, neighbour, "Neighbour6: The message seen as neighbour discovery, whatever its type.")

FIELD(lts_neighbour6, lts_new_prefix, target_prefix, "IPprefix: Target address (RFC 4861, 4.3).")
FIELD(lts_neighbour6, lts_new_prefix, dest_prefix, "IPprefix: Destination address of a redirect (RFC 4861, 4.5).")

FIELD(lts_sctp, lts_field, src_port, "int: Source port.")
FIELD(lts_sctp, lts_field, dst_port, "int: Destination port.")
FIELD(lts_sctp, lts_field, verification_tag, "int: Verification tag.")
FIELD(lts_sctp, lts_field, checksum, "int: Checksum, 32 bits, as on the wire in network order.")
FIELD(lts_sctp, lts_list, chunks, "list of Chunk: The chunks; the last one may be cut off.")
FIELD(lts_chunk, lts_field, type, "int: Chunk type.")
FIELD(lts_chunk, lts_field, flags, "int: Chunk flags.")
FIELD(lts_chunk, lts_field, length, "int: Length in bytes, header included, padding not.")
FIELD(lts_chunk, lts_truth, is_ok, "bool: Whether the chunk is captured in full.")
FIELD(lts_chunk, lts_bytearray, bytes, "bytearray: What follows the chunk's header, copied.")

%define CHECKSUM(CLASS, NAME, DOC)
%feature("docstring") CLASS::NAME DOC;
%extend CLASS { lts_truth NAME(); }
%enddef

CHECKSUM(lts_internet, test_l3_cksm, "test_l3_cksm()
--

Whether the IPv4 header checksum is right, as `bool`; None for IPv6 or if the header is cut off.")
CHECKSUM(lts_internet, set_l3_cksm, "set_l3_cksm()
--

Write the right IPv4 header checksum. Return True, or None as `test_l3_cksm`.")
CHECKSUM(lts_internet, test_trans_cksm, "test_trans_cksm()
--

Whether the checksum of TCP, UDP, ICMP or ICMPv6 is right, as `bool`; None for other protocols, for
later fragments and for packets that are not captured in full.")
CHECKSUM(lts_internet, set_trans_cksm, "set_trans_cksm()
--

Write the right transport checksum. Return True, or None as `test_trans_cksm`.")
CHECKSUM(lts_ip, checksum_ok, "checksum_ok()
--

Whether the IPv4 header checksum is right, as `bool`; None if the header is cut off.")
%feature("docstring") lts_ip::set_checksum "set_checksum()
--

Write the right IPv4 header checksum, if the header is captured.";
%extend lts_ip { lts_status set_checksum(); }
CHECKSUM(lts_packet, set_checksums, "set_checksums()
--

Write the right checksums of the IPv4 header and of the transport header.

Returns
-------
bool or None
    True; None where there is no IP, or no transport checksum that can be computed.

Raises
------
ValueError
    On a packet itself, on a copy, or if the packet is not captured in full.")

FIELD(lts_packet, lts_layer_list, layers, "list of libtrace.Layer: The complete header stack, from the outermost to the
innermost: through tags, tunnels and extension headers, and into the packet that an ICMP error
quotes.")
FIELD(lts_packet, lts_numbers, vlan_ids, "list of int: VLAN identifiers of the tags in front of the IP header, outermost first.")
FIELD(lts_packet, lts_numbers, mpls_labels, "list of int: MPLS labels in front of the IP header, outermost first.")

%include "construct.i"
