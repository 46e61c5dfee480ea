"""What a site's hub and search engines are told: that feeds have changed (WebSub), and addresses (IndexNow).

One step of a site for each. It is due a few seconds after an event, and looks by itself at what has changed
since the last time; so a burst of stories is one round.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from nashr.bootstrap import Runtime
from nashr.domain.site import Site
from nashr.observability.logs import logger
from nashr.pages import INDEX_KEY
from nashr.runtime.worker import Commit, Finish
from nashr.store import pinging, queue, sites
from nashr.store.database import statement
from nashr.store.ids import index_key
from nashr.store.notices import HUB, INDEX
from nashr.store.queue import Step
from sqlalchemy import Connection

from nashr_delivery import deletion
from nashr_delivery.notify import failure, send

MOST_URLS: Final = 10_000
"""What one submission to IndexNow may hold."""
GIVE_UP: Final = 8
"""Attempts, over about ten minutes. The next event begins anew."""
_LOOKS: Final = 24  # rounds that wait for a feed on its way to the store, 5 s apart
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_JSON: Final = {"Content-Type": "application/json; charset=utf-8"}


class Pings:
    """The handlers by the name that a step's addressee begins with."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.handlers = {HUB: self.hub, INDEX: self.index}

    def hub(self, step: Step) -> Commit:
        """Tells the hub of each feed whose content is another than when it was told last."""
        before = dict((step.result or {}).get("feeds", {}))
        with statement(self._runtime.engine) as conn:
            site = sites.get(conn, step.site).site
            feeds = pinging.feeds(conn, site.id)
        changed = [feed for feed in feeds if feed.content and before.get(feed.path) != feed.content]
        if site.websub_hub and changed:
            for feed in changed:
                self._ping(step, site.websub_hub, site.url(feed.path))
            logger().info("websub.pinged", site=site.id, hub=site.websub_hub, feeds=len(changed))
        told = {feed.path: feed.content for feed in feeds}
        looks = 0 if changed else int((step.result or {}).get("looks", 0)) + 1

        def commit(conn: Connection) -> Finish:
            queue.hold(conn, step)  # whoever tells of an event now waits, and arms the step again
            now = pinging.feeds(conn, site.id)
            waits = any(feed.on_its_way or told.get(feed.path) != feed.content for feed in now)
            again = deletion.later(conn, 5.0) if waits and looks < _LOOKS else None
            return Finish({"feeds": told, "looks": looks if again else 0}, again_at=again)

        return commit

    def _ping(self, step: Step, hub: str, topic: str) -> None:
        """Both names of the topic: hubs from before WebSub know ``hub.url`` only."""
        body = urlencode({"hub.mode": "publish", "hub.url": topic, "hub.topic": topic}).encode()
        attempt = send(self._runtime.sender, "hub", hub, body, _FORM)
        if attempt.error is not None:
            raise failure(step, attempt, most=GIVE_UP)

    def index(self, step: Step) -> Commit:
        """Submits the addresses of articles that came, changed or left since the last submission."""
        after = (step.result or {}).get("event")
        with statement(self._runtime.engine) as conn:
            found = sites.get(conn, step.site)
            changed = pinging.addresses(conn, step.site, after=after, step=step.id, limit=MOST_URLS)
        if found.site.indexnow and changed.urls:
            body = submission(found.site, index_key(found.secret), changed.urls)
            attempt = send(self._runtime.sender, "indexnow", self._runtime.settings.indexnow_url, body, _JSON)
            if attempt.error is not None:
                raise failure(step, attempt, most=GIVE_UP)
            logger().info("indexnow.submitted", site=step.site, urls=len(changed.urls))

        def commit(conn: Connection) -> Finish:
            queue.hold(conn, step)  # whoever tells of an event now waits, and arms the step again
            more = pinging.addresses(conn, step.site, after=changed.event, step=step.id, limit=1)
            again = deletion.later(conn, 15.0) if more.urls else None
            return Finish({"event": changed.event}, again_at=again)

        return commit


def submission(site: Site, key: str, urls: Sequence[str]) -> bytes:
    """The JSON of indexnow.org's protocol, for one host."""
    data: dict[str, Any] = {
        "host": urlsplit(site.origin).netloc,
        "key": key,
        "keyLocation": site.url(INDEX_KEY),
        "urlList": list(urls),
    }
    return json.dumps(data).encode()
