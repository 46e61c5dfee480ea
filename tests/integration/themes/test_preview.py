"""``nashr theme preview`` as a designer uses it: every page, anew by itself, faults where they are."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import sync_playwright

from tests.conftest import until

CHROMIUM = shutil.which("chromium")
EXAMPLE = Path(__file__).parents[3] / "infra/demo/theme"
TOML = """\
id = "evening"
name = "المساء"
locale = "ar-LB"
base_url = "https://evening.example/"
time_zone = "Asia/Beirut"
[theme]
folder = "look"
[[sections]]
slug = "news"
label = "أخبار"
[[sections]]
slug = "sport"
label = "رياضة"
"""
PATHS = ("/", "/news/", "/sport/", "/news/archive/2026-11/2/", "/authors/sample/", "/topics/sample/",
         "/news/sample/", "/news/bare/", "/page/", "/news/sample-7/", "/_preview/")  # fmt: skip


@dataclass(frozen=True)
class Preview:
    """A preview of the example theme, in a folder that tests may change."""

    url: str
    folder: Path

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, trust_env=False, timeout=20)

    def shows(self, path: str, text: str) -> bool:
        return text in self.get(path).text

    def write(self, name: str, text: str) -> None:
        (self.folder / "look" / name).write_text(text, "utf-8")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preview]:
    """The command itself; one Ctrl-C must end it."""
    folder = tmp_path_factory.mktemp("preview")
    (folder / "site.toml").write_text(TOML, "utf-8")
    command = [str(Path(sys.executable).with_name("nashr")), "theme", "preview", str(folder / "site.toml")]
    with subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line
        yield Preview(found[0], folder)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


@pytest.fixture
def preview(running: Preview) -> Preview:
    """With the example theme as it is in the repository."""
    shutil.rmtree(running.folder / "look", ignore_errors=True)
    shutil.copytree(EXAMPLE, running.folder / "look")
    return running


def test_every_kind_of_page_is_there(preview: Preview) -> None:
    """Pages, their style sheet, fonts, pictures and icons answer; what is not there is the site's own 404."""
    for path in PATHS:
        assert preview.get(path).status_code == 200, path
    assert [preview.get(path).status_code for path in ("/410/", "/451/", "/nowhere/")] == [410, 451, 404]
    article = preview.get("/news/sample/").text
    assert "اقرأ أيضاً" in article
    files = set(re.findall(r'(?:href|src)="(/(?:assets|media)/[^"]+)"', article))
    assert len(files) > 8
    for file in (*files, "/favicon.ico", "/manifest.webmanifest"):
        assert preview.get(file).status_code == 200, file


def test_a_change_shows_and_is_told(preview: Preview) -> None:
    """The event stream says that a file changed, and the next look at the page has it."""
    seen = re.search(r"since=(\d+)", preview.get("/").text)
    assert seen
    preview.write("theme.css", "")
    told = f"{preview.url}/_preview/events?since={int(seen[1])}"
    with httpx.stream("GET", told, trust_env=False, timeout=60) as events:
        lines = (line for line in events.iter_lines() if line.startswith("event"))
        assert next(lines) == "event: changed"
        preview.write("texts/ar.po", 'msgid "see_also"\nmsgstr "تابع القراءة"\n')
        assert next(lines) == "event: changed"
    assert preview.shows("/news/sample/", "تابع القراءة")


def test_a_fault_stands_on_the_page_with_its_line(preview: Preview) -> None:
    """File, line and the lines around it; the page comes back with the cure."""
    kept = (preview.folder / "look/templates/article.html").read_text("utf-8")
    preview.write("templates/article.html", kept.replace("site.name", "site.nam"))
    found = preview.get("/news/sample/")
    assert found.status_code == 500
    assert "templates/article.html:5: /news/sample/: Site has no attribute &#x27;nam&#x27;" in found.text
    assert "&gt;    5 &lt;p class=&quot;motto&quot;" in found.text
    assert "reload.js" in found.text
    assert preview.get("/").status_code == 200
    preview.write("theme.css", "p{background:url(images/gone.svg)}")
    assert "theme.css:1: images/gone.svg is not in the folder" in preview.get("/").text
    preview.write("templates/article.html", kept)
    preview.write("theme.css", "")
    assert preview.get("/news/sample/").status_code == 200


def test_nobody_else_is_served(preview: Preview) -> None:
    """Other addresses of this machine refuse the connection."""
    port = int(preview.url.rsplit(":", 1)[-1])
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", port))


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: install the package chromium")
def test_the_browser_reloads_by_itself(preview: Preview) -> None:
    """An open page shows a changed template, and no policy is broken on the way."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"{preview.url}/news/sample/")
        assert page.locator(".motto").count() == 1
        preview.write("templates/article.html", "{% extends 'nashr/article.html' %}")
        until(lambda: page.locator(".motto").count() == 0, what="the page to reload")
        preview.write("templates/article.html", "{% extends 'nashr/article.html' %}{{ oops }}{% broken %}")
        page.get_by_text("templates/article.html:1").wait_for(timeout=60_000)
        preview.write("templates/article.html", "{% extends 'nashr/article.html' %}")
        page.locator("h1.headline").wait_for(timeout=60_000)
        browser.close()
    assert not [line for line in said if "Content Security Policy" in line]


def test_the_same_port_twice_is_refused(preview: Preview) -> None:
    """The message names the port and the cure."""
    port = preview.url.rsplit(":", 1)[-1]
    command = [str(Path(sys.executable).with_name("nashr")), "theme", "preview"]
    done = subprocess.run(
        [*command, str(preview.folder / "site.toml"), "--port", port],
        env=dict(os.environ), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        1,
        f"nashr: port {port}: Address already in use: give another with --port\n",
    )
