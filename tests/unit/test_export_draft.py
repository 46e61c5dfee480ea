"""A draft out of what the database holds, as ``nashr submit`` takes it."""

from __future__ import annotations

from typing import Any

from nashr.domain.site import parse_site
from nashr.runtime.exporting import draft

SITE = parse_site(
    {
        "id": "khabar", "name": "خبر", "locale": "ar", "base_url": "https://khabar.example/",
        "sections": [{"slug": "politics", "label": "سياسة"}],
    }
)  # fmt: skip
PHOTOS = {"as_1": "as_1.jpg"}


def article(doc: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": "ar_1", "external_id": None, "section": "politics", "slug": "خبر", "slug_frozen": True,
        "status": "live", "latest_revision": 2, "live_revision": 1, "translation_of": None,
        "published_at": "2026-01-02T00:00:00+00:00",
        "revisions": [
            {"revision": 1, "doc": {"headline": "live", "section": "old", "dateline": None, **doc}},
            {"revision": 2, "doc": {"headline": "not yet"}},
        ],
        **changes,
    }  # fmt: skip


def test_what_is_live_keeps_its_address_and_day() -> None:
    """Of an article that is live the draft is what readers see, where and when they saw it."""
    found = draft(article({"related": {"pin": ["ar_9"]}}), SITE, PHOTOS, {})
    assert found == {
        "site": "khabar", "external_id": "nashr-ar_1", "headline": "live", "section": "politics",
        "slug": "خبر", "published_at": "2026-01-02T00:00:00+00:00", "body": [],
    }  # fmt: skip


def test_what_was_never_live_is_its_latest_revision() -> None:
    """A draft has neither day nor fixed address; its own external id stays."""
    changes = {"live_revision": None, "slug_frozen": False, "published_at": None, "external_id": "cms-1"}
    found = draft(article({}, **changes), SITE, PHOTOS, {})
    assert (found["headline"], found["external_id"]) == ("not yet", "cms-1")
    assert not {"slug", "published_at"} & found.keys()


def test_photos_are_files_and_those_that_left_are_left_out() -> None:
    """A use of a photo names its file beside the drafts; what may not be shown any more is gone."""
    text = {"type": "paragraph", "html": "x"}
    body = [{"type": "image", "asset": "as_1", "alt": "a"}, {"type": "image", "asset": "as_2"}, text]
    found = draft(article({"hero": {"asset": "as_2", "alt": "b"}, "body": body}), SITE, PHOTOS, {})
    assert "hero" not in found
    assert found["body"] == [{"type": "image", "alt": "a", "file": "../photos/as_1.jpg"}, text]


def test_editions_are_tied_by_external_id() -> None:
    """Ids of this installation mean nothing in the next one."""
    found = draft(article({}, translation_of="ar_7"), SITE, PHOTOS, {"ar_7": "cms-7"})
    assert found["translation_of"] == "cms-7"


def test_a_translation_of_what_was_killed_stands_alone() -> None:
    """Its original has no draft, so nobody could find it by its external id."""
    assert "translation_of" not in draft(article({}, translation_of="ar_7"), SITE, PHOTOS, {})
