"""What end-to-end tests share: a page read as a browser reads it, every address it names followed, and a look
behind nashr's back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urljoin

import boto3
import httpx
import lxml.etree
import lxml.html
import psycopg
import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from tests.conftest import Stack

REDIRECTS = {301, 302, 307, 308}
CSS_URL = re.compile(r"url\(\s*['\"]?([^'\")]+)")
KINDS = {
    "html": ("text/html",),
    "image": ("image/",),
    "css": ("text/css",),
    "font": ("font/",),
    "manifest": ("application/manifest+json",),
    "rss": ("application/rss+xml",),
    "atom": ("application/atom+xml",),
    "json_feed": ("application/feed+json",),
    "xml": ("application/xml", "text/xml"),
    "any": ("",),
}
FEEDS = {
    "application/rss+xml": "rss",
    "application/atom+xml": "atom",
    "application/feed+json": "json_feed",
}


@dataclass(frozen=True, order=True)
class Link:
    """An address that something names, and what should be there."""

    url: str
    kind: str
    named_by: str = field(compare=False)
    exact: str | None = None


def _xpath(css: str) -> str:
    """The little of CSS that these tests speak: tag, .class, [name], [name='value'], descendants."""
    steps = []
    for word in re.findall(r"(?:\[[^]]*\]|[^\s\[])+", css):
        tag, parts = re.match(r"[\w-]*", word), re.findall(r"\.([\w-]+)|\[([\w-]+)(?:='([^']*)')?\]", word)
        step = tag[0] if tag and tag[0] else "*"
        for name, attribute, value in parts:
            step += f"[contains(concat(' ', @class, ' '), ' {name} ')]" if name else ""
            step += (f"[@{attribute}='{value}']" if value else f"[@{attribute}]") if attribute else ""
        steps.append(f"/{step}")
    return "/".join(steps)


class Page:
    """An HTML page of the site."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.url = str(answer.url)
        self.text = answer.text
        self.root = lxml.html.document_fromstring(
            answer.content, parser=lxml.html.HTMLParser(encoding="utf-8")
        )

    def all(self, css: str) -> list[lxml.html.HtmlElement]:
        found = self.root.xpath(" | ".join(f"/{_xpath(one)}" for one in css.split(", ")))
        assert isinstance(found, list)
        return [one for one in found if isinstance(one, lxml.html.HtmlElement)]

    def one(self, css: str) -> lxml.html.HtmlElement:
        found = self.all(css)
        assert len(found) == 1, f"{len(found)} times {css} on {self.url}"
        return found[0]

    def words(self, css: str) -> str:
        """The text of the one element, white space folded."""
        return " ".join(self.one(css).text_content().split())

    def place(self, css: str) -> int:
        """Where the first such element stands in the document."""
        wanted = self.all(css)
        assert wanted, f"no {css} on {self.url}"
        return list(self.root.iter()).index(wanted[0])

    def meta(self, name: str) -> str:
        """What the head says of ``name``; the first, where several pictures have it."""
        found = self.all(f"meta[property='{name}'], meta[name='{name}']")
        assert found, f"no {name} on {self.url}"
        assert len(found) == 1 or name.startswith("og:image"), f"{len(found)} times {name} on {self.url}"
        return str(found[0].get("content"))

    def structured(self) -> Any:
        """The JSON-LD."""
        return json.loads(self.one("script[type='application/ld+json']").text or "")

    def alternates(self) -> dict[str, str]:
        """hreflang to address."""
        return {str(one.get("hreflang")): str(one.get("href")) for one in self.all("link[hreflang]")}

    def links(self) -> set[Link]:
        """Every address on the page with what it should be."""
        found = {
            Link(urldefrag(urljoin(self.url, url)).url, kind, self.url, exact)
            for url, kind, exact in (*self._media(), *self._head(), *self._anchors(), *self._data())
            if not url.startswith(("data:", "mailto:", "#"))
        }
        return {link for link in found if link.url}

    def _media(self) -> Iterator[tuple[str, str, str | None]]:
        for image in self.all("img"):
            yield str(image.get("src")), "image", None
        for source in self.all("img[srcset], source[srcset]"):
            for candidate in str(source.get("srcset")).split(","):
                yield candidate.split()[0], "image", source.get("type")

    def _head(self) -> Iterator[tuple[str, str, str | None]]:
        for link in self.all("link[href]"):
            href, rel = str(link.get("href")), str(link.get("rel"))
            kinds = {"stylesheet": "css", "preload": "font", "manifest": "manifest", "icon": "image"}
            kinds |= {"apple-touch-icon": "image", "canonical": "html", "prev": "html", "next": "html"}
            if rel == "alternate" and link.get("type"):
                yield href, FEEDS[str(link.get("type"))], None
            else:
                yield href, kinds.get(rel, "html"), None
        for name in ("og:image", "twitter:image", "og:url"):
            for tag in self.all(f"meta[property='{name}'], meta[name='{name}']"):
                yield str(tag.get("content")), "html" if name == "og:url" else "image", None

    def _anchors(self) -> Iterator[tuple[str, str, str | None]]:
        for anchor in self.all("a[href]"):
            href = str(anchor.get("href"))
            yield href, "rss" if href.endswith("/rss.xml") else "html", None

    def _data(self) -> Iterator[tuple[str, str, str | None]]:
        for script in self.all("script[type='application/ld+json']"):
            for url in _urls(json.loads(script.text or "null")):
                yield url, "any", None


def _urls(data: Any) -> Iterator[str]:
    if isinstance(data, str) and re.fullmatch(r"https?://\S+", data):
        yield data
    elif isinstance(data, Mapping):
        for name, value in data.items():
            yield from () if name == "@context" else _urls(value)
    elif isinstance(data, list):
        for value in data:
            yield from _urls(value)


class Reader:
    """A reader with a browser's diligence: asks once for each address of the site."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._good: set[Link] = set()

    def page(self, url: str, *, status: int = 200) -> Page:
        answer = self._stack.fetch(url)
        assert answer.status_code == status, f"{answer.status_code} at {url}"
        return Page(answer)

    def complaints(self, links: set[Link]) -> list[str]:
        """What is wrong with those of the links that lead to this site; none means all is well."""
        own = sorted(link for link in links - self._good if self._stack.is_own(link.url))
        found = [complaint for link in own if (complaint := self._complaint(link))]
        self._good |= set(own)
        return found

    def _complaint(self, link: Link) -> str | None:
        answer = self._stack.fetch(link.url)
        for _ in range(3):
            if answer.status_code in REDIRECTS:
                answer = self._stack.fetch(urljoin(link.url, answer.headers["location"]))
        kind = answer.headers.get("content-type", "")
        if answer.status_code != 200:
            return f"{answer.status_code} at {link.url} (named by {link.named_by})"
        if not kind.startswith(link.exact or KINDS[link.kind]):
            return f"{kind} at {link.url}, not {link.exact or link.kind} (named by {link.named_by})"
        if link.kind == "css":
            named = [(urljoin(link.url, url), link.url) for url in CSS_URL.findall(answer.text)]
            files = {Link(url, "font" if url.endswith(".woff2") else "image", by) for url, by in named}
            return "; ".join(self.complaints(files)) or None
        return None if answer.content else f"nothing at {link.url}"

    def xml(self, url: str) -> list[str]:
        """The texts of every element of an XML file that stand for addresses."""
        answer = self._stack.fetch(url)
        assert answer.status_code == 200, f"{answer.status_code} at {url}"
        root = lxml.etree.fromstring(answer.content)
        texts = [str(one.text or "").strip() for one in root.iter() if isinstance(one.tag, str)]
        return [text for text in texts if text.startswith("http") and " " not in text]


def own_card(stack: Stack, reader: Reader, article: Mapping[str, Any]) -> str:
    """The picture that networks show for a page if it is the article's own card; else nothing."""
    page = reader.page(article["url"])
    shown = page.meta("og:image") if page.all("meta[property='og:image']") else ""
    listed = [one["url"] for one in stack.article(article["id"])["social_cards"]]
    return shown if shown in listed else ""


@pytest.fixture(scope="session")
def reader(stack: Stack) -> Reader:
    return Reader(stack)


@dataclass(frozen=True)
class Behind:
    """The stack's database and its store, behind nashr's back."""

    database: psycopg.Connection
    store: S3Client
    bucket: str

    def run(self, sql: str, *values: Any) -> None:
        self.database.execute(sql.encode(), values)

    def one(self, sql: str, *values: Any) -> Any:
        found = self.database.execute(sql.encode(), values).fetchone()
        assert found is not None
        return found[0]

    def stored(self, key: str) -> bool:
        try:
            self.store.head_object(Bucket=self.bucket, Key=key)
        except ClientError:
            return False
        return True

    def lose(self, key: str) -> None:
        """The file is gone, from the store and from the manifest."""
        with self.database.transaction():
            self.run("SELECT key FROM object WHERE key = %s FOR UPDATE", key)
            self.run("DELETE FROM asset_use WHERE key = %s", key)
            self.run("DELETE FROM object WHERE key = %s", key)
        self.store.delete_object(Bucket=self.bucket, Key=key)

    def sweep(self, asset: dict[str, Any]) -> None:
        """A grace period passes for what is unused of a photo, and the sweep looks."""
        self.run(
            """UPDATE object SET unused_since = unused_since - interval '31 days' WHERE source = %s
                OR source IN (SELECT key FROM step WHERE kind = 'cards' AND input->>'asset' = %s)""",
            asset["id"], asset["id"],
        )  # fmt: skip
        self.run("UPDATE step SET available_at = now(), dispatched_at = NULL WHERE kind = 'sweep'")
        self.run("NOTIFY nashr_step")

    def rests(self, site: str) -> bool:
        """Whether no page of a site is on its way, and no work that would send one soon."""
        sql = """SELECT NOT EXISTS (SELECT 1 FROM page WHERE site = %s AND kind <> 'routes'
                AND (wanted > live OR live > purged))
            AND NOT EXISTS (SELECT 1 FROM step WHERE site = %s AND state IN ('ready', 'leased')
                AND kind NOT IN ('sweep', 'expire', 'release')
                AND available_at < now() + interval '1 hour')"""
        return bool(self.one(sql, site, site))

    def swept(self) -> bool:
        """Whether the sweeps that were asked for are over."""
        return not self.one("SELECT count(*) FROM step WHERE kind = 'sweep' AND available_at <= now()")


@pytest.fixture(scope="session")
def behind(stack: Stack) -> Iterator[Behind]:
    words = json.loads((stack.data / "stack.json").read_text())
    client = boto3.client(
        "s3", endpoint_url=words["s3_endpoint"], region_name="us-east-1",
        aws_access_key_id=words.get("s3_access_key", "nashr"),
        aws_secret_access_key=words.get("s3_secret_key", "nashr-secret"),
    )  # fmt: skip
    with psycopg.connect(words["database_url"], autocommit=True) as connection:
        yield Behind(connection, client, words.get("s3_bucket", "nashr-site"))
