"""What ``nashr card preview`` promises to a designer: four files, and sentences that name field and cure."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nashr.domain.cards import FORMATS, SIZES
from nashr_cards import preview
from PIL import Image

TOML = """\
id = "khabar"
name = "خبر"
locale = "ar-LB"
base_url = "https://khabar.example/"
time_zone = "Asia/Beirut"
{logo}
[theme]
accent = "#9b1c31"
{theme}
[[sections]]
slug = "politics"
label = "سياسة"
"""
DRAFT = {
    "section": "politics",
    "headline": "البرلمان يقر قانون الرقائق",
    "published_at": "2026-11-23T22:30:00Z",
    "body": [],
}

Made = Callable[..., tuple[Path, Path]]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Writes a draft and a site's TOML into a folder."""

    def write(*, logo: str = "", theme: str = "", **fields: Any) -> tuple[Path, Path]:
        draft, site = tmp_path / "draft.json", tmp_path / "site.toml"
        draft.write_text(json.dumps({**DRAFT, **fields}), "utf-8")
        site.write_text(TOML.format(logo=logo, theme=theme), "utf-8")
        return draft, site

    return write


def job(made: tuple[Path, Path], **how: Any) -> preview.Job:
    draft, site = made
    return preview.read(draft, site=site, state=how.get("state"))


def refused(made: tuple[Path, Path]) -> str:
    with pytest.raises(preview.Unusable) as error:
        job(made)
    return str(error.value)


def test_it_writes_every_format_and_says_what_it_drew(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line a card, with its real size and weight."""
    Image.new("RGB", (1300, 900), "#446688").save(tmp_path / "photo.jpg")
    draft, site = made(hero={"file": "photo.jpg", "alt": "صورة"})

    assert preview.main([str(draft), "--site", str(site), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out.splitlines()
    for shape, line in zip(FORMATS, said, strict=True):
        file = tmp_path / "out" / f"{shape}.jpg"
        assert Image.open(io.BytesIO(file.read_bytes())).size == SIZES[shape]
        assert line.startswith(shape)
        assert f"{file.stat().st_size / 1000:.0f} kB" in line
        assert " px " in line
        assert line.endswith(str(file))


def test_the_words_are_those_of_the_card(made: Made) -> None:
    """Label from the section or the kicker, the social title first, the day in the site's zone."""
    text = job(made()).text

    assert (text.headline, text.label, text.direction) == ("البرلمان يقر قانون الرقائق", "سياسة", "rtl")
    assert text.date_text == "24 تشرين الثاني 2026"
    assert job(made(kicker="خاص")).text.label == "خاص"
    assert job(made(titles={"social": "عنوان"})).text.headline == "عنوان"
    assert job(made(), state="correction").text.label == "تصحيح"
    assert [job(made(kicker=one)).text.state for one in ("خاص", "عاجل")] == ["plain", "breaking"]
    assert job(made(language="en", headline="News")).text.direction == "ltr"


def test_a_site_is_not_needed(made: Made) -> None:
    """Without a TOML the card has nashr's own look."""
    draft, _ = made()
    found = preview.read(draft, site=None, state="plain")

    assert (found.theme.site_name, found.text.label) == ("", "")
    assert len(list(preview.write(found, draft.parent / "out"))) == 4


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"headline": " "}, "/headline: give the headline"),
        ({"section": "sport"}, "/section: khabar has no section sport; it has politics"),
        ({"language": "arabic!"}, "/language: give a BCP 47 tag"),
        ({"published_at": "yesterday"}, "/published_at: give a time such as"),
        ({"hero": {"file": "gone.jpg"}}, "/hero/file: "),
        ({"social_image": "photo.jpg"}, '/social_image: give {"file": "photo.jpg"}'),
        ({"kicker": 3}, "/kicker: give it as text"),
        ({"logo": 'logo = "gone.svg"'}, "/logo: "),
        ({"theme": 'card_font = "gone.ttf"'}, "/theme/card_font: "),
        ({"theme": 'card_text = "white"'}, "/theme/card_text: white is no colour: give #rgb or #rrggbb"),
        ({"logo": "logo = "}, "site.toml: "),
        ({"logo": 'colour = "red"'}, "/colour: colour is not a field here"),
    ],
)
def test_mistakes_are_named_with_their_field_and_cure(made: Made, fields: dict[str, Any], says: str) -> None:
    """The message names the file, the field and what to do."""
    message = refused(made(**fields))

    assert says in message
    assert "draft.json" in message or "site.toml" in message


def test_what_is_no_draft_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Broken JSON, or JSON that is no object, is one line and exit code 1."""
    for text in ("{", "[]"):
        (tmp_path / "draft.json").write_text(text)

        assert preview.main([str(tmp_path / "draft.json")]) == 1
        assert capsys.readouterr().err.startswith(f"nashr: {tmp_path}/draft.json")


def test_a_broken_photo_is_told(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is no photo is named by its field."""
    (tmp_path / "photo.jpg").write_text("no photo")
    draft, site = made(hero={"file": "photo.jpg"})

    assert preview.main([str(draft), "--site", str(site), "--out", str(tmp_path / "out")]) == 1
    assert "/hero/file: " in capsys.readouterr().err


def test_what_could_not_be_used_is_told(made: Made, tmp_path: Path) -> None:
    """Missing glyphs, a font that is none and an asset that is not at hand are sentences after the cards."""
    (tmp_path / "web.woff2").write_bytes(b"wOF2....")
    found = job(made(headline="ⴰ خبر", hero={"asset": "as_1"}, theme='card_font = "web.woff2"'))
    said = list(preview.write(found, tmp_path / "out"))[4:]

    assert "U+2D30" in said[0]
    assert "WOFF" in said[1]
    assert said[2].startswith("/hero: an asset is not at hand")
