"""Social cards: what a page names is the file it says, and it follows the story through all its states."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import manimgx_fonts
import pytest
from PIL import Image

from tests.conftest import LOGO
from tests.e2e.conftest import own_card

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.e2e.conftest import Behind, Page, Reader

FONT = next(Path(manimgx_fonts.__file__).parent.rglob("NotoSans-Italic*.ttf")).read_bytes()
SIZES = {"og": (1200, 630), "square": (1080, 1080), "portrait": (1080, 1350), "story": (1080, 1920)}


def use(asset: dict[str, Any]) -> dict[str, Any]:
    return {"asset": asset["id"], "alt": "مبنى البلدية عند الغروب"}


def images(page: Page) -> list[dict[str, str]]:
    """The pictures that the head names, each with its properties, in order."""
    found: list[dict[str, str]] = []
    for tag in page.all("meta[property]"):
        name = str(tag.get("property"))
        if name == "og:image":
            found.append({"url": str(tag.get("content"))})
        elif name.startswith("og:image:"):
            found[-1][name.removeprefix("og:image:")] = str(tag.get("content"))
    return found


def card(reader: Reader, article: dict[str, Any]) -> str:
    """The address of the first picture that a page names."""
    return images(reader.page(article["url"]))[0]["url"]


def asked(stack: Stack, article: dict[str, Any], form: str, **more: Any) -> httpx.Response:
    return stack.editor.get(f"/v1/articles/{article['id']}/cards/{form}", params=more)


def picture(answer: httpx.Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/jpeg"
    return Image.open(io.BytesIO(answer.content))


def bump(behind: Behind, article: dict[str, Any]) -> None:
    """The article's page is delivered again, for no reason of its own."""
    page = behind.one("SELECT page FROM article WHERE id = %s", article["id"])
    behind.run("UPDATE page SET wanted = wanted + 1 WHERE id = %s", page)
    behind.run(
        """UPDATE step SET state = 'ready', available_at = now(), dispatched_at = NULL
        WHERE kind = 'deliver' AND key = %s AND state <> 'leased'""",
        str(page),
    )
    behind.run("NOTIFY nashr_step")


def test_the_tags_say_what_the_files_are(stack: Stack, reader: Reader) -> None:
    """Two formats with type, size and a written alt, as the files are; X and the API name the same."""
    made = stack.publish_and_wait(hero=use(stack.upload()))
    stack.until(lambda: own_card(stack, reader, made), what="its cards")
    page = reader.page(made["url"])
    found = images(page)
    for one, form in zip(found, ("og", "square"), strict=True):
        drawn = picture(stack.fetch(one["url"]))
        assert (drawn.format, one["type"]) == ("JPEG", "image/jpeg")
        assert drawn.size == (int(one["width"]), int(one["height"])) == SIZES[form]
        assert one["alt"] == f"بطاقة الخبر: {made['headline']}. مبنى البلدية عند الغروب."
    assert page.meta("twitter:card") == "summary_large_image"
    assert page.meta("twitter:image") == found[0]["url"]
    assert page.meta("twitter:image:alt") == found[0]["alt"]
    listed = stack.article(made["id"])["social_cards"]
    assert [(one["format"], one["url"], one["alt"]) for one in listed] == [
        (form, one["url"], one["alt"]) for form, one in zip(("og", "square"), found, strict=True)
    ]
    assert [one["bytes"] for one in listed] == [len(stack.fetch(one["url"]).content) for one in found]


@pytest.mark.parametrize("form", SIZES)
def test_any_format_on_request(stack: Stack, form: str) -> None:
    """The answer is a JPEG of that size with its hash for ETag; a second request draws nothing."""
    made = stack.create(headline=f"مسودة {stack.word()}", hero=use(stack.upload()))
    answer = asked(stack, made, form)
    assert picture(answer).size == SIZES[form]
    assert stack.fetch(answer.headers["content-location"]).content == answer.content
    tag = answer.headers["etag"]
    for condition in (tag, f'"other", W/{tag}', "*"):
        again = stack.editor.get(
            f"/v1/articles/{made['id']}/cards/{form}", headers={"If-None-Match": condition}
        )
        assert again.status_code == 304
    assert stack.fetch(f"/politics/{made['slug']}/").status_code == 404


def test_cards_on_request_are_listed(stack: Stack) -> None:
    """The API lists the cards of the live revision: what publications carry, and those asked for."""
    made = stack.publish_and_wait()
    asked(stack, made, "story")
    listed = stack.article(made["id"])["social_cards"]
    assert [one["format"] for one in listed] == ["og", "square", "story"]


def test_a_card_of_an_older_revision(stack: Stack) -> None:
    """``revision`` chooses whose headline is drawn."""
    made = stack.create()
    first = asked(stack, made, "og").content
    changed = stack.change(made, headline=f"عنوان آخر {stack.word()}")
    assert asked(stack, changed, "og").content != first
    assert asked(stack, changed, "og", revision=1).content == first
    assert asked(stack, changed, "og", revision=99).status_code == 404


def test_who_may_not_ask(stack: Stack) -> None:
    """An unknown format is answered with the known ones; another site's editor finds no article."""
    made = stack.create()
    wrong = asked(stack, made, "poster")
    assert wrong.status_code == 422
    assert all(form in wrong.json()["errors"][0]["detail"] for form in SIZES)
    for who, status in (("stranger", 404), ("nobody", 401)):
        assert stack.client(who).get(f"/v1/articles/{made['id']}/cards/og").status_code == status


def test_a_lost_file_is_drawn_again(stack: Stack, behind: Behind) -> None:
    """A card whose file is gone from the store is the same again at the next request."""
    made = stack.create()
    first = asked(stack, made, "portrait")
    behind.lose(f"khabar{urlsplit(first.headers['content-location']).path}")
    assert asked(stack, made, "portrait").content == first.content


def test_a_lost_photo_is_waited_for(stack: Stack, behind: Behind) -> None:
    """While a photo's file is gone no card is drawn without it; once it is back, the card is as it was."""
    photo = stack.upload()
    made = stack.create(hero=use(photo))
    first = asked(stack, made, "portrait")
    there = stack.editor.get(f"/v1/assets/{photo['id']}").json()
    paths = [urlsplit(one["url"]).path for one in there["renditions"]]
    kept = {f"khabar{path}": stack.fetch(path).content for path in paths if path.endswith(".jpg")}
    for key in (*kept, f"khabar{urlsplit(first.headers['content-location']).path}"):
        behind.store.delete_object(Bucket=behind.bucket, Key=key)
    assert asked(stack, made, "portrait").status_code == 503
    for key, body in kept.items():
        behind.store.put_object(Bucket=behind.bucket, Key=key, Body=body, ContentType="image/jpeg")
    stack.until(lambda: asked(stack, made, "portrait").status_code == 200, what="the card, with its photo")
    assert asked(stack, made, "portrait").content == first.content


def test_an_unchanged_card_is_not_drawn_again(stack: Stack, reader: Reader, behind: Behind) -> None:
    """Another body under the same headline draws nothing and stores nothing."""
    made = stack.publish_and_wait()
    stack.until(lambda: own_card(stack, reader, made), what="the card")
    drawn = "SELECT array_agg(fence ORDER BY id) FROM step WHERE kind = 'cards' AND input->>'article' = %s"
    before, address = behind.one(drawn, made["id"]), card(reader, made)
    stored = behind.one("SELECT stored_at FROM object WHERE key = %s", f"khabar{urlsplit(address).path}")
    stack.publish_change(made, body=stack.draft()["body"])
    assert behind.one(drawn, made["id"]) == before
    assert card(reader, made) == address
    assert stored == behind.one(
        "SELECT stored_at FROM object WHERE key = %s", f"khabar{urlsplit(address).path}"
    )


def test_a_correction_changes_the_card(stack: Stack, reader: Reader) -> None:
    """The page names another card once a correction is appended; a clarification changes none."""
    made = stack.publish_and_wait()
    stack.until(lambda: own_card(stack, reader, made), what="its cards")
    first = card(reader, made)
    url = f"/v1/articles/{made['id']}/corrections"
    for kind in ("clarification", "correction"):
        text = f"{kind} {stack.word()}"
        assert stack.editor.post(url, json={"kind": kind, "text": text}).status_code == 202
        stack.served(made["url"], holds=text)
        if kind == "clarification":
            assert card(reader, made) == first
    stack.until(
        lambda: own_card(stack, reader, made) not in {"", first}, what="the card of a corrected story"
    )
    assert stack.fetch(first).status_code == 200


def test_breaking_ends_with_its_kicker(stack: Stack, reader: Reader) -> None:
    """A card says that a story is breaking until ``kicker_until``, and by itself no longer after it."""
    until = (datetime.now(UTC) + timedelta(seconds=8)).isoformat()
    made = stack.publish_and_wait(kicker="عاجل", kicker_until=until)
    first = stack.until(lambda: own_card(stack, reader, made), what="the card of breaking news")
    stack.until(
        lambda: own_card(stack, reader, made) not in {"", first}, what="the card after it", seconds=30
    )


def test_a_dead_card_gives_way_to_the_sites_and_comes_back(
    stack: Stack, reader: Reader, behind: Behind
) -> None:
    """Without its card a page shows the site's; it is not asked for at once, but after a while."""
    made = stack.publish_and_wait()
    first = stack.until(lambda: own_card(stack, reader, made), what="the card")
    die(behind, made, minutes=0)
    bump(behind, made)
    stack.until(lambda: card(reader, made) != first, what="the site's card")
    default = images(reader.page(made["url"]))
    assert [picture(stack.fetch(one["url"])).size for one in default] == [SIZES["og"], SIZES["square"]]
    assert "خبر" in default[0]["alt"]
    assert made["headline"] not in default[0]["alt"]
    assert state(behind, made) == "dead"
    assert asked(stack, made, "og").status_code == 503
    die(behind, made, minutes=11)
    bump(behind, made)
    stack.until(lambda: card(reader, made) == first, what="the article's own card")


def test_the_sweep_has_dead_cards_tried_again(stack: Stack, reader: Reader, behind: Behind) -> None:
    """An hour after its death a card is drawn and shown without anybody publishing; once, not for ever."""
    made = stack.publish_and_wait()
    first = stack.until(lambda: own_card(stack, reader, made), what="the card")
    die(behind, made, minutes=0)
    bump(behind, made)
    stack.until(lambda: card(reader, made) != first, what="the site's card")
    die(behind, made, minutes=61)
    behind.run("UPDATE step SET available_at = now(), dispatched_at = NULL WHERE kind = 'sweep'")
    behind.run("NOTIFY nashr_step")
    stack.until(lambda: card(reader, made) == first, what="the article's own card")


def die(behind: Behind, article: dict[str, Any], *, minutes: int) -> None:
    """The article's cards step has been dead for that long."""
    behind.run(
        """UPDATE step SET state = 'dead', error = 'a test', finished_at = now() - make_interval(mins => %s)
        WHERE kind = 'cards' AND input->>'article' = %s""",
        minutes, article["id"],
    )  # fmt: skip


def state(behind: Behind, article: dict[str, Any]) -> str:
    return str(
        behind.one(
            "SELECT state FROM step WHERE kind = 'cards' AND input->>'article' = %s ORDER BY id DESC",
            article["id"],
        )
    )


def test_a_withdrawn_photo_leaves_all_formats(stack: Stack, reader: Reader) -> None:
    """Cards with the photo, those on request too, are gone; the next ones are drawn without it."""
    photo = stack.upload()
    made = stack.publish_and_wait(hero=use(photo))
    first = stack.until(lambda: own_card(stack, reader, made), what="the card")
    tall = asked(stack, made, "portrait")
    answer = stack.editor.post(f"/v1/assets/{photo['id']}/withdraw", json={"reason": "سحبتها الوكالة"})
    assert answer.status_code == 202
    for file in (first, tall.headers["content-location"]):
        stack.served(file, holds="", status=404)
    stack.until(lambda: own_card(stack, reader, made) not in {"", first}, what="the card without the photo")
    without = asked(stack, made, "portrait")
    assert picture(without).size == SIZES["portrait"]
    assert without.content != tall.content


def test_a_takedown_removes_all_formats(stack: Stack, reader: Reader) -> None:
    """No card of a taken down article is left, and none of that revision is drawn again."""
    made = stack.publish_and_wait()
    first = stack.until(lambda: own_card(stack, reader, made), what="the card")
    files = [first, *(asked(stack, made, form).headers["content-location"] for form in ("square", "story"))]
    answer = stack.editor.post(
        f"/v1/articles/{made['id']}/unpublish", json={"kind": "takedown", "reason": "حكم محكمة"}
    )
    assert answer.status_code == 202, answer.text
    for file in files:
        stack.served(file, holds="", status=404)
    again = asked(stack, made, "og")
    assert (again.status_code, again.json()["code"]) == (409, "removed")


LOOK = """\
id = "look"
name = "Daily Look"
locale = "en"
base_url = "http://127.0.0.1/"
{logo}
[[sections]]
slug = "news"
label = "News"

[theme]
{theme}
"""


def test_a_sites_look_is_its_own(stack: Stack, reader: Reader, behind: Behind, tmp_path: Path) -> None:
    """A site without stories shows its card; colour, logo and font change it. The font is never public."""
    shown = ""
    for logo, theme in (
        ("", 'accent = "#00695c"'),
        ("", 'accent = "#9b1c31"'),
        ('logo = "logo.svg"', 'accent = "#9b1c31"'),
        ('logo = "logo.svg"', 'accent = "#9b1c31"\ncard_font = "Own.ttf"'),
    ):
        apply(stack, tmp_path, LOOK.format(logo=logo, theme=theme))
        shown = stack.until(partial(home_card, stack, reader, but=shown), what="another card")
        assert picture(stack.fetch(shown)).size == SIZES["og"]
    key = behind.one("SELECT config->'theme'->>'card_font' FROM site WHERE id = 'look'")
    assert key.startswith("look/fonts/")
    assert not behind.stored(key)
    assert stack.fetch(f"/{key}").status_code == 404


def test_a_font_that_is_none_is_refused(stack: Stack, tmp_path: Path) -> None:
    """The command names the field of the TOML, and what to do."""
    (tmp_path / "Own.ttf").write_bytes(b"wOF2" + b"\0" * 100)
    with pytest.raises(AssertionError, match=r"/theme/card_font: Own\.ttf: this is a web font"):
        apply(stack, tmp_path, LOOK.format(logo="", theme='card_font = "Own.ttf"'), font=None)
    with pytest.raises(AssertionError, match=r"/theme/card_font: .*Gone\.ttf is not there"):
        apply(stack, tmp_path, LOOK.format(logo="", theme='card_font = "Gone.ttf"'), font=None)


def test_a_logo_that_is_no_picture_is_refused(stack: Stack, tmp_path: Path) -> None:
    """What is applied as a logo is public from then on."""
    (tmp_path / "notes.txt").write_text("for nobody else")
    with pytest.raises(AssertionError, match=r"/logo: .*notes\.txt is no picture"):
        apply(stack, tmp_path, LOOK.format(logo='logo = "notes.txt"', theme=""))


def apply(stack: Stack, folder: Path, text: str, *, font: bytes | None = FONT) -> None:
    (folder / "look.toml").write_text(text, "utf-8")
    (folder / "logo.svg").write_text(LOGO)
    if font is not None:
        (folder / "Own.ttf").write_bytes(font)
    stack.command("site", "apply", str(folder / "look.toml"), "--base-url", f"{stack.site}/look/")


def home_card(stack: Stack, reader: Reader, *, but: str) -> str:
    """The first picture of the site's front page; nothing while there is none, or ``but`` that one."""
    if stack.fetch("/look/").status_code != 200:
        return ""
    found = images(reader.page("/look/"))
    return found[0]["url"] if found and found[0]["url"] != but else ""
