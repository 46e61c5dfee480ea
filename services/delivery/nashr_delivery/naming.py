"""Who and what an article names, as readers know them by now: authors under their present names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nashr.domain.article import Content


def credited(doc: Content, authors: Mapping[str, str]) -> Content:
    """The content with the present name of each author in ``authors``, by slug."""
    if not any(who.author in authors for who in doc.byline):
        return doc
    return replace(
        doc, byline=tuple(replace(who, name=authors.get(who.author or "", who.name)) for who in doc.byline)
    )
