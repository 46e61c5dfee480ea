"""A site's look as cards show it: colours out of its theme, logo and font out of its stores.

What is missing or cannot be used costs the card its logo or its font, never its life.
"""

from __future__ import annotations

from typing import Final, Literal

from nashr.bootstrap import Runtime
from nashr.domain.cards import is_font_key
from nashr.domain.site import Site
from nashr.observability.logs import logger
from nashr.ports import ObjectStore

from nashr_cards.card import Theme

LOGOS: Final = (".png", ".svg")
MAX_LOGO: Final = 2_000_000  # bytes
KEPT: Final = 16  # files in memory


class Looks:
    """Themes with their files, which are read once: their names change with their bytes."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._kept: dict[tuple[str, str], bytes] = {}

    def theme(self, site: Site) -> Theme:
        """The site's look; what it does not name, the renderer chooses."""
        look = site.theme
        return Theme(
            accent=look.get("accent", ""),
            background=look.get("card_background", ""),
            text=look.get("card_text", ""),
            site_name=site.name,
            logo=self._logo(site),
            font=self._font(site),
        )

    def _logo(self, site: Site) -> bytes | None:
        """The logo as it lies on the site; nothing is fetched from elsewhere."""
        logo = site.logo or ""
        if "://" in logo or not logo.lower().endswith(LOGOS):
            return None
        return self._read("site_store", site.key(f"/{logo.lstrip('/')}"))

    def _font(self, site: Site) -> bytes | None:
        key = site.theme.get("card_font", "")
        return self._read("originals", key) if is_font_key(site.id, key) else None

    def _read(self, store: Literal["site_store", "originals"], key: str) -> bytes | None:
        if (kept := self._kept.get((store, key))) is not None:  # another thread may clear them meanwhile
            return kept
        bucket: ObjectStore = getattr(self._runtime, store)
        found = bucket.get(key)
        if found is None or (store == "site_store" and len(found) > MAX_LOGO):
            logger().warning("card.look_incomplete", key=key, bytes=len(found) if found else 0)
            return None
        if len(self._kept) >= KEPT:
            self._kept.clear()
        self._kept[store, key] = found
        return found
