# SPDX-License-Identifier: LGPL-3.0-or-later
"""Module ipp: prefixes, as the old module had them, and what they do beyond."""

from __future__ import annotations

import copy
import ipaddress
import pickle
import random
import socket
import struct
from collections.abc import Callable
from typing import Any

import ipp
import pytest
from ipp import IPprefix, from_s
from steady import assert_steady

ONE = bytearray([1, 2, 3, 4])


class Sub(IPprefix):
    """A script's own class."""

    __slots__ = ()


# The module


def test_module() -> None:
    assert ipp.version() == "1.9"
    assert str(ipp.rfc1918s16) == "192.168.0.0/16"
    assert str(ipp.rfc1918s12) == "172.16.0.0/12"
    assert str(ipp.rfc1918s8) == "10.0.0.0/8"
    assert IPprefix.from_s("::1").equal(ipp.from_s("::1"))


def test_class() -> None:
    prefix = from_s("::")
    assert (IPprefix.__module__, IPprefix.__name__, IPprefix.__qualname__) == (
        "ipp",
        "IPprefix",
        "IPprefix",
    )
    assert repr(prefix) == object.__repr__(prefix)
    assert repr(prefix).startswith("<ipp.IPprefix object at 0x")
    assert bool(prefix)
    assert prefix is not None


# The constructor


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), AttributeError),
        ((4, ONE, 8, 8), AttributeError),
        (("4", ONE), TypeError),
        ((4.0, ONE), TypeError),
        ((None, ONE), TypeError),
        (("4",), TypeError),
        ((5, ONE), ValueError),
        ((-4, ONE), ValueError),
        ((0, ONE), ValueError),
        ((1 << 80, ONE), ValueError),
        ((4,), ValueError),
        ((6,), ValueError),
        ((4, b"\1\2\3\4"), ValueError),
        ((4, "1.2.3.4"), ValueError),
        ((4, None), ValueError),
        ((4, [1, 2, 3, 4]), ValueError),
        ((4, memoryview(ONE)), ValueError),
        ((4, type("Array", (bytearray,), {})(4)), ValueError),
        ((4, bytearray(5)), AttributeError),
        ((6, bytearray(17)), AttributeError),
        ((4, ONE, 0), AttributeError),
        ((4, ONE, -2), AttributeError),
        ((4, ONE, 33), AttributeError),
        ((6, ONE, 129), AttributeError),
        ((6, ONE, 1 << 80), AttributeError),
        ((6, ONE, -1 << 80), AttributeError),
        ((4, ONE, "8"), TypeError),
        ((4, ONE, 8.0), TypeError),
    ],
)
def test_refused_arguments(arguments: tuple[Any, ...], error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        IPprefix(*arguments)
    assert caught.type is error
    assert str(caught.value)


def test_keyword_arguments_are_refused() -> None:
    with pytest.raises(TypeError):
        IPprefix(version=4, addr=ONE)  # type: ignore[call-arg]


@pytest.mark.parametrize("size", range(17))
def test_short_addresses_are_filled_up(size: int) -> None:
    raw = bytes(range(1, size + 1))
    assert IPprefix(6, bytearray(raw)).addr == raw.ljust(16, b"\0")
    if size <= 4:
        assert IPprefix(4, bytearray(raw)).addr == raw.ljust(4, b"\0")


def test_lengths() -> None:
    for version, bits in (4, 32), (6, 128):
        for length in range(1, bits + 1):
            prefix = IPprefix(version, bytearray(), length)
            assert (prefix.length, prefix.width) == (length, length - 1)
            assert str(prefix) == ("0.0.0.0" if version == 4 else "::") + f"/{length}"
    assert str(IPprefix(4, ONE, -1)) == "1.2.3.4"
    assert IPprefix(4, ONE, True).length == 1


def test_the_constructor_copies() -> None:
    array = bytearray(ONE)
    prefix = IPprefix(4, array)
    array[0] = 9
    array.append(9)
    assert str(prefix) == "1.2.3.4"


def test_a_second_init_starts_anew() -> None:
    prefix = IPprefix(4, ONE, 8)
    old = prefix.addr
    prefix.__init__(6, bytearray([1]))  # type: ignore[misc]
    old[0] = 77
    assert str(prefix) == "100::"
    assert prefix.addr is not old
    with pytest.raises(ValueError, match="version"):
        prefix.__init__(5, ONE)  # type: ignore[misc]
    assert str(prefix) == "100::"


def test_subclass() -> None:
    prefix = Sub(4, ONE, 24)
    assert type(prefix) is Sub
    assert str(prefix) == "1.2.3.4/24"
    assert prefix == IPprefix(4, ONE, 24)
    assert IPprefix(4, ONE, 24) == prefix
    assert hash(prefix) == hash(IPprefix(4, ONE, 24))
    assert IPprefix(4, ONE, 8).is_prefix(prefix)
    with pytest.raises(AttributeError, match="version and addr are READONLY"):
        prefix.foo = 1  # type: ignore[attr-defined]


def test_subclass_with_a_constructor() -> None:
    class Net(IPprefix):
        def __init__(self, number: int) -> None:
            super().__init__(4, bytearray([number]), 8)

    assert str(Net(10)) == "10.0.0.0/8"


# The live address


def test_addr_is_the_address() -> None:
    prefix = from_s("1.2.3.4/24")
    addr = prefix.addr
    assert type(addr) is bytearray
    assert prefix.addr is addr
    addr[0] = 10
    addr[1:3] = b"\x80\x81"
    assert str(prefix) == "10.128.129.4/24"
    same = from_s("10.128.129.4/24")
    assert prefix == same
    assert hash(prefix) == hash(same)
    assert not prefix < same
    assert prefix.is_rfc1918
    assert prefix.has_bit_set(8)
    assert prefix.complement.addr == b"\xf5\x7f\x7e\xfb"
    assert prefix.address == ipaddress.ip_address("10.128.129.4")
    assert pickle.loads(pickle.dumps(prefix)) == prefix


@pytest.mark.parametrize(
    "resize",
    [
        lambda array: array.append(1),
        lambda array: array.extend(b"12"),
        lambda array: array.insert(0, 1),
        lambda array: array.pop(),
        lambda array: array.clear(),
        lambda array: array.remove(1),
        lambda array: array.__init__(),
        lambda array: array.__init__(100),
        lambda array: array.__delitem__(0),
        lambda array: array.__delitem__(slice(0, 2)),
        lambda array: array.__setitem__(slice(0, 1), b"123456789"),
        lambda array: array.__iadd__(b"1"),
        lambda array: array.__imul__(1000),
    ],
)
def test_addr_keeps_its_size(resize: Callable[[bytearray], object]) -> None:
    prefix = from_s("1.2.3.4")
    with pytest.raises(BufferError):
        resize(prefix.addr)
    assert str(prefix) == "1.2.3.4"


def test_addr_outlives_its_prefix() -> None:
    addr = from_s("1.2.3.4").addr
    addr += b"5"
    assert addr == b"\1\2\3\0045"


def test_addr_makes_another_prefix() -> None:
    prefix = from_s("1.2.3.4")
    other = IPprefix(4, prefix.addr)
    prefix.addr[0] = 9
    assert str(other) == "1.2.3.4"
    assert from_s("1.2.3.4").complement.complement.addr == ONE


# Attributes


def test_attributes() -> None:
    prefix = from_s("2001:db8::1/64")
    assert (prefix.version, prefix.length, prefix.width) == (6, 64, 63)
    assert prefix.addr == ipaddress.ip_address("2001:db8::1").packed
    assert prefix.address == ipaddress.ip_address("2001:db8::1")
    assert from_s("1.2.3.4").version == 4


@pytest.mark.parametrize("name", ["length", "width"])
def test_without_a_length(name: str) -> None:
    with pytest.raises(AttributeError):
        getattr(from_s("1.2.3.4"), name)
    assert not hasattr(from_s("::"), name)


@pytest.mark.parametrize(
    ("text", "value", "error", "message"),
    [
        ("1.2.3.4", 0, ValueError, "length must be > 0"),
        ("::", 0, ValueError, "length must be > 0"),
        ("::", -1, ValueError, "length must be > 0"),
        ("::", -1 << 70, ValueError, "length must be > 0"),
        ("::", 129, ValueError, "IPv6 length must be <= 128"),
        ("::", 1 << 70, ValueError, "IPv6 length must be <= 128"),
        ("1.2.3.4", 33, ValueError, "IPv4 length must be <= 32"),
        ("1.2.3.4", "4", TypeError, "length must be an integer"),
        ("1.2.3.4", 4.0, TypeError, "length must be an integer"),
        ("1.2.3.4", None, TypeError, "length must be an integer"),
    ],
)
def test_refused_lengths(text: str, value: Any, error: type[Exception], message: str) -> None:
    for prefix in from_s(text), from_s(text + "/7"):
        before = str(prefix)
        with pytest.raises(error) as caught:
            prefix.length = value
        assert (caught.type, str(caught.value)) == (error, message)
        assert str(prefix) == before


def test_set_length() -> None:
    for text, bits in ("1.2.3.4", 32), ("::1", 128):
        prefix = from_s(text)
        for length in (1, bits, 17):
            prefix.length = length
            assert prefix.length == length
            assert str(prefix) == f"{text}/{length}"


@pytest.mark.parametrize("name", ["version", "addr", "width", "complement", "equal", "foo"])
def test_other_attributes_are_read_only(name: str) -> None:
    prefix = from_s("1.2.3.4/8")
    message = "^version and addr are READONLY$"
    with pytest.raises(AttributeError, match=message):
        setattr(prefix, name, 4)
    with pytest.raises(AttributeError, match=message):
        delattr(prefix, name)
    with pytest.raises(TypeError):
        del prefix.length
    assert str(prefix) == "1.2.3.4/8"


def test_complement() -> None:
    assert str(from_s("0.255.1.254").complement) == "255.0.254.1"
    assert str(from_s("::/7").complement) == "ffff:" * 7 + "ffff/7"
    assert not hasattr(from_s("::").complement, "length")
    assert type(Sub(4, ONE).complement) is IPprefix


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.0", True),
        ("10.255.255.255", True),
        ("10.0.0.0/8", True),
        ("10.0.0.0/7", False),
        ("10.1.2.3/32", True),
        ("9.255.255.255", False),
        ("11.0.0.0", False),
        ("172.16.0.0/12", True),
        ("172.16.0.0/11", False),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("172.15.255.255", False),
        ("192.168.0.0/16", True),
        ("192.168.0.0/15", False),
        ("192.169.0.0", False),
        ("192.167.255.255", False),
        ("0.0.0.0/0", False),
        ("::10.0.0.0", False),
        ("fc00::/7", False),
    ],
)
def test_is_rfc1918(text: str, expected: bool) -> None:
    assert from_s(text).is_rfc1918 is expected


# Methods


def test_equal_ignores_lengths() -> None:
    assert from_s("1.2.3.4/8").equal(from_s("1.2.3.4")) is True
    assert from_s("1.2.3.4/8").equal(from_s("1.2.3.5/8")) is False
    assert from_s("::").equal(from_s("::/9")) is True


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "10.1.2.3/8", True),
        ("10.0.0.0/8", "10.1.2.3/7", False),
        ("10.0.0.0/8", "11.0.0.0", False),
        ("10.0.0.0/7", "11.0.0.0/32", True),
        ("1.2.3.4/32", "1.2.3.4", True),
        ("1.2.3.4/32", "1.2.3.5", False),
        ("0.0.0.0/0", "255.1.2.3/1", True),
        ("2001:db8::/33", "2001:db8:7fff::", True),
        ("2001:db8::/33", "2001:db8:8000::", False),
        ("::1/128", "::1/128", True),
        ("::/1", "8000::", False),
    ],
)
def test_is_prefix(outer: str, inner: str, expected: bool) -> None:
    assert from_s(outer).is_prefix(from_s(inner)) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("1.2.3.4/32", "1.2.3.5/32", 31),
        ("1.2.3.4/32", "1.2.3.5/31", 31),
        ("1.2.3.4/8", "1.2.3.5/32", 8),
        ("1.2.3.4/8", "1.2.3.4/32", 8),
        ("0.0.0.0/32", "128.0.0.0/32", 0),
        ("1.2.3.4/32", "1.2.131.4/32", 16),
        ("1.2.3.4/0", "9.2.3.4/9", 0),
        ("::/128", "::1/128", 127),
        ("::/128", "::/128", 128),
    ],
)
def test_first_bit_different(one: str, other: str, expected: int) -> None:
    assert from_s(one).first_bit_different(from_s(other)) == expected
    assert from_s(other).first_bit_different(from_s(one)) == expected


def test_has_bit_set() -> None:
    rng = random.Random(1)
    for size, version in (4, 4), (16, 6):
        raw = rng.randbytes(size)
        prefix = IPprefix(version, bytearray(raw))
        number = int.from_bytes(raw, "big")
        for bit in range(size * 8):
            assert prefix.has_bit_set(bit) is bool(number >> (size * 8 - 1 - bit) & 1)
        for bit in (size * 8, size * 8 + 1, 1 << 31, 1 << 70):
            assert prefix.has_bit_set(bit) is False
        for bit in (-1, -1 << 31, -1 << 70):
            assert prefix.has_bit_set(bit) is True


@pytest.mark.parametrize("value", ["1", 1.0, None, b"1"])
def test_has_bit_set_of_no_int(value: Any) -> None:
    with pytest.raises(TypeError):
        from_s("::").has_bit_set(value)


@pytest.mark.parametrize("name", ["equal", "is_prefix", "first_bit_different"])
def test_method_errors(name: str) -> None:
    method = getattr(from_s("1.2.3.4/8"), name)
    for wrong in ("1.2.3.4", 1, None, ONE, IPprefix, object()):
        with pytest.raises(ValueError, match="IPprefix") as caught:
            method(wrong)
        assert caught.type is ValueError
    with pytest.raises(AttributeError):
        method(from_s("::/8"))
    for arguments in ((), (from_s("1.2.3.4/8"),) * 2):
        with pytest.raises(TypeError):
            method(*arguments)


def test_methods_that_need_lengths() -> None:
    short, long = from_s("1.2.3.4"), from_s("1.2.3.4/8")
    for method, argument in (
        (short.is_prefix, long),
        (short.is_prefix, short),
        (short.first_bit_different, long),
        (long.first_bit_different, short),
    ):
        with pytest.raises(AttributeError):
            method(argument)
    assert long.is_prefix(short)


# Text


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",
        "255.255.255.255",
        "192.168.10.1/16",
        "::",
        "::1",
        "::/1",
        "1::",
        "::ffff:1.2.3.4",
        "::ffff:1.2.3.4/104",
        "::0.1.0.2",
        "::1.2.3.4",
        "::3:4:5:6:7:8",
        "1:2:3:4:5:6::",
        "1:0:3:4:5:6:7:8",
        "1::4:5:0:0:8",
        "1:0:0:4::8",
        "2001:db8:abcd:ef01:2345:6789:abcd:ef01/128",
        "fe80::1:0:0:1",
    ],
)
def test_text_form(text: str) -> None:
    prefix = from_s(text)
    assert str(prefix) == f"{prefix}" == "%s" % prefix == format(prefix) == text  # noqa: UP031
    assert str(from_s(text.upper())) == text


def test_text_of_any_address() -> None:
    rng = random.Random(2)
    for _ in range(5000):
        groups = [rng.choice((0, 0, 0, 1, 0xFFFF, rng.getrandbits(16))) for _ in range(8)]
        raw = struct.pack(">8H", *groups)
        assert str(IPprefix(6, bytearray(raw))) == socket.inet_ntop(socket.AF_INET6, raw)
        assert str(IPprefix(4, bytearray(raw[:4]))) == socket.inet_ntop(socket.AF_INET, raw[:4])


def test_format_takes_no_specification() -> None:
    with pytest.raises(TypeError):
        format(from_s("::"), ">20")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "/24",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.04",
        "0x1.2.3.4",
        " 1.2.3.4",
        "1.2.3.4 ",
        "1.2.3.4\n",
        "1..3.4",
        "-1.2.3.4",
        ":",
        ":::",
        "::1::",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "12345::",
        "g::",
        "::1.2.3.256",
        "::01.2.3.4",
        "fe80::1%lo",
        "fe80::1%1/64",
        "[::1]",
        "localhost",
        "1.2.3.4/",
        "1.2.3.4/abc",
        "1.2.3.4/24abc",
        "1.2.3.4/24 ",
        "1.2.3.4/ 24",
        "1.2.3.4/+24",
        "1.2.3.4/-1",
        "1.2.3.4/33",
        "1.2.3.4/24/24",
        "1.2.3.4/255.255.255.0",
        "1.2.3.4/4294967297",
        "1.2.3.4/" + "9" * 1000,
        "::/129",
        "::/1٣",
        "1.2.3.4\0",
        "1.2.3.4/24\0",
        "\0",
        "1" * 100,
        "0:" * 1000,
        "::1\udc80",
    ],
)
def test_from_s_refuses(text: str) -> None:
    with pytest.raises(ValueError):
        from_s(text)


@pytest.mark.parametrize("value", [None, b"1.2.3.4", bytearray(4), 1, from_s("::")])
def test_from_s_takes_text_only(value: Any) -> None:
    with pytest.raises(TypeError):
        from_s(value)


def test_from_s() -> None:
    text = "1.2.3.4/24"
    prefix = from_s(text)
    assert type(prefix) is IPprefix
    assert text == "1.2.3.4/24"
    assert str(from_s("1.2.3.4/024")) == "1.2.3.4/24"
    assert str(from_s("0:0:0::0:1/0")) == "::1/0"
    assert from_s("1.2.3.4/0").length == 0
    assert from_s("1.2.3.4/0").width == -1
    assert str(Sub.from_s("::")) == "::"
    for arguments in ((), ("::", "::")):
        with pytest.raises(TypeError):
            from_s(*arguments)


# Order and hash


def test_order() -> None:
    ordered = [
        "0.0.0.0/32",
        "0.0.0.0/16",
        "0.0.0.0/0",
        "1.2.3.4/32",
        "1.2.3.4/1",
        "1.2.3.5/32",
        "127.255.255.255",
        "128.0.0.0",
        "255.0.0.0/9",
    ]
    prefixes = [from_s(text) for text in ordered]
    shuffled = prefixes[:]
    random.Random(3).shuffle(shuffled)
    assert [str(prefix) for prefix in sorted(shuffled)] == ordered
    for i, a in enumerate(prefixes):
        for j, b in enumerate(prefixes):
            assert (a < b, a <= b, a == b, a != b, a >= b, a > b) == (
                i < j,
                i <= j,
                i == j,
                i != j,
                i >= j,
                i > j,
            )


def test_without_length_equal_to_any_length() -> None:
    bare, long = from_s("1.2.3.4"), from_s("1.2.3.4/24")
    for a, b in (bare, long), (long, bare), (bare, from_s("1.2.3.4")):
        assert (a < b, a <= b, a == b, a != b, a >= b, a > b) == (
            False,
            True,
            True,
            False,
            True,
            False,
        )
    assert hash(bare) != hash(long)


OPERATORS: list[Callable[[Any, Any], object]] = [
    lambda a, b: a < b,
    lambda a, b: a <= b,
    lambda a, b: a == b,
    lambda a, b: a != b,
    lambda a, b: a >= b,
    lambda a, b: a > b,
]


@pytest.mark.parametrize("operator", OPERATORS)
def test_what_cannot_be_compared(operator: Callable[[Any, Any], object]) -> None:
    prefix = from_s("1.2.3.4/8")
    with pytest.raises(AttributeError) as caught:
        operator(prefix, from_s("::/8"))
    assert caught.type is AttributeError
    for other in (None, 1, "1.2.3.4/8", ONE, object(), IPprefix):
        for a, b in (prefix, other), (other, prefix):
            with pytest.raises(ValueError, match="IPprefix") as failed:
                operator(a, b)
            assert failed.type is ValueError


def model_hash(prefix: IPprefix) -> int:
    value = getattr(prefix, "length", 129) * 63997 * 256 + prefix.version * 41
    for (group,) in struct.iter_unpack("<I", prefix.addr):
        value ^= group * 99991 % (1 << 32)
    return value % (1 << 31)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.2.3.4", 254527795),
        ("1.2.3.4/24", 1706822707),
        ("::1", 1794670070),
        ("2001:db8::1/64", 1981622550),
    ],
)
def test_hash(text: str, expected: int) -> None:
    assert hash(from_s(text)) == model_hash(from_s(text)) == expected


def test_any_hash() -> None:
    rng = random.Random(4)
    for _ in range(2000):
        version = rng.choice((4, 6))
        bits = 32 if version == 4 else 128
        raw = bytearray(rng.randbytes(bits // 8))
        prefix = IPprefix(version, raw, rng.choice((-1, rng.randrange(1, bits + 1))))
        assert hash(prefix) == model_hash(prefix)


def test_in_dictionaries() -> None:
    counts = {from_s("1.2.3.4/8"): 1, from_s("1.2.3.4/9"): 2}
    assert counts[from_s("1.2.3.4/8")] == 1
    assert from_s("1.2.3.4/10") not in counts
    assert len({from_s("::1"), from_s("::1"), from_s("::2")}) == 2


# Copies


@pytest.mark.parametrize("text", ["1.2.3.4", "1.2.3.4/24", "1.2.3.4/0", "::", "2001:db8::1/128"])
def test_copies(text: str) -> None:
    prefix = from_s(text)
    addr = prefix.addr
    copies = [copy.copy(prefix), copy.deepcopy(prefix)]
    copies += [
        pickle.loads(pickle.dumps(prefix, protocol))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ]
    for made in copies:
        assert type(made) is IPprefix
        assert str(made) == text
        made.addr[0] ^= 1
    assert str(prefix) == text
    assert prefix.addr is addr


def test_copies_of_a_subclass() -> None:
    for made in copy.copy(Sub(4, ONE, 3)), pickle.loads(pickle.dumps(Sub(4, ONE, 3))):
        assert type(made) is Sub
        assert str(made) == "1.2.3.4/3"


@pytest.mark.parametrize("state", [33, -2, 1 << 70])
def test_no_other_state(state: int) -> None:
    prefix = from_s("1.2.3.4")
    with pytest.raises(ValueError, match="length"):
        prefix.__setstate__(state)
    with pytest.raises(TypeError):
        prefix.__setstate__("x")  # type: ignore[arg-type]
    assert str(prefix) == "1.2.3.4"


# Safety


@pytest.mark.parametrize(
    "use",
    [
        str,
        hash,
        copy.copy,
        lambda prefix: prefix.addr,
        lambda prefix: prefix.length,
        lambda prefix: prefix.complement,
        lambda prefix: setattr(prefix, "length", 3),
        lambda prefix: prefix == from_s("::"),
        lambda prefix: from_s("::") == prefix,
        lambda prefix: from_s("::").equal(prefix),
        lambda prefix: prefix.equal(from_s("::")),
    ],
)
def test_never_initialised(use: Callable[[IPprefix], object]) -> None:
    with pytest.raises(ValueError):
        use(IPprefix.__new__(IPprefix))


@pytest.mark.slow
def test_memory() -> None:
    def use() -> None:
        prefix = IPprefix(4, ONE, 24)
        prefix.addr[0] = 9
        prefix.length = 7
        hash(prefix), str(prefix), prefix.addr, prefix.complement.addr, prefix.address
        prefix < from_s("1.2.3.4/24"), copy.copy(prefix)
        for wrong in (None, from_s("::")):
            with pytest.raises((ValueError, AttributeError)):
                prefix == wrong  # noqa: B015
        prefix.__init__(6, prefix.addr)  # type: ignore[misc]

    assert_steady(use, 3000)


@pytest.mark.slow
def test_memory_of_many() -> None:
    def use() -> None:
        assert from_s("2001:db8::1/64").version + from_s("1.2.3.4").addr[0] == 7

    assert_steady(use, 100_000)
