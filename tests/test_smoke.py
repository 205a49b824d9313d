# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

import pathlib
import re

import libtrace
import plt
import pytest
from script import run_script

ROOT = pathlib.Path(__file__).parent.parent

PLT_CLASSES = """trace filter packet Data Layer2 Layer3 Transport Internet ip ip6 tcp udp icmp icmp6
    sctp echo redirect echo6 toobig6 param6 neighbour6 chunk"""
PLT_CONSTANTS = {
    "NO_COMPRESSION": 0,
    "ZLIB_COMPRESSION": 1,
    "BZIP2_COMPRESSION": 2,
    "LZO_COMPRESSION": 3,
    "O_APPEND": 1024,
    "TRACE_DIR_OUTGOING": 0,
    "TRACE_DIR_INCOMING": 1,
    "TRACE_DIR_OTHER": 2,
    "TRACE_TYPE_ETH": 2,
    "TRACE_TYPE_ATM": 3,
    "TRACE_TYPE_80211": 4,
    "TRACE_TYPE_NONE": 5,
    "TRACE_TYPE_LINUX_SLL": 6,
    "TRACE_TYPE_PFLOG": 7,
    "TRACE_TYPE_DUCK": 14,
    "TRACE_TYPE_80211_RADIO": 15,
    "TRACE_TYPE_LLCSNAP": 16,
    "TRACE_TYPE_PPP": 17,
    "TRACE_TYPE_METADATA": 18,
    "TRACE_TYPE_NONDATA": 19,
}


# Names


@pytest.mark.parametrize("name", libtrace.__all__)
def test_libtrace_has(name: str) -> None:
    assert getattr(libtrace, name) is not None


def test_the_names_that_scripts_need() -> None:
    promised = """Filter Packet Trace LinkType Direction Compression open features __version__
        FilterError LibtraceError TruncatedError TraceTimeout TraceStateError"""
    assert set(promised.split()) <= set(libtrace.__all__)
    assert len(set(libtrace.__all__)) == len(libtrace.__all__)


@pytest.mark.parametrize("name", PLT_CLASSES.split())
def test_plt_has_the_class(name: str) -> None:
    assert isinstance(getattr(plt, name), type)
    assert name in plt.__all__


@pytest.mark.parametrize("name", PLT_CONSTANTS)
def test_plt_has_the_constant(name: str) -> None:
    assert getattr(plt, name) == PLT_CONSTANTS[name]
    assert type(getattr(plt, name)) is int
    assert name in plt.__all__


def test_plt_and_libtrace_have_the_same_objects() -> None:
    assert plt.trace is libtrace.Trace
    assert plt.packet is plt.Data is libtrace.Packet
    assert plt.ip is libtrace.IP
    assert plt.tcp is libtrace.TCP
    assert plt.libtrace_exc is plt.plt_exc_libtrace is libtrace.LibtraceError
    assert issubclass(plt.filter, libtrace.Filter)
    assert plt.version() == "1.7"


def test_constants_are_those_of_plt() -> None:
    assert PLT_CONSTANTS["TRACE_TYPE_ETH"] == libtrace.LinkType.ETH
    assert PLT_CONSTANTS["TRACE_TYPE_NONE"] == libtrace.LinkType.NONE
    assert PLT_CONSTANTS["TRACE_DIR_INCOMING"] == libtrace.Direction.INCOMING
    assert PLT_CONSTANTS["BZIP2_COMPRESSION"] == libtrace.Compression.BZIP2


def test_version_is_that_of_configure() -> None:
    configure = ROOT / "configure.ac"
    if not configure.exists():
        pytest.skip("there is no configure.ac beside the tests")
    match = re.search(r"^AC_INIT\(\[python-libtrace\], \[([^]]+)]", configure.read_text(), re.M)
    assert match
    assert match[1] == libtrace.__version__


def test_features() -> None:
    features = libtrace.features()
    assert features["libtrace"] in (3, 4)
    assert {type(on) for name, on in features.items() if name != "libtrace"} == {bool}
    for name in ("pcapng", "statistics", "meta", "nanoseconds"):
        assert features[name] is (features["libtrace"] == 4)


# Importing


def test_import_needs_the_standard_library_only() -> None:
    foreign = run_script("""
        import sys, sysconfig
        before = set(sys.modules)
        import libtrace
        library = tuple({sysconfig.get_path(name) + "/" for name in ("stdlib", "platstdlib")})
        for name in sorted(set(sys.modules) - before):
            path = getattr(sys.modules[name], "__file__", None)
            if path and (not path.startswith(library) or "-packages" in path):
                print(name.partition(".")[0])
    """)
    assert set(foreign.split()) == {"libtrace"}


@pytest.mark.parametrize("module", ["libtrace", "plt", "ipp", "natkit", "libtrace.cli"])
def test_import_is_silent(module: str) -> None:
    assert run_script(f"import {module}") == ""


@pytest.mark.parametrize("module", ["plt", "natkit"])
def test_import_names_modules_in_main(module: str) -> None:
    run_script(f"""
        import sys
        import {module}
        assert datetime is sys.modules["datetime"]
        assert ipp is sys.modules["ipp"]
    """)


def test_import_of_libtrace_names_nothing_in_main() -> None:
    run_script("""
        import libtrace
        assert not {"datetime", "ipp"} & set(globals())
    """)


def test_import_keeps_the_names_of_main() -> None:
    run_script("""
        from datetime import datetime
        mine, ipp = datetime, None
        import plt
        assert datetime is mine
        assert ipp is None
    """)


def test_import_by_a_module_names_them_in_main(tmp_path: pathlib.Path) -> None:
    (tmp_path / "other.py").write_text("import plt\nNAMES = set(globals())\n")
    code = """
        import sys
        sys.path.insert(0, sys.argv[1])
        import other
        assert datetime and ipp
        assert not {"datetime", "ipp"} & other.NAMES
    """
    run_script(code, str(tmp_path))
