"""Which file of a photo a card is drawn from."""

from __future__ import annotations

from typing import Any

from nashr_cards.handlers import rendition


def made(width: int, height: int, *, kind: str = "image/jpeg", crop: str | None = None) -> dict[str, Any]:
    return {"path": f"/{width}", "width": width, "height": height, "content_type": kind, "crop": crop}


def test_the_smallest_that_fills_the_formats() -> None:
    """Wide enough for 1200 x 630 and high enough for 1080 x 1080; a wide photo needs a larger one."""
    flat = [made(width, width // 2) for width in (400, 1280, 1920, 2560)]
    assert rendition(flat) == flat[3]
    upright = [made(width, width * 3 // 2) for width in (400, 800, 1280, 1920)]
    assert rendition(upright) == upright[2]


def test_else_the_largest_uncropped_jpeg() -> None:
    """Crops and other formats are passed over."""
    small = made(640, 480)
    others = [made(2000, 1500, kind="image/webp"), made(2000, 2000, crop="1:1")]
    assert rendition([made(320, 240), small, *others]) == small
    assert rendition(others) is None
