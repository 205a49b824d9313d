# SPDX-License-Identifier: LGPL-3.0-or-later
"""The examples of the documentation work, and the manual page knows every option."""

from __future__ import annotations

import doctest
import importlib
import pathlib
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType

import columns_table
import ipp
import libtrace
import libtrace.cli
import natkit
import plt
import pytest

ROOT = pathlib.Path(__file__).parent.parent
# What these modules need may be absent.
OPTIONAL = ("duckdb", "matplotlib", "numpy", "pyarrow")
ABSENT = () if libtrace.features()["dns"] else ("dns",)


def import_modules() -> Iterator[ModuleType]:
    for module in pkgutil.iter_modules(libtrace.__path__):
        if not module.name.startswith("_") and module.name not in ABSENT:
            try:
                yield importlib.import_module(f"libtrace.{module.name}")
            except ModuleNotFoundError as error:
                if error.name not in OPTIONAL:
                    raise


MODULES = [*import_modules(), libtrace, plt, ipp, natkit]

CLASSES = [
    value
    for value in (getattr(libtrace, name) for name in libtrace.__all__)
    if isinstance(value, type)
]


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def source_of(name: str) -> str:
    if not (ROOT / name).exists():
        pytest.skip(f"there is no {name} beside the tests")
    return (ROOT / name).read_text()


# Examples


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_examples_of_a_module(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_examples_of_a_class(cls: type) -> None:
    """Those of the types that SWIG makes, which doctest passes over in a module."""
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner()
    texts = [cls.__doc__, *(getattr(vars(cls)[name], "__doc__", None) for name in vars(cls))]
    for text in texts:
        if isinstance(text, str):
            example = parser.get_doctest(text, {}, cls.__name__, None, None)
            assert runner.run(example).failed == 0


def test_examples_of_the_readme() -> None:
    source_of("README.md")
    result = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert result.failed == 0
    assert result.attempted > 0


def test_first_example_of_the_readme_compiles() -> None:
    code = re.findall(r"```python\n(.*?)```", source_of("README.md"), re.S)
    for example in code:
        if ">>>" not in example:
            compile(example, "README.md", "exec")


# What has to be documented


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_modules_have_docstrings(module: ModuleType) -> None:
    if not module.__name__.endswith("core"):  # which SWIG writes
        assert module.__doc__


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_classes_and_their_attributes_have_docstrings(cls: type) -> None:
    assert cls.__doc__
    assert cls.__doc__.strip() != f"{cls.__name__}()"
    if not cls.__module__.startswith("libtrace.core"):
        return
    for name, attribute in vars(cls).items():
        if not name.startswith("_"):
            assert attribute.__doc__, name
            assert not attribute.__doc__.startswith("lts_"), name


@pytest.mark.parametrize("cls", [libtrace.Trace, libtrace.OutputTrace, libtrace.Filter])
def test_inherited_attributes_have_docstrings(cls: type) -> None:
    for name in dir(cls):
        if not name.startswith("_") and name not in ("this", "thisown"):
            assert getattr(cls, name).__doc__, name


def test_page_of_columns() -> None:
    """Made anew by columns_table.py when a column is added."""
    assert source_of("COLUMNS.md").splitlines() == columns_table.page().splitlines()


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    with pytest.raises(SystemExit):
        libtrace.cli.main([*command, "--help"])
    return capsys.readouterr().out


def commands(text: str) -> list[str]:
    """The commands that the help of ``libtrace`` lists."""
    return re.findall(r"^ {4}([a-z][a-z-]*)(?: |$)", text, re.M)


def test_manual_page_knows_every_command_and_option(capsys: pytest.CaptureFixture[str]) -> None:
    page = source_of("man/libtrace.1").replace("\\-", "-").replace("\\&", "")
    overview = help_of(capsys)
    assert "report" in commands(overview)
    for command in commands(overview):
        assert f".Cm {command}\n" in page or f".Ss libtrace {command}\n" in page, command
        text = help_of(capsys, command)
        for option in re.findall(r"(?<![\w-])--?([a-z][a-z-]*)", overview + text):
            if option != "h":
                flag = option if len(option) == 1 else f"-{option}"
                assert re.search(rf"Fl {flag}\b", page), (command, option)
