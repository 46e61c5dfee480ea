"""Photos without files: their originals are kept, and their files are made anew when somebody needs them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from nashr.store.database import run


def void_images(conn: Connection, assets: Sequence[str]) -> None:
    """Stops what is made of these photos, and forgets that it was made. Goes before their own locks."""
    _void(conn, "images", assets)


def void_lighter(conn: Connection, assets: Sequence[str]) -> None:
    """The same for their lighter files. Goes after their own locks: so the end of an images step has it."""
    _void(conn, "lighter", assets)


def _void(conn: Connection, kind: str, assets: Sequence[str]) -> None:
    run(
        conn,
        "UPDATE step SET state = 'void' WHERE kind = :kind AND key = ANY(:assets) AND state <> 'void'",
        kind=kind, assets=list(assets),
    )  # fmt: skip


def archive(conn: Connection, assets: Sequence[str]) -> None:
    """Records that the files of these photos are gone and their originals kept.

    The caller has voided their images steps.
    """
    run(
        conn,
        """UPDATE asset SET state = 'archived', renditions = '[]', made = NULL, shown = shown + 1,
            updated_at = clock_timestamp()
        WHERE id = ANY(:assets) AND state = 'ready' AND withdrawn_at IS NULL""",
        assets=list(assets),
    )
    void_lighter(conn, assets)


def unarchive(conn: Connection, assets: Sequence[str]) -> None:
    """Records that archived photos are being made anew: their images steps are due."""
    run(
        conn,
        """UPDATE asset SET state = 'processing', updated_at = clock_timestamp() WHERE id IN (
            SELECT id FROM asset WHERE id = ANY(:assets) AND state = 'archived'
            ORDER BY id FOR NO KEY UPDATE)""",
        assets=list(assets),
    )
