"""The delivery steps release and deliver. Wiring of load, core, publish and purging."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from nashr import failpoints, sitefiles
from nashr.bootstrap import Runtime
from nashr.domain.errors import Fenced, NotYet, Retryable
from nashr.observability import metrics, tracing
from nashr.observability.logs import logger
from nashr.pages import REST, PageKind
from nashr.runtime.worker import Commit, Finish
from nashr.steps import Priority
from nashr.store import (
    cardpages,
    cards,
    clocks,
    golive,
    mending,
    objects,
    pagerows,
    publishing,
    sites,
    stages,
)
from nashr.store.database import row, run, scalar, snapshot, statement, transaction
from nashr.store.pagerows import PageRow
from nashr.store.queue import Step
from nashr.store.stages import Spent
from sqlalchemy import Connection

from nashr_delivery import core, deletion, load, looks, publish, purging
from nashr_delivery.chrome import SiteAssets
from nashr_delivery.load import Loaded
from nashr_delivery.purging import Purging
from nashr_delivery.views import ListingView, View, photos_of


class Delivery:
    """Handlers of the delivery service."""

    def __init__(self, runtime: Runtime, purging: Purging, *, clock: Callable[[], float] = time.time) -> None:
        self._runtime = runtime
        self._clock = clock
        self._looks = looks.Looks(runtime.originals)
        self._purging = purging
        self._assets_stored: set[tuple[str, frozenset[str]]] = set()

    def release(self, step: Step) -> Commit:
        """The hour of a scheduled publication has come, by the database's clock and by ours.

        Raises NotYet while the two disagree: one of them would let an embargoed story out too early.
        """
        with statement(self._runtime.engine) as conn:
            skew = clocks.measure(conn, clock=self._clock)
        if skew.exceeds(self._runtime.settings.clock_skew_seconds):
            logger().error("clock.disagrees", publication=step.input["publication"], seconds=skew.seconds)
            raise NotYet(
                f"this machine's clock is {skew.seconds:+.1f} s off the database's: scheduled publications "
                "wait until both are set right"
            )

        def commit(conn: Connection) -> Finish:
            publishing.release(conn, sites.get(conn, step.site).site, step.input["publication"])
            return Finish()

        return commit

    def deliver(self, step: Step) -> Commit:
        """Renders a page from one snapshot and stores it, unless it is what the site shows already."""
        begun = time.monotonic()
        page_id = int(step.input["page"])
        loaded = self._load(page_id)
        if loaded is None:
            return self._routes(page_id)
        if loaded.page.wanted == loaded.page.attempted:
            self._want_more(page_id)
            loaded = self._load(page_id)
            assert loaded is not None
        if loaded.view is None:
            return lambda conn: _nothing_to_show(conn, loaded)
        waits = self._ask_for_cards(loaded, calm=step.priority)
        if waits is not None:
            return lambda _conn: Finish({"waiting": True}, again_at=waits)
        assets = self._looks.assets(loaded.site.site, loaded.site.secret)
        page = self._rendered(loaded, loaded.view, assets)
        rendered = time.monotonic() - begun
        if _same(loaded.page, page):
            return lambda conn: self._unchanged(conn, loaded, loaded.page.wanted, Spent(rendered))
        return self._store(loaded, page, assets, begun=begun, rendered=rendered)

    def _rendered(self, loaded: Loaded, view: View, assets: SiteAssets) -> core.Page:
        limits = self._purging.limits
        with tracing.span("render", path=loaded.page.path):
            return looks.rendered(
                view, loaded.site.site, assets, version=loaded.page.wanted, cache=limits.page_cache,
                tag_metadata=limits.tag_metadata, foot=loaded.foot,
            )  # fmt: skip

    def _store(
        self, loaded: Loaded, page: core.Page, assets: SiteAssets, *, begun: float, rendered: float
    ) -> Commit:
        """Assets first, then the page, then the purge; ``begun``: monotonic seconds, ``rendered``: since."""
        version = loaded.page.wanted
        self._store_assets(loaded, assets)
        failpoints.reached("deliver.before_announce")
        try:
            self._announce(loaded, page, version)
        except objects.AssetMissing as missing:
            self._mend(loaded, assets, missing.keys)
            raise
        failpoints.reached("deliver.before_put")
        try:
            etag = publish.put(
                self._runtime.site_store, loaded.site.site.key(loaded.page.path), page,
                row=loaded.page, version=version,
            )  # fmt: skip
        except publish.NewerStored as newer:
            return self._overtaken(loaded.page, newer.version)
        stored = time.monotonic() - begun
        failpoints.reached("deliver.after_put")
        purged = time.monotonic() - begun if self._purging.at_once(loaded) else None
        failpoints.reached("deliver.after_purge")
        return lambda conn: self._live(conn, loaded, page, etag, version, Spent(rendered, stored, purged))

    def _load(self, page: int) -> Loaded | None:
        """One snapshot of all that a page shows; None for what only the edge reads."""
        with snapshot(self._runtime.engine) as conn:
            return load.page(conn, page)

    def _ask_for_cards(self, loaded: Loaded, *, calm: int) -> datetime | None:
        """Has the cards drawn that the page lacks; returns when to look again if it waits for them.

        ``calm``: the class of this delivery; cards of a page that is out are no more urgent than it.
        """
        if not loaded.lacks:
            return loaded.held
        with transaction(self._runtime.engine) as conn:
            longest = max(seconds for _, seconds in loaded.lacks)
            urgency = _urgency(loaded, calm) if longest else Priority.bulk
            asked = cardpages.ask(conn, loaded.page.id, loaded.lacks, priority=urgency)
            if any(done for _, done in asked):
                return cards.now(conn)
            return deletion.later(conn, longest) if longest else None

    def _want_more(self, page: int) -> None:
        """Due by itself, or tried already: a version of its own, since content may differ."""
        with statement(self._runtime.engine) as conn:
            pagerows.want_by_itself(conn, page)

    def _store_assets(self, loaded: Loaded, assets: SiteAssets) -> None:
        """The site's own look, stored once per process and confirmed in the manifest."""
        site = loaded.site.site
        if (site.id, assets.paths) in self._assets_stored:
            return
        files = [sitefiles.File(item.path, item.body, item.content_type) for item in assets.files]
        sitefiles.put(self._runtime.site_store, site, files)
        with transaction(self._runtime.engine) as conn:
            sitefiles.record(conn, site, files)
        self._assets_stored.add((site.id, assets.paths))

    def _mend(self, loaded: Loaded, assets: SiteAssets, keys: Sequence[str]) -> None:
        """Has what is missing made again, or stored again; the page is tried again meanwhile."""
        self._assets_stored.discard((loaded.site.site.id, assets.paths))
        assert loaded.view is not None
        logger().warning("page.asset_missing", path=loaded.page.path, keys=list(keys))
        with transaction(self._runtime.engine) as conn:
            missing = mending.Missing(keys, loaded.page.subject, tuple(photos_of(loaded.view)))
            mending.mend(conn, loaded.site.site, loaded.page.id, missing)

    def _announce(self, loaded: Loaded, page: core.Page, version: int) -> None:
        """Before the PUT: every asset in use and confirmed, the attempt written down."""
        site, keys = loaded.site.site, _keys(loaded, page)
        with (transaction if keys else statement)(self._runtime.engine) as conn:
            if keys:
                photos = photos_of(loaded.view) if loaded.view else {}
                objects.use(conn, loaded.page.id, keys, site=site.id, version=version, photos=photos)
            ours = run(
                conn, "UPDATE page SET attempted = :version WHERE id = :id AND attempted <= :version",
                id=loaded.page.id, version=version,
            )  # fmt: skip
            if not ours:
                raise Fenced(f"a newer version of {loaded.page.path} was attempted meanwhile")

    def _live(
        self, conn: Connection, loaded: Loaded, page: core.Page, etag: str, version: int, spent: Spent
    ) -> Finish:
        """The store has acknowledged: the page is live, and whatever follows from that begins."""
        purged = spent.purged is not None
        _article_is_live(conn, loaded, version, spent)
        run(
            conn,
            """UPDATE page SET live = :version, stored = :version, etag = :etag, body_hash = :hash,
                sha256 = :sha256, purged = CASE WHEN :purged THEN :version ELSE purged END,
                live_at = clock_timestamp() WHERE id = :id AND live < :version""",
            id=loaded.page.id, version=version, etag=etag, hash=page.body_without_stamp_hash,
            sha256=publish.digest(page), purged=purged,
        )  # fmt: skip
        objects.used_only(conn, loaded.page.id, _keys(loaded, page))
        if loaded.page.live == 0:
            golive.appeared(conn, loaded.site.site, loaded.page)
        self._purging.arm(conn, loaded, purged=purged, priority=_priority(loaded))
        return self._finish(conn, loaded, version)

    def _unchanged(self, conn: Connection, loaded: Loaded, version: int, spent: Spent) -> Finish:
        """What the site shows is right already: the version counts as live without a PUT."""
        _article_is_live(conn, loaded, version, spent)
        counted = run(
            conn,
            """UPDATE page SET live = :version, attempted = :version,
                purged = CASE WHEN purged = live THEN :version ELSE purged END
            WHERE id = :id AND live < :version AND attempted = live""",
            id=loaded.page.id, version=version,
        )  # fmt: skip
        if not counted:
            raise Retryable(f"somebody else attempts {loaded.page.path} at this moment")
        if loaded.shown is not None and loaded.shown.publication.receipt is None:
            purging.arm(conn, loaded.page, priority=_priority(loaded))
        return self._finish(conn, loaded, version)

    def _finish(self, conn: Connection, loaded: Loaded, version: int) -> Finish:
        for found, reason in loaded.blocked:
            publishing.fail(conn, found, reason)
        return Finish({"version": version}, again_at=_again(conn, loaded, version))

    def _overtaken(self, page: PageRow, stored: int) -> Commit:
        """The store is ahead: a newer writer was here, or this database is an older backup."""
        metrics.STORE_AHEAD.add()
        logger().error("page.store_ahead", page=page.id, path=page.path, wanted=page.wanted, stored=stored)

        def commit(conn: Connection) -> Finish:
            run(
                conn, "UPDATE page SET wanted = GREATEST(wanted, :stored + 1), etag = NULL WHERE id = :id",
                id=page.id, stored=stored,
            )  # fmt: skip
            return Finish({"stored": stored}, again_at=scalar(conn, "SELECT clock_timestamp()"))

        return commit

    def _routes(self, page_id: int) -> Commit:
        """What the edge knows of the sites: one object for all, rewritten whole."""
        with statement(self._runtime.engine) as conn:
            found = sites.every(conn)
        routes = [
            {
                "id": site.id,
                "host": site.origin.partition("://")[2],
                "base_path": site.base_path,
                "prefix": site.prefix,
            }
            for site in found
        ]
        self._runtime.site_store.put(
            "_nashr/sites.json", json.dumps({"sites": routes}).encode(), content_type="application/json",
            cache_control="no-store",
        )  # fmt: skip

        def commit(conn: Connection) -> Finish:
            now = [site.to_json() for site in sites.every(conn)]
            again = now != [site.to_json() for site in found]
            run(
                conn,
                """UPDATE page SET live = wanted, attempted = wanted, live_at = clock_timestamp()
                WHERE id = :id""",
                id=page_id,
            )  # fmt: skip
            return Finish(again_at=scalar(conn, "SELECT clock_timestamp()") if again else None)

        return commit


def _article_is_live(conn: Connection, loaded: Loaded, version: int, spent: Spent) -> None:
    """What follows from a version of an article's or a shelf's page, and the stages of its publication."""
    _shelf_is_live(conn, loaded)
    if loaded.shown is not None:
        golive.article_is_live(conn, loaded.site.site, loaded.page, version, loaded.shown)
        found = loaded.shown.publication
        if found.state == "running" and found.page == loaded.page.id:
            stages.record(conn, found.id, loaded.page.id, spent)


def _shelf_is_live(conn: Connection, loaded: Loaded) -> None:
    if isinstance(loaded.view, ListingView) and loaded.page.kind in {PageKind.author, PageKind.topic}:
        golive.shelf_is_live(conn, loaded.site.site, loaded.page)


def _keys(loaded: Loaded, page: core.Page) -> list[str]:
    """The keys of the assets that a rendered page names."""
    return [loaded.site.site.key(path) for path in page.asset_paths]


def _same(row: PageRow, page: core.Page) -> bool:
    """Nothing to send: same bytes but for the stamp, and no PUT of unknown outcome is out there."""
    return row.live > 0 and row.attempted == row.live and row.body_hash == page.body_without_stamp_hash


def _urgency(loaded: Loaded, calm: int) -> int:
    """Cards of a publication on its way are as urgent as it; those of a page that is out are normal work.

    Or bulk where the page goes out in bulk: a whole archive drawn anew must not go before what is news.
    """
    running = loaded.shown is not None and loaded.shown.publication.state == "running"
    return _priority(loaded) if running else max(Priority.normal, calm)


def _priority(loaded: Loaded) -> int:
    return loaded.shown.publication.priority if loaded.shown else Priority.normal


def _nothing_to_show(conn: Connection, loaded: Loaded) -> Finish:
    """No content is ready: look again when the wait ends, or when an input does."""
    for found, reason in loaded.blocked:
        publishing.fail(conn, found, reason)
    return Finish({"waiting": loaded.again_at is not None}, again_at=loaded.again_at)


def _again(conn: Connection, loaded: Loaded, version: int) -> datetime | None:
    """More was wanted meanwhile: at once, or for a listing after its rest."""
    found = row(
        conn,
        """SELECT wanted > :version AS more, clock_timestamp() + make_interval(secs => :rest) AS at
        FROM page WHERE id = :id""",
        id=loaded.page.id, version=version, rest=REST.get(PageKind(loaded.page.kind), 0.0),
    )  # fmt: skip
    assert found is not None
    more: datetime = found["at"]
    return more if found["more"] else loaded.again_at
