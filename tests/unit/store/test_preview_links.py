"""The signature of a preview's link: what it stands for, and what it does not open."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from nashr.store import previews
from nashr.store.previews import Preview

SECRET = "secret of the site"
AT = datetime(2026, 11, 29, 12, tzinfo=UTC)
MADE = Preview("pv_" + "a" * 26, "khabar", "ar_1", 3, "layla", AT, AT + timedelta(days=1), None)


def token(preview: Preview = MADE, secret: str = SECRET) -> str:
    return previews.path(preview, secret).removeprefix("/preview/").removesuffix("/")


def test_a_link_opens_what_it_was_made_for() -> None:
    """The token of a path names its preview and is signed for it, also as read in another time zone."""
    east = replace(MADE, expires_at=MADE.expires_at.astimezone(timezone(timedelta(hours=3))))

    assert previews.named(token()) == MADE.id
    assert previews.is_signed(MADE, token(), SECRET)
    assert token(east) == token()


@pytest.mark.parametrize("changes", [
    {"id": "pv_" + "b" * 26}, {"site": "other"}, {"article": "ar_2"}, {"revision": 4},
    {"expires_at": MADE.expires_at + timedelta(seconds=1)},
])  # fmt: skip
def test_every_part_is_signed(changes: dict[str, object]) -> None:
    """Another article, revision, site, time or id has another signature."""
    changed = replace(MADE, **changes)  # type: ignore[arg-type]

    assert not previews.is_signed(changed, token(), SECRET)
    assert token(changed)[-32:] != token()[-32:]


def test_the_secret_signs() -> None:
    """Without the site's secret nobody makes a link; the names of its files are no signatures."""
    assert not previews.is_signed(MADE, token(secret="another"), SECRET)
    assert len(token()[-32:]) == 32


@pytest.mark.parametrize("text", [
    "", "pv_", MADE.id, f"{MADE.id}-", token()[:-1], token() + "0", token().upper(), token() + "\n",
    token().replace("a", "ä"),
])  # fmt: skip
def test_other_texts_are_no_tokens(text: str) -> None:
    """What has not the shape of a token is looked up nowhere."""
    assert previews.named(text) is None
