"""API tokens: created, found by their id part, compared in constant time, rotated, revoked at once."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from nashr.domain.errors import Refused
from nashr.store import events
from nashr.store.database import row, rows, run, scalar

ROLES: Final = ("writer", "editor", "admin")
GRACE: Final = timedelta(days=1)
"""How long a rotated token goes on beside its successor, unless told otherwise."""


@dataclass(frozen=True)
class Token:
    """Who calls: a role, on one site or (``site`` None) on all."""

    id: str
    name: str
    role: str
    site: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def may(self, role: str) -> bool:
        """Whether this token's role includes ``role``: admin > editor > writer."""
        return ROLES.index(self.role) >= ROLES.index(role)


_COLUMNS = ", ".join(Token.__dataclass_fields__)


def create(
    conn: Connection, *, name: str, role: str, site: str | None, expires_at: datetime | None, actor: str
) -> str:
    """Makes a token and returns its text, the only time anyone sees it.

    The secret has 256 random bits, so one SHA-256 is hash enough (no slow password hash needed).
    """
    if role not in ROLES:
        raise Refused("invalid", f"role {role} is not one of {', '.join(ROLES)}")
    if site is not None and row(conn, "SELECT 1 AS one FROM site WHERE id = :site", site=site) is None:
        raise Refused("not_found", f"there is no site {site}: apply it first")
    made, text = _insert(conn, name=name, role=role, site=site, expires_at=expires_at)
    events.record(conn, "token.create", made, site=site, actor=actor, name=name, role=role)
    return text


def _insert(
    conn: Connection, *, name: str, role: str, site: str | None, expires_at: datetime | None
) -> tuple[str, str]:
    """A new token's id and its text."""
    token_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    run(
        conn,
        """INSERT INTO token (id, site, name, role, sha256, expires_at)
        VALUES (:id, :site, :name, :role, :sha256, :expires_at)""",
        id=token_id, site=site, name=name, role=role, sha256=_digest(secret), expires_at=expires_at,
    )  # fmt: skip
    return token_id, f"nk_{token_id}_{secret}"


def rotate(conn: Connection, token: str, *, grace: timedelta = GRACE, actor: str) -> str:
    """Makes a successor of the same name, role and site; returns its text. The old one ends after ``grace``.

    Both are valid until then. A token that was to expire gets a successor with as long a life as it had.
    Raises Refused("not_found"), or Refused("conflict") for one that is revoked or expired.
    """
    found = row(
        conn,
        """SELECT *, expires_at - created_at AS life, clock_timestamp() AS now,
            revoked_at IS NOT NULL OR expires_at <= clock_timestamp() AS ended
        FROM token WHERE id = :token FOR NO KEY UPDATE""",
        token=token,
    )
    if found is None:
        raise Refused("not_found", f"there is no token {token}: see nashr token list")
    if found["ended"]:
        raise Refused("conflict", f"the token {token} is revoked or has expired: create a new one")
    made, text = _insert(
        conn, name=found["name"], role=found["role"], site=found["site"],
        expires_at=found["now"] + found["life"] if found["life"] else None,
    )  # fmt: skip
    run(
        conn, "UPDATE token SET expires_at = LEAST(expires_at, :until) WHERE id = :token",
        token=token, until=found["now"] + grace,
    )  # fmt: skip
    events.record(
        conn, "token.rotate", token, site=found["site"], actor=actor, successor=made,
        grace_seconds=int(grace.total_seconds()),
    )  # fmt: skip
    return text


def check(conn: Connection, text: str) -> Token | None:
    """The token that ``text`` proves, or None: unknown, wrong, expired and revoked look alike."""
    prefix, _, rest = text.partition("_")
    token_id, _, secret = rest.partition("_")
    found = row(
        conn,
        f"""SELECT {_COLUMNS}, sha256, expires_at <= clock_timestamp() AS expired FROM token
        WHERE id = :id""",
        id=token_id.replace("\0", ""),
    )
    known = bytes(found["sha256"]) if found else bytes(32)
    proven = hmac.compare_digest(known, _digest(secret))
    if not found or not proven or prefix != "nk" or found["revoked_at"] or found["expired"]:
        return None
    return Token(**{name: found[name] for name in Token.__dataclass_fields__})


def holds(conn: Connection, token: str) -> bool:
    """Whether a token that was proven before is still good: for what goes on longer than a request."""
    return bool(
        scalar(
            conn,
            """SELECT EXISTS (SELECT 1 FROM token WHERE id = :token AND revoked_at IS NULL
                AND (expires_at IS NULL OR expires_at > clock_timestamp()))""",
            token=token,
        )
    )


def every(conn: Connection) -> Sequence[Token]:
    return [Token(**item) for item in rows(conn, f"SELECT {_COLUMNS} FROM token ORDER BY created_at, id")]


def revoke(conn: Connection, token: str, *, actor: str) -> None:
    """Takes effect with the next request. Refused("not_found") for an unknown id."""
    changed = row(
        conn,
        """UPDATE token SET revoked_at = COALESCE(revoked_at, clock_timestamp()) WHERE id = :token
        RETURNING site""",
        token=token,
    )
    if changed is None:
        raise Refused("not_found", f"there is no token {token}: see nashr token list")
    events.record(conn, "token.revoke", token, site=changed["site"], actor=actor)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
