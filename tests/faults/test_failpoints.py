"""Processes that end at the worst of moments; and failpoints themselves, which production refuses."""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from nashr.steps import STEPS

from tests.conftest import until
from tests.faults.lab import PLACES, SITE, nashr
from tests.faults.newsroom import DEAD, STAMP, Client, publish, shows
from tests.receivers import receiver

if TYPE_CHECKING:
    from tests.faults.lab import Lab
    from tests.faults.newsroom import Story


SECRET = "whsec_" + base64.b64encode(b"a key of one short life.").decode()
RARE = ("refresh", "expire", "sweep", "notify", "reindex")
"""Kinds that die at one place each."""
MANY_DEATHS = 120.0
"""Seconds: a program that dies again and again is started later and later."""
STORED = ("deliver.after_put", "deliver.after_purge", "deliver.finished")
"""The page is in the store when the process dies here."""


@pytest.mark.parametrize(
    ("failpoint", "program"),
    [
        ("relay.after_hint", "relay"),
        ("deliver.before_announce", "delivery"),
        *((name, "delivery") for name in STORED),
        ("purge.after_purge", "delivery"),
    ],
)
def test_a_death_between_effect_and_record_is_made_good(
    lab: Lab, stories: list[Story], failpoint: str, program: str
) -> None:
    """Between hint, assets, PUT, purge, commit and receipt: the page is live, once, and proven."""
    story = stories[0]
    lab.quiet()
    before = lab.ready(program)
    lab.arm(failpoint)
    with Client(lab) as client:
        accepted = publish(lab, client, story)
    until(lambda: lab.fired(failpoint), what=f"{program} to get to {failpoint}")
    version = _version(lab, story) if failpoint in STORED else None
    lab.wait_proven(accepted.publication)
    until(partial(shows, lab, story), what="the page at the edge")
    if version is not None:
        (found,) = lab.rows("SELECT page_version FROM publication WHERE id = %s", accepted.publication)
        assert found["page_version"] >= version
    lab.ready(program, restarts=before.restarts + 1)


def _version(lab: Lab, story: Story) -> int:
    """The version that the process stored before it died."""
    page = lab.stored(story.path)
    assert story.accepted[-1].word in page
    found = STAMP.search(page)
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("place", PLACES)
def test_a_death_in_any_kind_of_step_is_made_good(lab: Lab, tmp_path: Path, place: str) -> None:
    """Most kinds lose their process there in the life of a story and two photos: all is done, told once."""
    lab.quiet()
    dead = lab.rows(DEAD)
    deadly = [kind for kind in STEPS if kind not in RARE or PLACES[RARE.index(kind) % 3] == place]
    with receiver() as there, ExitStack() as after:
        for kind in deadly:
            lab.arm(f"{kind}.{place}")
            after.callback(lab.disarm, f"{kind}.{place}")
        wanted = {"url": there.url, "events": ["article.live"], "secret": SECRET, "site": "khabar"}
        hook = lab.admin.post("/v1/webhooks", json=wanted).headers["location"]
        borrowed, kept = lab.upload(rights=json.dumps({"expires_at": _in(10)})), lab.upload()
        article = lab.create(hero={"asset": kept["id"], "alt": "صورة"})["id"]
        lab.wait_proven(lab.publish(article, publish_at=_in(5))["id"], seconds=MANY_DEATHS)
        until(lambda: _photo(lab, kept)["state"] == "ready", what="the photo")
        until(lambda: lab.article(article)["social_cards"], what="the card")
        _let_everything_come(lab, tmp_path)
        removal = {"kind": "takedown", "reason": "خطأ"}
        taken = lab.editor.post(f"/v1/articles/{article}/unpublish", json=removal).json()["id"]
        until(
            lambda: _hurried(lab) and lab.publication(taken)["state"] == "live",
            what="the takedown",
            seconds=MANY_DEATHS,
        )
        until(lambda: _hurried(lab) and _withdrawn(lab, borrowed), what="the withdrawal", seconds=MANY_DEATHS)
        lab.quiet()
        assert [kind for kind in deadly if not lab.fired(f"{kind}.{place}")] == []
        assert len({one.headers["webhook-id"] for one in there.told}) == 1
        lab.admin.delete(hook)
    assert lab.rows(DEAD) == dead


def _in(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def _photo(lab: Lab, photo: dict[str, Any]) -> dict[str, Any]:
    return dict(lab.editor.get(f"/v1/assets/{photo['id']}").json())


def _withdrawn(lab: Lab, photo: dict[str, Any]) -> bool:
    return (_photo(lab, photo)["withdrawal"] or {}).get("done_at") is not None


def _let_everything_come(lab: Lab, folder: Path) -> None:
    """What no single story brings: all signed anew, the site's look, the hourly sweep."""
    lab.command("related", "rebuild", "--no-wait")
    changed = folder / "khabar.toml"
    changed.write_text(SITE.replace("سياسة", lab.word()), "utf-8")
    lab.command("site", "apply", str(changed), "--base-url", lab.site)
    lab.rows("UPDATE step SET available_at = now(), dispatched_at = NULL WHERE kind = 'sweep' RETURNING id")


def _hurried(lab: Lab) -> bool:
    """The second pass over deleted files comes 22 s after the first; a test has less time."""
    lab.rows(
        """UPDATE step SET available_at = now() WHERE kind IN ('remove', 'withdraw') AND state = 'ready'
        AND available_at > now() + interval '2 seconds' RETURNING id"""
    )
    return True


def test_an_answer_that_died_after_its_commit_comes_again(lab: Lab) -> None:
    """The API ends between COMMIT and answer: the same key gets that answer, and all was done once."""
    lab.quiet()
    before = lab.ready("ingest").restarts
    made = _asked_again(lab, "/v1/articles", lab.draft())
    published = _asked_again(lab, f"/v1/articles/{made['id']}/publish", {})
    lab.wait_proven(published["id"])
    lab.ready("ingest", restarts=before + 2)
    for rows in ("article WHERE id", "revision WHERE article", "publication WHERE article"):
        assert lab.count(f"SELECT count(*) FROM {rows} = %s", made["id"]) == 1, rows


def _asked_again(lab: Lab, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer to a write whose first answer never came."""
    key = {"Idempotency-Key": lab.word()}
    lab.arm("ingest.after_commit")
    with pytest.raises(httpx.TransportError):
        lab.editor.post(path, json=body, headers=key)
    assert lab.fired("ingest.after_commit")
    until(lambda: _is_up(lab), what="the API")
    first, second = (lab.editor.post(path, json=body, headers=key) for _ in range(2))
    assert first.headers["idempotent-replay"] == "true"
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    return dict(first.json())


def _is_up(lab: Lab) -> bool:
    try:
        return lab.client("nobody").get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_production_refuses_failpoints(tmp_path: Path) -> None:
    """``nashr up`` ends at once, names the setting and the cure, and starts nothing."""
    ended = nashr(
        "up", "--detach", data=tmp_path / "data", env="production", failpoints="deliver.before_put=exit"
    )
    assert ended.returncode != 0
    said = ended.stdout + ended.stderr
    assert "NASHR_FAILPOINTS" in said
    assert "unset it" in said
    assert "Traceback" not in said
    assert not (tmp_path / "data" / "status.json").exists()
