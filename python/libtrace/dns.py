# SPDX-License-Identifier: LGPL-3.0-or-later
"""DNS messages in the payloads of UDP and TCP, read by the ldns library.

An optional part: importing it raises `ImportError` where python-libtrace was built without ldns.

>>> import libtrace
>>> from libtrace.dns import Message
>>> with libtrace.open("tests/data/dns.pcap", filter="udp") as trace:
...     messages = [Message(packet.udp.payload) for packet in trace]
>>> messages[1]
<libtrace.dns.Message response 13268 NOERROR: server.test. A 1/0/0>
>>> messages[1].response_rr_list
[<libtrace.dns.Record server.test. 0 IN A 192.0.2.20>]
"""

from __future__ import annotations

import sys

from libtrace import core
from libtrace.errors import make_exception

try:
    from libtrace import dns_core
except ImportError as error:
    raise ImportError(
        "python-libtrace was built without DNS: install libldns-dev (Debian, Ubuntu) or ldns-devel "
        "(Fedora), and build it again with ./configure --with-ldns or pip install -C--with-ldns=yes"
    ) from error

from libtrace.dns_core import Record, opcodestr, rcodestr, typestr

__all__ = ["Message", "Record", "opcodestr", "rcodestr", "typestr"]

dns_core.register_exceptions(make_exception)

_TCP, _UDP = 6, 17

# SWIG's types take weak references since 4.5.
_SLOTS = () if dns_core.Message.__weakrefoffset__ else ("__weakref__",)


def _is_over_tcp(payload: core.Transport) -> bool:
    """Return whether TCP, not UDP, carries the payload."""
    if isinstance(payload, core.Transport) and payload.type == "payload":
        # What was taken from a packet and not from one of its headers has no number of its own.
        protocol = payload.proto or payload.ip_proto
        if protocol in (_TCP, _UDP):
            return protocol == _TCP
    kind = type(payload).__name__
    raise ValueError(f"DNS is read from a payload of UDP or TCP, not from this {kind}")


class Message(dns_core.Message):
    """A DNS message.

    A message that is damaged or cut off gives an object, too: :meth:`is_ok` tells, and its
    attributes raise `ValueError`. Of a TCP payload the first message is read. Where the payload
    ends before it does, a line on stderr says so and what is there is read.

    Parameters
    ----------
    payload : Transport
        ``udp.payload``, ``tcp.payload``, ``packet.udp_payload`` or ``packet.tcp_payload``.

    Raises
    ------
    ValueError
        `payload` is something else.
    """

    __slots__ = _SLOTS

    def __init__(self, payload: core.Transport) -> None:
        stream = _is_over_tcp(payload)
        super().__init__(payload.data, stream)
        if self.missing:
            print(f"libtrace.dns: {self.missing} bytes of a message are missing", file=sys.stderr)

    def __repr__(self) -> str:
        if not self.is_ok():
            return f"<libtrace.dns.Message, {self.errorstr(self.status)}>"
        kind, code = "query", opcodestr(self.opcode)
        if self.is_response:
            kind, code = "response", rcodestr(self.rcode)
        questions = [
            f"{record.owner} {typestr(record.type)}" for record in self.query_rr_list or []
        ]
        others = (self.response_rr_list or [], self.auth_rr_list, self.addit_rr_list)
        counts = "/".join(str(len(records)) for records in others)
        return f"<libtrace.dns.Message {kind} {self.ident} {code}: {', '.join(questions)} {counts}>"
