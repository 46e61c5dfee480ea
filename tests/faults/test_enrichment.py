"""What a page can do without: a photo that is late, a card that can never be drawn."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nashr.steps import STEPS

from tests.conftest import until
from tests.faults.newsroom import Client, ask_for_story, publish, shows

if TYPE_CHECKING:
    from tests.faults.lab import Lab
    from tests.faults.newsroom import Story


def test_a_late_photo_joins_its_page_by_itself(lab: Lab) -> None:
    """A page goes out without a photo that takes longer than the wait, and gains it when it is there.

    The step outlives its lease several times here: the heartbeat keeps it, so it runs once.
    """
    lab.quiet()
    lab.arm("images.before_put")
    asset = lab.upload(lab.photo(400, 300))
    story = ask_for_story(lab, hero={"asset": asset["id"], "alt": "صورة"})
    until(lambda: lab.fired("images.before_put"), what="the photo to be late")
    _shorten_waits(lab)
    lab.wait_proven(story.accepted[0].publication)
    path = urlsplit(lab.article(story.id)["url"]).path
    assert 'class="hero"' not in lab.fetch(path).text, "the photo was not late"
    lab.served(path, holds='class="hero"')
    (step,) = lab.rows(
        "SELECT fence, state FROM step WHERE kind = 'images' AND input->>'asset' = %s", asset["id"]
    )
    assert step == {"fence": 1, "state": "done"}
    lab.quiet()
    assert 'property="og:image"' in lab.fetch(path).text


def _shorten_waits(lab: Lab) -> None:
    """The wait for photos is 30 s; a test has less time."""
    lab.rows(
        """WITH shorter AS (UPDATE need SET until = clock_timestamp() + interval '2 seconds' RETURNING page)
        UPDATE step SET available_at = clock_timestamp() + interval '2 seconds'
        WHERE kind = 'deliver' AND state = 'ready' AND key IN (SELECT page::text FROM shorter) RETURNING id"""
    )


def test_a_card_that_kills_its_process_ends_dead_and_alone(lab: Lab, stories: list[Story]) -> None:
    """After its attempts the step is dead, its page is out without its card, other stories never waited.

    Asking for the publication again is the replay: now the card is drawn and nothing is dead any more.
    """
    lab.quiet()
    other = stories[0]
    with Client(lab) as client:
        headline = lab.article(other.id)["headline"]
        lab.arm("cards.claimed")
        poisoned = ask_for_story(lab)
        _leave_three_attempts(lab, poisoned)
        while not _dead(lab, poisoned):
            publish(lab, client, other, headline=headline)
            until(partial(shows, lab, other), what="another story while cards die", seconds=15)
            lab.arm("cards.claimed")
        lab.disarm("cards.claimed")
        lab.wait_proven(poisoned.accepted[0].publication)
        path = urlsplit(lab.article(poisoned.id)["url"]).path
        assert lab.article(poisoned.id)["social_cards"] == []
        lab.ready("cards")
        again = client.insist("POST", f"/v1/articles/{poisoned.id}/publish", json={})
        lab.wait_proven(again["id"])
        drawn = until(lambda: lab.article(poisoned.id)["social_cards"], what="the card")
        lab.served(path, holds=urlsplit(drawn[0]["url"]).path)
    assert not _dead(lab, poisoned)


CARD = "kind = 'cards' AND split_part(key, ':', 1) = %s"


def _leave_three_attempts(lab: Lab, story: Story) -> None:
    spent = STEPS["cards"].max_attempts - 3
    lab.rows(f"UPDATE step SET attempts = attempts + {spent} WHERE {CARD} RETURNING id", story.id)


def _dead(lab: Lab, story: Story) -> bool:
    return lab.count(f"SELECT count(*) FROM step WHERE {CARD} AND state = 'dead'", story.id) > 0
