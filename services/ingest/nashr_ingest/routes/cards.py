"""An article's card in any format, drawn when somebody asks for it. Drawing is the cards service's work."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query
from nashr.bootstrap import Runtime
from nashr.domain.article import content
from nashr.domain.cards import Format
from nashr.domain.errors import Refused
from nashr.domain.site import Site
from nashr.store import articles, cardpages, cards, sites
from nashr.store.articles import Article
from nashr.store.cards import Order, Standing
from nashr.store.database import statement, transaction
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from nashr_ingest import commands
from nashr_ingest.context import Caller, Process, Writer
from nashr_ingest.problems import RefusedWith, responses

router = APIRouter(prefix="/v1/articles", tags=["articles"])
ACCESS = ("unauthenticated", "forbidden", "unavailable")
PATIENCE: Final = 10.0  # seconds that a request waits for its card
LOOK: Final = 0.1  # seconds between two looks
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
        "description": "The card; Content-Location is its address on the site",
    },
    304: {"description": "The card is the one of If-None-Match"},
}


@dataclass(frozen=True)
class _Asked:
    article: Article
    revision: int
    site: Site
    ordered: Order


@router.get(
    "/{article}/cards/{format}", operation_id="getCard", response_class=Response,
    responses={**_JPEG, **responses(*ACCESS, "not_found", "invalid", "removed")},
)  # fmt: skip
async def get(
    who: Writer,
    process: Process,
    article: Annotated[str, Path(max_length=64)],
    form: Annotated[Format, Path(alias="format")],
    revision: Annotated[int | None, Query(ge=1, lt=2**31)] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """A card as JPEG, of the live revision, else of the latest, or of ``revision``.

    It is drawn unless it is there; a draft's too, and nothing of that becomes public but under a name that
    nobody can guess. 503 with Retry-After when it takes longer than ten seconds.
    """
    deadline = asyncio.get_running_loop().time() + PATIENCE
    asked = await run_in_threadpool(_ask, process, who, article, form, revision)
    while asyncio.get_running_loop().time() < deadline:
        found = await run_in_threadpool(_look, process, asked, form)
        if found is not None:
            return _answer(*found, if_none_match)
        await asyncio.sleep(LOOK)
    raise RefusedWith("unavailable", "the card is not drawn yet: ask again in a moment", retry_after=2)


def _ask(process: Runtime, who: Caller, article: str, form: Format, revision: int | None) -> _Asked:
    """What is asked for; the card itself only where it is neither there nor on its way."""
    with transaction(process.engine) as conn:
        found = articles.find(conn, article, site=who.token.site)
        if found is None:
            raise Refused("not_found", f"there is no article {article}")
        number = revision or found.live_revision or found.latest_revision
        stored = articles.revision(conn, found.id, number)
        if stored is None:
            raise Refused("not_found", f"the article has no revision {number}")
        commands.check_removal(conn, found, number)
        site = sites.get(conn, found.site).site
        ordered = cards.on_request(cards.order(conn, site, found.id, content(stored.doc, site)), form)
        asked = _Asked(found, number, site, ordered)
        standing = cards.standing(conn, ordered)
        _check_alive(standing)
        if standing.state != "done":
            _draw(conn, asked)
        return asked


def _draw(conn: Connection, asked: _Asked) -> None:
    """Under the article's lock, so that no card is drawn after a takedown has looked."""
    found = articles.find(conn, asked.article.id, lock=True)
    assert found is not None
    commands.check_removal(conn, found, asked.revision)
    cardpages.request(conn, asked.ordered)


def _check_alive(standing: Standing) -> None:
    if standing.rests:
        detail = f"the card could not be drawn ({standing.error}): it is tried again in a few minutes"
        raise RefusedWith("unavailable", detail, retry_after=int(cards.DEAD_SECONDS))


def _look(process: Runtime, asked: _Asked, form: Format) -> tuple[bytes, str] | None:
    """The card and its address once it is drawn; one whose file is gone is asked for again."""
    with statement(process.engine) as conn:
        _check_alive(cards.standing(conn, asked.ordered))
        drawn = cards.drawn(conn, asked.ordered)
    path = next((card["path"] for card in drawn if card["format"] == form), None)
    body = process.site_store.get(asked.site.key(path)) if path else None
    if path is not None and body is None:
        with transaction(process.engine) as conn:
            cards.redo(conn, asked.ordered)
            _draw(conn, asked)
    return (body, asked.site.url(path)) if path and body else None


def _answer(body: bytes, url: str, if_none_match: str | None) -> Response:
    headers = {"ETag": f'"{sha256(body).hexdigest()}"', "Content-Location": url}
    if _names(if_none_match or "", headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="image/jpeg", headers=headers)


def _names(if_none_match: str, etag: str) -> bool:
    """Whether a condition names the tag: weak ones and lists count (RFC 9110, 13.1.2)."""
    asked = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in asked or asked == ["*"]
