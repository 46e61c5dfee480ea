"""A site's sample pages as its files are now: which answer a path of the preview has."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from nashr.domain.site import Site

from nashr_delivery import core
from nashr_delivery.assets import TYPES, site_assets
from nashr_delivery.chrome import SiteAssets
from nashr_delivery.themes import check, templates, trial
from nashr_delivery.themes.check import Dressed
from nashr_delivery.themes.folder import Flaw
from nashr_delivery.themes.samples import Sample, samples
from nashr_delivery.views import FaviconView, ListingView, ManifestView, TombstoneView, View

HTML: Final = "text/html; charset=utf-8"
INDEX: Final = "/_preview/"
SCRIPT: Final = "/_preview/reload.js"
EVENTS: Final = "/_preview/events"
_POLICY: Final = re.compile(r'(<meta http-equiv="Content-Security-Policy" content=")([^"]*)(")')
_SCRIPTS: Final = re.compile(r"script-src [^;]*;?\s*")
_SIZE: Final = re.compile(r"/media/sample-.*-(\d+)x(\d+)\.\w+")
_AROUND: Final = 3  # lines shown before and after one that failed


@dataclass(frozen=True)
class Answer:
    """What the preview sends."""

    status: int
    content_type: str
    body: bytes


class Stage:
    """A site dressed in its theme, previewed at ``origin``. Raises Unusable where it cannot be read."""

    def __init__(self, file: Path, origin: str) -> None:
        self._folder = file.parent
        self._dressed: Dressed = check.read(file)
        self.site: Site = replace(self._dressed.site, base_url=f"{origin}/", prefix="")
        self._assets: SiteAssets = site_assets(
            self.site, name=lambda body: hashlib.sha256(body).hexdigest()[:20], theme=self._dressed.theme
        )
        self._samples: Sequence[Sample] = samples(self.site)

    def answer(self, path: str) -> Answer:
        """The page, picture or file at a site path."""
        if path == INDEX:
            return page(self._index())
        if found := self._file(path):
            return found
        view = self._view(path)
        try:
            made = core.render(view, self.site, self._assets, version=0)
        except Exception as error:
            flaw = trial.flaw_of(error, page=path, sources=self._assets.templates)
            return page(self._failed(flaw), status=500)
        if made.content_type != HTML:
            return Answer(200, made.content_type, made.body)
        status = view.status if isinstance(view, TombstoneView) else 200
        return Answer(status, HTML, allowed(made.body.decode()).encode())

    def _view(self, path: str) -> View:
        """The sample at a path; the site's other sections and stories borrow those of the first."""
        own = {sample.view.path: sample.view for sample in self._samples}
        own |= {view.path: view for view in (FaviconView(), ManifestView())}
        if path in own:
            return own[path]
        first, *rest = path.strip("/").split("/")
        section = self.site.section(first)
        if section is None:
            kinds = {"authors": "author", "topics": "topic", "a": "article"}
            return self._named(kinds.get(first, "404"))
        if not rest:
            front = self._named("section")
            assert isinstance(front, ListingView)
            return replace(front, path=path, section=section)
        return self._named("archive" if rest[0] == "archive" else "article")

    def _named(self, name: str) -> View:
        return next(sample.view for sample in self._samples if sample.name == name)

    def _file(self, path: str) -> Answer | None:
        """A file of the look, the logo beside the TOML, or a drawing where a page shows a photo."""
        for asset in self._assets.files:
            if asset.path == path:
                return Answer(200, asset.content_type, asset.body)
        logo = self._folder / (self.site.logo or "")
        if self.site.logo and path == f"/{self.site.logo}" and logo.is_file():
            kind = TYPES.get(logo.suffix.lower().lstrip("."), "application/octet-stream")
            return Answer(200, kind, logo.read_bytes())
        if path == "/cards/sample.jpg":
            return Answer(200, TYPES["svg"], _drawing(1200, 630).encode())
        if size := _SIZE.fullmatch(path):
            return Answer(200, TYPES["svg"], _drawing(int(size[1]), int(size[2])).encode())
        return None

    def _index(self) -> str:
        """Links to every kind of page, and what `nashr site apply` would refuse."""
        pages = "".join(
            f'<li><a href="{html.escape(self.site.href(sample.view.path))}">{sample.name}</a></li>'
            for sample in self._samples
        )
        found = [*trial.flaws(self._dressed.site, self._dressed.theme)]
        lines = [*trial.notes(self._dressed.site, self._dressed.theme)]
        lines += trial.told(found, site=self._dressed.file, folder=self._dressed.path).splitlines()
        said = "".join(f"<li>{html.escape(line)}</li>" for line in lines) or "<li>nothing is wrong</li>"
        return f"<h1>{html.escape(self.site.name)}</h1><ul>{pages}</ul><h2>Check</h2><ul>{said}</ul>"

    def _failed(self, flaw: Flaw) -> str:
        source = dict(self._assets.templates).get(flaw.file.removeprefix(templates.FOLDER), "")
        return f"<h1>{html.escape(f'{flaw}')}</h1><pre>{html.escape(_around(source, flaw.line))}</pre>"


def _around(source: str, line: int) -> str:
    """The lines about one, numbered, with a mark before it."""
    numbered = list(enumerate(source.splitlines(), start=1))
    shown = numbered[max(line - 1 - _AROUND, 0) : line + _AROUND] if line else []
    return "\n".join(f"{'>' if number == line else ' '} {number:4} {text}" for number, text in shown)


def _drawing(width: int, height: int) -> str:
    """A stand-in for a photo: hills under a low sun, cropped like a photo."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 400 300" '
        'preserveAspectRatio="xMidYMid slice"><rect width="400" height="300" fill="#9db4c0"/>'
        '<circle cx="290" cy="120" r="34" fill="#f4d58d"/>'
        '<path d="M0 210 90 130l80 70 70-50 160 110v40H0z" fill="#5c6b73"/>'
        '<path d="M0 250q110-50 210-10t190-20v80H0z" fill="#253237"/></svg>'
    )


def allowed(text: str) -> str:
    """A page whose policy lets the preview's script run, and no other."""

    def opened(found: re.Match[str]) -> str:
        kept = _SCRIPTS.sub("", html.unescape(found[2])).rstrip("; ")
        return found[1] + html.escape(f"{kept}; script-src 'self'") + found[3]

    return _POLICY.sub(opened, text, count=1)


def alive(answer: Answer, count: int) -> Answer:
    """A page that reloads by itself once the files have changed more than ``count`` times."""
    if answer.content_type != HTML:
        return answer
    head, end, tail = answer.body.rpartition(b"</body>")
    script = f'<script src="{SCRIPT}?since={count}" defer></script>\n'.encode()
    return replace(answer, body=head + script + end + tail)


def script(count: str) -> Answer:
    """The script of a page: it reloads when files change, and when the preview is back."""
    text = (
        f'const events = new EventSource("{EVENTS}?since={int(count)}");\n'
        "let lost = false;\n"
        'events.addEventListener("changed", () => location.reload());\n'
        "events.onerror = () => { lost = true; };\n"
        "events.onopen = () => { if (lost) location.reload(); };\n"
    )
    return Answer(200, "text/javascript; charset=utf-8", text.encode())


def page(body: str, *, status: int = 200) -> Answer:
    """A page of the preview's own."""
    policy = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'"
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>nashr theme preview</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        "<style>body{font:16px/1.6 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "h1{font-size:1.2rem}pre{overflow:auto;padding:1rem;background:#eee;color:#111}</style></head>"
        f"<body>{body}</body></html>"
    )
    return Answer(status, HTML, text.encode())


def refused(error: Exception) -> Answer:
    """What stands on every page while the site or its theme cannot be read."""
    return page(f"<h1>The theme cannot be shown</h1><pre>{html.escape(str(error))}</pre>", status=500)
