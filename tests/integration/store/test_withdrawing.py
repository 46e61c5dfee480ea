"""Withdrawing a photo on a real PostgreSQL: one transaction, whatever else goes on at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from nashr.domain.errors import Fenced, Refused, Retryable
from nashr.store import assets, cards, expiring, objects, pagerows, patching, queue, withdrawing
from nashr.store.database import run, scalar, transaction
from nashr.store.withdrawing import EXPIRED, Order

from tests.integration.store.newsroom import SITE, Newsroom, begin, keys_of, until_blocked

if TYPE_CHECKING:
    from nashr.store.assets import Asset
    from sqlalchemy import Engine

    from tests.integration.store.conftest import Inside

KILL = Order("kill", "the agency asks for it", "editor")


@pytest.fixture
def newsroom(engine: Engine) -> Newsroom:
    return begin(engine)


def withdraw(newsroom: Newsroom, asset: Asset, order: Order = KILL) -> Asset:
    with transaction(newsroom.engine) as conn:
        return withdrawing.withdraw(conn, SITE, asset, order)


def mark(newsroom: Newsroom, asset: Asset) -> list[str]:
    with transaction(newsroom.engine) as conn:
        return list(withdrawing.mark_files(conn, asset.id))


def in_hours(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def wanted(inside: Inside, path: str) -> int:
    return int(inside.page(path)["wanted"])


def test_every_page_with_the_photo_is_wanted_at_once(newsroom: Newsroom, inside: Inside) -> None:
    """Pages that name a file, listings among them without a rest, and live articles that name none yet."""
    photo = newsroom.photo()
    listing = newsroom.listing()
    newsroom.use(listing, keys_of(photo)[0])
    inside.run("UPDATE page SET live_at = clock_timestamp() WHERE id = :id", id=listing.id)
    _, page = newsroom.article(1, photo)
    other = newsroom.listing("/sport/")
    before = {path: wanted(inside, path) for path in (listing.path, page.path, other.path)}
    gone = withdraw(newsroom, photo)
    assert (gone.withdrawn_at is not None, gone.placeholder) == (True, None)
    assert gone.withdrawal is not None
    assert (gone.withdrawal["cause"], gone.withdrawal["by"]) == ("kill", "editor")
    after = {path: wanted(inside, path) - count for path, count in before.items()}
    assert after == {listing.path: 1, page.path: 1, other.path: 0}
    for path in (listing.path, page.path):
        assert inside.deliver(path)["in_seconds"] <= 0
        assert inside.deliver(path)["priority"] == 0


def test_two_photos_of_the_same_bytes(newsroom: Newsroom, inside: Inside) -> None:
    """A file that another photo came to as well is found on pages by either."""
    photo = newsroom.photo()
    twin = newsroom.photo(2, files=("c",))
    with transaction(newsroom.engine) as conn:
        run(conn, "UPDATE object SET source = :twin WHERE source = :photo", twin=twin.id, photo=photo.id)
    listing = newsroom.listing()
    newsroom.use(listing, keys_of(photo)[0])
    withdraw(newsroom, photo)
    assert wanted(inside, listing.path) == 2
    with transaction(newsroom.engine) as conn:
        assert withdrawing.still_shown(conn, photo.id) == [listing.path]


def test_again_changes_nothing(newsroom: Newsroom, inside: Inside) -> None:
    """A second withdrawal gives the first one; there is one event of it."""
    photo = newsroom.photo()
    first = withdraw(newsroom, photo)
    assert withdraw(newsroom, photo, Order("kill", "twice", "other")) == first
    assert inside.scalar("SELECT count(*) FROM event WHERE type = 'asset.withdrawn'") == 1


def test_a_card_is_asked_for_without_the_photo(newsroom: Newsroom, inside: Inside) -> None:
    """Cards with the photo are void, one without is due now, and the page goes out again once it is drawn."""
    photo = newsroom.photo()
    article, page = newsroom.article(1, photo)
    key = newsroom.card(article, photo)
    gone = withdraw(newsroom, photo)
    states = inside.scalar(
        "SELECT array_agg(state ORDER BY id) FROM step WHERE kind = 'cards' AND key LIKE :like",
        like=f"{article.id}:%",
    )
    assert states == ["void", "ready"]
    assert key in mark(newsroom, gone)
    with transaction(newsroom.engine) as conn:
        assert pagerows.waiting_until(conn, page.id) is None
        step = scalar(conn, "SELECT step FROM need WHERE page = :page", page=page.id)
    assert inside.step(step)["input"]["asset"] is None
    before = wanted(inside, page.path)
    inside.run("UPDATE step SET state = 'done' WHERE kind = 'deliver'")
    with transaction(newsroom.engine) as conn:
        pagerows.wake(conn, step, priority=0)
    assert wanted(inside, page.path) == before + 1


def test_a_withdrawn_photo_is_none_to_a_card(newsroom: Newsroom) -> None:
    """The key of a card whose photo was withdrawn is that of the card without a photo."""
    photo = newsroom.photo()
    newsroom.article(1, photo)
    with transaction(newsroom.engine) as conn:
        doc = newsroom.content(conn, 1)
        with_photo = cards.order(conn, SITE, "ar_1", doc, photos={photo.id: photo})
        without = cards.order(conn, SITE, "ar_1", doc, photos={})
    gone = withdraw(newsroom, photo)
    with transaction(newsroom.engine) as conn:
        after = cards.order(conn, SITE, "ar_1", doc, photos={gone.id: gone})
    assert after == without
    assert after.key != with_photo.key


def test_files_in_use_stay_until_their_page_lets_go(newsroom: Newsroom, inside: Inside) -> None:
    """A page that announced itself before the mark keeps its file, is wanted again, and then lets it go."""
    photo = newsroom.photo()
    listing = newsroom.listing()
    gone = withdraw(newsroom, photo)  # the page was rendered before and records its use after it
    newsroom.use(listing, keys_of(photo)[0])
    assert mark(newsroom, gone) == [keys_of(photo)[1]]
    with transaction(newsroom.engine) as conn:
        assert withdrawing.still_shown(conn, gone.id) == [listing.path]
        withdrawing.urge(conn, SITE, gone.id)
    assert wanted(inside, listing.path) == 1
    with transaction(newsroom.engine) as conn:
        withdrawing.urge(conn, SITE, gone.id)  # it is on its way: once is enough
    assert wanted(inside, listing.path) == 1
    newsroom.drop(listing)
    assert mark(newsroom, gone) == sorted(keys_of(photo))


def test_a_page_between_mark_and_delete(newsroom: Newsroom) -> None:
    """Who marks waits for a page that is announcing; a page that announces after the mark is refused."""
    photo = newsroom.photo()
    listing = newsroom.listing()
    withdraw(newsroom, photo)
    with ThreadPoolExecutor() as pool, transaction(newsroom.engine) as conn:
        objects.use(conn, listing.id, keys_of(photo)[:1], site="paper", version=1)
        marking = pool.submit(mark, newsroom, photo)
        until_blocked(newsroom.engine)
        run(conn, "COMMIT")
        run(conn, "BEGIN")
        assert marking.result(10) == [keys_of(photo)[1]]
    with pytest.raises(objects.AssetMissing) as caught:
        newsroom.use(listing, *keys_of(photo), version=2)
    assert caught.value.keys == (keys_of(photo)[1],)


def test_a_withdrawal_waits_for_the_images_step_that_commits(newsroom: Newsroom) -> None:
    """Renditions that are being recorded are recorded first, and then withdrawn with the rest."""
    photo = newsroom.photo(files=("a",))
    step = _claimed_images(newsroom, photo)
    with ThreadPoolExecutor() as pool, transaction(newsroom.engine) as conn:
        queue.hold(conn, step)
        withdrawing_ = pool.submit(withdraw, newsroom, photo)
        until_blocked(newsroom.engine)
        newsroom.store(conn, assets.lock(conn, photo.id), ["late"])
        queue.finish(conn, step)
        run(conn, "COMMIT")
        run(conn, "BEGIN")
        gone = withdrawing_.result(10)
    assert gone.withdrawn_at is not None
    assert "paper/media/late.jpg" in mark(newsroom, gone)


def test_an_images_step_that_commits_after_a_withdrawal_is_fenced(newsroom: Newsroom) -> None:
    """What was made of a photo that was withdrawn meanwhile is never recorded."""
    photo = newsroom.photo()
    step = _claimed_images(newsroom, photo)
    withdraw(newsroom, photo)
    with pytest.raises(Fenced), transaction(newsroom.engine) as conn:
        queue.hold(conn, step)


def _claimed_images(newsroom: Newsroom, photo: Asset) -> queue.Step:
    with transaction(newsroom.engine) as conn:
        number = assets.make(conn, photo, priority=1)
    step = queue.claim(newsroom.engine, number, owner="images:1", lease=60)
    assert step is not None
    return step


def test_a_patch_and_a_withdrawal_at_once(newsroom: Newsroom) -> None:
    """Whichever comes first, the photo ends up withdrawn; a patch either stands or is told to begin again."""
    for number in range(4):
        photo = newsroom.photo(number + 10)
        changes: dict[str, Any] = {"rights": {"expires_at": in_hours(1)}}
        with ThreadPoolExecutor() as pool:
            patched = pool.submit(_patch, newsroom, photo, changes)
            gone = pool.submit(withdraw, newsroom, photo)
            stands = patched.result(10)
            gone.result(10)
        now = newsroom.asset(photo.id)
        assert (now.withdrawn_at is not None, now.version) == (True, 3 if stands else 2)
        assert now.rights == (changes["rights"] if stands else photo.rights)


def _patch(newsroom: Newsroom, photo: Asset, changes: dict[str, Any]) -> bool:
    """Whether it stands: not where another change came first."""
    try:
        with transaction(newsroom.engine) as conn:
            patching.patch(conn, SITE, photo, changes, actor="editor")
    except Refused as refused:
        if refused.code != "precondition_failed":
            raise
        return False
    return True


def test_the_end_of_rights_is_a_due_step(newsroom: Newsroom, inside: Inside) -> None:
    """Rights that end arm a step for then; a later end leaves it to the step to come again."""
    photo = newsroom.photo(expires_at=in_hours(1))
    step = inside.scalar("SELECT id FROM step WHERE kind = 'expire' AND key = :key", key=photo.id)
    assert 3500 < inside.step(step)["in_seconds"] <= 3600
    _patch(newsroom, photo, {"rights": {"expires_at": in_hours(0.5)}})
    assert 1700 < inside.step(step)["in_seconds"] <= 1800
    assert inside.scalar("SELECT count(*) FROM step WHERE kind = 'expire'") == 1


def test_rights_that_were_renewed_do_not_end(newsroom: Newsroom) -> None:
    """An end that was moved while it was being carried out withdraws nothing."""
    photo = newsroom.photo(expires_at=in_hours(-1))
    _patch(newsroom, photo, {"rights": {"expires_at": in_hours(1)}})
    with pytest.raises(Retryable):
        withdraw(newsroom, photo, EXPIRED)
    assert newsroom.asset(photo.id).withdrawn_at is None


def test_a_kill_makes_an_expiry_final(newsroom: Newsroom, inside: Inside) -> None:
    """A photo that has expired can still be killed: its withdrawal begins again, with the new cause."""
    photo = newsroom.photo(expires_at=in_hours(-1))
    expired = withdraw(newsroom, photo, EXPIRED)
    inside.run("UPDATE step SET state = 'done', result = '{}' WHERE kind = 'withdraw'")
    assert (withdrawing.cause(expired), withdrawing.cause(withdraw(newsroom, expired))) == ("expired", "kill")
    again = inside.scalar("SELECT id FROM step WHERE kind = 'withdraw' AND key = :key", key=photo.id)
    assert (inside.step(again)["state"], inside.step(again)["result"]) == ("ready", None)


def test_who_comes_back(newsroom: Newsroom) -> None:
    """Expired photos come back with new rights once their files are gone; killed ones never."""
    photo = newsroom.photo(expires_at=in_hours(-1))
    withdraw(newsroom, photo, EXPIRED)
    new = {"rights": {"expires_at": in_hours(1)}}
    assert _refused(newsroom, photo, {}) == "withdrawn"
    assert _refused(newsroom, photo, new) == "withdrawn"
    with transaction(newsroom.engine) as conn:
        withdrawing.done(conn, photo.id)
        withdrawing.renew(conn, SITE, photo.sha256, new, actor="editor")
    back = newsroom.asset(photo.id)
    assert (back.state, back.withdrawn_at, back.rights, back.renditions) == (
        "archived",
        None,
        new["rights"],
        [],
    )
    assert back.caption == "A harbour"
    withdraw(newsroom, back)
    with transaction(newsroom.engine) as conn:
        withdrawing.done(conn, photo.id)
    assert _refused(newsroom, photo, new) == "withdrawn"


def _refused(newsroom: Newsroom, photo: Asset, meta: dict[str, Any]) -> str:
    with pytest.raises(Refused) as caught, transaction(newsroom.engine) as conn:
        withdrawing.renew(conn, SITE, photo.sha256, meta, actor="editor")
    return caught.value.code


def test_an_end_that_nobody_can_read_is_none() -> None:
    """What a file says about its rights may be anything: only a time is an end."""
    assert expiring.ends({"expires_at": "next year"}) is None
    assert expiring.ends({}) is None
    assert expiring.ends({"expires_at": "2030-01-01T00:00:00"}) == datetime(2030, 1, 1, tzinfo=UTC)
