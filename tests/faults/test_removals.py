"""Removals that leave nothing that wants itself again: afterwards the stack is at rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.conftest import until
from tests.faults.lab import frozen

if TYPE_CHECKING:
    from tests.faults.lab import Lab


def test_a_removal_in_the_midst_of_a_move(lab: Lab) -> None:
    """With two pages, one live and one about to be, each says once that the story is gone."""
    lab.quiet()
    made = lab.publish_and_wait()
    lab.quiet()
    delivery = lab.ready("delivery").pid
    assert delivery
    with frozen(delivery):
        lab.change(made, slug=lab.word())
        lab.publish(made["id"])
        removal = _removed(lab, made["id"])
    _comes_to_rest(lab, removal)
    pages = lab.rows("SELECT kind, wanted FROM page WHERE subject = %s", made["id"])
    assert [page["kind"] for page in pages].count("article") == 2
    assert all(page["wanted"] < 9 for page in pages), pages


def test_a_page_that_all_others_name(lab: Lab) -> None:
    """What stands at the foot of every page is taken off: they change once, and then no more."""
    lab.quiet()
    made = lab.publish_and_wait(kind="page")
    lab.quiet()
    before = _changes(lab)
    _comes_to_rest(lab, _removed(lab, made["id"]))
    assert _changes(lab) == before + 1


def _removed(lab: Lab, article: str) -> str:
    asked = {"kind": "unpublish", "reason": "خطأ"}
    return str(lab.editor.post(f"/v1/articles/{article}/unpublish", json=asked).json()["id"])


def _comes_to_rest(lab: Lab, removal: str) -> None:
    until(lambda: lab.publication(removal)["state"] == "live", what="the removal")
    lab.quiet()


def _changes(lab: Lab) -> int:
    """How often the site's look has changed."""
    (site,) = lab.rows("SELECT chrome FROM site")
    found: Any = site["chrome"]
    return int(found)


def test_what_was_killed_does_not_stay_until_its_next_version_is_ready(lab: Lab) -> None:
    """Killed, and published anew before the kill was in effect: readers get the notice, then the new text."""
    lab.quiet()
    made = lab.publish_and_wait()
    lab.quiet()
    delivery, images = lab.ready("delivery").pid, lab.ready("images").pid
    assert delivery
    assert images
    with frozen(images):
        with frozen(delivery):
            killed = {"kind": "kill", "reason": "خطأ"}
            lab.editor.post(f"/v1/articles/{made['id']}/unpublish", json=killed).raise_for_status()
            photo = lab.upload()["id"]  # has no files yet: what shows it waits
            changed = lab.change(made, hero={"asset": photo, "alt": "صورة"}, headline=f"خبر {lab.word()}")
            again = lab.publish(made["id"])
        until(lambda: lab.fetch(made["url"]).status_code == 410, what="the notice", seconds=20)
    lab.wait_proven(again["id"])
    lab.served(made["url"], holds=changed["headline"])
