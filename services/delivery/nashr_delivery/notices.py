"""Pages that say why there is nothing here: not found, removed, withheld, moved."""

from __future__ import annotations

from urllib.parse import quote, urlsplit, urlunsplit

from nashr_delivery import head
from nashr_delivery.article import HTML
from nashr_delivery.chrome import Chrome
from nashr_delivery.markup import Draft, html
from nashr_delivery.views import RedirectView, TombstoneView

NOT_FOUND = "/404.html"


def tombstone(view: TombstoneView, chrome: Chrome) -> Draft:
    """A 404, 410 or 451. The edge gives ``/404.html`` its status wherever it shows it."""
    title, words = chrome.words.notices[view.status]
    notice = view.notice or words
    body = html(
        "notice.html",
        chrome,
        head=head.of_notice(title, notice, chrome),
        structured=None,
        language=chrome.site.locale,
        current=None,
        status=view.status,
        title=title,
        notice=notice,
    )
    return Draft(body, HTML, {} if view.path == NOT_FOUND else {"status": str(view.status)})


def redirect(view: RedirectView, chrome: Chrome) -> Draft:
    """A 301 for edges that map metadata, and a page that forwards by itself on a bare S3 endpoint.

    It names no asset: old addresses are many, and a new theme must not touch them.
    """
    location = ascii_url(view.location)
    body = html("redirect.html", chrome, location=location)
    return Draft(body, HTML, {"status": "301", "location": location})


def ascii_url(url: str) -> str:
    """``url`` as a header may carry it: percent-encoded, its host in punycode; escapes stay as they are."""
    parts = urlsplit(url)
    host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    safe = "/%:@!$&'()*+,;=~-._"
    return urlunsplit(
        (
            parts.scheme,
            host,
            quote(parts.path, safe=safe),
            quote(parts.query, safe=safe + "?"),
            quote(parts.fragment, safe=safe),
        )
    )
