"""A theme folder: read, tried, packed. What is wrong is named with file and line; nothing gets out of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from nashr.domain.site import Site
from nashr_delivery.assets import site_assets
from nashr_delivery.chrome import SiteAssets
from nashr_delivery.core import render
from nashr_delivery.locales import catalogue
from nashr_delivery.looks import rendered
from nashr_delivery.themes import check, folder, trial
from nashr_delivery.themes.bundle import NOTHING, Bundle, unpack
from nashr_delivery.themes.samples import samples
from nashr_delivery.views import ArticleView, FaviconView, TombstoneView

EXAMPLE = Path(__file__).parents[3] / "infra/demo/theme"
GONE = TombstoneView("/gone/", 410)
NOTICE = "{{% extends 'nashr/notice.html' %}}{{% block main %}}{}{{% endblock %}}"
ARTICLE = NOTICE.replace("notice", "article")

Made = Callable[[Mapping[str, str | bytes]], Path]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Writes a theme folder out of paths and contents."""

    def write(files: Mapping[str, str | bytes]) -> Path:
        for name, text in files.items():
            file = tmp_path / "theme" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path / "theme"

    return write


def short(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:20]


def dressed(site: Site, path: Path) -> SiteAssets:
    """The site's assets in a theme, which must be without a flaw."""
    found = folder.read(path)
    assert found.flaws == ()
    assert [*trial.flaws(site, found.bundle)] == []
    return site_assets(site, name=short, theme=found.bundle)


def said(site: Site, path: Path) -> list[str]:
    found = folder.read(path)
    return [f"{flaw}" for flaw in found.flaws] or [f"{flaw}" for flaw in trial.flaws(site, found.bundle)]


@pytest.mark.parametrize(
    ("files", "wrong"),
    [
        (
            {"templates/notice.html": "{% block main %}\n{% if %}"},
            "templates/notice.html:2: Expected an expr",
        ),
        (
            {"templates/notice.html": NOTICE.format("\n\n{{ words.back_hom }}")},
            "templates/notice.html:3: 404: Words has no attribute 'back_hom': docs/themes.md",
        ),
        (
            {"templates/article.html": "{{ headlin }}"},
            "templates/article.html:1: article: 'headlin' is undef",
        ),
        (
            {"templates/artcle.html": "x"},
            "templates/artcle.html: nothing uses this; the pages use article.html",
        ),
        ({"templates/redirect.html": "x"}, "templates/redirect.html: nothing uses this"),
        ({"templates/notice.html": "{{ title|safe }}"}, "templates/notice.html:1: No filter named 'safe'"),
        ({"templates/notice.html": "\n<script>x</script>"}, "templates/notice.html:2: a script never runs"),
        ({"templates/notice.html": "<style>p{}</style>"}, "templates/notice.html:1: a <style> never runs"),
        (
            {"templates/article.html": ARTICLE.format("{{ content.headline|inline }}")},
            "templates: article: a text is printed as markup",
        ),
        (
            {"templates/notice.html": NOTICE.format("{% autoescape false %}{{ notice }}{% endautoescape %}")},
            "templates: 410: a text is printed as markup",
        ),
        ({"templates/notice.html": "{{ file('images/a.svg') }}"}, "no file images/a.svg"),
        (
            {"templates/notice.html": NOTICE.format("{{ links.asset('/assets/a.css') }}")},
            "/assets/a.css is no file of the site",
        ),
        ({"templates/notice.html": "{% extends 'bas.html' %}"}, "there is no template bas.html"),
        ({"templates/notice.html": "{{ title + 1 }}"}, "templates/notice.html:1: 404: TypeError: "),
        (
            {"templates/notice.html": "x"},
            "templates: 404: a body of text/html; charset=utf-8 must hold '<meta",
        ),
        ({"templates/notice.html": b"\n\xff"}, "templates/notice.html:2: this is not UTF-8"),
        (
            {"theme.css": "\n\np{background:url(images/a.svg)}"},
            "theme.css:3: images/a.svg is not in the folder",
        ),
        ({"theme.css": "@import 'x.css';"}, "theme.css:1: @import asks"),
        (
            {"theme.css": "p{background:url('https://x.example/a.png')}"},
            "theme.css:1: https://x.example/a.png is",
        ),
        ({"theme.css": "p{"}, "theme.css:1: 1 braces are opened and 0 closed"),
        ({"replace.css": "/* x"}, "replace.css:1: this comment has no end"),
        ({"texts/ar.po": 'msgid "home"\nmsgstr x\n'}, "texts/ar.po:2: this is no gettext catalogue"),
        ({"texts/ar.po": '\nmsgid "hom"\nmsgstr "x"\n'}, "texts/ar.po:2: hom is no word of the pages"),
        ({"texts/ar.po": 'msgid "share_on"\nmsgstr "x"\n'}, "texts/ar.po:1: share_on must hold {}"),
        ({"texts/arabic!.po": ""}, "texts/arabic!.po: name it for a language"),
        ({"style.css": "p{}"}, "style.css: this is no part of a theme: it may hold "),
        ({"fonts/a.ttf": "x"}, "fonts/a.ttf: name a file that ends in .woff2"),
        ({"images/a.png": b"0" * 5_000_001}, "at most 5,000,000 become a theme"),
    ],
)
def test_a_flaw_names_file_line_and_cure(
    files: dict[str, str | bytes], wrong: str, made: Made, site: Site
) -> None:
    """Whatever would break a page, or do nothing on it, is told before it is applied."""
    found = said(site, made(files))
    assert any(wrong in line for line in found), found


def test_one_line_is_one_flaw(made: Made, site: Site) -> None:
    """A mistake that thirteen pages come through is told once."""
    assert len(said(site, made({"templates/base.html": "\n{{ hed }}"}))) == 1


@pytest.mark.parametrize(
    "reach",
    [
        "{{ ''.__class__ }}",
        "{{ site.__init__.__globals__ }}",
        "{{ moment.__globals__ }}",
        "{{ moment.__closure__ }}",
        "{{ (self._TemplateReference__context).name }}",
        "{{ site|attr('__class__') }}",
        "{{ '{0.__class__}'.format(site) }}",
        "{{ links.used.add('/x') }}",
        "{{ chrome.assets.named.clear() }}",
        "{{ head.colours.__class__.__mro__ }}",
        "{% include '/etc/passwd' %}",
        "{% include '../themes/check.py' %}",
        "{% import 'os' as os %}",
        "{{ lipsum() }}",
        "{{ cycler.__init__.__globals__.os.environ }}",
        "{{ view.published_at.now() }}",
        "{{ (1, 2)|random }}",
        "{% for n in range(10000000) %}x{% endfor %}",
    ],
)
def test_a_template_reaches_nothing_but_values(
    reach: str, made: Made, site: Site, story: Callable[..., ArticleView]
) -> None:
    """No hidden attribute, no file, no environment, no clock and no dice; nothing that it gets changes."""
    source = "{% extends 'nashr/article.html' %}{% block title %}" + reach + "{% endblock %}"
    path = made({"templates/article.html": source})
    assert said(site, path)
    assets = site_assets(site, name=short, theme=folder.read(path).bundle)
    with pytest.raises(
        Exception, match=r"unsafe|not found|undefined|filter|too big|os|passwd|check\.py|range"
    ):
        render(story(), site, assets, version=1)


def test_a_themed_template_still_escapes(made: Made, site: Site, story: Callable[..., ArticleView]) -> None:
    """What a newsroom types arrives as text through a theme's template too."""
    source = (
        "{% extends 'nashr/article.html' %}{% block title %}<h1>{{ content.headline }}</h1>{% endblock %}"
    )
    assets = dressed(site, made({"templates/article.html": source}))
    body = render(story({"headline": "<b onclick=x>"}), site, assets, version=1).body.decode()
    assert "<h1>&lt;b onclick=x&gt;</h1>" in body
    assert "<b onclick" not in body


def test_an_empty_theme_changes_nothing(site: Site, assets: SiteAssets) -> None:
    """The sandbox renders our own templates into the same bytes."""
    boxed = replace(assets, templates=(("unused.html", ""),))
    for sample in samples(site):
        one, other = (render(sample.view, site, each, version=1) for each in (assets, boxed))
        assert one == other


@pytest.mark.parametrize("locale", ["ar-LB", "en", "fa", "ur", "he", "fr"])
def test_our_own_pages_have_no_flaw(locale: str, site: Site) -> None:
    """Every kind of page renders in every language, and no text of a newsroom is markup on it."""
    assert [*trial.flaws(replace(site, locale=locale), NOTHING)] == []


def test_a_bundle_is_the_same_bytes_and_comes_back() -> None:
    """The folder's content alone names it."""
    bundle = folder.read(EXAMPLE).bundle
    again = Bundle(**dict(reversed(vars(bundle).items())))
    assert bundle.pack() == again.pack()
    assert unpack(bundle.pack()) == bundle
    with pytest.raises(ValueError, match="another version of nashr"):
        unpack(b"{}")


def test_the_example_shows_on_the_page(site: Site, story: Callable[..., ArticleView]) -> None:
    """Words, a block, a picture by its hash, rules after ours, an icon."""
    assets = dressed(site, EXAMPLE)
    page = render(story(), site, assets, version=1)
    body = page.body.decode()
    assert "اقرأ أيضاً" in body
    assert "شاهد أيضاً" not in body
    assert f'<p class="motto"><img src="{assets.named["images/waves.svg"]}"' in body
    assert assets.named["images/waves.svg"] in page.asset_paths <= assets.paths | page.asset_paths
    sheet = next(file.body.decode() for file in assets.files if file.path == assets.css)
    assert f"url({assets.named['images/waves.svg'].rsplit('/', 1)[-1]})" in sheet
    assert sheet.index(".motto{") > sheet.index(".story{")
    assert assets.icon == assets.named["icon.svg"]


def test_a_sheet_may_replace_ours(made: Made, site: Site) -> None:
    """``replace.css`` leaves the colours and faces of ours, and nothing else."""
    assets = dressed(site, made({"replace.css": "p{color:var(--ink)}", "theme.css": "h1{margin:0}"}))
    sheet = next(file.body.decode() for file in assets.files if file.path == assets.css)
    assert ".masthead" not in sheet
    assert "--accent:" in sheet
    assert sheet.index("p{color") < sheet.index("h1{margin")


def test_icons_of_its_own(made: Made, site: Site) -> None:
    """A theme's icons stand in the place of the drawn ones, the favicon among them."""
    assets = dressed(site, made({"icon.png": b"png", "favicon.ico": b"ico", "notes.md": "x", ".git/x": "x"}))
    assert next(file.body for file in assets.files if file.path == assets.touch_icon) == b"png"
    assert render(FaviconView(), site, assets, version=1).body == b"ico"


def test_a_region_goes_before_its_language() -> None:
    """texts/ar-LB.po overrides texts/ar.po, and a site in Cairo has none of it."""
    theme = Bundle(texts={"ar-LB": {"home": "لبنان"}, "ar": {"home": "عام", "share": "شارك"}})
    assert theme.words("ar-LB") == {"home": "لبنان", "share": "شارك"}
    assert theme.words("ar-EG") == {"home": "عام", "share": "شارك"}
    assert theme.words("en") == {}


def test_a_word_of_the_site_goes_before_the_themes(site: Site) -> None:
    """``[theme.texts]`` has the last word."""
    theme = Bundle(texts={"ar": {"back_home": "من الملف"}})
    own = replace(site, texts={"back_home": "من الموقع"})
    bodies = [
        render(GONE, each, site_assets(each, name=short, theme=theme), version=1).body.decode()
        for each in (site, own)
    ]
    assert ["من الملف" in body for body in bodies] == [True, False]
    assert "من الموقع" in bodies[1]


def test_a_theme_that_breaks_later_costs_the_look_alone(site: Site) -> None:
    """After an upgrade a template may ask for what is gone: the page goes out in ours."""
    broken = Bundle(templates={"notice.html": "{{ what_is_gone }}"}, texts={"ar": {"back_home": "عودة"}})
    page = rendered(GONE, site, site_assets(site, name=short, theme=broken), version=3)
    assert page == render(
        GONE, site, site_assets(site, name=short, theme=replace(broken, templates={})), version=3
    )
    assert "عودة" in page.body.decode()


def test_missing_words_are_told(site: Site) -> None:
    """A language without a catalogue is worth a sentence; one with it is not."""
    assert [*trial.notes(site, NOTHING)] == []
    (note,) = trial.notes(replace(site, locale="fr"), Bundle(texts={"fr": {"home": "Accueil"}}))
    count = len(catalogue("en"))
    assert note.startswith(f"there is no catalogue for fr: {count - 1} of {count} words stay English")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """And the logo in a folder is the site's where the TOML names none."""
    toml = tmp_path / "site.toml"
    lines = [
        'id = "a"',
        'name = "A"',
        'locale = "en"',
        'base_url = "http://a.test/"',
        "[theme]",
        'folder = "t"',
    ]
    toml.write_text("\n".join([*lines, "[[sections]]", 'slug = "n"', 'label = "N"']), "utf-8")
    with pytest.raises(check.Unusable, match=r"this folder is not there: correct theme\.folder"):
        check.read(toml)
    (tmp_path / "t").mkdir()
    (tmp_path / "t/logo.svg").write_text("<svg/>")
    assert check.read(toml).site.logo == "t/logo.svg"
