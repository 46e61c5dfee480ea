"""A preview out of a finished page: what is added, and that the rest stays."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from nashr.domain.errors import Fault
from nashr.domain.site import Section, Site
from nashr_delivery.preview_page import previewed

PAGE = b'<html><head><meta name="robots" content="index,follow"></head><body><p>x</p></body></html>'
AT = datetime(2026, 11, 29, 12, tzinfo=UTC)


def site(locale: str = "en") -> Site:
    return Site("s", "S", locale, "http://s/", sections=(Section("a", "A"),))


def made(*faults: Fault, page: bytes = PAGE, locale: str = "en") -> str:
    return previewed(page, site(locale), css="/c.css", revision=7, expires_at=AT, faults=faults).decode()


def test_the_strip_stands_behind_everything() -> None:
    """What the page has comes out unchanged and before the strip; only robots are told otherwise."""
    found = made()

    assert found.replace("noindex,nofollow", "index,follow").startswith(PAGE.decode().partition("</body>")[0])
    assert found.endswith("</aside>\n</body></html>")
    assert "Preview of revision 7, expires November 29, 2026" in found
    assert "<ul>" not in found


def test_faults_are_named_and_escaped() -> None:
    """Each fault is a line with its pointer; text of an editor is no markup."""
    found = made(Fault("/hero/alt", "missing_alt", ""), Fault("/body/1/asset", "broken_image", "<b>"))

    assert "<li>a photo without alt text <bdi>/hero/alt</bdi></li>" in found
    assert made(Fault("/x", "unknown_field", "<b>")).count("<b>") == 0


def test_an_arabic_site_has_an_arabic_strip() -> None:
    """Words and direction follow the site."""
    found = made(locale="ar-LB")

    assert '<aside class="nashr-preview" lang="ar" dir="rtl" aria-label="معاينة">' in found
    assert "معاينة النسخة 7" in found


@pytest.mark.parametrize("page", [PAGE.replace(b"robots", b"x"), PAGE.replace(b"</body>", b"")])
def test_a_page_that_would_be_found_is_refused(page: bytes) -> None:
    """A template that lost its word to robots, or its end, gives no preview rather than a public one."""
    with pytest.raises(ValueError, match="robots"):
        made(page=page)
