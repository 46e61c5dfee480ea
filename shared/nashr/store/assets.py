"""Assets: photos that editors uploaded, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from nashr.domain.errors import Refused
from nashr.domain.recipe import Recipe
from nashr.steps import Priority
from nashr.store import archiving, events, expiring, queue
from nashr.store.database import row, rows, run
from nashr.store.ids import new_id

UNUSABLE: Final = frozenset({"failed", "erased"})
"""States in which ``error`` says why no page can show the photo."""


BEGUN_ANEW: Final = frozenset({"erased", "archived"})
"""States in which there are no files, until the photo is uploaded again, or published."""


@dataclass(frozen=True)
class Asset:
    """One photo of one site.

    ``renditions`` holds path, width, height, content_type, bytes, crop and frames of each. ``focal_x`` and
    ``focal_y`` are the editor's, ``found_x`` and ``found_y`` what was found in the photo. ``made`` says
    what the renditions were made with; ``shown`` rises with each change of what pages show of the photo.
    """

    id: str
    site: str
    sha256: str
    content_type: str
    width: int
    height: int
    bytes: int
    original_key: str
    focal_x: float | None
    focal_y: float | None
    found_x: float | None
    found_y: float | None
    caption: str | None
    credit: str | None
    rights: Mapping[str, Any]
    digital_source_type: str | None
    state: str
    error: str | None
    renditions: Sequence[Mapping[str, Any]]
    placeholder: str | None
    colour: str | None
    made: str | None
    shown: int
    version: int
    created_by: str
    created_at: datetime
    updated_at: datetime
    withdrawn_at: datetime | None
    withdrawal: Mapping[str, Any] | None

    @property
    def focal_point(self) -> tuple[float, float] | None:
        """The editor's, else the one that was found; fractions of width and height."""
        for x, y in ((self.focal_x, self.focal_y), (self.found_x, self.found_y)):
            if x is not None and y is not None:
                return x, y
        return None

    def to_make(self, recipe: Recipe) -> str:
        """What the renditions of this photo should be made with, as ``made`` says it."""
        point = "" if self.focal_x is None else f"{self.focal_x:.4f},{self.focal_y:.4f}"
        return f"{recipe.key}|{point}"

    def is_of(self, recipe: Recipe) -> bool:
        """Whether the uncropped renditions are there, by this recipe; crops may be around another point."""
        return self.state == "ready" and (self.made or "").partition("|")[0] == recipe.key

    def is_made(self, recipe: Recipe) -> bool:
        """Whether the publishable renditions are there, by this recipe and around the editor's point."""
        return self.state == "ready" and self.made == self.to_make(recipe)


_COLUMNS = ", ".join(Asset.__dataclass_fields__)


def find(conn: Connection, asset: str, *, site: str | None = None) -> Asset | None:
    """The asset; another site's looks absent when ``site`` is given."""
    found = row(
        conn,
        f"""SELECT {_COLUMNS} FROM asset
        WHERE id = :asset AND (CAST(:site AS text) IS NULL OR site = :site)""",
        asset=asset, site=site,
    )  # fmt: skip
    return Asset(**found) if found else None


def many(conn: Connection, site: str, assets: Iterable[str]) -> Mapping[str, Asset]:
    """Those of the named assets that exist on the site, by id."""
    named = list(assets)
    if not named:
        return {}
    found = rows(
        conn, f"SELECT {_COLUMNS} FROM asset WHERE site = :site AND id = ANY(:assets)",
        site=site, assets=named,
    )  # fmt: skip
    return {item["id"]: Asset(**item) for item in found}


def by_hash(conn: Connection, site: str, sha256: str) -> Asset | None:
    found = row(
        conn,
        f"SELECT {_COLUMNS} FROM asset WHERE site = :site AND sha256 = :sha256",
        site=site,
        sha256=sha256,
    )
    return Asset(**found) if found else None


def original_key(site: str, sha256: str) -> str:
    """Where the original lies in the private bucket."""
    return f"{site}/originals/{sha256[:2]}/{sha256}"


def create(  # noqa: PLR0913 - the columns of a photo, named
    conn: Connection,
    *,
    site: str,
    sha256: str,
    content_type: str,
    width: int,
    height: int,
    size: int,
    meta: Mapping[str, Any],
    actor: str,
) -> tuple[Asset, bool]:
    """Records a stored original and starts its renditions; the same bytes again give the existing asset.

    An erased or archived photo begins anew under its old id. ``meta``: focal_x, focal_y, caption, credit,
    rights. Refused("withdrawn") for a withdrawn photo; ``withdrawing.renew`` lets some of them back.
    """
    asset = new_id("as")
    made = run(
        conn,
        """INSERT INTO asset (id, site, sha256, content_type, width, height, bytes, original_key,
            focal_x, focal_y, caption, credit, rights, created_by)
        VALUES (:id, :site, :sha256, :content_type, :width, :height, :size, :original_key,
            :focal_x, :focal_y, :caption, :credit, :rights, :actor)
        ON CONFLICT (site, sha256) DO NOTHING""",
        id=asset, site=site, sha256=sha256, content_type=content_type, width=width, height=height, size=size,
        original_key=original_key(site, sha256), focal_x=meta.get("focal_x"), focal_y=meta.get("focal_y"),
        caption=meta.get("caption"), credit=meta.get("credit"), rights=Jsonb(meta.get("rights") or {}),
        actor=actor,
    )  # fmt: skip
    known = by_hash(conn, site, sha256)
    assert known is not None
    if known.withdrawn_at:
        raise Refused("withdrawn", "this photo was withdrawn: nashr does not take it again")
    if not made and known.state not in BEGUN_ANEW:
        return known, False
    make(conn, known, priority=Priority.normal)
    if not made:
        _set_state(conn, known.id, "processing", None)
    expiring.arm(conn, known.id)
    events.record(conn, "asset.create", known.id, site=site, actor=actor)
    return find(conn, known.id) or known, bool(made)


def make(conn: Connection, asset: Asset, *, priority: int) -> int:
    """Has the renditions of a photo made (again), unless that is on its way; returns the step.

    Takes the step's lock, which goes before the asset's.
    """
    step = queue.rearm(
        conn, "images", asset.id, site=asset.site, data={"asset": asset.id}, priority=priority
    )  # fmt: skip
    queue.notify(conn)
    return step


def lock(conn: Connection, asset: str) -> Asset:
    """The asset, locked; its steps' locks go before, those of files and pages after it."""
    found = row(conn, f"SELECT {_COLUMNS} FROM asset WHERE id = :asset FOR NO KEY UPDATE", asset=asset)
    assert found is not None, "asset rows are never deleted"
    return Asset(**found)


def steps(conn: Connection, asset: str) -> Sequence[Mapping[str, Any]]:
    """The steps that make a photo's renditions."""
    return rows(
        conn,
        """SELECT kind, state, attempts, started_at, finished_at, error FROM step
        WHERE kind IN ('images', 'lighter') AND key = :asset ORDER BY kind DESC""",
        asset=asset,
    )


@dataclass(frozen=True)
class Made:
    """What the images step made of a photo: its files, and what was found in it.

    ``words`` are caption, credit and digital_source_type, ``rights`` the contract's, as the file has them.
    """

    key: str
    renditions: Sequence[Mapping[str, Any]]
    placeholder: str
    colour: str
    found: tuple[float, float] | None
    words: Mapping[str, str]
    rights: Mapping[str, str]


def ready(conn: Connection, asset: Asset, made: Made) -> None:
    """Records the publishable set of a locked asset; the first time also the file's own words."""
    _take_words(conn, asset, made)
    run(
        conn,
        """UPDATE asset SET state = 'ready', error = NULL, made = :made, shown = shown + 1,
            renditions = :renditions, placeholder = :placeholder, colour = :colour,
            found_x = COALESCE(:found_x, found_x), found_y = COALESCE(:found_y, found_y),
            updated_at = clock_timestamp()
        WHERE id = :asset""",
        asset=asset.id, made=made.key, renditions=Jsonb(list(made.renditions)),
        placeholder=made.placeholder or None, colour=made.colour, found_x=made.found and made.found[0],
        found_y=made.found and made.found[1],
    )  # fmt: skip
    expiring.arm(conn, asset.id)
    if asset.state != "ready":
        events.emit(conn, "asset.ready", site=asset.site, asset=asset.id)


def _take_words(conn: Connection, asset: Asset, made: Made) -> None:
    """Caption, credit and rights that the editor has not given; once, so that what is cleared stays so."""
    run(
        conn,
        """UPDATE asset SET words_read = true, rights = CAST(:rights AS jsonb) || rights,
            caption = COALESCE(caption, :caption), credit = COALESCE(credit, :credit),
            digital_source_type = COALESCE(digital_source_type, :digital_source_type),
            version = version + CASE WHEN :any THEN 1 ELSE 0 END
        WHERE id = :asset AND NOT words_read""",
        asset=asset.id, any=bool(made.words or made.rights), rights=Jsonb(dict(made.rights)),
        **{name: made.words.get(name) for name in ("caption", "credit", "digital_source_type")},
    )  # fmt: skip


def lighter(conn: Connection, asset: Asset, renditions: Sequence[Mapping[str, Any]]) -> None:
    """Records all files of a locked asset, now that lighter ones have joined them."""
    run(
        conn,
        """UPDATE asset SET renditions = :renditions, shown = shown + 1, updated_at = clock_timestamp()
        WHERE id = :asset""",
        asset=asset.id, renditions=Jsonb(list(renditions)),
    )  # fmt: skip


def failed(conn: Connection, asset: str, error: str) -> None:
    """Records that no renditions can be made; articles that use it are blocked, by name."""
    site = _set_state(conn, asset, "failed", error)
    events.emit(conn, "asset.failed", site=site, asset=asset, error=error)


def erased(conn: Connection, assets: Sequence[str]) -> None:
    """Records that the originals are destroyed: nothing can be made of these photos any more."""
    archiving.void_images(conn, assets)
    run(
        conn,
        """UPDATE asset SET state = 'erased', error = 'erased by a takedown', renditions = '[]', made = NULL,
            placeholder = NULL, colour = NULL, updated_at = clock_timestamp()
        WHERE id = ANY(:assets) AND withdrawn_at IS NULL""",
        assets=list(assets),
    )
    archiving.void_lighter(conn, assets)


def _set_state(conn: Connection, asset: str, state: str, error: str | None) -> str:
    found = row(
        conn,
        """UPDATE asset SET state = :state, error = :error, updated_at = clock_timestamp()
        WHERE id = :asset RETURNING site""",
        asset=asset, state=state, error=error,
    )  # fmt: skip
    assert found is not None
    return str(found["site"])
