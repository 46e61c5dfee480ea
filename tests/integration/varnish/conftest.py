"""Varnish with our VCL in front of a real store; where it is missing, Debian's packages are unpacked."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from nashr.adapters.cdn.purger import Purger
from nashr.adapters.cdn.varnish import VarnishCdn
from nashr.adapters.s3 import S3ObjectStore, connect, ensure_buckets
from nashr.domain.purging import LONG_CACHE, Purge, Rank, page_tag
from nashr.settings import load

from tests.servers import PURGE_SECRET, Reply, Server, free_port, ministack, request, serving

ROOT = Path(__file__).parents[3]
UNPACKED = ROOT / ".pytest_cache" / "varnish"
PACKAGES = ("varnish", "varnish-modules", "libvarnishapi3", "libjemalloc2")
HOST = "news.example"
HTML = "text/html; charset=utf-8"
PREFIX = "ar/"


@dataclass(frozen=True)
class Program:
    """varnishd, and where its libraries and vmods lie."""

    path: str
    env: Mapping[str, str]
    options: tuple[str, ...] = ()


@cache
def varnishd() -> Program:
    """The installed one with xkey, else Debian's, unpacked without root. Skips where neither can be had."""
    if not shutil.which("gcc"):
        pytest.skip("varnishd compiles its VCL with gcc: install it to run these tests")
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
        pytest.skip(f"no varnishd with xkey, and Debian's packages cannot be had: {error}")


def vcl(origin: str, *, bucket: str, prefix: str = PREFIX) -> str:
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
def varnish(folder: Path, config: str) -> Iterator[Server]:
    """varnishd with ``config``, its workspace below ``folder``."""
    program = varnishd()
    (folder / "edge.vcl").write_text(config)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        program.path, "-F", "-j", "none", "-n", str(folder / "work"), "-f", str(folder / "edge.vcl"),
        "-a", f"127.0.0.1:{port}", "-s", "malloc,64m", *program.options,
    ]  # fmt: skip
    with serving(command, url=url, ready="/ready", env=program.env, folder=folder) as server:
        yield server


@dataclass(frozen=True)
class Front:
    """Varnish, the bucket behind it, and delivery's way to purge it."""

    edge: Server
    origin: Server
    store: S3ObjectStore
    cdn: VarnishCdn
    soft: Purger
    hard: Purger

    def put(self, path: str, body: str, **metadata: str) -> None:
        """Stores a page of the site as delivery does; ``path`` such as ``/x/``."""
        key = key_of(path)
        tags = " ".join([page_tag(key), *metadata.pop("tags", "").split()])
        self.store.put(
            key, body.encode(), content_type=HTML, cache_control=LONG_CACHE,
            metadata={"surrogate-key": tags, **metadata},
        )  # fmt: skip

    def get(self, path: str, **headers: str) -> Reply:
        return request(self.edge.url, path, headers={"Host": HOST, **headers})

    def text(self, path: str) -> str:
        return self.get(path).body.decode()

    def cache(self, path: str) -> str:
        return self.get(path).headers["x-cache"]


def key_of(path: str) -> str:
    return PREFIX + (f"{path}index.html" if path.endswith("/") else path).removeprefix("/")


def by_tag(path: str, rank: Rank = Rank.article) -> Purge:
    return Purge(f"https://{HOST}{path}", page_tag(key_of(path)), rank)


def by_url(path: str) -> Purge:
    return Purge(f"https://{HOST}{path}")


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    varnishd()
    folder = tmp_path_factory.mktemp("varnish")
    with ExitStack() as stack:
        origin = stack.enter_context(ministack(folder))
        settings = load(s3_endpoint=origin.url)
        client = stack.enter_context(closing(connect(settings)))
        ensure_buckets(client, public=settings.s3_bucket, private=settings.s3_private_bucket)
        store = S3ObjectStore(client, settings.s3_bucket)
        store.put("ar/404.html", b"not found here", content_type=HTML, metadata={"status": "404"})
        edge = stack.enter_context(varnish(folder, vcl(origin.url, bucket=settings.s3_bucket)))
        cdn = stack.enter_context(closing(VarnishCdn(edge.url, PURGE_SECRET, by_tag=True)))
        yield Front(edge, origin, store, cdn, Purger(cdn, soft=True), Purger(cdn))
