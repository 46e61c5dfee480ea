"""Varnish with our VCL, for tests and benchmarks; where it is missing, Debian's packages are unpacked."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.servers import PURGE_SECRET, Server, free_port, serving

ROOT = Path(__file__).parents[1]
UNPACKED = ROOT / ".pytest_cache" / "varnish"
PACKAGES = ("varnish", "varnish-modules", "libvarnishapi3", "libjemalloc2")


class NoVarnish(Exception):
    """varnishd cannot be had on this machine; the text says what is missing."""


@dataclass(frozen=True)
class Program:
    """varnishd, and where its libraries and vmods lie."""

    path: str
    env: Mapping[str, str]
    options: tuple[str, ...] = ()


@cache
def varnishd() -> Program:
    """The installed one with xkey, else Debian's, unpacked without root. Raises NoVarnish."""
    if not shutil.which("gcc"):
        raise NoVarnish("varnishd compiles its VCL with gcc: install it to run these tests")
    installed = shutil.which("varnishd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if installed and any(Path("/usr/lib").glob("*/varnish/vmods/libvmod_xkey.so")):
        return Program(installed, {})
    if not (UNPACKED / "usr/sbin/varnishd").exists():
        _unpack()
    lib = next(UNPACKED.glob("usr/lib/*/varnish"))
    env = {"LD_LIBRARY_PATH": f"{lib.parent}:{lib}"}
    return Program(str(UNPACKED / "usr/sbin/varnishd"), env, ("-p", f"vmod_path={lib / 'vmods'}"))


def _unpack() -> None:
    packages = UNPACKED / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(
            ["apt-get", "download", *PACKAGES], cwd=packages, check=True, capture_output=True, timeout=60
        )
        for package in packages.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, UNPACKED], check=True, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise NoVarnish(f"no varnishd with xkey, and Debian's packages cannot be had: {error}") from error


def vcl(origin: str, *, bucket: str, prefix: str) -> str:
    """infra/edge/varnish.vcl, filled in as docs/cdn.md says."""
    host, _, port = origin.removeprefix("http://").partition(":")
    text = (ROOT / "infra/edge/varnish.vcl").read_text("utf-8")
    filled = {
        "STORE_HOST": host, "STORE_PORT": port, "BUCKET": bucket, "PREFIX": prefix,
        "PURGE_SECRET": PURGE_SECRET,
    }  # fmt: skip
    for name, value in filled.items():
        text = text.replace(name, value)
    return text


@contextmanager
def varnish(folder: Path, config: str, *, port: int = 0) -> Iterator[Server]:
    """varnishd with ``config``, its workspace below ``folder``. Raises NoVarnish."""
    program = varnishd()
    (folder / "edge.vcl").write_text(config)
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        program.path, "-F", "-j", "none", "-n", str(folder / "work"), "-f", str(folder / "edge.vcl"),
        "-a", f"127.0.0.1:{port}", "-s", "malloc,256m", *program.options,
    ]  # fmt: skip
    with serving(command, url=url, ready="/ready", env=program.env, folder=folder) as server:
        yield server
