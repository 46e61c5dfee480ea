"""What the API shows of one thing is from one moment, though several tables are read for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nashr.bootstrap import Runtime
from nashr.domain.site import parse_site
from nashr.settings import Settings
from nashr.store import assets, sites
from nashr.store.audit import Trail
from nashr.store.database import transaction
from nashr.store.tokens import Token
from nashr_ingest.context import Caller
from nashr_ingest.routes.assets import get

from tests.integration.store.test_neighbours import SITE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import pytest
    from sqlalchemy import Connection, Engine

    from tests.integration.store.conftest import Inside


def test_a_photo_whose_step_ends_while_it_is_shown(
    engine: Engine, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its steps are as old as its state: never done, with the photo still waiting for its files."""
    with transaction(engine) as conn:
        sites.apply(conn, parse_site(SITE.to_json()), actor="test")
        asset, _ = assets.create(
            conn, site=SITE.id, sha256="0" * 64, content_type="image/jpeg", width=10, height=10, size=1,
            meta={}, actor="test",
        )  # fmt: skip
    read = assets.steps

    def ended_meanwhile(conn: Connection, found: str) -> Sequence[Mapping[str, Any]]:
        inside.run("UPDATE asset SET state = 'ready'")
        inside.run("UPDATE step SET state = 'done' WHERE kind = 'images'")
        return read(conn, found)

    monkeypatch.setattr(assets, "steps", ended_meanwhile)
    who = Caller(Token("t", "test", "admin", None, datetime.now(UTC), None, None), "test", Trail())

    def shown() -> tuple[str, list[str]]:
        body = json.loads(bytes(get(who, Runtime(Settings(), engine), asset.id).body))
        return body["state"], [step["state"] for step in body["progress"]["steps"]]

    assert shown() == ("processing", ["ready"])
    assert shown() == ("ready", ["done"])
