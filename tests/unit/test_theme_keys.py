"""What a site's ``[theme]`` may hold, and that a site which was applied before goes on."""

from __future__ import annotations

from typing import Any

import pytest
from nashr.domain.errors import Refused
from nashr.domain.site import parse_site, stored_site
from nashr.domain.theme import KEYS, bundle_key, is_bundle_key


def site(**theme: Any) -> dict[str, Any]:
    return {
        "id": "paper", "name": "Paper", "locale": "en", "base_url": "http://paper.test/",
        "sections": [{"slug": "news", "label": "News"}], "theme": theme,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("theme", "pointer", "said"),
    [
        ({"accent": "green"}, "/theme/accent", "green is no colour: give #rgb or #rrggbb"),
        ({"ink_dark": "#12345"}, "/theme/ink_dark", "#12345 is no colour"),
        ({"acent": "#123456"}, "/theme/acent", "did you mean accent?"),
        ({"tagline": 4}, "/theme/tagline", "give tagline as text"),
        ({"texts": {"home": 4}}, "/theme/texts/home", "give home as text"),
        ({"texts": "x"}, "/theme/texts", "a table of words"),
    ],
)
def test_a_wrong_key_is_refused(theme: dict[str, Any], pointer: str, said: str) -> None:
    """What was ignored in silence is named, with the cure."""
    with pytest.raises(Refused) as refused:
        parse_site(site(**theme))
    (fault,) = refused.value.faults
    assert fault.pointer == pointer
    assert said in fault.detail


def test_a_theme_comes_back_as_it_was_given() -> None:
    """Words stand in the theme, as in the TOML."""
    theme = {"accent": "#0b6e5f", "tagline": "Daily", "texts": {"home": "Front"}}
    parsed = parse_site(site(**theme))
    assert parsed.to_json()["theme"] == theme
    assert "texts" not in parsed.to_json()
    assert parse_site(parsed.to_json()) == parsed
    assert (dict(parsed.texts), parsed.theme.get("texts")) == ({"home": "Front"}, None)


def test_texts_are_no_field_of_a_site() -> None:
    """They belong below ``theme``."""
    with pytest.raises(Refused) as refused:
        parse_site({**site(), "texts": {"home": "Front"}})
    assert refused.value.faults[0].pointer == "/texts"


def test_a_stored_site_goes_on() -> None:
    """What was applied before these checks loses its wrong keys, not its pages."""
    found = stored_site(site(accent="green", colour="x", tagline="Daily", texts={"home": 4, "share": "Tell"}))
    assert (dict(found.theme), dict(found.texts)) == ({"tagline": "Daily"}, {"share": "Tell"})


def test_a_folder_is_the_sites_own() -> None:
    """No site names another's theme, nor anything else in the private bucket."""
    key = bundle_key("paper", "a" * 64)
    assert is_bundle_key("paper", key)
    assert not is_bundle_key("other", key)
    assert not is_bundle_key("paper", "paper/fonts/" + "a" * 64 + ".ttf")
    assert set(KEYS) > {"folder", "accent", "card_font", "x_handle"}
