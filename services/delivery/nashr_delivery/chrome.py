"""What every page of a site shares: the site, its assets' paths, the chrome's words, the links of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from nashr.domain.site import Section, Site, direction

from nashr_delivery.locales import Texts, Words, words
from nashr_delivery.themes.templates import Sources
from nashr_delivery.views import FootLink


@dataclass(frozen=True)
class Asset:
    """A file of the site's own look, stored once under an immutable name."""

    path: str
    body: bytes
    content_type: str


@dataclass(frozen=True)
class SiteAssets:
    """Paths of a site's style sheet, fonts (regular first) and icons, and the files themselves.

    The rest is the theme's: templates, words, the paths of its files by their names in its folder, a favicon.
    """

    css: str
    fonts: tuple[str, ...]
    icon: str
    touch_icon: str
    files: tuple[Asset, ...] = ()
    templates: Sources = ()
    texts: Texts = ()
    named: Mapping[str, str] = field(default_factory=dict)
    favicon: bytes | None = None

    @cached_property
    def paths(self) -> frozenset[str]:
        """Where all the files lie on the site."""
        return frozenset(file.path for file in self.files)


@dataclass
class Links:
    """Turns site paths into links and remembers what a page named.

    ``used``: its assets, which ``deliver`` confirms. ``rules``: declarations of CSS that belong to one photo,
    each with the class that stands for it.
    """

    site: Site
    assets_below: str = ""
    used: set[str] = field(default_factory=set)
    rules: dict[str, str] = field(default_factory=dict)

    def look(self, declarations: str) -> str:
        """The class by which the page's own style element gives an element these declarations."""
        return self.rules.setdefault(declarations, f"i{len(self.rules) + 1}")

    @property
    def style(self) -> str:
        """The text of that style element; empty while there is no need of one."""
        return "".join(f".{name}{{{declarations}}}" for declarations, name in self.rules.items())

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

    def assets(self, paths: Sequence[str]) -> list[str]:
        """As ``asset``, of many: a page names a hundred files of its photos."""
        self.used.update(paths)
        return self.site.hrefs(self.assets_below, paths)

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
    foot: tuple[FootLink, ...] = ()

    @cached_property
    def words(self) -> Words:
        return words(self.site.locale, self.assets.texts)

    @cached_property
    def logo(self) -> str | None:
        """The site's logo as a link: an absolute URL as given, a path below the site's base."""
        logo = self.site.logo
        if not logo or "://" in logo:
            return logo
        path = f"/{logo.lstrip('/')}"
        return self.links.href(path)

    def file(self, name: str) -> str:
        """The link to a file of the theme, such as ``images/lines.svg``. Raises LookupError."""
        if name not in self.assets.named:
            raise LookupError(f"the theme has no file {name}")
        return self.links.asset(self.assets.named[name])

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
