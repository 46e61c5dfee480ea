"""Hubs and search engines are told what has changed: servers written from the published formats take it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from nashr.pages import PageKind
from nashr.settings import Settings
from nashr.store import sites
from nashr.store.database import run, transaction
from nashr.store.ids import index_key

from tests.integration.store.desk import Desk
from tests.integration.store.newsroom import SITE, Newsroom, begin
from tests.receivers import Receiver, Says, receiver

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.integration.store.conftest import Inside

RSS, ATOM = "http://paper.test/feeds/rss.xml", "http://paper.test/feeds/atom.xml"


@pytest.fixture
def hub() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


@pytest.fixture
def engines() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


@pytest.fixture
def newsroom(engine: Engine) -> Newsroom:
    return begin(engine)


@pytest.fixture
def desk(newsroom: Newsroom, hub: Receiver, engines: Receiver, inside: Inside) -> Desk:
    """A site with a hub and IndexNow; two of its feeds are in the store."""
    settings = Settings(webhooks_reach="loopback", indexnow_url=engines.url)
    with transaction(newsroom.engine) as conn:
        run(conn, "TRUNCATE webhook")
        sites.apply(conn, replace(SITE, websub_hub=hub.url, indexnow=True), actor="test")
    inside.run(
        "UPDATE page SET live = wanted, body_hash = 'one' WHERE path IN ('/feeds/rss.xml', '/feeds/atom.xml')"
    )
    inside.run("DELETE FROM page WHERE kind IN ('rss', 'atom', 'json_feed') AND live = 0")
    return Desk(newsroom.engine, settings, site="paper")


def due(inside: Inside, name: str) -> None:
    inside.run(
        "UPDATE step SET available_at = now() WHERE kind = 'notify' AND input->>'to' = :to",
        to=f"{name}:paper",
    )


def topics(hub: Receiver) -> list[str]:
    """The topics of well-formed publish requests, in their order. Raises for any other request."""
    found = []
    for told in hub.told:
        assert told.headers["content-type"] == "application/x-www-form-urlencoded"
        assert told.form["hub.mode"] == ["publish"]
        assert told.form["hub.url"] == told.form["hub.topic"]
        found += told.form["hub.url"]
    return found


def test_a_hub_is_told_of_the_feeds_that_changed(desk: Desk, hub: Receiver, inside: Inside) -> None:
    """All of them the first time; then those whose content is another one, once."""
    desk.emit(url="http://paper.test/news/1/")
    assert desk.claim("indexnow:paper") is None
    due(inside, "websub")
    assert desk.run(desk.claim("indexnow:paper")) == "done"
    assert sorted(topics(hub)) == [ATOM, RSS]
    hub.told.clear()
    desk.emit(url="http://paper.test/news/2/")
    inside.run("UPDATE page SET body_hash = 'two' WHERE path = '/feeds/rss.xml'")
    due(inside, "websub")
    assert desk.run(desk.claim("indexnow:paper")) == "done"
    assert topics(hub) == [RSS]


def test_a_feed_on_its_way_is_looked_at_again(desk: Desk, hub: Receiver, inside: Inside) -> None:
    """A hub fetches at once: it is told when the store has the feed, not before."""
    desk.emit(url="http://paper.test/news/1/")
    inside.run("UPDATE page SET wanted = wanted + 1 WHERE path = '/feeds/rss.xml'")
    inside.run("UPDATE page SET live = 0 WHERE path = '/feeds/rss.xml'")
    due(inside, "websub")
    assert desk.run(desk.claim("indexnow:paper")) == "done"
    assert topics(hub) == [ATOM]
    found = inside.scalar("SELECT id FROM step WHERE key = 'websub:paper'")
    assert inside.step(found)["state"] == "ready"
    assert 4 < inside.step(found)["in_seconds"] <= 5
    inside.run("UPDATE page SET live = wanted, body_hash = 'two' WHERE path = '/feeds/rss.xml'")
    due(inside, "websub")
    assert desk.run(desk.claim("indexnow:paper")) == "done"
    assert topics(hub) == [ATOM, RSS]
    assert inside.step(found)["state"] == "done"


def test_search_engines_are_told_the_addresses_of_a_burst_at_once(
    desk: Desk, engines: Receiver, inside: Inside
) -> None:
    """One request 15 s after the first: each address once, with host, key and where the key lies."""
    engines.will(Says(202))
    for number in (1, 2, 1):
        desk.emit("article.updated", url=f"http://paper.test/news/{number}/")
    desk.emit("article.updated", url="http://paper.test/news/3/", notify=False)
    found = inside.scalar("SELECT id FROM step WHERE key = 'indexnow:paper'")
    assert 14 < inside.step(found)["in_seconds"] <= 15
    due(inside, "indexnow")
    assert desk.run(desk.claim("websub:paper")) == "done"
    (told,) = engines.told
    secret = inside.scalar("SELECT secret FROM site WHERE id = 'paper'")
    assert told.headers["content-type"] == "application/json; charset=utf-8"
    assert told.json == {
        "host": "paper.test", "key": index_key(secret), "keyLocation": "http://paper.test/indexnow.txt",
        "urlList": ["http://paper.test/news/1/", "http://paper.test/news/2/"],
    }  # fmt: skip
    assert re.fullmatch(r"[a-zA-Z0-9-]{8,128}", told.json["key"])
    assert {urlsplit(url).netloc for url in told.json["urlList"]} == {told.json["host"]}
    desk.emit("article.removed", url="http://paper.test/news/1/")
    due(inside, "indexnow")
    assert desk.run(desk.claim("websub:paper")) == "done"
    assert engines.told[1].json["urlList"] == ["http://paper.test/news/1/"]


def test_an_event_during_a_submission_is_submitted_next(
    desk: Desk, engines: Receiver, inside: Inside
) -> None:
    """It cannot arm a step that runs: the step's end looks for it."""
    desk.emit(url="http://paper.test/news/1/")
    due(inside, "indexnow")
    step = desk.claim("websub:paper")
    assert step is not None
    commit = desk.notify(step)
    desk.emit(url="http://paper.test/news/2/")
    with transaction(desk.engine) as conn:
        assert commit(conn).again_at is not None


def test_a_refused_submission_is_given_up_after_a_while(
    desk: Desk, engines: Receiver, inside: Inside
) -> None:
    """429 waits as it says; 403 is dead work after eight attempts; the next story begins anew."""
    engines.will(Says(429, headers={"Retry-After": "600"}), Says(403))
    desk.emit(url="http://paper.test/news/1/")
    found = inside.scalar("SELECT id FROM step WHERE key = 'indexnow:paper'")
    due(inside, "indexnow")
    assert desk.run(desk.claim("websub:paper")) == "retry"
    assert 599 < inside.step(found)["in_seconds"] <= 600
    inside.run("UPDATE step SET attempts = 7 WHERE id = :id", id=found)
    due(inside, "indexnow")
    assert desk.run(desk.claim("websub:paper")) == "dead"
    engines.will(Says(200))
    desk.emit(url="http://paper.test/news/2/")
    due(inside, "indexnow")
    assert desk.run(desk.claim("websub:paper")) == "done"
    assert engines.told[-1].json["urlList"] == ["http://paper.test/news/1/", "http://paper.test/news/2/"]


def test_a_site_without_a_hub_pings_nobody(newsroom: Newsroom, inside: Inside) -> None:
    """No step is written, and no page for a key."""
    with transaction(newsroom.engine) as conn:
        sites.apply(conn, SITE, actor="test")
    Desk(newsroom.engine, site="paper").emit(url="http://paper.test/news/1/")
    assert inside.scalar("SELECT count(*) FROM step WHERE kind = 'notify'") == 0
    assert inside.scalar("SELECT count(*) FROM page WHERE kind = :kind", kind=str(PageKind.index_key)) == 0
