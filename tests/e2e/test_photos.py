"""What becomes of a photo on the site: crops, lighter files that follow, a moved point, its own words."""

from __future__ import annotations

import io
import random
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageStat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conftest import Stack
    from tests.e2e.conftest import Reader

CUT = {"16:9": (1200, 675), "4:3": (1200, 900), "1:1": (1068, 1068)}
SHAPES = {"16:9": (1200, 675), "4:3": (1200, 900), "1:1": (1200, 1200)}


def done(stack: Stack, asset: str) -> dict[str, Any]:
    """The asset once all its files are there."""

    def settled() -> dict[str, Any] | None:
        found = dict(stack.admin.get(f"/v1/assets/{asset}").json())
        steps = {step["kind"]: step["state"] for step in found["progress"]["steps"]}
        return found if set(steps.values()) == {"done"} else None

    return stack.until(settled, what=f"the renditions of {asset}")


def use(asset: Mapping[str, Any]) -> dict[str, str]:
    return {"asset": asset["id"], "alt": "ميناء عند الفجر"}


def files(asset: Mapping[str, Any], kind: str, *, crop: str | None = None) -> list[Mapping[str, Any]]:
    return [one for one in asset["renditions"] if one["content_type"] == kind and one["crop"] == crop]


def name(rendition: Mapping[str, Any]) -> str:
    """What its address ends with."""
    return str(rendition["url"]).rsplit("/", 1)[-1]


def patch(stack: Stack, asset: str, **changes: Any) -> dict[str, Any]:
    tag = stack.editor.get(f"/v1/assets/{asset}").headers["etag"]
    answer = stack.editor.patch(f"/v1/assets/{asset}", json=changes, headers={"If-Match": tag})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def scenery(width: int, height: int) -> bytes:
    """A JPEG with edges and surfaces: every format does on it as on photos."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    draw, chance = ImageDraw.Draw(image), random.Random(width)
    for _ in range(400):
        x, y, reach = chance.randrange(width), chance.randrange(height), chance.randrange(5, width // 8)
        colour = tuple(chance.randrange(256) for _ in range(3))
        draw.ellipse((x - reach, y - reach, x + reach, y + reach // 2), fill=colour)
    out = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(1)).save(out, "JPEG", quality=85)
    return out.getvalue()


def test_every_size_in_every_format_that_is_worth_it(stack: Stack) -> None:
    """Five widths and three crops as JPEG; as WebP and AVIF, shape by shape, where those are lighter."""
    begun = stack.upload(scenery(1602, 1068))
    assert begun["progress"]["planned"] == 24
    made = done(stack, begun["id"])
    assert made["progress"]["made"] == made["progress"]["planned"] == len(made["renditions"])
    for crop in (None, *CUT):
        widths = [CUT[crop][0]] if crop else [320, 640, 960, 1280, 1602]
        weights = []
        for kind in ("image/jpeg", "image/webp", "image/avif"):
            found = files(made, kind, crop=crop)
            assert [one["width"] for one in found] in ([], widths)
            weights += [sum(one["bytes"] for one in found)] if found else []
        assert weights == sorted(weights, reverse=True)
        assert len(weights) >= (3 if crop is None else 1)
    for one in made["renditions"]:
        answer = stack.fetch(one["url"])
        image = Image.open(io.BytesIO(answer.content))
        assert (answer.headers["content-type"], len(answer.content)) == (one["content_type"], one["bytes"])
        assert image.size == (one["width"], one["height"])
        assert one["crop"] is None or image.size == CUT[one["crop"]]


def test_pages_pick_up_avif_by_themselves(stack: Stack) -> None:
    """The page goes out with JPEG and WebP and has AVIF shortly after, on the section's front too."""
    asset = stack.upload(scenery(1600, 1000))
    story = stack.publish_and_wait(hero=use(asset))

    made = done(stack, asset["id"])
    for url in (story["url"], "/politics/"):
        stack.served(url, holds=name(files(made, "image/avif")[0]))
    assert stack.article(story["id"])["modified_at"] == story["modified_at"]


def test_structured_data_has_three_shapes(stack: Stack, reader: Reader) -> None:
    """JSON-LD names 16:9, 4:3 and 1:1 at 1200 pixels, and the page's own pictures are uncropped."""
    asset = stack.upload(stack.photo(2400, 1600))
    story = stack.publish_and_wait(hero=use(asset))
    page = reader.page(story["url"])
    article = next(one for one in page.structured()["@graph"] if one["@type"] == "NewsArticle")
    sizes = {(int(one["width"]), int(one["height"])) for one in article["image"]}
    assert set(SHAPES.values()) <= sizes
    cut = [name(one) for one in done(stack, asset["id"])["renditions"] if one["crop"]]
    shown = " ".join(str(one.get("srcset")) for one in page.all("figure.hero img, figure.hero source"))
    assert not any(one in shown for one in cut)


def card(stack: Stack, story: Mapping[str, Any]) -> str | None:
    """What the address of an article's card ends with."""
    cards = stack.article(story["id"])["social_cards"]
    return name(cards[0]) if cards else None


def test_a_moved_point_renders_its_pages_and_no_others(stack: Stack, reader: Reader) -> None:
    """New crops, the same whole pictures; a page that does not show the photo stays in the cache."""
    asset = stack.upload(stack.photo(2400, 1600))
    story = stack.publish_and_wait(hero=use(asset))
    about = stack.publish_and_wait(kind="page", slug=f"about-{stack.word()}")
    before, drawn = done(stack, asset["id"]), card(stack, story)
    assert drawn
    assert before["focal_point_from"] == "found"
    stack.fetch(about["url"])

    changed = patch(stack, asset["id"], focal_point={"x": 0.1, "y": 0.9})
    assert (changed["focal_point"], changed["focal_point_from"]) == ({"x": 0.1, "y": 0.9}, "editor")

    def moved() -> dict[str, Any] | None:
        found = done(stack, asset["id"])
        squares = [files(one, "image/jpeg", crop="1:1") for one in (before, found)]
        return found if squares[0] != squares[1] else None

    after = stack.until(moved, what="the new crops")
    for kind in ("image/jpeg", "image/webp", "image/avif"):
        assert files(after, kind) == files(before, kind)
    stack.served(story["url"], holds=name(files(after, "image/jpeg", crop="1:1")[0]))
    stack.served(story["url"], holds="object-position:10% 90%")
    stack.until(lambda: card(stack, story) not in {None, drawn}, what="a card around the new point")
    stack.served(story["url"], holds=str(card(stack, story)))
    assert stack.fetch(about["url"]).headers["x-cache"] == "HIT"

    back = patch(stack, asset["id"], focal_point=None)
    assert (back["focal_point"], back["focal_point_from"]) == (before["focal_point"], "found")
    stack.served(story["url"], holds=name(files(before, "image/jpeg", crop="1:1")[0]))


def test_the_files_own_words(stack: Stack) -> None:
    """Caption, credit and rights come from the file where the editor gave none, and pages show them."""
    exif = Image.Exif()
    exif[0x010E], exif[0x013B], exif[0x8298] = "A harbour at dawn", "Samir Nassar", "Nashr Agency"
    out = io.BytesIO()
    Image.open(io.BytesIO(stack.photo())).save(out, "JPEG", exif=exif)
    asset = stack.upload(out.getvalue(), credit="Editor's credit")
    story = stack.publish_and_wait(hero=use(asset))
    made = done(stack, asset["id"])
    assert (made["caption"], made["credit"]) == ("A harbour at dawn", "Editor's credit")
    assert (made["rights"]["creator"], made["rights"]["holder"]) == ("Samir Nassar", "Nashr Agency")
    stack.served(story["url"], holds="A harbour at dawn")
    patch(stack, asset["id"], caption="الميناء عند الفجر")
    stack.served(story["url"], holds="الميناء عند الفجر")


def test_what_an_editor_clears_stays_cleared(stack: Stack) -> None:
    """The file's words are read once; a right that the editor gives leaves the file's other rights alone."""
    exif = Image.Exif()
    exif[0x010E], exif[0x013B] = "A secret source", "Samir Nassar"
    out = io.BytesIO()
    Image.open(io.BytesIO(stack.photo())).save(out, "JPEG", exif=exif)
    asset = stack.upload(out.getvalue(), rights='{"holder": "Agency"}')
    made = done(stack, asset["id"])
    assert (made["rights"]["creator"], made["rights"]["holder"]) == ("Samir Nassar", "Agency")
    patch(stack, asset["id"], caption=None)
    patch(stack, asset["id"], focal_point={"x": 0.2, "y": 0.2})

    def squares(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        return files(found, "image/jpeg", crop="1:1")

    stack.until(lambda: squares(done(stack, asset["id"])) != squares(made), what="the new crops")
    assert done(stack, asset["id"])["caption"] is None


def test_an_animation_moves_on_the_page(stack: Stack, reader: Reader) -> None:
    """WebP moves for readers who did not ask for calm; JPEG stands still for the others."""
    shades = [Image.frombytes("RGB", (1, 1), bytes([n, 0, 90])).resize((640, 400)) for n in (10, 120, 240)]
    out = io.BytesIO()
    word = stack.word().encode()
    shades[0].save(out, "GIF", save_all=True, append_images=shades[1:], duration=300, loop=0, comment=word)
    asset = stack.upload(out.getvalue())
    story = stack.publish_and_wait(hero=use(asset))
    page = reader.page(story["url"])
    source = page.one("figure.hero source")
    assert (source.get("type"), source.get("media")) == (
        "image/webp",
        "(prefers-reduced-motion: no-preference)",
    )
    moving = stack.fetch(str(source.get("srcset")).split()[0])
    assert getattr(Image.open(io.BytesIO(moving.content)), "n_frames", 1) == 3
    still = stack.fetch(str(page.one("figure.hero img").get("src")))
    assert Image.open(io.BytesIO(still.content)).format == "JPEG"


def test_a_site_has_its_own_recipe(stack: Stack) -> None:
    """[images] decides for new photos at once, and for older ones when they are published next."""
    own = {**stack.admin.get("/v1/sites/khabar").json(), "id": stack.word(), "prefix": None}
    own["base_url"] = f"{stack.site}/{own['id']}/"
    site = f"/v1/sites/{own['id']}"
    assert stack.admin.put(site, json=own).status_code in {200, 201}
    old = stack.upload(who="admin", site=own["id"])
    done(stack, old["id"])

    images = {"widths": [300, 900], "crops": ["3:2"], "avif": False, "quality": "light"}
    tag = stack.admin.get(site).headers["etag"]
    answer = stack.admin.put(site, json={**own, "images": images}, headers={"If-Match": tag})
    assert answer.status_code == 200, answer.text
    assert answer.json()["images"] == {**images, "crop_width": 1200}
    new = done(stack, stack.upload(who="admin", site=own["id"])["id"])
    story = stack.publish_and_wait(who="admin", site=own["id"], hero=use(old))

    for made in (new, done(stack, old["id"])):
        assert [one["width"] for one in files(made, "image/jpeg")] == [300, 900]
        assert {one["crop"] for one in made["renditions"]} == {None, "3:2"}
        assert {one["content_type"] for one in made["renditions"]} == {"image/jpeg", "image/webp"}
    stack.served(story["url"], holds=name(files(made, "image/jpeg")[0]))


def test_two_sites_make_one_photo_their_own_way(stack: Stack) -> None:
    """The same bytes on a site of small pictures do not make the other site's blurred."""
    small = {**stack.admin.get("/v1/sites/khabar").json(), "id": stack.word(), "prefix": None}
    small["base_url"] = f"{stack.site}/{small['id']}/"
    small["images"] = {"widths": [160], "crops": []}
    assert stack.admin.put(f"/v1/sites/{small['id']}", json=small).status_code in {200, 201}
    for number in range(3):
        data = scenery(1600 + 3 * number, 1000)
        here = stack.upload(data)
        stack.upload(data, who="admin", site=small["id"])
        made = done(stack, here["id"])
        wide = [files(made, kind)[-1]["url"] for kind in ("image/webp", "image/avif", "image/jpeg")
                if files(made, kind)]  # fmt: skip
        *light, heavy = (Image.open(io.BytesIO(stack.fetch(url).content)).convert("L") for url in wide)
        assert all(ImageStat.Stat(ImageChops.difference(one, heavy)).mean[0] < 4 for one in light)


def test_a_wrong_recipe_is_named(stack: Stack) -> None:
    """The fault points at the field, and nothing changes."""
    site = stack.admin.get("/v1/sites/khabar")
    answer = stack.admin.put(
        "/v1/sites/khabar", json={**site.json(), "images": {"widths": [0]}},
        headers={"If-Match": site.headers["etag"]},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/images/widths")
