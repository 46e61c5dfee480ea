"""robots.txt, the web manifest, the favicon and the key of IndexNow."""

from __future__ import annotations

from nashr_delivery.chrome import Chrome
from nashr_delivery.icons import ico
from nashr_delivery.markup import Draft, json_text
from nashr_delivery.theme import palette
from nashr_delivery.views import IndexKeyView, RobotsView


def robots(view: RobotsView, chrome: Chrome) -> Draft:
    """Everything may be read but previews, which nobody should find anyway."""
    lines = ["User-agent: *", f"Disallow: {chrome.links.href('/preview/')}", ""]
    lines += [f"Sitemap: {chrome.links.url(path)}" for path in view.sitemaps]
    return Draft("\n".join(lines) + "\n", "text/plain; charset=utf-8")


def manifest(chrome: Chrome) -> Draft:
    site, links = chrome.site, chrome.links
    colours = palette(site.theme).light
    data = {
        "name": site.name,
        "short_name": site.name,
        "lang": site.locale,
        "dir": site.direction,
        "id": links.href("/"),
        "start_url": links.href("/"),
        "scope": links.href("/"),
        "display": "minimal-ui",
        "background_color": colours["paper"],
        "theme_color": colours["paper"],
        "icons": [
            {"src": links.asset(chrome.assets.icon), "sizes": "any", "type": "image/svg+xml"},
            {"src": links.asset(chrome.assets.touch_icon), "sizes": "192x192", "type": "image/png"},
        ],
    }
    return Draft(json_text(data), "application/manifest+json")


def favicon(chrome: Chrome) -> Draft:
    """The theme's own, else the site's mark in its colour."""
    if chrome.assets.favicon is not None:
        return Draft(chrome.assets.favicon, "image/x-icon")
    colours = palette(chrome.site.theme)
    return Draft(ico(colours.brand, mirrored=chrome.site.direction == "rtl"), "image/x-icon")


def index_key(view: IndexKeyView) -> Draft:
    """The key and nothing else, not even a stamp: it never changes."""
    return Draft(view.key.encode(), "text/plain; charset=utf-8")
