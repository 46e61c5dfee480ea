"""Previews: signed links to one revision, for a browser without a token. Rows and signatures, no pages.

A link holds the preview's id and a keyed hash over all that it stands for, so a row that was changed behind
nashr's back opens for nobody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Final

from sqlalchemy import Connection

from nashr.domain.article import Content
from nashr.steps import Priority
from nashr.store import events, publishing, queue
from nashr.store.articles import Article
from nashr.store.database import row, rows, run, scalar
from nashr.store.ids import keyed_name, new_id

KEPT: Final = "30 days"
"""How long an expired preview is still listed nowhere but in the database."""

_TOKEN: Final = re.compile(r"(pv_[0-9a-z]{26})-([0-9a-f]{32})")


@dataclass(frozen=True)
class Preview:
    """One link: which revision it shows, until when, and who made it."""

    id: str
    site: str
    article: str
    revision: int
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


_COLUMNS = ", ".join(Preview.__dataclass_fields__)


def create(conn: Connection, article: Article, revision: int, *, seconds: int, actor: str) -> Preview:
    """A preview of a revision that exists, for so many seconds; what has long expired is forgotten."""
    run(
        conn,
        f"""DELETE FROM preview WHERE article = :article
            AND expires_at < clock_timestamp() - interval '{KEPT}'""",
        article=article.id,
    )
    found = row(
        conn,
        f"""INSERT INTO preview (id, site, article, revision, created_by, expires_at)
        VALUES (:id, :site, :article, :revision, :actor,
            date_trunc('second', clock_timestamp()) + make_interval(secs => :seconds))
        RETURNING {_COLUMNS}""",
        id=new_id("pv"), site=article.site, article=article.id, revision=revision, actor=actor,
        seconds=seconds,
    )  # fmt: skip
    assert found is not None
    made = Preview(**found)
    events.record(
        conn, "preview.create", made.id, site=made.site, actor=actor, article=article.id, revision=revision,
        expires_at=made.expires_at.isoformat(),
    )  # fmt: skip
    return made


def ask_for_links(conn: Connection, article: Article, doc: Content, revision: int) -> None:
    """Has the related stories drawn of an article that nobody has asked to publish yet.

    The links of one that is live, or on its way, are those of what readers see: a draft must not move them.
    """
    asked = scalar(
        conn, "SELECT EXISTS (SELECT 1 FROM publication WHERE article = :article)", article=article.id
    )
    if not asked and doc.kind != "page":
        publishing.related_step(conn, article, doc, revision, priority=Priority.normal)
        queue.notify(conn)


def find(conn: Connection, preview: str, *, article: str | None = None) -> Preview | None:
    """The preview; another article's looks absent when ``article`` is given."""
    found = row(
        conn,
        f"""SELECT {_COLUMNS} FROM preview
        WHERE id = :id AND (CAST(:article AS text) IS NULL OR article = :article)""",
        id=preview, article=article,
    )  # fmt: skip
    return Preview(**found) if found else None


def standing(conn: Connection, article: str, *, before: str | None, limit: int) -> Sequence[Preview]:
    """The previews of an article that open now, newest first, past the id of ``before``."""
    found = rows(
        conn,
        f"""SELECT {_COLUMNS} FROM preview WHERE article = :article AND revoked_at IS NULL
            AND expires_at > clock_timestamp() AND (CAST(:before AS text) IS NULL OR id < :before)
        ORDER BY id DESC LIMIT :limit""",
        article=article, before=before, limit=limit,
    )  # fmt: skip
    return [Preview(**item) for item in found]


def revoke(conn: Connection, preview: Preview, *, actor: str) -> None:
    """From now on nobody opens it; revoking again changes nothing."""
    changed = run(
        conn,
        "UPDATE preview SET revoked_at = clock_timestamp() WHERE id = :id AND revoked_at IS NULL",
        id=preview.id,
    )
    if changed:
        events.record(
            conn, "preview.revoke", preview.id, site=preview.site, actor=actor, article=preview.article
        )


def opens(conn: Connection, preview: Preview) -> bool:
    """Whether it is neither revoked nor expired nor of a text that was killed or taken down since."""
    if preview.revoked_at is not None or preview.expires_at <= scalar(conn, "SELECT clock_timestamp()"):
        return False
    removed = publishing.taken_back(conn, preview.article)
    return removed is None or preview.revision > removed[1]


def path(preview: Preview, secret: str) -> str:
    """The site path of a preview; ``secret`` is its site's."""
    return f"/preview/{preview.id}-{_signature(preview, secret)}/"


def named(token: str) -> str | None:
    """The id in a token; None for what has not its shape."""
    found = _TOKEN.fullmatch(token)
    return found[1] if found else None


def is_signed(preview: Preview, token: str, secret: str) -> bool:
    """Whether the token is the one that ``path`` gave out."""
    return compare_digest(token.encode(), f"{preview.id}-{_signature(preview, secret)}".encode())


def _signature(preview: Preview, secret: str) -> str:
    """128 bits under a key of its own: the site's secret also names files after bytes that editors choose."""
    until = preview.expires_at.astimezone(UTC).isoformat()
    return keyed_name(
        f"preview {secret}", preview.id, preview.site, preview.article, str(preview.revision), until
    )
