"""Tries a theme before it is applied: every kind of page is rendered with sample content.

What would fail, or show a newsroom's text as markup, is a flaw with its file and line. Nothing is stored.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError, UndefinedError, meta
from jinja2.exceptions import SecurityError
from nashr.domain.site import Site

from nashr_delivery import core
from nashr_delivery.chrome import Asset, SiteAssets
from nashr_delivery.locales import LANGUAGES, catalogue, fault
from nashr_delivery.markup import environment
from nashr_delivery.themes import templates
from nashr_delivery.themes.bundle import Bundle
from nashr_delivery.themes.folder import Flaw
from nashr_delivery.themes.samples import Sample, samples

MARK: Final = "<sub>typed</sub>"  # which |inline lets through
"""At the end of every sample text: a page that holds it as markup would run what a newsroom types."""

_SCRIPT: Final = re.compile(r"<script\b(?![^>]*application/ld\+json)", re.IGNORECASE)
_OBJECT: Final = re.compile(r"'[\w.]*?(\w+) object'")
_TEMPLATES_CALL_IT: Final = r"\1"
_STYLE: Final = re.compile(r"<style\b", re.IGNORECASE)


def flaws(site: Site, theme: Bundle) -> Iterator[Flaw]:
    """What is wrong with a theme; none means that every page came out."""
    yield from _words(site.texts)
    found = tuple(_templates(theme))
    yield from found
    if not found:
        yield from _pages(site, theme)


def notes(site: Site, theme: Bundle) -> Iterator[str]:
    """What is worth a sentence and no fault: words that stay English."""
    given = {**theme.words(site.locale), **site.texts}
    left = [name for name in catalogue("en") if name not in given]
    if site.language not in LANGUAGES and left:
        yield (
            f"there is no catalogue for {site.language}: {len(left)} of {len(catalogue('en'))} words stay "
            f"English; give them in texts/{site.language}.po (docs/themes.md)"
        )


def _words(texts: Mapping[str, str]) -> Iterator[Flaw]:
    for name, text in texts.items():
        if wrong := fault(name, text):
            yield Flaw(f"/theme/texts/{name}", 0, wrong)


def _templates(theme: Bundle) -> Iterator[Flaw]:
    """Templates that do not parse, that nothing uses, or that hold what browsers would not run."""
    env = environment(tuple(sorted(theme.templates.items())))
    used = set(templates.themable())
    for name, source in theme.templates.items():
        file = templates.FOLDER + name
        try:
            env.compile(source, name, file)
            used |= {found for found in meta.find_referenced_templates(env.parse(source)) if found}
        except TemplateSyntaxError as error:
            yield Flaw(file, error.lineno, _syntax(error))
        for pattern, what in ((_SCRIPT, "a script"), (_STYLE, "a <style>")):
            for found in pattern.finditer(source):
                line = source.count("\n", 0, found.start()) + 1
                yield Flaw(file, line, f"{what} never runs on a page of ours: use theme.css and plain links")
    for name in sorted(set(theme.templates) - used):
        known = ", ".join(sorted(templates.themable()))
        yield Flaw(templates.FOLDER + name, 0, f"nothing uses this; the pages use {known}")


def _syntax(error: TemplateSyntaxError) -> str:
    text = (error.message or "it does not parse").rstrip(".")
    if "'safe'" in text:
        return f"{text}: texts are escaped here; a block's html has |inline"
    return f"{text}: correct it"


def _pages(site: Site, theme: Bundle) -> Iterator[Flaw]:
    """One flaw for each line, however many pages come through it."""
    assets = plain_assets(theme, site)
    seen: set[tuple[str, int]] = set()
    for sample in samples(site, mark=MARK):
        for flaw in _page(sample, site, assets):
            if not flaw.line or (flaw.file, flaw.line) not in seen:
                seen.add((flaw.file, flaw.line))
                yield flaw


def _page(sample: Sample, site: Site, assets: SiteAssets) -> Iterator[Flaw]:
    try:
        page = core.render(sample.view, site, assets, version=1)
    except Exception as error:
        yield flaw_of(error, page=sample.name, sources=assets.templates)
        return
    if MARK.encode() in page.body:
        before = page.body.decode().partition(MARK)[0].rsplit("\n", 1)[-1][-60:]
        text = f"{sample.name}: a text is printed as markup, after {before!r}: take |inline away there"
        yield Flaw(templates.FOLDER.rstrip("/"), 0, text)
    for path in sorted(page.asset_paths - assets.paths):
        if not path.startswith(("/media/sample-", "/cards/sample")):
            yield Flaw(
                templates.FOLDER.rstrip("/"),
                0,
                f"{sample.name}: {path} is no file of the site: use file(...)",
            )


def plain_assets(theme: Bundle, site: Site) -> SiteAssets:
    """Assets as a page names them, without cutting fonts or drawing icons."""
    named = {
        name: Asset(f"/assets/{hashlib.sha256(body).hexdigest()[:20]}.{name.rsplit('.', 1)[-1]}", body, "")
        for name, body in theme.files.items()
    }
    usual = [Asset(f"/assets/sample.{suffix}", b"", "") for suffix in ("css", "woff2", "svg", "png")]
    css, font, icon, touch = (asset.path for asset in usual)
    return SiteAssets(
        css=css,
        fonts=(font,),
        icon=icon,
        touch_icon=touch,
        files=(*usual, *named.values()),
        templates=tuple(sorted(theme.templates.items())),
        texts=tuple(sorted({**theme.words(site.locale), **site.texts}.items())),
        named={name: asset.path for name, asset in named.items()},
        favicon=theme.files.get("favicon.ico"),
    )


def flaw_of(error: Exception, *, page: str, sources: Iterable[tuple[str, str]]) -> Flaw:
    """Where in the theme a page failed, and why."""
    file, line = _place(error, {templates.FOLDER + name for name, _ in sources})
    return Flaw(file, line, f"{page}: {_reason(error)}")


def _place(error: Exception, own: set[str]) -> tuple[str, int]:
    """The innermost line of the theme that the failing call came through."""
    if isinstance(error, TemplateSyntaxError) and error.filename:
        return error.filename, error.lineno
    found = [place for place in _frames(error.__traceback__) if place[0] in own]
    return found[-1] if found else (templates.FOLDER.rstrip("/"), 0)


def _frames(trace: TracebackType | None) -> Iterator[tuple[str, int]]:
    while trace is not None:
        yield trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next


def _reason(error: Exception) -> str:
    match error:
        case UndefinedError():
            return (
                f"{_OBJECT.sub(_TEMPLATES_CALL_IT, error.message or '')}: docs/themes.md lists what there is"
            )
        case SecurityError():
            return f"{error.message}: a template sees values only"
        case TemplateNotFound():
            return f"there is no template {error.message}: correct the name"
        case TemplateSyntaxError():
            return _syntax(error)
        case TemplateError() | LookupError() | ValueError():
            return str(error).strip("'\"")
    return f"{type(error).__name__}: {error}"


def told(found: Iterable[Flaw], *, site: Path, folder: Path | None) -> str:
    """One line for each flaw, with the file as the reader finds it; a pointer is into the site's TOML."""
    return "\n".join(f"{site}: {flaw}" if flaw.file.startswith("/") else f"{folder}/{flaw}" for flaw in found)
