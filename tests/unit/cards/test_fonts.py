"""Which fonts are set, and that a site's own font is taken or told why not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fontpkg_ibm_plex_sans_arabic as plex
import manimgx_fonts
import pytest
from fontTools.ttLib import TTFont
from nashr_cards import core, fonts, lettering, sfnt
from nashr_cards.card import Card, CardText, Theme
from nashr_cards.lettering import Ink, Style

PLEX = Path(plex.ROOT) / "files"
GEORGIAN = Path(manimgx_fonts.__file__).parent / "NotoSansGeorgian[wght].ttf"
OWN = (PLEX / "IBMPlexSansArabic-Thin.ttf").read_bytes()


# Kurdish, Pashto, Sindhi, Uyghur, Urdu, Persian;
# French, Portuguese, German, Nordic, Icelandic, Spanish, Dutch.
LETTERS = """ئابپتجچحخدرڕزژسشعغفڤقکگلڵمنھەوۆیێ ټڅځډړږښګڼېۍ ٻڀٺٽٿڄڃڇڌڏڊڍڙڦڪڳڱڻ۽۾ ڭۇۆۈۋېى ٹڈڑںےہھۂۓ۔ پچژگکیۀئآ
àâæçéèêëîïôœùûüÿ«» ãõáéíóúâêôç äöüßẞ„“ åäöšžæø áéíóúýþæöð ñ¿¡· ĳëï"""


WORDED = b"<svg xmlns='http://www.w3.org/2000/svg' width='90' height='40'><text y='30'>Abc</text></svg>"
"""A logo with words of its own, which is drawn before any headline."""


def card(font: bytes | None, headline: str = "خبر Parliament") -> Card:
    text = CardText(headline, "", "ar", "rtl")
    (found,) = core.draw(
        text, hero=None, focal=None, theme=Theme("", "", "", "nashr", font=font), formats=("og",)
    )
    return found


def woff2(path: Path) -> bytes:
    font, file = TTFont(GEORGIAN), path / "font.woff2"
    font.flavor = "woff2"
    font.save(file)
    return file.read_bytes()


def without_outlines() -> bytes:
    """A font whose tables are all there, and whose outlines are noise."""
    data = bytearray(OWN)
    for tag in (b"glyf", b"loca", b"head"):
        offset, length = sfnt.tables(OWN)[tag]
        data[offset : offset + length] = b"\xa5" * length
    return bytes(data)


@pytest.mark.parametrize(
    ("language", "first"),
    [
        ("ar-LB", "IBM Plex Sans Arabic"),
        ("fa", "IBM Plex Sans Arabic"),
        ("en", "IBM Plex Sans Arabic"),
        ("vi", "Noto Sans"),
        ("tr", "Noto Sans"),
        ("ru", "Noto Sans"),
        ("zh", "Noto Sans CJK SC"),
        ("zh-Hant", "Noto Sans CJK TC"),
        ("zh-HK", "Noto Sans CJK HK"),
        ("ja", "Noto Sans CJK JP"),
        ("ko-KR", "Noto Sans CJK KR"),
    ],
)
def test_each_language_has_its_stack(language: str, first: str) -> None:
    """The first face has the whole alphabet; Han comes in the shapes of the region."""
    stack = fonts.families(language)

    assert stack[0] == first
    assert len(set(stack)) == len(stack)


def test_a_language_set_in_plex_first_has_its_letters_there() -> None:
    """No word of it is set in two faces."""
    covered = {
        code
        for codes in sfnt.characters((PLEX / "IBMPlexSansArabic-Bold.ttf").read_bytes())
        for code in codes
    }

    for letters in LETTERS.split():
        assert {ord(letter) for letter in letters} <= covered


def test_the_region_decides_the_shape_of_han() -> None:
    """The same character is drawn as Japan and as China write it."""

    def drawn(language: str) -> Ink:
        return lettering.ink("直骨", style=Style("ltr", language, size=60), width=400)

    assert drawn("ja").mask.write_to_memory() != drawn("zh").mask.write_to_memory()


def test_coverage_is_read_from_every_font() -> None:
    """Formats 4 and 12, collections included, agree with another reader."""
    for file in (PLEX / "IBMPlexSansArabic-Bold.ttf", GEORGIAN):
        ours = {code for codes in sfnt.characters(file.read_bytes()) for code in codes}

        assert ours - {0} == set(TTFont(file).getBestCmap()) - {0}
    covered = fonts.covered()
    assert all(covered[ord(char)] for char in "خAéש漢カ한🎉हไ")
    assert not covered[ord("ⴰ")]


def test_a_sites_own_font_comes_first() -> None:
    """Its card looks different, and what the font lacks comes from the bundled ones."""
    assert card(OWN).data != card(None).data
    assert card(OWN).faults == ()
    assert card(GEORGIAN.read_bytes(), "خبر ქართული").missing == ""


def test_two_cuts_of_one_family_never_stand_in_for_each_other() -> None:
    """Fonts are known by their bytes: the bundled family stays what it is beside a site's cut of it."""
    before = card(None).data
    own = fonts.own(OWN)

    assert own.family != fonts.own((PLEX / "IBMPlexSansArabic-Light.ttf").read_bytes()).family
    assert card(None).data == before


def test_a_renamed_font_draws_as_before() -> None:
    """Another name changes no outline."""
    own = fonts.own((PLEX / "IBMPlexSansArabic-Bold.ttf").read_bytes())
    ours = lettering.ink("خبر (CHIPS)", style=Style("rtl", "ar", size=60, own=own.family), width=900)
    bundled = lettering.ink("خبر (CHIPS)", style=Style("rtl", "ar", size=60), width=900)

    assert ours.mask.write_to_memory() == bundled.mask.write_to_memory()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no font"),
        (b"<svg/>", "no font"),
        (OWN[:40], "list of tables"),
        (OWN[:-5000], "shorter than its tables"),
        (b"wOF2" + OWN, "WOFF"),
        (without_outlines(), "cannot be read"),
        (b"\0" * 20_000_001, "at most"),
    ],
)
def test_an_unusable_font_is_told_and_not_fatal(data: bytes, says: str) -> None:
    """The card is drawn in the bundled fonts, and says what was wrong with the site's."""
    drawn = card(data or b" ")

    assert drawn.data == card(None).data
    assert "the site's font" in drawn.faults[0]
    assert says in drawn.faults[0]


def test_a_web_font_is_told(tmp_path: Path) -> None:
    """A real WOFF2 is refused by name, instead of being replaced in silence."""
    pytest.importorskip("brotli")

    assert "WOFF" in card(woff2(tmp_path)).faults[0]


def test_fonts_of_the_machine_and_of_the_user_are_never_used(tmp_path: Path) -> None:
    """A bolder claim to a bundled name, in every place where fonts are installed, changes no byte."""
    script = (
        "import hashlib, sys\n"
        "from nashr_cards import core\n"
        "from nashr_cards.card import CardText, Theme\n"
        "text = CardText('خبر ⴰⵎ Parliament 漢', '', 'ar', 'rtl')\n"
        f"look = Theme('', '', '', 'خبر', logo={WORDED!r})\n"
        "card, = core.draw(text, hero=None, focal=None, theme=look, formats=('og',))\n"
        "print(hashlib.sha256(card.data).hexdigest())\n"
    )
    for place in (".fonts", ".local/share/fonts", "data/fonts"):
        folder = tmp_path / place
        folder.mkdir(parents=True)
        (folder / "plex.ttf").write_bytes(sfnt.renamed(OWN, "IBM Plex Sans Arabic"))
    conf = tmp_path / "fonts.conf"
    conf.write_text(f"<fontconfig><dir>{tmp_path}</dir></fontconfig>")

    def drawn(**environment: str) -> str:
        run = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        return run.stdout

    crowded = drawn(HOME=str(tmp_path), XDG_DATA_HOME=f"{tmp_path}/data", FONTCONFIG_FILE=str(conf))

    assert crowded == drawn(HOME="/nonexistent")
