"""The article page as readers, screen readers and extractors meet it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import lxml.html
import pytest
from nashr.domain.site import Section, Site
from nashr_delivery.chrome import SiteAssets
from nashr_delivery.core import render
from nashr_delivery.views import ArticleView, Correction, Teaser

Story = Callable[..., ArticleView]
Show = Callable[..., lxml.html.HtmlElement]

ORDER = (
    "header a.brand", "header nav", "p.kicker", "h1.headline", "p.standfirst", "figure.hero img",
    ".meta a.section", "p.byline", "span.dateline", "time.published", "time.modified", "p.source",
    "p.note.translation", "p.note.ai", "nav.share",
    "div.article-body", "section.corrections", "section.related", "footer.colophon nav",
)  # fmt: skip


@pytest.fixture
def show(site: Site, assets: SiteAssets, story: Story) -> Show:
    def page(doc: dict[str, Any] | None = None, **changes: Any) -> lxml.html.HtmlElement:
        return lxml.html.document_fromstring(render(story(doc, **changes), site, assets, version=1).body)

    return page


def select(page: lxml.html.HtmlElement, query: str) -> list[lxml.html.HtmlElement]:
    """A small CSS: tags, one class each, descendants; ``cssselect`` is no dependency here."""
    path = ""
    for step in query.split():
        tag, *classes = step.split(".")
        tests = "".join(f"[contains(concat(' ',@class,' '),' {name} ')]" for name in classes)
        path += f"//{tag or '*'}{tests}"
    found: list[lxml.html.HtmlElement] = page.xpath(path)
    return found


def test_elements_stand_in_the_promised_order(show: Show, story: Story) -> None:
    """Logo, sections, kicker, headline, hero, section, byline, share, body, corrections, related."""
    view = story()
    page = show(
        {
            "source": {"name": "وكالة", "url": "https://agency.example/1"},
            "translation": {"from": "en", "method": "human"},
            "ai": {"text": "assisted"},
        },
        modified_at=view.modified_at + timedelta(hours=1),
        corrections=(Correction("correction", "الصحيح اثنتان.", view.modified_at),),
    )
    everything = list(page.iter())
    places = [everything.index(select(page, query)[0]) for query in ORDER]
    assert places == sorted(places)


def test_see_also_stands_between_paragraphs(show: Show) -> None:
    """Each see-also is one label and one linked headline between two paragraphs."""
    found = select(show(), "div.article-body aside.see-also")
    assert len(found) == 2
    for aside in found:
        assert [child.tag for child in aside] == ["span", "a"]
        before, after = aside.getprevious(), aside.getnext()
        assert before is not None
        assert after is not None
        assert before.tag == after.tag == "p"


def test_four_related_cards_repeat_no_see_also(show: Show, teaser: Callable[..., Teaser]) -> None:
    """A story that is a see-also, the article itself and doubles are skipped; four cards remain."""
    twice = teaser(1)
    itself = replace(teaser(2), article_id="a1", path="/itself/")
    pool = (teaser(11), twice, twice, itself, *(teaser(n) for n in range(3, 9)))
    page = show(related_news=pool)
    links = [a.get("href") for a in select(page, "section.related article h3 a")]
    assert links == [f"/politics/story-{n}/" for n in (1, 3, 4, 5)]


def test_a_see_also_without_a_place_may_be_related(show: Show, teaser: Callable[..., Teaser]) -> None:
    """A short article shows no see-also, so its related stories lose nothing."""
    page = show(
        {"body": [{"type": "paragraph", "html": "نص."}]},
        related_news=tuple(teaser(n) for n in (11, 12, 1, 2)),
    )
    assert not select(page, "aside.see-also")
    assert len(select(page, "section.related article")) == 4


def test_newest_stories_are_called_so(show: Show, teaser: Callable[..., Teaser]) -> None:
    """Where cards show the newest for want of related stories, the page doesn't claim kinship."""
    plain = show()
    assert select(plain, "section.related h2")[0].text == "أخبار ذات صلة"
    assert not select(plain, "section.related .note")
    shown = [teaser.article_id for teaser in (teaser(1), teaser(2))]
    mixed = show(related_news=(teaser(1), teaser(2)), latest=frozenset(shown[1:]))
    assert select(mixed, "section.related h2")[0].text == "أخبار ذات صلة"
    noted = [len(card.xpath(".//*[@class='note']")) for card in select(mixed, "section.related article")]
    assert noted == [0, 1]
    only = show(related_news=(teaser(1), teaser(2)), latest=frozenset(shown))
    assert select(only, "section.related h2")[0].text == "الأحدث"
    assert not select(only, ".note")


def test_every_image_has_alt_and_size(show: Show) -> None:
    """No image shifts the page or is silent: alt, width and height are there."""
    images = show().xpath("//img")
    assert len(images) > 5
    for image in images:
        assert image.get("alt") is not None
        assert int(image.get("width")) > 0
        assert int(image.get("height")) > 0


def test_photos_come_in_three_formats(show: Show) -> None:
    """AVIF and WebP are offered before the JPEG that everyone reads, with all widths."""
    picture = select(show(), "figure.hero picture")[0]
    assert [one.get("type") for one in picture.xpath(".//source")] == ["image/avif", "image/webp"]
    assert picture.xpath(".//img")[0].get("src").endswith(".jpg")
    assert all(len(one.get("srcset").split(", ")) == 4 for one in picture.xpath(".//source | .//img"))


def test_only_the_hero_loads_at_once(show: Show) -> None:
    """The hero is fetched first; every other photo waits for the reader."""
    page = show()
    hero = select(page, "figure.hero img")[0]
    assert (hero.get("fetchpriority"), hero.get("loading")) == ("high", None)
    others = select(page, "div.article-body img") + select(page, "section.related img")
    assert {image.get("loading") for image in others} == {"lazy"}


def test_a_use_of_a_photo_has_its_own_words(show: Show) -> None:
    """Alt, caption and credit of the use win over the asset's; a decorative photo is silent."""
    page = show({"hero": {"asset": "hero", "decorative": True}})
    assert select(page, "figure.hero img")[0].get("alt") == ""
    figure = select(show(), "figure.hero")[0]
    assert "الرصيف الأول" in figure.text_content()


def test_a_lost_photo_leaves_no_hole(show: Show) -> None:
    """An asset that was withdrawn takes its figure along."""
    page = show(photos={})
    assert not page.xpath("//figure")
    assert select(page, "h1.headline")


def test_no_placeholder_text(show: Show) -> None:
    """The page is complete: nowhere does it say that something is coming."""
    text = lxml.html.tostring(show(), encoding="unicode").lower()
    assert "loading" not in text.replace('loading="lazy"', "")
    assert "جار" + "ٍ التحميل" not in text
    assert "<script>" not in text


def test_arabic_page_reads_from_the_right(show: Show) -> None:
    """Language and direction stand on the page, and nothing repeats them needlessly."""
    page = show()
    assert (page.get("lang"), page.get("dir")) == ("ar-LB", "rtl")
    assert not page.xpath("//body//*[@dir]")


def test_foreign_passage_names_its_language(show: Show) -> None:
    """An English paragraph in an Arabic article says that it is English, from the left."""
    page = show({"body": [{"type": "paragraph", "language": "en", "html": "“We left.”"}]})
    passage = select(page, "div.article-body p")[0]
    assert (passage.get("lang"), passage.get("dir")) == ("en", "ltr")


def test_chrome_of_another_language_says_so(show: Show, teaser: Callable[..., Teaser]) -> None:
    """On an English article of an Arabic site the page is English, its frame Arabic."""
    page = show({"language": "en"}, related_news=(teaser(1), teaser(2, language="en")))
    assert (page.get("lang"), page.get("dir")) == ("en", "ltr")
    for query in ("header.masthead", "footer.colophon", "section.related", "nav.share", "aside.see-also"):
        assert select(page, query)[0].get("lang") == "ar-LB"
    assert [one.get("lang") for one in select(page, "section.related div.words")] == [None, "en"]


def test_share_links_use_the_permalink(show: Show) -> None:
    """The five plain links carry the short address, which never moves."""
    links = select(show(), "nav.share a")
    assert [link.get("class") for link in links] == ["facebook", "x", "linkedin", "whatsapp", "email"]
    assert all("https%3A%2F%2Fkhabar.example%2Fa%2Fxyz1" in link.get("href") for link in links)
    assert all(link.text_content().strip() for link in links)


def test_an_article_without_a_photo_is_whole(show: Show) -> None:
    """Without hero and standfirst neither leaves an empty element."""
    page = show({"hero": None, "standfirst": None})
    assert not select(page, "figure.hero")
    assert not select(page, "p.standfirst")


def test_notes_tell_what_a_reader_must_know(show: Show) -> None:
    """Translated and AI-made articles say so above the text."""
    page = show(
        {
            "translation": {"from": "en", "method": "machine_reviewed", "credit": "ن. عون"},
            "ai": {"text": "generated", "note": "ملخص"},
        }
    )
    notes = [note.text for note in select(page, "p.note")]
    assert notes == [
        "مترجم آلياً عن الإنجليزية وراجعه محرر – ن. عون",
        "أُنشئ هذا النص بالذكاء الاصطناعي – ملخص",
    ]


def test_an_expired_kicker_is_gone(show: Show) -> None:
    """After its time the kicker leaves the page."""
    assert select(show(), "p.kicker")[0].text == "عاجل"
    assert not select(show(kicker_expired=True), "p.kicker")


def test_a_plain_page_has_no_newsroom_furniture(show: Show) -> None:
    """``kind: page`` shows headline and text, without byline, dates or share links."""
    page = show({"kind": "page", "kicker": None}, related_news=(), see_also=())
    assert select(page, "h1.headline")
    for query in ("p.byline", "time", "nav.share", "a.section"):
        assert not select(page, query)


def test_months_are_levantine_in_lebanon(show: Show, site: Site, assets: SiteAssets, story: Story) -> None:
    """Dates follow the site's locale and zone: ar-LB writes تشرين الثاني."""
    assert select(show(), "time.published")[0].text == "23 تشرين الثاني 2026، 14:00"
    english = replace(site, locale="en-GB", sections=(Section("politics", "Politics"),))
    page = lxml.html.document_fromstring(render(story(), english, assets, version=1).body)
    assert select(page, "time.published")[0].text == "23 November 2026, 14:00"


def test_a_tall_photo_is_bounded_by_its_width(show: Show, story: Story) -> None:
    """A portrait fits the window whole: its own rule says how wide it may be; others have no such rule."""
    style = str(show().xpath("string(//style)"))
    tall = select(show(), "div.article-body figure img")[0]
    (name,) = str(tall.get("class")).split()
    assert f".{name}{{max-width:calc(min(80vh,42rem)*0.750);" in style
    assert style.count("max-width") == 1
    assert tall.get("sizes") == "(min-width: 46rem) 32rem, 100vw"


def test_a_page_of_the_site_is_in_no_section(show: Show) -> None:
    """About stands beside the sections: none is marked as where the reader is."""
    assert select(show(), "header nav.sections")[0].xpath(".//a[@aria-current]")
    assert not show({"kind": "page"}).xpath("//a[@aria-current]")
