"""What a theme's style sheets name: its own files, which become their neighbours on the site."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

_URL: Final = re.compile(r"""url\(\s*(["']?)([^"')]*)\1\s*\)""", re.IGNORECASE)
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_IMPORT: Final = re.compile(r"@import\b", re.IGNORECASE)


def linked(css: str, named: Mapping[str, str]) -> str:
    """``css`` with the plain name on the site of each file; ``named``: site paths by path in the folder."""

    def link(found: re.Match[str]) -> str:
        path = named.get(_path(found[2]))
        return f"url({path.rsplit('/', 1)[-1]})" if path else found[0]

    return _URL.sub(link, css)


def flaws(css: str, files: Mapping[str, bytes]) -> Iterator[tuple[int, str]]:
    """(line, what is wrong) of whatever a page could not load."""
    bare = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), css)
    for found in _IMPORT.finditer(bare):
        yield _line(bare, found), "@import asks for a second sheet: put its rules here"
    for found in _URL.finditer(bare):
        url = found[2].strip()
        if url.startswith(("data:", "#")):
            continue
        if "://" in url or url.startswith("//"):
            yield _line(bare, found), f"{url} is another site's: put the file into the folder and name it"
        elif _path(url) not in files:
            yield _line(bare, found), f"{url} is not in the folder: correct it, or put the file there"
    if "/*" in bare:
        yield bare[: bare.index("/*")].count("\n") + 1, "this comment has no end: close it with */"
    opened, closed = bare.count("{"), bare.count("}")
    if opened != closed:
        yield bare.count("\n") + 1, f"{opened} braces are opened and {closed} closed: a rule has no end"


def _path(url: str) -> str:
    return url.strip().removeprefix("./").partition("#")[0].partition("?")[0]


def _line(text: str, found: re.Match[str]) -> int:
    return text.count("\n", 0, found.start()) + 1
