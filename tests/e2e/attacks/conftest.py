"""One hostile site on the session's stack, published once for all that look at it, and what browsers see."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.attacks.hostile import AUTHOR, BASE, SITE, draft, fitting, portions, site
from tests.lettering import chromium
from tests.pages.attacks import FOREIGN, HOOKS, ODD_URLS, texts

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.e2e.conftest import Behind


@dataclass(frozen=True)
class Sink:
    """A server that nothing may ask; ``page`` is what it answers."""

    url: str
    asked: list[str]
    pages: dict[str, str]


@contextmanager
def listening() -> Iterator[Sink]:
    asked: list[str] = []
    pages: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = pages.get(self.path, "").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Sink(f"http://127.0.0.1:{server.server_port}", asked, pages)
    finally:  # else pytest does not end where the site could not be published
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Scene:
    """What was attacked: the articles as the API gives them with what was typed, and the pages to look at."""

    sink: Sink
    typed: Sequence[Mapping[str, Any]]
    articles: Sequence[Mapping[str, Any]]
    pages: Mapping[str, str]


@pytest.fixture(scope="session")
def scene(stack: Stack, behind: Behind) -> Iterator[Scene]:
    with listening() as sink:
        payloads = texts(sink.url)
        answer = stack.admin.put(f"/v1/sites/{SITE}", json=site(f"{stack.site}{BASE}", payloads))
        assert answer.status_code in {200, 201}, answer.text
        photo = _upload(stack, payloads)
        typed = [draft(n, portion, payloads, photo) for n, portion in enumerate(portions(payloads))]
        made = [_created(stack, one) for one in typed]
        _author(stack, payloads, photo)
        asked = [stack.publish(one["id"], who="admin")["id"] for one in made]
        for publication in asked:
            stack.wait_proven(publication, who="admin", seconds=120)
        pages = _pages(stack, made, payloads)
        stack.until(lambda: behind.rests(SITE), what="the hostile site to rest", seconds=120)
        articles = [stack.article(one["id"], who="admin") for one in made]
        yield Scene(
            sink,
            typed,
            articles,
            {**pages, **{f"article {n}": str(one["url"]) for n, one in enumerate(articles)}},
        )


def _upload(stack: Stack, payloads: Sequence[str]) -> str:
    """A photo whose file name, caption, credit and rights are hostile."""
    rights = {name: fitting(payloads[40:], 300) for name in ("creator", "holder", "source", "licence")}
    fields = {
        "site": SITE, "caption": fitting(payloads, 2000), "credit": fitting(payloads[20:], 300),
        "rights": json.dumps({**rights, "usage_terms": fitting(payloads, 2000)}),
    }  # fmt: skip
    file = {"file": ("../../<img src=x onerror=alert(1)>\u202egpj.exe", stack.photo(800, 600), "image/jpeg")}
    answer = stack.admin.post("/v1/assets", data=fields, files=file)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _created(stack: Stack, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    answer = stack.admin.post("/v1/articles", json=wanted)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def _author(stack: Stack, payloads: Sequence[str], photo: str) -> None:
    links = [{"url": url, "label": payloads[8]} for url in ODD_URLS]
    author = {"name": fitting(payloads[23:], 200), "bio": "\n".join(payloads), "photo": photo, "links": links}
    answer = stack.admin.put(f"/v1/sites/{SITE}/authors/{AUTHOR}", json=author)
    assert answer.status_code == 201, answer.text


def _pages(stack: Stack, made: Sequence[Mapping[str, Any]], payloads: Sequence[str]) -> Mapping[str, str]:
    """A correction, a banner, a kill with a notice, a preview; the addresses of all but articles."""
    whole, first = " ".join(payloads), made[0]["id"]
    correction = {"kind": "correction", "text": whole}
    assert stack.admin.post(f"/v1/articles/{first}/corrections", json=correction).status_code == 202
    front = f"/v1/sites/{SITE}/fronts/home"
    match = {"If-Match": stack.admin.get(front).headers["etag"]}
    banner = {"banner": {"text": fitting(payloads[30:], 300), "url": ODD_URLS[0]}}
    assert stack.admin.put(front, json=banner, headers=match).status_code == 200
    killed = stack.publish_and_wait(who="admin", site=SITE, section="sport", language="en")
    kill = {"kind": "kill", "reason": whole[:2000], "public_notice": fitting(payloads, 2000)}
    answer = stack.admin.post(f"/v1/articles/{killed['id']}/unpublish", json=kill)
    stack.wait_final(answer.json()["id"], who="admin", seconds=120)
    preview = stack.admin.post(f"/v1/articles/{first}/previews", json={}).json()["url"]
    month = stack.article(first, who="admin")["published_at"][:7]
    lists = {"home": "", "section": "politics/", "everything": "all/",
             "archive": f"politics/archive/{month}/", "author": f"authors/{AUTHOR}/",
             "topic": "topics/img-onerror-alert/"}  # fmt: skip
    named = {name: f"{stack.site}{BASE}{path}" for name, path in lists.items()}
    return {**named, "killed": killed["url"], "preview": preview}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if chromium.program() is None:
        pytest.skip(chromium.ABSENT)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium.program(), args=["--no-sandbox"])
        yield started
        started.close()


@dataclass(frozen=True)
class Seen:
    """What a browser made of a page."""

    ran: Sequence[str]
    foreign: Sequence[str]
    asked: Sequence[str]
    said: Sequence[str]
    texts: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]


TEXTS = """
() => Object.fromEntries(['h1', '.standfirst', '.kicker', 'h2', 'h3', '.title', 'figcaption', '.banner',
  '.name', '.sections a', '.labels', '.article-body p', '.notice p', '.bio', '.correction span']
  .map((css) => [css, [...document.querySelectorAll(css)].map((one) => one.textContent)])
  .concat([['title', [document.title]], ['alt', [...document.images].map((one) => one.alt)]]))
"""


def look(browser: Browser, url: str) -> Seen:
    context = browser.new_context()
    context.add_init_script(HOOKS)
    tab, asked, said = context.new_page(), list[str](), list[str]()
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    answer = tab.goto(url, wait_until="load")
    assert answer is not None
    for one in tab.query_selector_all("a, .headline, figcaption")[:40]:
        one.dispatch_event("mouseover")
    seen = Seen(
        tab.evaluate("window.ran"), tab.evaluate(FOREIGN), asked, said, tab.evaluate(TEXTS), answer.headers
    )
    assert tab.url == url
    context.close()
    return seen


@pytest.fixture(scope="module")
def seen(scene: Scene, browser: Browser) -> Mapping[str, Seen]:
    """Every page, once."""
    return {name: look(browser, url) for name, url in scene.pages.items()}
