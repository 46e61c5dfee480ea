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
from typing import Literal

from tests.servers import PURGE_SECRET, Server, free_port, serving

ROOT = Path(__file__).parents[1]
UNPACKED = ROOT / ".pytest_cache" / "varnish"
PACKAGES = ("varnish", "varnish-modules", "libvarnishapi3", "libjemalloc2")


class NoVarnish(Exception):
    """varnishd cannot be had on this machine; the text says what is missing."""


@dataclass(frozen=True)
class Program:
    """varnishd and varnishadm, and where their libraries and vmods lie."""

    path: str
    admin: str
    env: Mapping[str, str]
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Varnish(Server):
    """A running varnishd, and its workspace."""

    work: Path

    def store_is(self, health: Literal["healthy", "auto"]) -> None:
        """Takes the store to be well; or, as in the field, to be as the probe finds it.

        On a busy machine the store's answer to a probe is late, and readers get 503 for want of CPU.
        """
        program = varnishd()
        subprocess.run(
            [program.admin, "-n", str(self.work), "-t", "60", "backend.set_health", "store", health],
            env={**os.environ, **program.env}, check=True, capture_output=True, timeout=90,
        )  # fmt: skip


@cache
def varnishd() -> Program:
    """The installed one with xkey, else Debian's, unpacked without root. Raises NoVarnish."""
    if not shutil.which("gcc"):
        raise NoVarnish("varnishd compiles its VCL with gcc: install it to run these tests")
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    installed, admin = shutil.which("varnishd", path=path), shutil.which("varnishadm", path=path)
    if installed and admin and any(Path("/usr/lib").glob("*/varnish/vmods/libvmod_xkey.so")):
        return Program(installed, admin, {})
    if not (UNPACKED / "usr/sbin/varnishd").exists():
        _unpack()
    lib = next(UNPACKED.glob("usr/lib/*/varnish"))
    env = {"LD_LIBRARY_PATH": f"{lib.parent}:{lib}"}
    options = ("-p", f"vmod_path={lib / 'vmods'}")
    return Program(str(UNPACKED / "usr/sbin/varnishd"), str(UNPACKED / "usr/bin/varnishadm"), env, options)


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
def varnish(folder: Path, config: str) -> Iterator[Varnish]:
    """varnishd with ``config``, its workspace below ``folder``. Raises NoVarnish."""
    program = varnishd()
    (folder / "edge.vcl").write_text(config)
    port, work = free_port(), folder / "work"
    url = f"http://127.0.0.1:{port}"
    command = [
        program.path, "-F", "-j", "none", "-n", str(work), "-f", str(folder / "edge.vcl"),
        "-a", f"127.0.0.1:{port}", "-s", "malloc,256m", *program.options,
    ]  # fmt: skip
    with serving(command, url=url, ready="/ready", env=program.env, folder=folder) as server:
        yield Varnish(server.url, server.process, work)


def settings(*, store: str, edge: str) -> dict[str, str]:
    """The environment of a stack that keeps its pages in ``store`` and purges the Varnish at ``edge``."""
    return {
        "NASHR_S3_ENDPOINT": store, "NASHR_EDGE_URL": edge, "NASHR_CDN": "varnish", "NASHR_CDN_TAGS": "1",
        "NASHR_PURGE_SECRET": PURGE_SECRET,
    }  # fmt: skip
