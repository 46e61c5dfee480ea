"""One running stack for all black-box tests, started and stopped by the ``nashr`` command as a user would.

Nothing here imports nashr: what a test knows of it, it knows from HTTP, DIR/endpoints.json and the command.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

T = TypeVar("T")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that starts us in the background lets us ignore Ctrl-C, and so everything that we start.
    signal.signal(signal.SIGINT, signal.default_int_handler)

TOGETHER = {"tests/e2e/attacks/": "attacks", "tests/faults/test_chaos.py": "storm", "tests/faults/": "faults"}
"""What one worker runs, by how its path begins: these files share what is dear to make."""
LONGEST = (
    *("tests/faults/", "tests/e2e/", "tests/integration/behind_varnish/", "tests/integration/api/"),
    *("tests/integration/lettering/", "tests/integration/pages/", "tests/integration/stack/"),
)
"""What begins first, so that no worker is left with much to do when the others have ended."""

SECONDS = 60.0
FINAL = frozenset({"live", "failed", "superseded", "cancelled"})
KEPT = (
    *("external_id", "kind", "language", "section", "kicker", "headline", "standfirst", "byline", "hero"),
    *("body", "aliases", "embargo_until", "translation_of"),
)
"""What ``change`` carries over from the revision before."""
SITE = """\
id = "{id}"
name = "{name}"
locale = "{locale}"
base_url = "http://127.0.0.1/"
time_zone = "Asia/Beirut"
logo = "logo.svg"
share = ["facebook", "x", "linkedin", "whatsapp", "email"]

[[sections]]
slug = "akhbar"
label = "{all}"
all = true

[[sections]]
slug = "politics"
label = "{politics}"

[[sections]]
slug = "sport"
label = "{sport}"
"""
ARABIC = {"locale": "ar-LB", "all": "كل الأخبار", "politics": "سياسة", "sport": "رياضة"}
ENGLISH = {"locale": "en", "all": "All news", "politics": "Politics", "sport": "Sport"}
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4"/></svg>'


class GroupedByServers(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """A file's tests share servers: they stay on one worker, which keeps one stack for all of its files.

    xdist's own loadgroup writes the group into ``item._nodeid``, which pytest 9.2 no longer reads.
    """

    def _split_scope(self, nodeid: str) -> str:
        together = (group for start, group in TOGETHER.items() if nodeid.startswith(start))
        return next(together, nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    return GroupedByServers(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first; the rest stays as it was."""

    def place(item: pytest.Item) -> int:
        found = (place for place, start in enumerate(LONGEST) if item.nodeid.startswith(start))
        return next(found, len(LONGEST))

    items.sort(key=place)


def until(condition: Callable[[], T | None], *, what: str, seconds: float = SECONDS) -> T:
    """The first true answer of ``condition``; the test fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain: {what}"
        time.sleep(0.05)
    return answer


def processes_in(folder: Path) -> list[str]:
    """Every process that works in ``folder`` or names it in its command line; zombies are gone."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            inside = (process / "cwd").readlink().is_relative_to(folder)
            if command and (inside or f"{folder}" in command):
                found.append(f"{process.name} {command}")
    return found


def nashr(*words: str, data: Path, **settings: str) -> str:
    """Runs the ``nashr`` command on the stack in ``data``, with these settings; returns what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NASHR_")}
    environment |= settings
    done = subprocess.run(
        [str(Path(sys.executable).with_name("nashr")), *words, "--data", str(data)],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"nashr {' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout


@dataclass
class Stack:
    """A running stack with two sites, ``khabar`` at its root and ``other`` at /other/."""

    data: Path
    api: str
    site: str
    tokens: Mapping[str, str]
    _clients: dict[str, httpx.Client] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    until = staticmethod(until)

    def client(self, who: str) -> httpx.Client:
        """A client of the API: admin, editor, writer, stranger (``other``'s editor) or nobody."""
        if who not in self._clients:
            token = self.tokens.get(who)
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            self._clients[who] = httpx.Client(
                base_url=self.api, headers=headers, timeout=SECONDS, trust_env=False
            )
        return self._clients[who]

    @property
    def admin(self) -> httpx.Client:
        return self.client("admin")

    @property
    def editor(self) -> httpx.Client:
        return self.client("editor")

    @property
    def writer(self) -> httpx.Client:
        return self.client("writer")

    @property
    def stranger(self) -> httpx.Client:
        """An editor of the other site."""
        return self.client("stranger")

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def command(self, *words: str) -> str:
        """Runs ``nashr`` on this stack."""
        return nashr(*words, data=self.data)

    @staticmethod
    def word() -> str:
        """A word that nothing else on the site holds."""
        return f"w{uuid.uuid4().hex[:10]}"

    @staticmethod
    def photo(width: int = 1600, height: int = 1000) -> bytes:
        """A JPEG unlike any other."""
        noise = Image.frombytes(
            "RGB", (width // 40, height // 40), os.urandom(width // 40 * (height // 40) * 3)
        )
        out = io.BytesIO()
        noise.resize((width, height), Image.Resampling.BILINEAR).save(out, "JPEG", quality=80)
        return out.getvalue()

    def upload(self, data: bytes | None = None, *, who: str = "editor", **fields: str) -> dict[str, Any]:
        """An uploaded photo, as the API describes it."""
        file = {"file": ("photo.jpg", data or self.photo(), "image/jpeg")}
        answer = self.client(who).post("/v1/assets", data=fields, files=file)
        assert answer.status_code in {200, 201}, answer.text
        return dict(answer.json())

    def draft(self, **changes: Any) -> dict[str, Any]:
        """A complete draft in Arabic, without photos, of its own headline."""
        word = self.word()
        paragraphs = [f"فقرة رقم {number} من خبر {word} عن جلسة عامة في المدينة." for number in range(1, 5)]
        return {
            "section": "politics",
            "headline": f"خبر رقم {next(self._numbers)} {word}",
            "standfirst": f"موجز الخبر {word}.",
            "byline": [{"name": "ليلى حداد"}],
            "body": [{"type": "paragraph", "html": text} for text in paragraphs],
            **changes,
        }

    def create(self, *, who: str = "editor", **changes: Any) -> dict[str, Any]:
        """A stored draft."""
        answer = self.client(who).post("/v1/articles", json=self.draft(**changes))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def change(self, article: Mapping[str, Any], *, who: str = "editor", **changes: Any) -> dict[str, Any]:
        """The next revision of an article: as it is but for ``changes``."""
        now = self.article(article["id"], who=who)
        kept = {name: now[name] for name in KEPT if now.get(name) is not None}
        answer = self.client(who).put(
            f"/v1/articles/{article['id']}", json={**kept, **changes},
            headers={"If-Match": f'"{now["revision"]}"'},
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def article(self, article: str, *, who: str = "editor") -> dict[str, Any]:
        answer = self.client(who).get(f"/v1/articles/{article}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def publish(self, article: str, *, who: str = "editor", **wanted: Any) -> dict[str, Any]:
        """An accepted publication."""
        answer = self.client(who).post(f"/v1/articles/{article}/publish", json=wanted)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def publication(self, publication: str, *, who: str = "editor") -> dict[str, Any]:
        answer = self.client(who).get(f"/v1/publications/{publication}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def wait_final(
        self, publication: str, *, who: str = "editor", seconds: float = SECONDS
    ) -> dict[str, Any]:
        """The publication once nothing more will happen to it."""

        def final() -> dict[str, Any] | None:
            found = self.publication(publication, who=who)
            return found if found["state"] in FINAL else None

        return until(final, what=f"publication {publication} to end", seconds=seconds)

    def wait_proven(
        self, publication: str, *, who: str = "editor", seconds: float = SECONDS
    ) -> dict[str, Any]:
        """The publication once it is live and its receipt is there: the edge serves it."""

        def proven() -> dict[str, Any] | None:
            found = self.publication(publication, who=who)
            assert found["state"] in {"scheduled", "pending", "running", "live"}, found
            return found if found["receipt"] else None

        return until(proven, what=f"the receipt of {publication}", seconds=seconds)

    def publish_and_wait(self, *, who: str = "editor", **changes: Any) -> dict[str, Any]:
        """A new article that the edge serves."""
        made = self.create(who=who, **changes)
        self.wait_proven(self.publish(made["id"], who=who)["id"], who=who)
        return self.article(made["id"], who=who)

    def publish_change(self, article: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        """An article's next revision, served by the edge."""
        self.change(article, **changes)
        self.wait_proven(self.publish(article["id"])["id"])
        return self.article(article["id"])

    def fetch(self, url: str, **headers: str) -> httpx.Response:
        """What a reader gets for a path or URL of the site; redirects are not followed."""
        absolute = url if "://" in url else f"{self.site}{url}"
        return self.client("reader").get(absolute, headers=headers)

    def served(self, url: str, *, holds: str, status: int = 200) -> httpx.Response:
        """The answer for ``url`` once it has that status and text."""

        def there() -> httpx.Response | None:
            answer = self.fetch(url)
            return answer if answer.status_code == status and holds in answer.text else None

        return until(there, what=f"{url} to answer {status} and hold {holds!r}")

    def is_own(self, url: str) -> bool:
        return urlsplit(url).netloc == urlsplit(self.site).netloc


def _apply_sites(data: Path, *, site: str, folder: Path) -> None:
    (folder / "logo.svg").write_text(LOGO)
    for name, title, words, base in (
        ("khabar", "خبر", ARABIC, "/"),
        ("other", "Other", ENGLISH, "/other/"),
    ):
        file = folder / f"{name}.toml"
        file.write_text(SITE.format(id=name, name=title, **words), "utf-8")
        nashr("site", "apply", str(file), "--base-url", f"{site}{base}", data=data)


def _tokens(data: Path, *, api: str, admin: str) -> dict[str, str]:
    """An editor's token from the command, the others from the API, which is quicker."""
    words = ("token", "create", "--name", "editor", "--role", "editor", "--site", "khabar")
    made = {"admin": admin, "editor": nashr(*words, data=data).strip()}
    for name, role, site in (("writer", "writer", "khabar"), ("stranger", "editor", "other")):
        answer = httpx.post(
            f"{api}/v1/tokens",
            headers={"Authorization": f"Bearer {admin}"},
            json={"name": name, "role": role, "site": site},
            timeout=SECONDS,
            trust_env=False,
        )
        assert answer.status_code == 201, answer.text
        made[name] = answer.json()["token"]
    return made


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack of this session. ``NASHR_TEST_DATA=DIR`` uses one that runs there, and leaves it running."""
    folder = tmp_path_factory.mktemp("stack")
    running = os.environ.get("NASHR_TEST_DATA")
    data = Path(running) if running else folder / "data"
    try:
        if not running:
            nashr(
                "up", "--detach", "--api-port", "0", "--site-port", "0", data=data,
                NASHR_WEBHOOKS_REACH="loopback",
            )  # fmt: skip
        endpoints = json.loads((data / "endpoints.json").read_text())
        _apply_sites(data, site=endpoints["site"], folder=folder)
        tokens = _tokens(data, api=endpoints["api"], admin=endpoints["admin_token"])
        made = Stack(data, endpoints["api"], endpoints["site"].rstrip("/"), tokens)
        until(lambda: made.fetch("/other/").status_code == 200, what="the sites' front pages")
        until(lambda: made.fetch("/").status_code == 200, what="the site's front page")
        yield made
        made.close()
    finally:
        if not running:
            nashr("down", data=data)
            assert processes_in(data) == []
            for part in ("postgres", "s3", "valkey"):
                shutil.rmtree(data / part, ignore_errors=True)
