"""The purge step and the purge at once: the edge forgets a page after its PUT, and serves the receipt.

What was purged is written down as soon as the edge has taken it. Where requests are scarce
(``Limits.gathers``) one step takes the pages of all purge steps that are due. An outside edge is purged
again SETTLE_SECONDS after the PUT, by the step's own hour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from threading import Lock
from typing import Any, Final

from nashr import failpoints
from nashr.adapters.cdn.purger import Purger
from nashr.bootstrap import Runtime
from nashr.domain.errors import Retryable, WorkError
from nashr.domain.purging import SETTLE_SECONDS, Limits, Purge, Rank, page_tag
from nashr.domain.site import Site
from nashr.observability import metrics
from nashr.observability.logs import logger
from nashr.pages import PageKind
from nashr.ports import CdnBusy
from nashr.runtime.worker import Commit, Finish
from nashr.steps import Priority
from nashr.store import pagerows, queue, sites
from nashr.store.database import row, rows, run, statement, transaction
from nashr.store.pagerows import PageRow
from nashr.store.queue import Step
from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from nashr_delivery import deletion
from nashr_delivery.load import Loaded
from nashr_delivery.views import TombstoneView

GATHER_SECONDS: Final = 1.0
"""How long pages wait for others that change with them, where requests are scarce."""

ALARM_SECONDS: Final = 30.0
"""How long a publication may be live without a receipt before somebody is told."""

_FRONTS: Final = frozenset({PageKind.home, PageKind.section})
_GONE: Final = frozenset({"unpublished", "killed", "taken_down"})


@dataclass(frozen=True)
class Owed:
    """A page as its purge step finds it; ``rests``: seconds until it may be purged for the last time."""

    page: int
    site: str
    path: str
    kind: str
    live: int
    purged: int
    stored: int
    rests: float
    gone: bool
    unproven: bool
    result: Mapping[str, Any]

    @property
    def rank(self) -> Rank:
        """As it was when this version was first purged: a proven publication leaves no other trace."""
        if self.result.get("version") == self.stored:
            return Rank(self.result["rank"])
        return _rank(self.kind, gone=self.gone, publication=self.unproven)

    @property
    def settled(self) -> bool:
        return self.result.get("settled") == self.stored


class Purging:
    """The edge as delivery purges it: at once after a PUT, and in the purge step."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._gathering = Lock()

    @property
    def _purger(self) -> Purger:
        return self._runtime.purger

    @property
    def limits(self) -> Limits:
        return self._purger.limits

    def at_once(self, loaded: Loaded) -> bool:
        """Drops the edge's copy of a page just stored; false where the purge step has to."""
        rank = _rank_of(loaded)
        if not _worth(self.limits, rank):
            return True
        if self.limits.gathers and rank >= Rank.front:
            return False
        site, path = loaded.site.site, loaded.page.path
        tag = page_tag(site.key(path)) if loaded.page.live else ""  # a kept 404 carries no tag
        try:
            self._purger.purge([Purge(site.url(path), tag, rank)])
        except WorkError as error:
            logger().warning("purge.later", path=path, error=str(error))
            return False
        return True

    def arm(self, conn: Connection, loaded: Loaded, *, purged: bool, priority: int) -> None:
        """Has the purge step do what is left after a PUT: the purge, the receipt, the last purge."""
        unproven = loaded.shown is not None and loaded.shown.publication.receipt is None
        last = self.limits.outside and _worth(self.limits, _rank_of(loaded))
        if not (unproven or last or not purged):
            return
        waits = 0.0 if unproven else SETTLE_SECONDS if purged else self._gather_seconds
        arm(conn, loaded.page, priority=priority, delay=waits)

    @property
    def _most(self) -> int:
        """How many other pages one purge step takes along."""
        return max(self.limits.urls, self.limits.tags) if self.limits.gathers else 0

    @property
    def _gather_seconds(self) -> float:
        return GATHER_SECONDS if self.limits.gathers else 0.0

    def purge(self, step: Step) -> Commit:
        """Drops the edge's copies of a page where that is owed, then fetches it as a reader: the receipt."""
        page = int(step.input["page"])
        failpoints.reached("purge.before_purge")
        try:
            if self.limits.gathers:
                with self._gathering:
                    owed, sent = self._purge(step, page)
            else:
                owed, sent = self._purge(step, page)
        except CdnBusy as busy:
            return self._wait(step, busy)
        failpoints.reached("purge.after_purge")
        with statement(self._runtime.engine) as conn:
            purged_at = deletion.later(conn, 0.0)
            found = pagerows.read(conn, page)
            site = sites.get(conn, found.site).site
        receipt = self._proof(site.url(found.path), found, owed) if owed.unproven else None
        result = _result(owed, settled=owed.settled or (sent and owed.rests <= 0))

        def commit(conn: Connection) -> Finish:
            if receipt is not None:
                _prove(conn, found, receipt, purged_at=purged_at)
            return Finish(result, again_at=self._again(conn, owed, found, result))

        return commit

    def _purge(self, step: Step, page: int) -> tuple[Owed, bool]:
        """Purges the step's page, and others where they are gathered; whether it was among them."""
        with statement(self._runtime.engine) as conn:
            found = _owed(conn, page, gather=self._most)
            configs = {site: sites.get(conn, site).site for site in {item.site for item in found}}
        owed = next(item for item in found if item.page == page)
        again = step.attempts > 1 and owed.unproven  # the receipt found the old copy
        due = [item for item in found if self._is_due(item) or (item is owed and again)]
        if due:
            self._purger.purge([_wanted(item, configs[item.site]) for item in due])
            with transaction(self._runtime.engine) as conn:
                _record(conn, [item for item in due if item is not owed], owed)
        return owed, owed in due

    def _is_due(self, item: Owed) -> bool:
        if item.purged < item.live:
            return True
        last = self.limits.outside and not item.settled and item.rests <= 0
        return last and _worth(self.limits, item.rank)

    def _wait(self, step: Step, busy: CdnBusy) -> Commit:
        logger().info("purge.busy", path=step.input["path"], seconds=busy.seconds, said=str(busy))
        return lambda conn: Finish(step.result, again_at=deletion.later(conn, busy.seconds))

    def _again(
        self, conn: Connection, owed: Owed, shown: PageRow, result: Mapping[str, Any]
    ) -> datetime | None:
        """At once if a newer version is owed something; else when the last purge is due, if one is."""
        now = row(
            conn,
            """SELECT purged < live OR EXISTS (SELECT 1 FROM publication WHERE page = :page
                    AND receipt IS NULL AND state = 'live'
                    AND page_version > :shown AND page_version <= page.live) AS more, stored,
                live_at + make_interval(secs => :settle) AS last FROM page WHERE id = :page""",
            page=owed.page, shown=shown.live, settle=SETTLE_SECONDS,
        )  # fmt: skip
        assert now is not None
        if now["more"]:
            return deletion.later(conn, self._gather_seconds)
        newer = now["stored"] != owed.stored
        if not self.limits.outside or not (newer or _worth(self.limits, owed.rank)):
            return None
        last: datetime | None = now["last"]
        return last if newer or "settled" not in result else None

    def _proof(self, url: str, page: PageRow, owed: Owed) -> dict[str, object]:
        """The receipt. Raises Retryable, with an alarm once the PUT is ALARM_SECONDS old."""
        try:
            return self._receipt(url, page)
        except Retryable as error:
            since = SETTLE_SECONDS - owed.rests
            if since > ALARM_SECONDS:
                logger().error("publication.unproven", path=page.path, seconds=since, error=str(error))
            raise

    def _receipt(self, url: str, page: PageRow) -> dict[str, object]:
        fetched = self._purger.fetch(url)
        digest = sha256(fetched.body).hexdigest()
        if digest != page.sha256:
            raise Retryable(f"the edge does not serve version {page.stored} of {page.path} yet")
        return {
            "url": url,
            "sha256": digest,
            "cache": fetched.headers.get("x-cache"),
            "vantage": self._purger.vantage,
        }


def arm(conn: Connection, page: PageRow, *, priority: int, delay: float = 0.0) -> None:
    """Makes a page's purge step due ``delay`` seconds from now, or sooner if it was."""
    data = {"page": page.id, "path": page.path}
    queue.rearm(conn, "purge", str(page.id), site=page.site, data=data, priority=priority, delay=delay)
    queue.notify(conn)


def _worth(limits: Limits, rank: Rank) -> bool:
    """Whether such a page is purged at all: where that costs money, dependents expire by themselves."""
    return not limits.charged or rank < Rank.dependent


def _rank_of(loaded: Loaded) -> Rank:
    gone = isinstance(loaded.view, TombstoneView) and loaded.page.kind != PageKind.not_found
    publication = loaded.shown is not None and loaded.shown.publication.receipt is None
    return _rank(loaded.page.kind, gone=gone, publication=publication)


def _rank(kind: str, *, gone: bool, publication: bool) -> Rank:
    if gone:
        return Rank.removal
    if publication:
        return Rank.article
    return Rank.front if kind in _FRONTS else Rank.dependent


def _owed(conn: Connection, page: int, *, gather: int) -> list[Owed]:
    """The page, and at most ``gather`` others whose purge steps are due or nearly so."""
    found = rows(
        conn,
        """WITH others AS (
            SELECT key FROM unnest(CAST(:classes AS smallint[])) AS each(class) CROSS JOIN LATERAL (
                SELECT key, priority, available_at FROM step
                WHERE kind = 'purge' AND priority = each.class AND state = 'ready'
                    AND available_at <= clock_timestamp() + make_interval(secs => :soon)
                ORDER BY available_at LIMIT :gather) AS due
            ORDER BY priority, available_at LIMIT :gather)
        SELECT page.id AS page, page.site, page.path, page.kind, live, purged, stored,
            COALESCE(EXTRACT(EPOCH FROM live_at - clock_timestamp()), 0)::float8 + :settle AS rests,
            COALESCE(article.status = ANY(:gone), false) AS gone,
            EXISTS (SELECT 1 FROM publication WHERE page = page.id AND receipt IS NULL
                AND publication.state IN ('live', 'running') AND released_at IS NOT NULL) AS unproven,
            COALESCE(step.result, '{}'::jsonb) AS result
        FROM page JOIN step ON step.kind = 'purge' AND step.key = page.id::text
        LEFT JOIN article ON page.kind = ANY(:of_articles) AND article.id = page.subject
        WHERE page.id IN (SELECT CAST(:page AS bigint) UNION SELECT CAST(key AS bigint) FROM others)""",
        page=page, gather=gather, soon=GATHER_SECONDS, settle=SETTLE_SECONDS, gone=sorted(_GONE),
        classes=[int(priority) for priority in Priority],
        of_articles=[str(PageKind.article), str(PageKind.short), str(PageKind.redirect)],
    )  # fmt: skip
    return [Owed(**item) for item in found]


def _wanted(item: Owed, site: Site) -> Purge:
    """By tag once it was purged before: until then the edge may keep a 404, which carries no tag."""
    tag = page_tag(site.key(item.path)) if item.result.get("version") else ""
    return Purge(site.url(item.path), tag, item.rank)


def _result(item: Owed, *, settled: bool) -> dict[str, Any]:
    """What a purge step remembers: the version, its rank, and whether that was the last purge of it."""
    kept: dict[str, Any] = {"version": item.stored, "rank": int(item.rank)}
    return {**kept, "settled": item.stored} if settled else kept


def _record(conn: Connection, others: Sequence[Owed], own: Owed) -> None:
    """The edge has taken it: pages in path order, then the steps of others; and dead steps come back.

    A purge step dies of a wrong setting alone. One that gets through shows that it is right by now.
    """
    done = {item.page: item for item in (own, *others)}
    for page in pagerows.lock_ids(conn, done):
        run(
            conn, "UPDATE page SET purged = GREATEST(purged, :version) WHERE id = :id",
            id=page.id, version=done[page.id].live,
        )  # fmt: skip
    for item in sorted(others, key=lambda item: item.page):
        run(
            conn,
            "UPDATE step SET result = :result WHERE kind = 'purge' AND key = :key AND state = 'ready'",
            key=str(item.page), result=Jsonb(_result(item, settled=item.rests <= 0)),
        )  # fmt: skip
    revived = run(
        conn,
        """UPDATE step SET state = 'ready', attempts = 0, available_at = clock_timestamp(), error = NULL
        WHERE id IN (SELECT id FROM step WHERE kind = 'purge' AND state = 'dead'
            ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED)""",
    )
    if revived:
        queue.notify(conn)


def _prove(conn: Connection, page: PageRow, receipt: dict[str, object], *, purged_at: datetime) -> None:
    """The receipt of every publication that this version shows; ``purged_at`` if not purged at once."""
    proven = rows(
        conn,
        """UPDATE publication SET receipt = CAST(:receipt AS jsonb)
                || jsonb_build_object('revision', revision, 'verified_at', clock_timestamp()),
            detail = CASE WHEN detail->'stages' ? 'purged' THEN detail
                ELSE jsonb_set(detail, '{stages,purged}', to_jsonb(CAST(:purged AS timestamptz))) END
        WHERE page = :page AND receipt IS NULL AND state = 'live' AND page_version <= :version
        RETURNING priority, EXTRACT(epoch FROM clock_timestamp() - due_at)::float8 AS lag""",
        page=page.id, receipt=Jsonb(receipt), version=page.live, purged=purged_at,
    )  # fmt: skip
    for found in proven:
        metrics.PROOF_LAG.observe(found["lag"], priority=Priority(found["priority"]).name)
