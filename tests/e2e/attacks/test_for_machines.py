"""What machines read of a hostile site is well-formed and says what was typed: data, feeds, API, logs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import lxml.etree
import lxml.html

from tests.e2e.attacks.hostile import BASE

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.e2e.attacks.conftest import Scene


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
