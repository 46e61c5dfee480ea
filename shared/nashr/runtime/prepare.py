"""Brings database and buckets to the installed version: a process of its own, gone before the services start.

What it imports (Alembic, boto3, SQLAlchemy) would else stay in the supervisor for as long as the stack runs.
It imports while the servers start, and begins at a word on stdin. Its answer is one JSON object on stdout.
"""

from __future__ import annotations

import json
import sys
import traceback
from typing import TYPE_CHECKING

from nashr import bootstrap
from nashr.adapters import s3, s3probe, s3verdict
from nashr.adapters.s3 import S3ObjectStore
from nashr.observability import logs
from nashr.settings import Settings
from nashr.store import database, migrate, roles, tokens

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


def prepare(settings: Settings) -> str:
    """Upgrades; returns the stack's admin token. It is made once and kept in DIR/admin_token (owner only)."""
    upgrade(settings)
    return _admin_token(settings)


def upgrade(settings: Settings) -> None:
    """Migrates, gives the services' roles their rights, makes the buckets and looks at the store.

    Raises Retryable where database or store does not answer.
    """
    migrate.upgrade(settings.database_url)
    _give_rights(settings)
    client = s3.connect(settings)
    s3.ensure_buckets(client, public=settings.s3_bucket, private=settings.s3_private_bucket)
    _check_conditions(client, settings)


def _give_rights(settings: Settings) -> None:
    given = {role: getattr(settings, f"{role.removeprefix('nashr_')}_password") for role in roles.ROLES}
    passwords = {role: secret.get_secret_value() for role, secret in given.items()}
    left = migrate.give_rights(settings.database_url, passwords=passwords)
    if left.missing:
        logs.logger().warning(
            "database.roles_missing",
            roles=list(left.missing),
            advice="this user may not make roles: see docs/operations.md, A role for each service",
        )
    if left.elsewhere:
        logs.logger().warning(
            "database.passwords_elsewhere",
            roles=dict(left.elsewhere),
            advice="another nashr on this server has set these passwords, and they stay: give both the same",
        )


def _check_conditions(client: S3Client, settings: Settings) -> None:
    """Probes the store, whatever was found before, and writes down what all processes go by."""
    store = S3ObjectStore(client, settings.s3_bucket)
    made = bootstrap.engine(settings, pool=1, application="nashr-prepare")
    try:
        agreed = s3verdict.record(made, store, s3probe.probe(store))
    finally:
        made.dispose()
    if agreed.mode is s3probe.Mode.SINGLE_WRITER:
        logs.logger().warning(
            "store.ignores_conditions",
            advice="pages are written by one delivery worker at a time: more of them would only wait",
        )


def _admin_token(settings: Settings) -> str:
    path = settings.data / "admin_token"
    made = bootstrap.engine(settings, pool=1, application="nashr-prepare")
    try:
        with database.transaction(made) as conn:
            if path.exists() and tokens.check(conn, path.read_text().strip()):
                return path.read_text().strip()
            text = tokens.create(
                conn, name="admin of this stack", role="admin", site=None, expires_at=None, actor="nashr up"
            )
            path.touch(mode=0o600)
            path.write_text(text + "\n")
            return text
    finally:
        made.dispose()


def main() -> None:
    """The process ``nashr up`` starts; nothing happens if that one ends without a word."""
    if not sys.stdin.readline():
        return
    answer: dict[str, str]
    try:
        answer = {"token": prepare(bootstrap.begin("prepare"))}
    except Exception as error:
        reason = (str(error).splitlines() or [repr(error)])[0]
        answer = {"error": reason, "traceback": traceback.format_exc()}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
