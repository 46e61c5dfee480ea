"""An attacker types into every field there is: browsers run nothing of it, and show it as it was typed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape, unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import lxml.etree
import lxml.html
import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.lettering import chromium
from tests.pages.attacks import FOREIGN, HOOKS, ODD_URLS, texts

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.e2e.conftest import Behind

SITE = "hostile"
BASE = f"/{SITE}/"
AUTHOR = "mallory"
TITLES = (("seo", 300), ("social", 300), ("short", 120))
LONGEST = 480
"""Letters of a headline: so many payloads go into one article."""


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
    yield Sink(f"http://127.0.0.1:{server.server_port}", asked, pages)
    server.shutdown()
    thread.join()
    server.server_close()


def fitting(payloads: Sequence[str], limit: int) -> str:
    """As many of the payloads as fit into a field."""
    kept = ""
    for one in payloads:
        longer = f"{kept} {one}".strip()
        kept = longer if len(longer) <= limit else kept
    return kept


def portions(payloads: Sequence[str]) -> Iterator[Sequence[str]]:
    """The payloads, cut so that each portion fits into a headline."""
    portion: list[str] = []
    for one in payloads:
        if len(" ".join([*portion, one])) > LONGEST:
            yield portion
            portion = []
        portion.append(one)
    yield portion


def site(base_url: str, payloads: Sequence[str]) -> Mapping[str, Any]:
    """A site whose every text is hostile."""
    words = ("tagline", "footer", "x_handle", "publishing_principles", "corrections_policy", "ethics_policy",
             "masthead")  # fmt: skip
    said = [one for one in payloads if "\u2028" not in one]
    return {
        "name": fitting(said[20:], 120), "locale": "en", "base_url": base_url, "prefix": f"{SITE}/",
        "sections": [
            {"slug": "politics", "label": said[23]}, {"slug": "sport", "label": said[33]},
            {"slug": "all", "label": said[8], "all": True},
        ],
        "theme": {
            **{name: said[number] for number, name in enumerate(words)},
            "texts": {"see_also": said[9], "related": said[46], "by": said[26], "home": said[24],
                      "sections": said[20], "published": said[30]},
        },
    }  # fmt: skip


def draft(number: int, portion: Sequence[str], payloads: Sequence[str], photo: str) -> dict[str, Any]:
    """An article with a portion of the payloads in every text that it has."""
    whole, url = " ".join(portion), ODD_URLS[number % len(ODD_URLS)]
    use = {"asset": photo, "alt": whole, "caption": whole, "credit": fitting(portion, 300)}
    short = [one for one in payloads if len(one) <= 100]
    return {
        "site": SITE, "section": "politics", "external_id": fitting(portion, 200), "headline": whole,
        "kicker": short[number * 7 % len(short)], "standfirst": whole, "dateline": fitting(portion, 200),
        "titles": {name: fitting(portion, size) for name, size in TITLES},
        "description": whole,
        "byline": [{"name": "x", "author": AUTHOR}, *({"name": one} for one in portion),
                   {"name": portion[0], "role": "editor"}],
        "keywords": [one for one in portion if len(one) <= 100] + ["img onerror alert"],
        "hero": use, "social_image": {"asset": photo, "alt": whole},
        "body": [
            *({"type": "paragraph", "html": one} for one in portion),
            *({"type": "paragraph", "html": escape(one)} for one in portion),
            {"type": "list", "items": list(portion)},
            {"type": "quote", "html": whole, "cite": fitting(portion, 300)},
            *({"type": "heading", "text": one} for one in portion),
            {"type": "image", **use},
            *({"type": "embed", "url": url, "title": one} for one in portion),
            {"type": "paragraph", "html": "The end."},
        ],
        "source": {"name": fitting(portion, 200), "url": url},
        "translation": {"from": "fr", "method": "machine", "credit": fitting(portion, 300)},
        "ai": {"text": "assisted", "note": whole},
        "aliases": [f"/old-{number}/{one}" for one in portion if is_path(one)],
        "extensions": {whole: [whole, {"url": "javascript:alert(1)"}]},
        "note": whole,
    }  # fmt: skip


def is_path(text: str) -> bool:
    """Whether a payload can be the last part of a path."""
    return not set(text) & set("?#\\\t") and "//" not in text and text[-1] != "/" and "/." not in text


@dataclass(frozen=True)
class Scene:
    """What was attacked: the articles as the API gives them with what was typed, and the pages to look at."""

    sink: Sink
    typed: Sequence[Mapping[str, Any]]
    articles: Sequence[Mapping[str, Any]]
    pages: Mapping[str, str]


@pytest.fixture(scope="module")
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


@pytest.mark.browser
def test_the_traps_work(browser: Browser) -> None:
    """The same payloads on a page that escapes nothing and has no policy run, fetch and lead away."""
    with listening() as sink:
        for number, payload in enumerate(texts(sink.url)):
            sink.pages[f"/trap/{number}"] = f"<!doctype html><p>{payload}</p>"
        context = browser.new_context()
        context.add_init_script(HOOKS)
        tab, ran = context.new_page(), 0
        for path in list(sink.pages)[:20]:
            tab.goto(sink.url + path, wait_until="load")
            ran += bool(tab.evaluate("window.ran") or tab.evaluate(FOREIGN))
        context.close()
        assert ran >= 18
        assert [path for path in sink.asked if path.endswith(".js")]


@pytest.mark.browser
def test_nothing_runs_and_nothing_is_fetched(scene: Scene, seen: Mapping[str, Seen]) -> None:
    """On every kind of page: no call, no foreign element or handler, nothing that the policy had to stop."""
    for name, page in seen.items():
        assert (page.ran, page.foreign) == ([], []), name
        assert not [text for text in page.said if "Content Security Policy" in text], name
        own = scene.pages[name].split(BASE)[0]
        assert [url for url in page.asked if not url.startswith((own, "data:"))] == [], name
        assert "default-src 'none'" in page.headers["content-security-policy"], name
    assert scene.sink.asked == []


@pytest.mark.browser
def test_readers_see_what_was_typed(scene: Scene, seen: Mapping[str, Seen]) -> None:
    """Headline, standfirst, kicker, headings, captions, alts and embeds: letter by letter."""
    for number, typed in enumerate(scene.typed):
        page = seen[f"article {number}"].texts
        headline, hero = typed["headline"], typed["hero"]
        assert page["h1"] == [headline]
        assert page[".standfirst"] == [typed["standfirst"]]
        assert page[".kicker"][0] == typed["kicker"]
        assert page["title"][0].startswith(typed["titles"]["seo"])
        assert hero["alt"] in page["alt"]
        assert f"{hero['caption']} {hero['credit']}" in page["figcaption"]
        wanted = [block.get("text") or block.get("title") for block in typed["body"]]
        assert [one for one in wanted if one and one not in (*page["h2"], *page[".title"])] == []
        escaped = [unescape(block["html"]) for block in _escaped(typed)]
        assert [one for one in escaped if one not in page[".article-body p"]] == []


def _escaped(typed: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The paragraphs in which the payloads are text, not markup."""
    return [
        block
        for block in typed["body"]
        if block["type"] == "paragraph" and escape(unescape(block["html"])) == block["html"]
    ]


@pytest.mark.browser
def test_the_chrome_says_what_the_site_says(scene: Scene, seen: Mapping[str, Seen], stack: Stack) -> None:
    """Name, section labels, banner, an author's words, a correction and a notice arrive as typed, too."""
    home, payloads = seen["home"].texts, texts(scene.sink.url)
    config = stack.admin.get(f"/v1/sites/{SITE}").json()
    assert home[".name"] == [config["name"]]
    assert {one["label"] for one in config["sections"]} <= set(home[".sections a"])
    assert home[".banner"] == [fitting(payloads[30:], 300)]
    assert seen["author"].texts[".bio"] == [one for text in payloads for one in text.splitlines()]
    assert " ".join(payloads) in seen["article 0"].texts[".correction span"]
    assert fitting(payloads, 2000) in seen["killed"].texts[".notice p"]


def test_structured_data_gives_back_what_was_typed(scene: Scene, stack: Stack) -> None:
    """JSON-LD and Open Graph of each article hold its words, and nothing has ended their element."""
    for typed, article in zip(scene.typed, scene.articles, strict=True):
        root: Any = lxml.html.document_fromstring(stack.fetch(article["url"]).content)
        (script,) = root.xpath("//script")
        data = json.loads(script.text)["@graph"][0]
        assert data["headline"] == typed["headline"]
        assert data["description"] == typed["description"]
        assert data["keywords"] == typed["keywords"]
        assert [one["name"] for one in data["author"]][1:] == [one["name"] for one in typed["byline"][1:-1]]
        (social,) = root.xpath("//meta[@property='og:title']/@content")
        assert social == typed["titles"]["social"]


def test_feeds_and_sitemaps_stay_what_they_are(scene: Scene, stack: Stack) -> None:
    """They parse strictly, hold every headline as typed, and their HTML holds nothing that could run."""
    headlines = {one["headline"] for one in scene.typed}
    rss = _xml(stack, "feeds/rss.xml")
    assert headlines <= {one.text for one in rss.iter("title")}
    content = "{http://purl.org/rss/1.0/modules/content/}encoded"
    atom = "{http://www.w3.org/2005/Atom}"
    atoms = _xml(stack, "feeds/atom.xml")
    assert headlines <= {one.text for one in atoms.iter(f"{atom}title")}
    feed = stack.fetch(f"{BASE}feeds/feed.json").json()
    assert headlines <= {one["title"] for one in feed["items"]}
    bodies = [str(one.text) for one in (*rss.iter(content), *atoms.iter(f"{atom}content"))]
    for body in [*bodies, *(one["content_html"] for one in feed["items"])]:
        assert _strange(body) == []
    news = "{http://www.google.com/schemas/sitemap-news/0.9}title"
    assert headlines <= {one.text for one in _xml(stack, "sitemaps/news.xml").iter(news)}
    for path in (
        "sitemap.xml",
        "politics/rss.xml",
        f"sitemaps/articles-{scene.articles[0]['published_at'][:7]}.xml",
    ):
        _xml(stack, path)
    assert json.loads(stack.fetch(f"{BASE}manifest.webmanifest").content)["name"]


def _xml(stack: Stack, path: str) -> lxml.etree._Element:
    answer = stack.fetch(BASE + path)
    assert answer.status_code == 200, path
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "script-src 'none'" in answer.headers["content-security-policy"]
    parser = lxml.etree.XMLParser(resolve_entities=False, no_network=True, recover=False)
    root = lxml.etree.fromstring(answer.content, parser)
    assert not list(root.iter(lxml.etree.PI, lxml.etree.Entity))
    return root


def _strange(html: str) -> list[str]:
    """Elements, attributes and addresses that a feed's HTML does not have."""
    known = {"p", "h2", "ul", "ol", "li", "blockquote", "cite", "figure", "figcaption", "img", "a",
             "strong", "div", "b", "i", "em", "u", "sub", "sup", "br", "bdi", "span"}  # fmt: skip
    root: Any = lxml.html.fragment_fromstring(html, create_parent="div")
    strange = []
    for one in root.iter():
        bad = [name for name in one.attrib if name[:2] == "on" or name in {"style", "srcdoc"}]
        href = one.get("href") or "https://"
        if one.tag not in known or bad or not href.startswith(("http://", "https://", "mailto:")):
            strange.append(lxml.html.tostring(one, encoding="unicode")[:200])
    return strange


def test_the_api_gives_back_what_was_typed(scene: Scene, stack: Stack) -> None:
    """Texts and extensions come back letter by letter, as JSON that no browser takes for something else."""
    same = ("headline", "standfirst", "kicker", "dateline", "titles", "description", "keywords", "extensions",
            "note", "external_id")  # fmt: skip
    for typed, article in zip(scene.typed, scene.articles, strict=True):
        answer = stack.admin.get(f"/v1/articles/{article['id']}")
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        given = answer.json()
        assert {name: given.get(name) for name in same} == {name: typed[name] for name in same}
        assert [one["name"] for one in given["byline"]] == [one["name"] for one in typed["byline"]]


def test_cards_are_pictures_with_the_words_beside_them(scene: Scene, stack: Stack) -> None:
    """A hostile headline is drawn: the card is an image, and its alt text holds the words as typed."""
    for typed, article in zip(scene.typed, scene.articles, strict=True):
        assert article["social_cards"], typed["headline"]
        for card in article["social_cards"]:
            answer = stack.fetch(card["url"])
            assert answer.headers["content-type"].startswith("image/")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert (typed["titles"]["social"] in card["alt"]) or (typed["headline"] in card["alt"])


def test_old_addresses_lead_home_and_nowhere_else(scene: Scene, stack: Stack) -> None:
    """An alias out of a payload redirects to its article, in one header of plain ASCII."""
    tried = 0
    for typed, article in zip(scene.typed, scene.articles, strict=True):
        for alias in typed["aliases"]:
            answer = stack.fetch(stack.site + BASE.rstrip("/") + quote(unquote(alias), safe="/"))
            assert answer.status_code == 301, alias
            assert answer.headers["location"] == article["url"]
            tried += 1
    assert tried > 30


def test_logs_hold_one_event_a_line(scene: Scene, stack: Stack) -> None:
    """After all of this every line of every log, however lines are told apart, is one JSON object."""
    assert scene.articles
    for file in sorted((stack.data / "logs").glob("*.log")):
        for line in file.read_text("utf-8").splitlines():
            if line.startswith("{"):
                assert "event" in json.loads(line), file.name
