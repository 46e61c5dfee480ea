"""The cards step: headline, hero and theme become social cards on the site."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any, Final

from nashr import failpoints, sitefiles
from nashr.bootstrap import Runtime
from nashr.domain.cards import Format
from nashr.domain.errors import NotYet, Permanent, Retryable
from nashr.domain.locales import day_text
from nashr.domain.site import Site, direction
from nashr.observability.logs import logger
from nashr.runtime.worker import Commit, Finish
from nashr.store import assets, cards, sites
from nashr.store.assets import Asset
from nashr.store.database import statement, transaction
from nashr.store.queue import Step
from sqlalchemy import Connection

from nashr_cards.card import Card, CardText, Theme, UnreadableHero
from nashr_cards.look import Looks
from nashr_cards.pool import CardCrashed, CardPool

WIDE, HIGH = 1200, 1080  # pixels: the smallest rendition that fills what publications carry
PATIENCE: Final = 3  # attempts after which what crashes the drawing is left out


class Cards:
    """Handlers of the cards service."""

    def __init__(self, runtime: Runtime, pool: CardPool) -> None:
        self._runtime = runtime
        self._pool = pool
        self._looks = Looks(runtime)

    def cards(self, step: Step) -> Commit:
        """Draws and stores the cards of one content; its result is what pages read."""
        with statement(self._runtime.engine) as conn:
            site = sites.get(conn, step.site)
            asset = assets.find(conn, step.input["asset"]) if step.input["asset"] else None
        if asset is not None:
            _check_photo(asset)
        drawn = self._draw(step, replace(site.site, **step.input.get("look", {})), asset)
        files = [sitefiles.named("cards", card.data, card.content_type, secret=site.secret) for card in drawn]
        failpoints.reached("cards.before_put")
        sitefiles.put(self._runtime.site_store, site.site, files)
        with transaction(self._runtime.engine) as conn:
            # known even if this run is fenced now, as by a withdrawal: what deletes cards finds them
            sitefiles.record(conn, site.site, files, source=step.key)
        result = _result(drawn, files, step.input["alt"])
        _tell(step, drawn)

        def commit(conn: Connection) -> Finish:
            sitefiles.record(conn, site.site, files, source=step.key)
            return Finish(result)

        return commit

    def _draw(self, step: Step, site: Site, asset: Asset | None) -> Sequence[Card]:
        """With the photo if it can be drawn; one that cannot costs the card its photo, not its life."""
        hero = self._hero(site, asset) if asset is not None else None
        text, theme = _text(step.input["doc"]), self._looks.theme(site)
        if step.input["article"] is None:  # the site's own card has its name for a headline
            theme = replace(theme, site_name="")
        formats: Sequence[Format] = step.input["formats"]
        focal = asset.focal_point if asset is not None else None
        draw = partial(self._pool.draw, text, theme=theme, formats=formats)
        bare = replace(theme, logo=None, font=None)
        tried = drawn_at_last(draw, hero, focal, bare=bare if bare != theme else None, attempt=step.attempts)
        if hero is not None and not tried.photo:
            logger().warning(
                "card.photo_left_out", key=step.key, asset=step.input["asset"], error=tried.reason
            )
        return tried.cards

    def _hero(self, site: Site, asset: Asset) -> bytes | None:
        """The smallest JPEG that fills the formats, else the largest. Raises Retryable for a lost file.

        A card drawn without it would be taken for the one with the photo once the file is back.
        """
        chosen = rendition(asset.renditions)
        if chosen is None:
            return None
        found = self._runtime.site_store.get(site.key(chosen["path"]))
        if found is None:
            raise Retryable(f"the file {chosen['path']} of the photo {asset.id} is not in the bucket")
        return found


@dataclass(frozen=True)
class Tried:
    """Cards; whether the photo is on them, and why something was left out, if it was."""

    cards: Sequence[Card]
    photo: bool
    reason: str | None


def _check_photo(asset: Asset) -> None:
    """Raises NotYet while a photo is made, and Permanent for one that cannot be shown any more.

    What shows the story then asks for another card. Drawn without it, this one would be taken for the one
    with the photo, should that come back.
    """
    if cards.showable(asset) is None:
        raise Permanent(f"the photo {asset.id} cannot be shown any more")
    if asset.state != "ready":
        raise NotYet(f"the renditions of {asset.id} are not ready yet")


def drawn_at_last(
    draw: Callable[..., Sequence[Card]],
    hero: bytes | None,
    focal: tuple[float, float] | None,
    *,
    bare: Theme | None = None,
    attempt: int,
) -> Tried:
    """Cards with the photo and the site's look, or without what cannot be drawn, and then the reason.

    Which of them crashes the drawing only the third attempt tells: until then CardCrashed is raised. First
    the photo is left out, then the look, for the theme ``bare``, then both. A look left out is a fault.
    """
    photos = [(hero, focal), (None, None)] if hero is not None else [(None, None)]
    ways = [(photo, theme) for theme in ([None, bare] if bare else [None]) for photo in photos]
    reason = None
    for (image, point), theme in ways:
        try:
            drawn = draw(hero=image, focal=point, **({"theme": theme} if theme else {}))
        except UnreadableHero as error:
            reason = str(error)
        except CardCrashed as error:
            if attempt < PATIENCE or ((image, point), theme) == ways[-1]:
                raise
            reason = str(error)
        else:
            return Tried(_without_look(drawn, reason) if theme else drawn, image is not None, reason)
    raise AssertionError("cards without a photo end in cards or in CardCrashed")


def _without_look(drawn: Sequence[Card], reason: str | None) -> Sequence[Card]:
    fault = f"the logo or the site's font crashes the drawing ({reason}): give a simpler one"
    return [replace(card, faults=(*card.faults, fault)) for card in drawn]


def rendition(made: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The smallest uncropped JPEG that fills what publications carry, else the largest; None without any."""
    jpegs = [item for item in made if item["content_type"] == "image/jpeg" and item["crop"] is None]
    filling = [item for item in jpegs if item["width"] >= WIDE and item["height"] >= HIGH]
    if filling:
        return min(filling, key=_area)
    return max(jpegs, key=_area) if jpegs else None


def _area(item: Mapping[str, Any]) -> int:
    return int(item["width"]) * int(item["height"])


def _text(words: Mapping[str, Any]) -> CardText:
    return CardText(
        headline=words["headline"],
        label=words["label"],
        language=words["language"],
        direction="rtl" if direction(words["language"]) == "rtl" else "ltr",
        date_text=day_text(date.fromisoformat(words["date"]), words["locale"]) if words["date"] else None,
        state=words["state"],
    )


def _result(drawn: Sequence[Card], files: Sequence[sitefiles.File], alt: str) -> dict[str, object]:
    described = [
        {
            "format": card.format,
            "path": file.path,
            "width": card.width,
            "height": card.height,
            "bytes": len(card.data),
            "alt": alt,
        }
        for card, file in zip(drawn, files, strict=True)
    ]
    return {"cards": described, "missing": _missing(drawn), "faults": _faults(drawn)}


def _missing(drawn: Sequence[Card]) -> str:
    """Characters that no font has, once each, in the order of the text."""
    return "".join(dict.fromkeys("".join(card.missing for card in drawn)))


def _faults(drawn: Sequence[Card]) -> list[str]:
    """What of the site's look could not be used, once each."""
    return list(dict.fromkeys(fault for card in drawn for fault in card.faults))


def _tell(step: Step, drawn: Sequence[Card]) -> None:
    if missing := _missing(drawn):
        points = " ".join(f"U+{ord(char):04X}" for char in missing)
        logger().warning("card.no_glyph", key=step.key, characters=missing, points=points)
    for fault in _faults(drawn):
        logger().warning("card.theme_fault", key=step.key, site=step.site, fault=fault)
