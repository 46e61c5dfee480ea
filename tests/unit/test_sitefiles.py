"""Files of the site: stored if absent, and never taken for stored when they are not."""

from __future__ import annotations

from typing import Any, cast

import pytest
from nashr import sitefiles
from nashr.domain.site import Site
from nashr.ports import ObjectStore, StoreConflict, Stored, StoreUnavailable

SITE = Site(id="khabar", name="خبر", locale="ar", base_url="http://127.0.0.1/", prefix="khabar/")
FILE = sitefiles.File("/media/a.jpg", b"bytes", "image/jpeg")


class Conflicting:
    """A store that answers every PUT with a conflict."""

    def __init__(self, *, there: bool) -> None:
        self._there = there

    def put(self, key: str, *_: Any, **__: Any) -> str:
        raise StoreConflict(f"PUT {key}: 409 ConditionalRequestConflict")

    def head(self, _key: str) -> Stored | None:
        return Stored(etag="", bytes=5, content_type="image/jpeg", metadata={}) if self._there else None


def test_a_conflict_over_a_file_that_is_there_is_success() -> None:
    """Somebody else has stored the same bytes under the same name."""
    sitefiles.put(cast("ObjectStore", Conflicting(there=True)), SITE, [FILE])


def test_a_conflict_over_a_file_that_is_not_there_is_tried_again() -> None:
    """S3 answers 409 when two requests met; a page must not name what neither of them stored."""
    with pytest.raises(StoreUnavailable):
        sitefiles.put(cast("ObjectStore", Conflicting(there=False)), SITE, [FILE])
