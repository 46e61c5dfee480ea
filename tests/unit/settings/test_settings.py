"""Settings out of the environment, flags and what a stack wrote down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from nashr import settings
from nashr.settings import BadSetting, Secret


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in settings.declared():
        monkeypatch.delenv(f"NASHR_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_variables_become_their_types_and_flags_win(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable is read as its setting declares, in either case; a flag overrules it; else the default."""
    monkeypatch.setenv("NASHR_API_PORT", "81")
    monkeypatch.setenv("nashr_lease_seconds", "2.5")
    monkeypatch.setenv("NASHR_PURGE_SECRET", "سرّ")
    monkeypatch.setenv("NASHR_DATA", "/srv/nashr")
    found = settings.load(api_port=82, site_port=None)
    assert (found.api_port, found.site_port, found.lease_seconds) == (82, 8090, 2.5)
    assert (found.purge_secret, found.data) == (Secret("سرّ"), Path("/srv/nashr"))
    assert found.given == {"api_port", "lease_seconds", "purge_secret", "data"}


def test_every_bad_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One message names all variables that do not fit, and what each must be."""
    monkeypatch.setenv("NASHR_API_PORT", "eighty")
    monkeypatch.setenv("NASHR_WATCHDOG_SECONDS", "soon")
    with pytest.raises(BadSetting) as refused:
        settings.load()
    assert "NASHR_API_PORT: 'eighty' is not a whole number" in str(refused.value)
    assert "NASHR_WATCHDOG_SECONDS: 'soon' is not a number" in str(refused.value)


@pytest.mark.parametrize("name", ["s3_checksums", "s3_addressing", "s3_writes"])
def test_words_of_the_store_are_closed_lists(name: str) -> None:
    """A word that boto3 or delivery would stumble over later is refused at the start, with the good ones."""
    with pytest.raises(BadSetting, match=f"NASHR_{name.upper()}: 'sometimes' is none of "):
        settings.load(**{name: "sometimes"})


def test_production_stages_no_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failpoints in production are refused."""
    monkeypatch.setenv("NASHR_FAILPOINTS", "deliver.before_put=exit")
    settings.load()
    monkeypatch.setenv("NASHR_ENV", "production")
    with pytest.raises(BadSetting, match="NASHR_FAILPOINTS"):
        settings.load()


def test_secrets_show_themselves_to_nobody() -> None:
    """Neither a secret nor the settings that hold it print its text."""
    assert "hush" not in repr(settings.load(purge_secret="hush"))
    assert "hush" not in f"{Secret('hush')}"


def test_what_the_stack_wrote_down_fills_the_gaps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """stack.json gives what neither environment nor flags name; what it keeps besides is passed over."""
    written = {"api_port": 1234, "site_port": 1235, "s3_secret_key": "kept", "valkey_port": 7}
    (tmp_path / "stack.json").write_text(json.dumps(written))
    monkeypatch.setenv("NASHR_SITE_PORT", "90")
    found = settings.load_for_stack(tmp_path)
    assert (found.api_port, found.site_port, found.data) == (1234, 90, tmp_path)
    assert found.s3_secret_key == Secret("kept")


def test_a_switch_is_on_or_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """0 and 1 are taken, any other number is refused by name."""
    monkeypatch.setenv("NASHR_HEIC", "1")
    assert settings.load().heic == 1
    monkeypatch.setenv("NASHR_HEIC", "2")
    with pytest.raises(BadSetting, match=r"NASHR_HEIC: 2 is neither 0 \(off\) nor 1 \(on\)"):
        settings.load()


def test_an_unknown_cdn_is_refused() -> None:
    """The message lists what there is."""
    with pytest.raises(settings.BadSetting, match=r"NASHR_CDN: 'akamai' is none of .*cloudfront"):
        settings.load(cdn="akamai")


@pytest.mark.parametrize(
    ("cdn", "missing"),
    [
        ("cloudfront", "NASHR_CDN_ID"),
        ("cloudflare", "NASHR_CDN_ID and NASHR_CDN_TOKEN"),
        ("fastly", "NASHR_CDN_ID and NASHR_CDN_TOKEN"),
        ("varnish", "NASHR_EDGE_URL and NASHR_PURGE_SECRET"),
    ],
)
def test_what_a_cdn_cannot_do_without_is_named(cdn: str, missing: str) -> None:
    """A CDN without its zone or token is refused at start-up, not at the first purge."""
    with pytest.raises(settings.BadSetting, match=f"NASHR_CDN is {cdn}: set {missing} too"):
        settings.load(cdn=cdn)


def test_what_the_stack_wrote_down_counts_for_its_cdn(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Processes of a stack find the edge's address and secret there, not in their environment."""
    (tmp_path / "stack.json").write_text('{"edge_url": "http://127.0.0.1:6081", "purge_secret": "hush"}')
    monkeypatch.setenv("NASHR_CDN", "varnish")
    assert settings.load_for_stack(tmp_path).edge_url == "http://127.0.0.1:6081"
    with pytest.raises(BadSetting, match="NASHR_EDGE_URL"):
        settings.load_for_stack(tmp_path / "elsewhere")
