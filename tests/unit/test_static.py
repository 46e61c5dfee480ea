"""The static folder of a site: which files show where, and what they may not replace."""

from __future__ import annotations

from pathlib import Path

import pytest
from nashr.commands import static
from nashr.domain.errors import Refused


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ads.txt", ".well-known/security.txt", ".git/config", ".DS_Store", "about/index.html"):
        file = tmp_path / "static" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("here")
    return tmp_path / "static"


def test_files_show_at_their_paths(folder: Path) -> None:
    """Hidden files stay at home, but for .well-known; an index.html is its folder's page."""
    assert [path for path, _ in static.found(folder)] == ["/.well-known/security.txt", "/about/", "/ads.txt"]


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    """A link may not publish what lies elsewhere on the editor's machine."""
    (tmp_path / "secret").write_text("not public")
    (folder / "found.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(Refused, match=r"found\.txt leads out of the static folder"):
        list(static.found(folder))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/robots.txt", r"robots\.txt would replace the page at /robots\.txt: rename the file"),
        ("/assets/site.css", r"lies below /assets/, which nashr writes itself: give it another folder"),
        ("/_nashr/sites.json", "lies below /_nashr/"),
    ],
)
def test_what_nashr_writes_is_not_replaced(path: str, said: str) -> None:
    """The refusal names the file and what to do."""
    with pytest.raises(Refused, match=said):
        static.check({path: Path("static") / path[1:]}, frozenset({"/robots.txt"}))


def test_other_paths_are_free() -> None:
    """What no page has may be there, .well-known included."""
    static.check({"/ads.txt": Path("a"), "/.well-known/security.txt": Path("b")}, frozenset({"/"}))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ads.txt", "text/plain; charset=utf-8"),
        ("apple-app-site-association", "application/json"),
        ("face.woff2", "font/woff2"),
        ("photo.WEBP", "image/webp"),
        ("key", "application/octet-stream"),
    ],
)
def test_types_do_not_depend_on_the_machine(name: str, kind: str) -> None:
    """Each file says what it is, those without a suffix that have a name of their own too."""
    assert static.content_type(name) == kind
