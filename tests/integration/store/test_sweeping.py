"""Files that nobody uses, on a real PostgreSQL: what may go, what stays, what is made again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from nashr.adapters import s3
from nashr.domain import theme
from nashr.settings import load_for_stack
from nashr.store import articles, assets, mending, objects, publishing, queue, sites, sweeping
from nashr.store.database import run, scalar, transaction
from nashr.store.mending import Missing
from nashr_delivery import sweep

from tests.integration.store.newsroom import SITE, Newsroom, begin, keys_of, put, until_blocked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nashr.bootstrap import Runtime
    from nashr.store.assets import Asset
    from sqlalchemy import Engine

    from tests.conftest import Stack
    from tests.integration.store.conftest import Inside

GRACE = 3600.0


@pytest.fixture
def newsroom(engine: Engine) -> Newsroom:
    return begin(engine)


def grow_old(inside: Inside) -> None:
    """Two grace periods pass."""
    inside.run("UPDATE object SET unused_since = unused_since - interval '2 hours'")


def found(newsroom: Newsroom) -> Mapping[str, Sequence[str]]:
    with transaction(newsroom.engine) as conn:
        return sweeping.candidates(conn, "paper", grace=GRACE, limit=100)


def mark(newsroom: Newsroom) -> list[str]:
    """The keys that a sweep would delete now."""
    marked: list[str] = []
    for source, keys in found(newsroom).items():
        with transaction(newsroom.engine) as conn:
            marked += sweeping.mark(conn, SITE, source, keys)
    return sorted(marked)


def unused(inside: Inside, key: str) -> bool:
    return bool(inside.scalar("SELECT unused_since IS NOT NULL FROM object WHERE key = :key", key=key))


def state(inside: Inside, kind: str, key: str) -> str:
    return str(inside.scalar("SELECT state FROM step WHERE kind = :kind AND key = :key", kind=kind, key=key))


def test_the_last_use_begins_the_grace_period(newsroom: Newsroom, inside: Inside) -> None:
    """A file is unused from the moment that the last page lets go of it, and not before."""
    key = keys_of(newsroom.photo())[0]
    inside.run("UPDATE object SET unused_since = NULL")
    first, second = newsroom.listing("/news/"), newsroom.listing("/sport/")
    newsroom.use(first, key)
    newsroom.use(second, key)
    newsroom.drop(first)
    assert not unused(inside, key)
    newsroom.drop(second)
    assert unused(inside, key)


def test_letting_go_waits_for_nobody(newsroom: Newsroom, inside: Inside) -> None:
    """A page goes live although another one holds the same file; the walk finds what was passed over."""
    key = keys_of(newsroom.photo())[0]
    inside.run("UPDATE object SET unused_since = NULL")
    page = newsroom.listing()
    newsroom.use(page, key)
    with transaction(newsroom.engine) as conn:
        run(conn, "SELECT key FROM object WHERE key = :key FOR SHARE", key=key)
        with ThreadPoolExecutor() as pool:
            pool.submit(newsroom.drop, page).result(5)
    assert not unused(inside, key)
    with transaction(newsroom.engine) as conn:
        assert sweeping.walk(conn, "paper", after="", limit=100) == ""
    assert unused(inside, key)


def test_a_walk_goes_on_where_it_stopped(newsroom: Newsroom) -> None:
    """The manifest is walked through a few rows at a time, and from its beginning again after its end."""
    keys = sorted([*keys_of(newsroom.photo(1)), *keys_of(newsroom.photo(2))])
    with transaction(newsroom.engine) as conn:
        first = sweeping.walk(conn, "paper", after="", limit=3)
        assert (first, sweeping.walk(conn, "paper", after=first, limit=3)) == (keys[2], "")


def test_a_young_file_stays(newsroom: Newsroom) -> None:
    """Nothing goes before the grace period is over."""
    newsroom.photo()
    assert found(newsroom) == {}


def test_superseded_files_go_one_by_one(newsroom: Newsroom, inside: Inside) -> None:
    """Of what a photo showed before, unused files go and used ones stay; what it shows now stays."""
    photo = newsroom.photo(files=("old", "older"))
    old, older = keys_of(photo)
    page = newsroom.listing()
    with transaction(newsroom.engine) as conn:
        newsroom.store(conn, photo, ["new"])
    newsroom.use(page, old)
    newsroom.article(1, photo)
    grow_old(inside)
    assert mark(newsroom) == [older]
    assert (unused(inside, old), newsroom.asset(photo.id).state) == (False, "ready")
    assert found(newsroom).get(photo.id, []) == [older]


def test_a_photo_at_rest_is_archived(newsroom: Newsroom, inside: Inside) -> None:
    """Once nobody shows any of it all its files go together; its original and its words stay."""
    photo = newsroom.photo()
    inside.run("UPDATE object SET unused_since = NULL WHERE key = :key", key=keys_of(photo)[1])
    grow_old(inside)
    assert mark(newsroom) == sorted(keys_of(photo))
    now = newsroom.asset(photo.id)
    assert (now.state, now.renditions, now.made, now.caption) == ("archived", [], None, "A harbour")
    assert state(inside, "images", photo.id) == "void"


@pytest.mark.parametrize("reason", ["article", "page", "publication", "work"])
def test_a_photo_that_someone_needs_stays_whole(newsroom: Newsroom, inside: Inside, reason: str) -> None:
    """A live article, one use of one file, a publication on its way, or work on it keeps every file."""
    photo = newsroom.photo()
    if reason == "article":
        newsroom.article(1, photo)
    if reason == "page":
        newsroom.use(newsroom.listing(), keys_of(photo)[1])
    if reason == "publication":
        schedule(newsroom, photo)
    if reason == "work":
        inside.run("UPDATE step SET state = 'leased' WHERE kind = 'images'")
    grow_old(inside)
    assert mark(newsroom) == []
    assert newsroom.asset(photo.id).state == "ready"
    assert found(newsroom) == {}


def schedule(newsroom: Newsroom, photo: Asset) -> None:
    """A publication for tomorrow of an article with the photo."""
    article, _ = newsroom.article(7, photo)
    with transaction(newsroom.engine) as conn:
        run(
            conn, "UPDATE asset SET made = :made WHERE id = :id", made=photo.to_make(SITE.images), id=photo.id
        )
        again = articles.find(conn, article.id, lock=True)
        assert again is not None
        at = scalar(conn, "SELECT clock_timestamp() + interval '1 day'")
        publishing.request(conn, SITE, again, publishing.Request(1, at), actor="editor")
        run(conn, "DELETE FROM article_asset")


def test_publishing_an_archived_photo_makes_it_anew(newsroom: Newsroom, inside: Inside) -> None:
    """The photo is being made again, as urgent as the publication, and its page waits for it."""
    photo = newsroom.photo()
    grow_old(inside)
    mark(newsroom)
    schedule(newsroom, photo)
    assert newsroom.asset(photo.id).state == "processing"
    assert state(inside, "images", photo.id) == "ready"


def test_a_publication_and_a_sweep_at_once(newsroom: Newsroom, inside: Inside) -> None:
    """Whoever publishes while a photo is being archived waits for that, and has it made again."""
    photo = newsroom.photo()
    grow_old(inside)
    keys = found(newsroom)[photo.id]
    with ThreadPoolExecutor() as pool, transaction(newsroom.engine) as conn:
        sweeping.mark(conn, SITE, photo.id, keys)
        publishing_ = pool.submit(schedule_made, newsroom, photo)
        until_blocked(newsroom.engine)
        run(conn, "COMMIT")
        run(conn, "BEGIN")
        publishing_.result(10)
    assert newsroom.asset(photo.id).state == "processing"


def schedule_made(newsroom: Newsroom, photo: Asset) -> None:
    with transaction(newsroom.engine) as conn:
        doc = {
            "headline": "Harvest", "section": "news", "language": "en", "kind": "news",
            "hero": {"asset": photo.id, "alt": "x"}, "body": [{"type": "paragraph", "html": "Wheat"}],
        }  # fmt: skip
        article = articles.create(conn, SITE, doc, actor="test")
        at = scalar(conn, "SELECT clock_timestamp() + interval '1 day'")
        publishing.request(conn, SITE, article, publishing.Request(1, at), actor="editor")


def test_uploading_an_archived_photo_makes_it_anew(newsroom: Newsroom, inside: Inside) -> None:
    """The same bytes bring the photo back under its old id."""
    photo = newsroom.photo()
    grow_old(inside)
    mark(newsroom)
    with transaction(newsroom.engine) as conn:
        back, made = assets.create(
            conn, site="paper", sha256=photo.sha256, content_type="image/jpeg", width=1, height=1, size=1,
            meta={}, actor="editor",
        )  # fmt: skip
    assert (back.id, back.state, made) == (photo.id, "processing", False)
    assert state(inside, "images", photo.id) == "ready"


def test_an_unused_card_goes_and_can_be_drawn_again(newsroom: Newsroom, inside: Inside) -> None:
    """A card that no page uses goes; asking for it again draws it again."""
    photo = newsroom.photo(files=())
    article, _ = newsroom.article(1, photo)
    key = newsroom.card(article, photo)
    grow_old(inside)
    assert mark(newsroom) == [key]
    step = inside.scalar("SELECT key FROM step WHERE kind = 'cards'")
    assert state(inside, "cards", step) == "void"
    with transaction(newsroom.engine) as conn:
        queue.add(conn, "cards", step, site="paper", data={})
    assert state(inside, "cards", step) == "ready"


def test_an_interrupted_sweep_goes_on(newsroom: Newsroom, inside: Inside) -> None:
    """What was marked before a crash comes first in the next sweep, also if the photo is wanted by now."""
    photo = newsroom.photo()
    grow_old(inside)
    marked = mark(newsroom)
    with transaction(newsroom.engine) as conn:
        assets.make(conn, photo, priority=1)
    assert mark(newsroom) == marked


def test_what_is_made_meanwhile_waits(newsroom: Newsroom, inside: Inside) -> None:
    """A file made anew is recorded once the old one is forgotten, and that waits for who makes it."""
    photo = newsroom.photo()
    grow_old(inside)
    marked = mark(newsroom)
    inside.run("UPDATE step SET state = 'leased' WHERE kind = 'images'")
    assert forget(newsroom, marked) == 2
    with pytest.raises(objects.BeingDeleted):
        record(newsroom, photo)
    inside.run("UPDATE step SET state = 'ready' WHERE kind = 'images'")
    assert forget(newsroom, marked) == 0
    record(newsroom, photo)
    assert inside.scalar("SELECT count(*) FROM object WHERE state = 'stored'") == 2


def forget(newsroom: Newsroom, keys: Sequence[str]) -> int:
    with transaction(newsroom.engine) as conn:
        return sweeping.forget(conn, keys)


def record(newsroom: Newsroom, photo: Asset) -> None:
    with transaction(newsroom.engine) as conn:
        paths = [item["path"].lstrip("/") for item in photo.renditions]
        objects.record(conn, "paper", [put(path) for path in paths], source=photo.id)


def test_a_takedowns_files_are_not_the_sweeps(newsroom: Newsroom, inside: Inside) -> None:
    """What a takedown is deleting is left to it, however old it is."""
    photo = newsroom.photo()
    with transaction(newsroom.engine) as conn:
        objects.mark_deleting(conn, keys_of(photo))
    grow_old(inside)
    assert found(newsroom) == {}


def test_a_missing_file_is_made_again(newsroom: Newsroom, inside: Inside) -> None:
    """Whether the manifest knows it as being deleted or not at all, its photo is made again for the page."""
    for number, known in enumerate((True, False)):
        photo = newsroom.photo(number)
        article, page = newsroom.article(number, photo)
        key = keys_of(photo)[0]
        run_ = "UPDATE object SET state = 'deleting'" if known else "DELETE FROM object"
        inside.run(f"{run_} WHERE key = :key", key=key)
        with pytest.raises(objects.AssetMissing):
            newsroom.use(page, key)
        with transaction(newsroom.engine) as conn:
            mending.mend(conn, SITE, page.id, Missing([key], article.id, [photo.id]))
            step = scalar(conn, "SELECT step FROM need WHERE page = :page", page=page.id)
        assert (inside.step(step)["kind"], inside.step(step)["state"]) == ("images", "ready")


def test_a_missing_card_is_drawn_again(newsroom: Newsroom, inside: Inside) -> None:
    """The step of a lost card is due again."""
    photo = newsroom.photo()
    article, page = newsroom.article(1, photo)
    key = newsroom.card(article, photo)
    inside.run("DELETE FROM object WHERE key = :key", key=key)
    with transaction(newsroom.engine) as conn:
        mending.mend(conn, SITE, page.id, Missing([key], article.id, [photo.id]))
    assert state(inside, "cards", inside.scalar("SELECT key FROM step WHERE kind = 'cards'")) == "ready"


def test_a_withdrawn_photo_is_not_made_again(newsroom: Newsroom, inside: Inside) -> None:
    """A page that still names a withdrawn photo is rendered again; nothing is made for it."""
    photo = newsroom.photo()
    article, page = newsroom.article(1, photo)
    inside.run("UPDATE asset SET withdrawn_at = clock_timestamp()")
    inside.run("UPDATE step SET state = 'void' WHERE kind = 'images'")
    with transaction(newsroom.engine) as conn:
        mending.mend(conn, SITE, page.id, Missing(keys_of(photo), article.id, [photo.id]))
    assert state(inside, "images", photo.id) == "void"


def test_theme_folders_that_no_site_names_are_dropped(
    newsroom: Newsroom, inside: Inside, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but the present one of this site, and none while the site was changed within the hour."""
    settings = load_for_stack(stack.data)
    store = s3.S3ObjectStore(s3.connect(settings), settings.s3_private_bucket)
    keys = [theme.bundle_key("paper", f"{number:064d}") for number in range(3)]
    other = theme.bundle_key("paper2", "0" * 64)
    for key in (*keys, other):
        store.put(key, b"{}", content_type="application/json")
    with transaction(newsroom.engine) as conn:
        sites.apply(conn, replace(SITE, theme={"folder": keys[1]}), actor="test")
    work = sweep.Sweep(cast("Runtime", SimpleNamespace(engine=newsroom.engine, originals=store)))
    work._drop_looks(SITE)
    assert set(store.keys("paper/themes/")) == set(keys)
    inside.run("UPDATE site SET updated_at = updated_at - interval '2 hours'")
    work._drop_looks(SITE)
    assert set(store.keys("paper/themes/")) == set(keys)  # stored a moment ago: about to be applied, perhaps
    monkeypatch.setattr(sweep, "PAUSE", -60.0)  # a minute from now stands for an hour ago
    work._drop_looks(SITE)
    assert set(store.keys("paper/themes/")) == {keys[1]}
    assert store.head(other) is not None
    store.delete(keys[1])
    store.delete(other)


def test_most_of_a_site_does_not_go_by_itself(newsroom: Newsroom, inside: Inside) -> None:
    """More than the allowed share of all files is too many; below it, or of a few, it is not."""

    def much(most: float) -> tuple[int, int] | None:
        with transaction(newsroom.engine) as conn:
            return sweeping.too_many(conn, "paper", grace=GRACE, most=most)

    inside.run(
        """INSERT INTO object (key, site, sha256, content_type, bytes, state, source, stored_at, unused_since)
        SELECT 'paper/cards/' || n, 'paper', '', 'image/jpeg', 1, 'stored', 'x', clock_timestamp(),
            CASE WHEN n <= 1500 THEN clock_timestamp() - interval '2 hours' END
        FROM generate_series(1, 2000) AS n"""
    )
    assert much(most=60.0) == (1500, 2000)
    assert much(most=75.0) is None
    inside.run("UPDATE object SET unused_since = NULL WHERE substr(key, 13)::int > 1000")
    assert much(most=1.0) is None
