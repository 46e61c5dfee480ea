"""What every page of a site shares: the site, its assets' paths, the chrome's words, the links of a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from nashr.domain.site import Section, Site, direction

from nashr_delivery.locales import Words, words


@dataclass(frozen=True)
class Asset:
    """A file of the site's own look, stored once under an immutable name."""

    path: str
    body: bytes
    content_type: str


@dataclass(frozen=True)
class SiteAssets:
    """Paths of a site's style sheet, fonts (regular first) and icons, and the files themselves."""

    css: str
    fonts: tuple[str, ...]
    icon: str
    touch_icon: str
    files: tuple[Asset, ...] = ()


@dataclass
class Links:
    """Turns site paths into links and remembers the assets a page named: ``deliver`` confirms these."""

    site: Site
    assets_below: str = ""
    used: set[str] = field(default_factory=set)

    def href(self, path: str) -> str:
        """The root-relative link to a page."""
        return self.site.href(path)

    def url(self, path: str) -> str:
        """The absolute link to a page."""
        return self.site.url(path)

    def asset(self, path: str) -> str:
        """The root-relative link to an asset."""
        self.used.add(path)
        return self.site.href(self.assets_below + path)

    def asset_url(self, path: str) -> str:
        """The absolute link to an asset."""
        self.used.add(path)
        return self.site.url(self.assets_below + path)


@dataclass(frozen=True)
class Chrome:
    """A site dressed for one rendering."""

    site: Site
    assets: SiteAssets
    links: Links

    @cached_property
    def words(self) -> Words:
        return words(self.site.locale)

    @cached_property
    def logo(self) -> str | None:
        """The site's logo as a link: an absolute URL as given, a path below the site's base."""
        logo = self.site.logo
        if not logo or "://" in logo:
            return logo
        path = f"/{logo.lstrip('/')}"
        return self.links.href(path)

    def section(self, slug: str) -> Section:
        """The section by its slug; one that the site has dropped still has its slug for a label."""
        return self.site.section(slug) or Section(slug, slug)

    def lang(self, language: str, within: str) -> dict[str, str]:
        """The ``lang`` and ``dir`` attributes that text in ``language`` needs inside text in ``within``."""
        if _primary(language) == _primary(within) and direction(language) == direction(within):
            return {}
        return {"lang": language, "dir": direction(language)}


def _primary(language: str) -> str:
    return language.split("-", maxsplit=1)[0].lower()
