# SPDX-License-Identifier: LGPL-3.0-or-later
"""The PEP 517 backend: pip drives configure and make, which alone know the source files.

``pip install . -C--with-libtrace=DIR`` hands ``--with-libtrace=DIR`` to configure.
"""

from __future__ import annotations

import base64
import email
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Optional, Union

    Settings = Optional[dict[str, Union[str, list[str]]]]

ROOT = Path(__file__).resolve().parent.parent
CONSOLE_SCRIPTS = "[console_scripts]\nlibtrace = libtrace.cli:main\n"


def run(*command: str, cwd: Path) -> None:
    """Run one step of the build; its output tells what went wrong."""
    try:
        subprocess.run(command, cwd=cwd, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"python-libtrace: {error}")


def copy_source(target: Path) -> None:
    """Copy the source, so that nothing is written to it and its own build stays out of ours."""
    if not (ROOT / ".git").exists():
        shutil.copytree(ROOT, target)
        if (target / "Makefile").exists():
            run("make", "distclean", cwd=target)
        return
    # Somebody else's checkout (sudo pip install) is no danger: git only lists files here.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    for name in filter(None, os.fsdecode(listed).split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def configure(work: Path, settings: Settings) -> Path:
    """Configure a copy of the source below `work` and return its directory."""
    source = work / "source"
    copy_source(source)
    if not (source / "PKG-INFO").exists():
        run("autoreconf", "-i", cwd=source)
    flags = [
        f"{name}={value}" if value else name
        for name, values in (settings or {}).items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    run("./configure", f"PYTHON={sys.executable}", *flags, cwd=source)
    return source


def wheel_tag() -> str:
    """Return the tag of this interpreter, build and platform."""
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    flags = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    flags += "d" if sysconfig.get_config_var("Py_DEBUG") else ""
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    return f"{python}-{python}{flags}-{platform}"


def write_wheel(stage: Path, record: Path, wheel: Path) -> None:
    """Zip `stage`, with the RECORD of its files at its end."""
    lines = []
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in stage.rglob("*") if path.is_file()):
            name, content = path.relative_to(stage).as_posix(), path.read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            lines.append(f"{name},sha256={digest.decode()},{len(content)}\n")
            archive.write(path, name)
        name = record.relative_to(stage).as_posix()
        archive.writestr(name, "".join(lines) + f"{name},,\n")


def build_wheel(
    wheel_directory: str,
    config_settings: Settings = None,
    metadata_directory: str | None = None,
) -> str:
    """Build a wheel and return its file name."""
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        source = configure(work, config_settings)
        metadata = email.message_from_string((source / "python/PKG-INFO").read_text())
        release = f"python_libtrace-{metadata['Version']}"
        stage = work / "stage"
        run("make", f"-j{os.cpu_count() or 1}", cwd=source)
        run(
            "make",
            "install",
            f"pythondir={stage}",
            f"pyexecdir={stage}",
            f"mandir={stage / f'{release}.data/data/share/man'}",
            # pip writes the command itself, for its own environment.
            f"bindir={work / 'unused'}",
            cwd=source,
        )
        info = stage / f"{release}.dist-info"
        (info / "licenses").mkdir(parents=True)
        shutil.copy(source / "LICENSE", info / "licenses")
        shutil.copy(source / "METADATA", info)
        (info / "entry_points.txt").write_text(CONSOLE_SCRIPTS)
        tag = wheel_tag()
        (info / "WHEEL").write_text(
            f"Wheel-Version: 1.0\nGenerator: python-libtrace\nRoot-Is-Purelib: false\nTag: {tag}\n"
        )
        name = f"{release}-{tag}.whl"
        write_wheel(stage, info / "RECORD", Path(wheel_directory, name))
    return name


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    """Make the release tarball and return its file name."""
    with tempfile.TemporaryDirectory() as directory:
        source = configure(Path(directory), config_settings)
        run("make", "dist-gzip", cwd=source)
        (tarball,) = source.glob("python_libtrace-*.tar.gz")
        shutil.copy(tarball, sdist_directory)
    return tarball.name
