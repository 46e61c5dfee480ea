"""The two S3 servers that the store's contract is held against, and what each is known to keep to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
from nashr.adapters.s3 import S3ObjectStore, connect, ensure_buckets
from nashr.adapters.s3probe import Capabilities, Kept, Mode
from nashr.adapters.s3put import QuickPuts
from nashr.settings import Settings, load

from tests.servers import ministack, rclone

STARTERS = {"ministack": ministack, "rclone": rclone}
KNOWN = {
    "ministack": Capabilities(Kept.KEPT, Kept.KEPT, race=True, metadata=True, checksums=True),
    "rclone": Capabilities(Kept.IGNORED, Kept.IGNORED, race=False, metadata=True, checksums=False),
}


@dataclass(frozen=True)
class Bench:
    """A store under test, with both clients as services have it: where it is, what is known of its server."""

    name: str
    settings: Settings
    store: S3ObjectStore
    known: Capabilities

    def skip_unless_conditional(self) -> None:
        if self.known.mode is not Mode.COMPARE_AND_SWAP:
            pytest.skip(f"{self.name} ignores conditions")


@pytest.fixture(scope="session", params=list(STARTERS))
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp(request.param)
    with STARTERS[request.param](folder) as server:
        settings = load(s3_endpoint=server.url)
        with closing(connect(settings)) as client:
            ensure_buckets(client, public=settings.s3_bucket, private=settings.s3_private_bucket)
            quick = QuickPuts(settings, client, settings.s3_bucket)
            store = S3ObjectStore(client, settings.s3_bucket, quick=quick)
            yield Bench(request.param, settings, store, KNOWN[request.param])
