"""Publications: asked for, released, cancelled, taken back. Each is one transaction with its steps.

What happens when a page is acknowledged live is golive.py's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from nashr.domain.article import Content, content
from nashr.domain.errors import Refused
from nashr.domain.site import Site
from nashr.observability import metrics
from nashr.pages import Fact, PageKind, PageSpec
from nashr.steps import Priority
from nashr.store import archiving, articles, assets, cards, events, pagerows, queue
from nashr.store.articles import Article
from nashr.store.database import after_commit, row, rows, run
from nashr.store.ids import fingerprint, new_id
from nashr.store.pagerows import Why


@dataclass(frozen=True)
class Publication:
    """One request to change what the site shows of an article."""

    id: str
    number: int
    site: str
    article: str
    revision: int
    kind: str
    state: str
    priority: int
    change: str
    notify: bool
    detail: Mapping[str, Any]
    error: str | None
    actor: str
    page: int | None
    page_version: int | None
    receipt: Mapping[str, Any] | None
    requested_at: datetime
    due_at: datetime
    released_at: datetime | None
    live_at: datetime | None


_COLUMNS = ", ".join(Publication.__dataclass_fields__)
REMOVALS = ("unpublish", "kill", "takedown")


def find(conn: Connection, publication: str, *, site: str | None = None) -> Publication | None:
    """The publication; another site's looks absent when ``site`` is given."""
    found = row(
        conn,
        f"""SELECT {_COLUMNS} FROM publication
        WHERE id = :id AND (CAST(:site AS text) IS NULL OR site = :site)""",
        id=publication, site=site,
    )  # fmt: skip
    return Publication(**found) if found else None


def pending(conn: Connection, article: str) -> Publication | None:
    """The newest publication of an article that is still on its way."""
    found = row(
        conn,
        f"""SELECT {_COLUMNS} FROM publication WHERE article = :article
            AND state IN ('scheduled', 'pending', 'running') ORDER BY number DESC LIMIT 1""",
        article=article,
    )
    return Publication(**found) if found else None


def steps_of(conn: Connection, publication: Publication) -> Sequence[Mapping[str, Any]]:
    """The steps a publication leads to: its inputs, its page's delivery and purge, a takedown's removal."""
    return rows(
        conn,
        """SELECT kind, state, attempts, started_at, finished_at, error FROM step WHERE id IN (
            SELECT step FROM publication_step WHERE publication = :id
            UNION ALL SELECT id FROM step WHERE kind IN ('deliver', 'purge') AND key = CAST(:page AS text)
            UNION ALL SELECT id FROM step WHERE kind = 'remove' AND key = :id
        ) ORDER BY id""",
        id=publication.id, page=str(publication.page or ""),
    )  # fmt: skip


@dataclass(frozen=True)
class Request:
    """What an editor asks for; ``publish_at`` None is now."""

    revision: int
    publish_at: datetime | None = None
    priority: Priority = Priority.normal
    change: str = "update"
    notify: bool = True


def request(conn: Connection, site: Site, article: Article, wanted: Request, *, actor: str) -> Publication:
    """Accepts a publication of a locked article: revision, steps, page, event in one transaction.

    The caller has checked the content.
    """
    newest = _newest_asked(conn, article.id)
    if newest is not None and wanted.revision < newest:
        article = articles.copy_revision(conn, site, article, wanted.revision, actor=actor)
        wanted = Request(
            article.latest_revision, **{k: v for k, v in vars(wanted).items() if k != "revision"}
        )
    found = _insert(conn, article, wanted, kind="publish", detail={}, actor=actor)
    doc = articles.read_content(conn, site, article.id, wanted.revision)
    _date(conn, found, doc)
    for step in _input_steps(conn, site, article, doc, found):
        run(
            conn, "INSERT INTO publication_step (publication, step, site) VALUES (:id, :step, :site)",
            id=found.id, step=step, site=site.id,
        )  # fmt: skip
    if found.state == "scheduled":
        _unschedule_earlier(conn, found)
        _schedule(conn, found)
    else:
        release(conn, site, found.id)
    events.record(conn, "article.publish", article.id, site=site.id, actor=actor, publication=found.id)
    return _reread(conn, found.id)


def _date(conn: Connection, found: Publication, doc: Content) -> None:
    """The day that cards say: of the first publication, for good once that is on its way to readers.

    Known before it goes live, so that cards are asked for with it, and are the same after midnight.
    """
    run(
        conn,
        """UPDATE article SET dated_at = :at WHERE id = :article AND published_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM publication WHERE article = :article AND kind = 'publish'
                AND state = 'running')""",
        at=doc.published_at or found.due_at, article=found.article,
    )  # fmt: skip


def _newest_asked(conn: Connection, article: str) -> int | None:
    found = row(
        conn,
        """SELECT max(revision) AS newest FROM publication WHERE article = :article AND kind = 'publish'
            AND state <> 'cancelled'""",
        article=article,
    )
    newest: int | None = found["newest"] if found else None
    return newest


def _insert(
    conn: Connection, article: Article, wanted: Request, *, kind: str, detail: Mapping[str, Any], actor: str
) -> Publication:
    found = row(
        conn,
        f"""INSERT INTO publication (id, site, article, revision, kind, state, priority, change, notify,
            detail, actor, due_at)
        SELECT :id, :site, :article, :revision, :kind,
            CASE WHEN at > now THEN 'scheduled' ELSE 'pending' END, :priority, :change, :notify,
            :detail, :actor, GREATEST(at, now)
        FROM (SELECT COALESCE(CAST(:at AS timestamptz), clock_timestamp()) AS at, clock_timestamp() AS now) t
        RETURNING {_COLUMNS}""",
        id=new_id("pb"), site=article.site, article=article.id, revision=wanted.revision, kind=kind,
        priority=wanted.priority, change=wanted.change, notify=wanted.notify, detail=Jsonb(dict(detail)),
        actor=actor, at=wanted.publish_at,
    )  # fmt: skip
    assert found is not None
    after_commit(conn, lambda: metrics.ACCEPTED.add(priority=Priority(wanted.priority).name))
    return Publication(**found)


def _schedule(conn: Connection, found: Publication) -> None:
    step, _ = queue.add(
        conn, "release", found.id, site=found.site, data={"publication": found.id}, priority=found.priority
    )
    run(conn, "UPDATE step SET available_at = :due WHERE id = :step", due=found.due_at, step=step)
    queue.notify(conn)


def _unschedule_earlier(conn: Connection, found: Publication) -> None:
    """An article has one schedule: the newest. A release that runs at this moment sees for itself."""
    earlier = rows(
        conn,
        """UPDATE publication SET state = 'superseded'
        WHERE article = :article AND number < :number AND state = 'scheduled' RETURNING id""",
        article=found.article, number=found.number,
    )  # fmt: skip
    after_commit(conn, lambda: metrics.SUPERSEDED.add(len(earlier)))
    run(
        conn,
        """UPDATE step SET state = 'done' WHERE id IN (
            SELECT id FROM step WHERE kind = 'release' AND key = ANY(:keys) AND state = 'ready'
            FOR NO KEY UPDATE SKIP LOCKED)""",
        keys=[item["id"] for item in earlier],
    )


def _input_steps(
    conn: Connection, site: Site, article: Article, doc: Content, wanted: Publication
) -> Sequence[int]:
    """Inserts the steps that this content needs, and returns them all: done ones cost nothing."""
    there = _photo_steps(conn, doc)
    photos = assets.many(conn, site.id, doc.assets)
    steps = [
        _photo_step(conn, site, photos[name], there.get(name), wanted.priority) for name in sorted(photos)
    ]
    if doc.kind != "page":
        steps.append(related_step(conn, article, doc, wanted.revision, priority=wanted.priority))
    ordered = cards.order(conn, site, article.id, doc, photos=photos, at=wanted.due_at)
    steps.append(cards.want(conn, ordered, priority=wanted.priority))
    archiving.unarchive(conn, [name for name, photo in photos.items() if photo.state == "archived"])
    return steps


def related_step(conn: Connection, article: Article, doc: Content, revision: int, *, priority: int) -> int:
    """The step that draws the links of a text, inserted unless it is there."""
    text = fingerprint(article.id, doc.language, doc.headline, doc.standfirst or "", doc.text())
    data = {"article": article.id, "number": article.number, "revision": revision}
    return queue.add(conn, "related", text, site=article.site, data=data, priority=priority)[0]


def _photo_steps(conn: Connection, doc: Content) -> Mapping[str, int]:
    """The images steps of the photos, locked before the photos are read: a sweep may archive one now."""
    found = rows(
        conn,
        """SELECT id, key FROM step WHERE kind = 'images' AND key = ANY(:assets)
        ORDER BY key FOR NO KEY UPDATE""",
        assets=list(doc.assets),
    )
    return {item["key"]: item["id"] for item in found}


def _photo_step(conn: Connection, site: Site, asset: assets.Asset, found: int | None, priority: int) -> int:
    """The step that makes a photo's renditions, urgent as this publication if they are not there yet."""
    settled = asset.state in assets.UNUSABLE or asset.withdrawn_at is not None
    if found is not None and (settled or asset.is_made(site.images)):
        return found
    return assets.make(conn, asset, priority=priority)


def release(conn: Connection, site: Site, publication: str) -> None:
    """Lets a publication go: from now on its page wants it. Nothing happens when it was cancelled."""
    found = _reread(conn, publication)
    article = articles.find(conn, found.article, lock=True)
    assert article is not None
    found = _reread(conn, publication)
    if found.state not in {"scheduled", "pending"}:
        return
    if _overtaken(conn, found):
        _set_state(conn, found.id, "superseded")
        after_commit(conn, metrics.SUPERSEDED.add)
        return
    doc, slug = _content_and_slug(conn, site, found)
    at = article.published_at or doc.published_at or found.due_at
    path = articles.article_path(site, article, doc, slug, at)
    page = pagerows.lock(conn, site.id, [PageSpec(path, PageKind.article, article.id)])[path]
    if page.subject != article.id or page.kind != PageKind.article:
        if page.kind == PageKind.article:
            _set_state(conn, found.id, "failed", f"{path} belongs to another article: choose another slug")
            return
        pagerows.claim_path(conn, page, PageKind.article, article.id)
    waits = _wait_for_inputs(conn, found, page)
    why = Why({Fact.status, Fact.teaser, Fact.body}, found.id)
    pagerows.want(conn, [page], priority=found.priority, delay=max(waits, default=0.0), why=why)
    run(
        conn,
        """UPDATE publication SET state = 'running', page = :page, released_at = clock_timestamp()
        WHERE id = :id""",
        id=found.id, page=page.id,
    )  # fmt: skip
    run(conn, "UPDATE article SET removal = NULL WHERE id = :id AND removal IS NOT NULL", id=article.id)


def _overtaken(conn: Connection, found: Publication) -> bool:
    """Whether a newer revision went out while this one waited for its hour."""
    newer = row(
        conn,
        """SELECT 1 AS one FROM publication WHERE article = :article AND id <> :id AND kind = 'publish'
            AND state IN ('running', 'live') AND revision > :revision""",
        article=found.article, id=found.id, revision=found.revision,
    )  # fmt: skip
    return newer is not None


def _content_and_slug(conn: Connection, site: Site, found: Publication) -> tuple[Content, str]:
    stored = articles.revision(conn, found.article, found.revision)
    assert stored is not None
    return content(stored.doc, site), stored.doc["slug"]


def _wait_for_inputs(conn: Connection, found: Publication, page: pagerows.PageRow) -> list[float]:
    """Makes the page wait for the steps that are not done; returns how long for each."""
    open_steps = rows(
        conn,
        """SELECT s.id, s.kind FROM step s JOIN publication_step p ON p.step = s.id
        WHERE p.publication = :id AND s.state IN ('ready', 'leased') ORDER BY s.id FOR NO KEY UPDATE OF s""",
        id=found.id,
    )
    waits = []
    for step in open_steps:
        wait = queue.wait_of(step["kind"], first=page.live == 0)
        pagerows.wait_for(conn, page, step["id"], wait)
        waits.append(wait)
    return waits


def cancel(conn: Connection, found: Publication, *, actor: str) -> Publication:
    """Takes back a scheduled publication. Refused("not_cancellable") once it was released."""
    changed = run(
        conn, "UPDATE publication SET state = 'cancelled' WHERE id = :id AND state = 'scheduled'", id=found.id
    )
    if not changed:
        now = _reread(conn, found.id).state
        raise Refused("not_cancellable", f"the publication is {now}: only a scheduled one can be cancelled")
    run(conn, "UPDATE step SET state = 'done' WHERE kind = 'release' AND key = :id", id=found.id)
    events.record(conn, "publication.cancel", found.id, site=found.site, actor=actor)
    return _reread(conn, found.id)


def remove(
    conn: Connection, article: Article, kind: str, detail: Mapping[str, Any], *, actor: str
) -> Publication:
    """Asks for a removal of a locked article: its page is wanted as a tombstone, before anything else.

    Whatever was still on its way is superseded: it must not bring the article back.
    """
    if article.live_revision is None and pending(conn, article.id) is None:
        raise Refused("not_live", "the article is not live: there is nothing to remove")
    _stop_earlier(conn, article)
    found = _insert(
        conn, article, Request(article.live_revision or article.latest_revision, priority=Priority.breaking),
        kind=kind, detail={**detail, "through": article.latest_revision}, actor=actor,
    )  # fmt: skip
    removal = {"kind": kind, "publication": found.id, "public_notice": detail.get("public_notice")}
    run(conn, "UPDATE article SET removal = :removal WHERE id = :id", id=article.id, removal=Jsonb(removal))
    _want_tombstones(conn, article, found)
    events.record(conn, f"article.{kind}", article.id, site=article.site, actor=actor, **detail)
    return _reread(conn, found.id)


def taken_back(conn: Connection, article: str) -> tuple[str, int] | None:
    """The newest kill or takedown of an article, and the last revision that was stored when it was asked for.

    For good: these revisions stay off the site even after a later one went live.
    """
    found = row(
        conn,
        """SELECT kind, CAST(detail->>'through' AS int) AS revision FROM publication
        WHERE article = :article AND kind IN ('kill', 'takedown') ORDER BY number DESC LIMIT 1""",
        article=article,
    )
    return (found["kind"], found["revision"]) if found else None


def _stop_earlier(conn: Connection, article: Article) -> None:
    stopped = rows(
        conn,
        """UPDATE publication SET state = CASE state WHEN 'scheduled' THEN 'cancelled' ELSE 'superseded' END
        WHERE article = :article AND state IN ('scheduled', 'pending', 'running') RETURNING state""",
        article=article.id,
    )
    count = sum(item["state"] == "superseded" for item in stopped)
    after_commit(conn, lambda: metrics.SUPERSEDED.add(count))


def _want_tombstones(conn: Connection, article: Article, found: Publication) -> None:
    own = [item["id"] for item in rows(
        conn, "SELECT id FROM page WHERE site = :site AND kind = 'article' AND subject = :article",
        site=article.site, article=article.id,
    )]  # fmt: skip
    locked = pagerows.lock_ids(conn, own)
    pagerows.want(conn, locked, priority=Priority.breaking, why=Why({Fact.status}, found.id))
    page = article.page if article.page in own else locked[0].id if locked else None
    state = "running" if page is not None else "live"
    run(
        conn,
        """UPDATE publication SET state = :state, page = :page, released_at = clock_timestamp(),
            live_at = CASE WHEN :state = 'live' THEN clock_timestamp() END WHERE id = :id""",
        id=found.id, page=page, state=state,
    )  # fmt: skip


def fail(conn: Connection, found: Publication, error: str) -> None:
    """Ends a publication that cannot go out, with the reason an editor can act on."""
    _set_state(conn, found.id, "failed", error)


def _set_state(conn: Connection, publication: str, state: str, error: str | None = None) -> None:
    found = row(
        conn,
        """UPDATE publication SET state = :state, error = :error WHERE id = :id
        RETURNING site, article, revision, notify, priority, actor""",
        id=publication, state=state, error=error,
    )  # fmt: skip
    assert found is not None
    if state == "failed":
        events.emit(
            conn, "publication.failed", site=found["site"], article=found["article"], publication=publication,
            notify=found["notify"], revision=found["revision"], priority=Priority(found["priority"]).name,
            actor=found["actor"], error=error,
        )  # fmt: skip


def _reread(conn: Connection, publication: str) -> Publication:
    found = find(conn, publication)
    assert found is not None
    return found
