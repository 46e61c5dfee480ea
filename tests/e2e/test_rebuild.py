"""``nashr rebuild``: pages rendered anew behind everything else, sent only where they changed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.e2e.conftest import Behind


def versions(behind: Behind, article: str) -> tuple[int, int]:
    """The live version of an article's page, and the one that is stored."""
    where = "FROM page JOIN article ON article.page = page.id WHERE article.id = %s"
    return int(behind.one(f"SELECT live {where}", article)), int(
        behind.one(f"SELECT stored {where}", article)
    )


def test_what_comes_out_the_same_is_not_sent(stack: Stack, behind: Behind) -> None:
    """Every page of the section counts one version more, and the bucket is not written to."""
    made = stack.publish_and_wait(who="admin", site="other", section="sport")
    elsewhere = stack.publish_and_wait(who="admin", site="other", section="politics")
    stack.until(lambda: behind.rests("other"), what="the site to rest")
    before, calm = versions(behind, made["id"]), versions(behind, elsewhere["id"])
    told = stack.command("rebuild", "--site", "other", "--section", "sport")
    after = versions(behind, made["id"])
    assert after[0] > before[0]
    assert after[1] == before[1]
    assert versions(behind, elsewhere["id"]) == calm
    assert told.startswith("other: ")
    assert " pages in " in told


def test_what_comes_out_another_is_sent(stack: Stack, behind: Behind) -> None:
    """A page whose rendering has changed since is stored anew, as bulk work."""
    made = stack.publish_and_wait(who="admin", site="other", section="sport")
    stack.until(lambda: behind.rests("other"), what="the site to rest")
    before = versions(behind, made["id"])
    behind.run(
        "UPDATE page SET body_hash = 'of another theme' WHERE subject = %s AND kind = 'article'", made["id"]
    )
    stack.command("rebuild", "--site", "other", "--section", "sport", "--no-wait")
    stack.until(lambda: versions(behind, made["id"])[1] > before[1], what="the page to be sent")
    priority = behind.one(
        """SELECT priority FROM step JOIN article ON step.key = article.page::text
        WHERE step.kind = 'deliver' AND article.id = %s""", made["id"],
    )  # fmt: skip
    assert priority == 2


def test_an_unknown_section_is_named(stack: Stack) -> None:
    """Nothing is asked for, and the message says what there is not."""
    command = [str(Path(sys.executable).with_name("nashr")), "rebuild", "--section", "weather"]
    done = subprocess.run(
        [*command, "--data", str(stack.data)], capture_output=True, text=True, timeout=280, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "no such site has a section weather" in done.stderr
