"""A theme folder from the command to the reader: applied, seen, changed, refused, taken away."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Stack
from tests.e2e.conftest import Behind, Reader

EXAMPLE = Path(__file__).parents[2] / "infra/demo/theme"
TOML = """\
id = "evening"
name = "المساء"
locale = "ar-LB"
base_url = "{site}/evening/"
time_zone = "Asia/Beirut"
{more}
[[sections]]
slug = "politics"
label = "سياسة"
"""
FOLDER = '[theme]\nfolder = "look"\n'

Apply = Callable[[str], str]


@pytest.fixture
def apply(stack: Stack, tmp_path: Path) -> Apply:
    """Applies the site with what the TOML says of its theme; the folder lies beside it."""
    shutil.copytree(EXAMPLE, tmp_path / "look")

    def run(more: str) -> str:
        file = tmp_path / "evening.toml"
        file.write_text(TOML.format(site=stack.site, more=more), "utf-8")
        return stack.command("site", "apply", str(file))

    return run


@pytest.fixture
def story(stack: Stack, apply: Apply) -> dict[str, Any]:
    """A live article of a site without a theme."""
    apply("")
    return stack.publish_and_wait(who="admin", site="evening")


def kept(behind: Behind) -> Any:
    """The site's version: whatever is applied raises it."""
    return behind.one("SELECT version FROM site WHERE id = 'evening'")


def test_a_theme_reaches_every_page_and_leaves_it(
    stack: Stack, reader: Reader, apply: Apply, story: dict[str, Any], tmp_path: Path
) -> None:
    """Applied, the article and the front have it within seconds, all that they name answers; taken out, it is
    gone. ``modified_at`` never moves."""
    assert 'class="motto"' not in stack.fetch(story["url"]).text
    apply(FOLDER)
    stack.served(story["url"], holds='class="motto"')
    article, front = reader.page(story["url"]), reader.page(f"{stack.site}/evening/")
    assert reader.complaints(article.links() | front.links()) == []
    assert "/assets/logo-" in str(front.one(".brand img").get("src"))
    (tmp_path / "look/templates/notice.html").write_text(
        "{% extends 'nashr/notice.html' %}{% block main %}<p>ضاعت الصفحة</p>{{ super() }}{% endblock %}",
        "utf-8",
    )
    apply(FOLDER)
    stack.served(f"{stack.site}/evening/nowhere/", holds="ضاعت الصفحة", status=404)
    apply(FOLDER + '[theme.texts]\nby = "كتبت"\n')
    stack.served(story["url"], holds="كتبت")
    apply("")
    stack.until(lambda: 'class="motto"' not in stack.fetch(story["url"]).text, what="the theme to go")
    assert stack.article(story["id"], who="admin")["modified_at"] == story["modified_at"]


BAD_FILES = (
    (
        "templates/article.html",
        "{{ headlin }}",
        r"look/templates/article\.html:1: article: 'headlin' is undef",
    ),
    ("templates/notice.html", "{% if %}", r"look/templates/notice\.html:1: Expected an expression"),
    ("theme.css", "p{background:url(gone.png)}", r"look/theme\.css:1: gone\.png is not in the folder"),
    ("texts/ar.po", 'msgid "share_on"\nmsgstr "x"\n', r"look/texts/ar\.po:1: share_on must hold \{\}"),
)
BAD_KEYS = (
    ('[theme]\naccent = "green"', r"/theme/accent: green is no colour: give #rgb or #rrggbb"),
    ('[theme]\nacent = "#123456"', r"/theme/acent: acent is no key of a theme: did you mean accent\?"),
    ('[theme.texts]\nhom = "x"', r"evening\.toml: /theme/texts/hom: hom is no word of the pages"),
    ('[theme]\nfolder = "gone"', r"gone/\.: this folder is not there: correct theme\.folder"),
)


def test_a_bad_theme_changes_nothing(apply: Apply, behind: Behind, tmp_path: Path) -> None:
    """File, line and cure are told; the site, its pages and its files are as they were."""
    apply(FOLDER)
    before = kept(behind)
    for name, text, said in BAD_FILES:
        file = tmp_path / "look" / name
        good = file.read_text("utf-8") if file.exists() else None
        file.write_text(text, "utf-8")
        with pytest.raises(AssertionError, match=said):
            apply(FOLDER)
        if good is None:
            file.unlink()
        else:
            file.write_text(good, "utf-8")
    assert kept(behind) == before


def test_a_bad_key_is_refused(apply: Apply, behind: Behind) -> None:
    """What a theme cannot hold is no longer passed over in silence."""
    apply("")
    before = kept(behind)
    for theme, said in BAD_KEYS:
        with pytest.raises(AssertionError, match=said):
            apply(theme)
    assert kept(behind) == before


def test_the_api_keeps_a_theme_and_takes_no_other(stack: Stack, apply: Apply, behind: Behind) -> None:
    """What GET gives PUT takes; a folder that was not applied is refused with the cure."""
    apply(FOLDER + '[theme.texts]\nby = "كتبت"\n')
    got = stack.admin.get("/v1/sites/evening")
    site = got.json()
    assert site["theme"]["texts"] == {"by": "كتبت"}
    version = kept(behind)
    again = stack.admin.put("/v1/sites/evening", json=site, headers={"If-Match": got.headers["ETag"]})
    assert (again.status_code, again.json()) == (200, site)
    assert kept(behind) == version
    other = json.loads(json.dumps(site))
    other["theme"]["folder"] = "khabar/themes/" + "0" * 64 + ".json"
    refused = stack.admin.put("/v1/sites/evening", json=other, headers={"If-Match": got.headers["ETag"]})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/theme/folder"


def test_another_template_draws_no_card_anew(
    stack: Stack, apply: Apply, story: dict[str, Any], tmp_path: Path
) -> None:
    """Cards keep their addresses: of a theme folder they show the logo alone, which is left out here."""
    (tmp_path / "look/logo.svg").unlink()
    cards = [card["url"] for card in stack.article(story["id"], who="admin")["social_cards"]]
    assert cards
    apply(FOLDER)
    stack.served(story["url"], holds='class="motto"')
    assert [card["url"] for card in stack.article(story["id"], who="admin")["social_cards"]] == cards
    assert cards[0] in stack.fetch(story["url"]).text
