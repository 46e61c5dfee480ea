"""``nashr verify``: every sort of drift, made by hand behind nashr's back, is found, and is repaired.

One site of its own, damaged once in all ways; each test looks at one of them.
"""

from __future__ import annotations

import hmac
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from tests.conftest import ARABIC, SITE

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.e2e.conftest import Behind

PREFIX = "drift/"
HTML = "text/html; charset=utf-8"
OURS = {"version": "3", "surrogate-key": "site-drift kind-article"}


@dataclass(frozen=True)
class Report:
    """What ``nashr verify --json`` says."""

    code: int
    kinds: Mapping[str, str]
    summary: Mapping[str, Any]


def verify(stack: Stack, *words: str) -> Report:
    """One run on the site of these tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NASHR_")}
    command = [str(Path(sys.executable).with_name("nashr")), "verify", "--json", "--site", "drift", *words]
    done = subprocess.run(
        [*command, "--data", str(stack.data)],
        env=environment, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    *found, last = [json.loads(line) for line in done.stdout.splitlines()]
    return Report(done.returncode, {one["where"]: one["kind"] for one in found}, last["summary"])


@dataclass
class Damage:
    """The site, what was done to it by name, and what four runs said: look, refused, repair, once more."""

    stack: Stack
    behind: Behind
    where: dict[str, str] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    runs: list[Report] = field(default_factory=list)

    def article(self, **changes: Any) -> dict[str, Any]:
        return self.stack.publish_and_wait(who="admin", site="drift", **changes)

    def key(self, article: Mapping[str, Any]) -> str:
        return f"{PREFIX}{self.path(article)[1:]}index.html"

    @staticmethod
    def path(article: Mapping[str, Any]) -> str:
        return unquote(urlsplit(article["url"]).path).removeprefix("/drift")

    def get(self, key: str) -> dict[str, Any]:
        return dict(self.behind.store.get_object(Bucket=self.behind.bucket, Key=key))

    def put(self, key: str, body: bytes, **headers: Any) -> None:
        self.behind.store.put_object(Bucket=self.behind.bucket, Key=key, Body=body, **headers)

    def change_metadata(self, key: str, **changes: str) -> None:
        """The same body under other metadata: the ETag stays."""
        there = self.get(key)
        self.put(
            key, there["Body"].read(), ContentType=there["ContentType"], CacheControl=there["CacheControl"],
            Metadata={**there["Metadata"], **changes},
        )  # fmt: skip

    def serve_old(self, article: Mapping[str, Any]) -> None:
        """The edge keeps other bytes than the bucket: it fetched while they were there, and was not told."""
        key, there = self.key(article), self.get(self.key(article))
        body, headers = there["Body"].read(), {"ContentType": HTML, "CacheControl": there["CacheControl"]}
        self.put(key, b"<p>old</p>", Metadata=there["Metadata"], **headers)
        secret = json.loads((self.stack.data / "stack.json").read_text())["purge_secret"]
        answer = httpx.request(
            "PURGE", f"{self.stack.site}/", json={"urls": [article["url"]]},
            headers={"Nashr-Purge-Secret": secret}, trust_env=False,
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        assert "old" in self.stack.fetch(article["url"]).text
        self.put(key, body, Metadata=there["Metadata"], **headers)
        assert "old" in self.stack.fetch(article["url"]).text

    def still(self) -> None:
        """Waits until nothing of the site is on its way."""
        self.stack.until(lambda: self.behind.rests("drift"), what="the site to rest", seconds=120)


def _damage(made: Damage) -> None:
    stack, behind = made.stack, made.behind
    photo = stack.upload(who="admin", site="drift")
    hero = {"asset": photo["id"], "alt": "المرفأ"}
    names = ("missing", "bytes", "ahead", "edge", "stuck", "redirect", "killed")
    articles = {name: made.article() for name in names}
    with_photo = made.article(hero=hero)
    reason = {"kind": "kill", "reason": "x", "public_notice": "سُحب"}
    killed = stack.admin.post(f"/v1/articles/{articles['killed']['id']}/unpublish", json=reason)
    stack.wait_proven(killed.json()["id"], who="admin")
    made.still()
    made.where = {name: made.path(one) for name, one in articles.items()}
    made.before = articles
    behind.store.delete_object(Bucket=behind.bucket, Key=made.key(articles["missing"]))
    made.put(made.key(articles["bytes"]), b"<p>somebody was here</p>", ContentType=HTML)
    live = behind.one("SELECT live FROM page WHERE site = 'drift' AND path = %s", made.where["ahead"])
    made.put(made.key(articles["ahead"]), b"<p>later</p>", ContentType=HTML,
             Metadata={**OURS, "version": str(live + 5)})  # fmt: skip
    made.serve_old(articles["edge"])
    behind.run("UPDATE page SET wanted = wanted + 1 WHERE site = 'drift' AND path = %s", made.where["stuck"])
    made.change_metadata(made.key(articles["killed"]), status="200")
    short = urlsplit(articles["redirect"]["short_url"]).path.removeprefix("/drift")
    made.where["redirect"] = short
    made.change_metadata(f"{PREFIX}{short[1:]}", location="https://elsewhere.example/")
    _damage_files(made, with_photo)


def _damage_files(made: Damage, with_photo: Mapping[str, Any]) -> None:
    behind = made.behind
    named = """SELECT u.key FROM asset_use u JOIN article a ON a.page = u.page
        WHERE a.id = %s AND u.key LIKE %s ORDER BY u.key LIMIT 1"""
    for name, like in (
        ("rendition", "%/media/%.jpg"),
        ("card", "%/cards/%.jpg"),
        ("style", "%/assets/%.css"),
    ):
        made.where[name] = behind.one(named, with_photo["id"], like)
    behind.store.delete_object(Bucket=behind.bucket, Key=made.where["rendition"])
    behind.store.delete_object(Bucket=behind.bucket, Key=made.where["style"])
    made.before["card"] = made.get(made.where["card"])["Body"].read()
    made.put(made.where["card"], b"not a card", ContentType="image/jpeg")
    secret = behind.one("SELECT secret FROM site WHERE id = 'drift'")
    body = os.urandom(64)
    keyed = hmac.new(secret.encode(), body + b"\0", sha256).hexdigest()[:32]
    made.where |= {
        "orphan_page": "/politics/nobody/",
        "orphan_file": f"{PREFIX}media/{keyed}.jpg",
        "their_photo": f"{PREFIX}media/theirs.jpg",
        "their_page": f"{PREFIX}politics/theirs/index.html",
    }
    made.put(f"{PREFIX}politics/nobody/index.html", b"<p>", ContentType=HTML, Metadata=OURS)
    made.put(made.where["orphan_file"], body, ContentType="image/jpeg")
    made.put(made.where["their_photo"], body, ContentType="image/jpeg")
    made.put(made.where["their_page"], b"<p>", ContentType=HTML, Metadata={"version": "1"})


@pytest.fixture(scope="module")
def damage(stack: Stack, behind: Behind, tmp_path_factory: pytest.TempPathFactory) -> Damage:
    """The damaged site after: a look; a repair that may delete nothing; a repair; another one."""
    file = tmp_path_factory.mktemp("drift") / "drift.toml"
    text = SITE.replace('logo = "logo.svg"\n', "").format(id="drift", name="جريدة", **ARABIC)
    file.write_text(text, "utf-8")
    stack.command("site", "apply", str(file), "--base-url", f"{stack.site}/drift/")
    made = Damage(stack, behind)
    _damage(made)
    made.runs.append(verify(stack, "--grace-days", "0"))
    made.runs.append(verify(stack, "--repair", "--grace-days", "0", "--max-delete", "0"))
    assert made.behind.stored(f"{PREFIX}politics/nobody/index.html")
    made.still()
    for _ in range(2):
        made.runs.append(verify(stack, "--repair", "--grace-days", "0"))
        made.still()
    return made


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("missing", "page_missing"),
        ("bytes", "page_bytes"),
        ("killed", "page_headers"),
        ("redirect", "page_headers"),
        ("ahead", "page_ahead"),
        ("edge", "edge"),
        ("stuck", "page_stuck"),
        ("rendition", "file_missing"),
        ("style", "file_missing"),
        ("card", "file_bytes"),
        ("orphan_page", "orphan_page"),
        ("orphan_file", "orphan_file"),
    ],
)
def test_each_sort_of_drift_is_found(damage: Damage, name: str, kind: str) -> None:
    """The first look names where it is and what it is."""
    assert damage.runs[0].kinds.get(damage.where[name]) == kind


def test_nothing_else_is_found(damage: Damage) -> None:
    """What is right, and what others have put there, is no drift. The exit code says that there is some."""
    names = set(damage.where) - {"their_photo", "their_page"}
    assert set(damage.runs[0].kinds) == {damage.where[name] for name in names}
    assert (damage.runs[0].code, damage.runs[0].summary["drift"]) == (1, len(names))


def test_a_look_changes_nothing(damage: Damage) -> None:
    """The second run found what the first had found."""
    assert damage.runs[1].kinds == damage.runs[0].kinds


@pytest.mark.parametrize("name", ["missing", "bytes", "ahead", "edge", "stuck"])
def test_pages_are_delivered_again(damage: Damage, name: str) -> None:
    """Readers get the article again, newer than whatever lay there."""
    article = damage.before[name]
    assert article["headline"] in damage.stack.fetch(article["url"]).text
    there = damage.get(damage.key(article))["Metadata"]
    live = damage.behind.one(
        "SELECT live FROM page WHERE site = 'drift' AND path = %s", damage.where[name]
    )  # fmt: skip
    assert int(there["version"]) <= live


def test_the_counter_passes_a_newer_version(damage: Damage) -> None:
    """A version that the bucket had and the database did not know is exceeded, never repeated."""
    there = damage.get(damage.key(damage.before["ahead"]))["Metadata"]
    assert int(there["version"]) > 5


def test_tombstones_and_redirects_say_so_again(damage: Damage) -> None:
    """What was killed answers 410, and the permalink leads to its article."""
    stack, before = damage.stack, damage.before
    assert stack.fetch(before["killed"]["url"]).status_code == 410
    answer = stack.fetch(before["redirect"]["short_url"])
    assert answer.status_code == 301
    assert unquote(answer.headers["location"]) == unquote(before["redirect"]["url"])


def test_files_are_made_again(damage: Damage) -> None:
    """The rendition and the style sheet are back under their names, and the card has its bytes again."""
    assert damage.behind.stored(damage.where["rendition"])
    assert damage.behind.stored(damage.where["style"])
    assert damage.get(damage.where["card"])["Body"].read() == damage.before["card"]


def test_no_more_is_removed_than_allowed(damage: Damage) -> None:
    """Over the limit no orphan is touched, and the report says what to do; pages are repaired still."""
    summary = damage.runs[1].summary
    assert "--max-delete" in summary["refused"]
    assert (summary["repaired"]["removed"], summary["repaired"]["adopted"]) == (0, 0)
    assert summary["repaired"]["pages"] >= 7


@pytest.mark.parametrize(
    ("what", "done"), [("page", ["pages"]), ("file", ["files"]), ("orphan", ["removed", "adopted"])]
)
def test_what_is_repaired_is_counted(damage: Damage, what: str, done: list[str]) -> None:
    """The command is over before anybody could ask it: it leaves its counts to ``/metrics``."""
    counted = damage.behind.one(
        "SELECT value FROM metric WHERE series = 'nashr_repairs_total' AND labels = %s",
        f'{{"by":"verify","what":"{what}"}}',
    )
    repaired = [run.summary["repaired"] or {} for run in damage.runs]
    assert counted >= sum(run.get(name, 0) for run in repaired for name in done) > 0


def test_an_orphaned_page_is_removed(damage: Damage) -> None:
    """Once allowed it is gone from the bucket, and readers get 404."""
    assert damage.runs[2].summary["repaired"]["removed"] == 1
    assert not damage.behind.stored(f"{PREFIX}politics/nobody/index.html")
    assert damage.stack.fetch("/drift/politics/nobody/").status_code == 404


def test_an_orphaned_file_is_left_to_the_sweep(damage: Damage) -> None:
    """It is adopted as unused, only after no page is left that may show it; the sweep deletes it on time."""
    repaired = [run.summary["repaired"] for run in damage.runs[2:]]
    assert [one["adopted"] for one in repaired] == [0, 1]
    key, behind = damage.where["orphan_file"], damage.behind
    assert behind.stored(key)
    behind.run("UPDATE object SET unused_since = unused_since - interval '31 days' WHERE key = %s", key)
    behind.run("UPDATE step SET available_at = now(), dispatched_at = NULL WHERE kind = 'sweep'")
    behind.run("NOTIFY nashr_step")
    damage.stack.until(lambda: not behind.stored(key), what="the sweep to delete the orphan")


def test_what_others_put_there_stays(damage: Damage) -> None:
    """Objects without nashr's proof are left alone, wherever they lie."""
    assert damage.behind.stored(damage.where["their_photo"])
    assert damage.behind.stored(damage.where["their_page"])
    assert damage.runs[0].summary["foreign"] == 2


def test_a_repaired_site_is_whole(damage: Damage) -> None:
    """After all that nothing differs, byte for byte, and the exit code is 0."""
    damage.still()
    report = verify(damage.stack, "--deep", "--grace-days", "0")
    assert (report.code, report.kinds) == (0, {})


def test_publishing_goes_on_while_it_looks(damage: Damage) -> None:
    """Pages that change meanwhile are never called drift."""
    article = damage.article()
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("nashr")), "verify", "--json", "--site", "drift",
         "--data", str(damage.stack.data)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    while process.poll() is None:
        damage.stack.change(article, who="admin", headline=f"خبر {damage.stack.word()}")
        damage.stack.publish(article["id"], who="admin")
    out = process.communicate()[0]
    found = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 0, out
    assert [one for one in found if "summary" not in one] == []


def test_an_unknown_site_is_named(stack: Stack) -> None:
    """The message says which sites there are."""
    command = [str(Path(sys.executable).with_name("nashr")), "verify", "--site", "nowhere"]
    done = subprocess.run(
        [*command, "--data", str(stack.data)], capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 1
    assert "there is no site nowhere: the sites are" in done.stderr
