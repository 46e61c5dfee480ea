"""What keeps a revision from being published as the site and its photos stand now. Nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from nashr.domain.article import Content, publish_faults
from nashr.domain.errors import Fault
from nashr.domain.site import Site
from nashr.store import assets


def faults(conn: Connection, site: Site, doc: Content) -> tuple[Fault, ...]:
    """Everything that publishing ``doc`` would be refused for, by pointer; times are not looked at."""
    return (*publish_faults(doc), *_section_fault(site, doc), *_photo_faults(conn, site, doc))


def _section_fault(site: Site, doc: Content) -> Iterator[Fault]:
    if site.section(doc.section) is None:
        yield Fault("/section", "unknown_section", "the site has no such section any more: move it")


def _photo_faults(conn: Connection, site: Site, doc: Content) -> Iterator[Fault]:
    there = assets.many(conn, site.id, doc.assets)
    for pointer, use in doc.pictures():
        asset = there.get(use.asset)
        if asset is None or asset.withdrawn_at is not None:
            detail = f"the photo {use.asset} was withdrawn: take it out of the article"
            yield Fault(f"{pointer}/asset", "withdrawn", detail)
        elif asset.state in assets.UNUSABLE:
            yield Fault(f"{pointer}/asset", "broken_image", f"{asset.error}: upload another photo")
