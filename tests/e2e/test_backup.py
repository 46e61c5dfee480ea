"""``nashr backup`` and ``nashr restore``: over an emptied database whose store has gone on, and elsewhere.

One story of a stack of its own: what stands at the backup, what happens after it, and two restores.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
import httpx
import pytest

from tests.conftest import ARABIC, LOGO, SITE, Stack, nashr, processes_in

SITE_ID = "kept"
STATIC = "User-agent-notes: none\n"


def refused(*words: str, data: Path) -> str:
    """What a command says that is to fail."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NASHR_")}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("nashr")), *words, "--data", str(data)],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def path(article: Mapping[str, Any]) -> str:
    return unquote(urlsplit(article["url"]).path)


@dataclass
class Story:
    """The articles, and what each command said."""

    folder: Path
    data: Path
    ends: ExitStack
    kept: dict[str, Any] = field(default_factory=dict)
    removed: dict[str, Any] = field(default_factory=dict)
    draft: dict[str, Any] = field(default_factory=dict)
    later: dict[str, Any] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    ahead: int = 0
    token: str = ""

    @property
    def backup(self) -> Path:
        return self.folder / "backup"

    def up(self, data: Path) -> Stack:
        """A stack in ``data``, with the admin for everybody."""
        nashr("up", "--detach", "--api-port", "0", "--site-port", "0", data=data)
        found = json.loads((data / "endpoints.json").read_text())
        admin = found["admin_token"]
        made = Stack(data, found["api"], found["site"].rstrip("/"), dict.fromkeys(("admin", "editor"), admin))
        self.ends.callback(made.close)
        return made

    def version(self, data: Path, key: str) -> int:
        return int(self.store(data).head_object(Bucket="nashr-site", Key=key)["Metadata"]["version"])

    @staticmethod
    def store(data: Path) -> Any:
        found = json.loads((data / "stack.json").read_text())
        return boto3.client(
            "s3", endpoint_url=found["s3_endpoint"], region_name="us-east-1",
            aws_access_key_id=found["s3_access_key"], aws_secret_access_key=found["s3_secret_key"],
        )  # fmt: skip


def _found(story: Story, stack: Stack) -> None:
    """The site and what stands on it at the backup."""
    (story.folder / "logo.svg").write_text(LOGO)
    (story.folder / "static").mkdir()
    (story.folder / "static" / "ads.txt").write_text(STATIC)
    text = f'static = "static"\n{SITE}'.format(id=SITE_ID, name="خبر", **ARABIC)
    (story.folder / "site.toml").write_text(text, "utf-8")
    nashr("site", "apply", str(story.folder / "site.toml"), "--base-url", f"{stack.site}/", data=story.data)
    photo = stack.upload(site=SITE_ID)
    hero = {"asset": photo["id"], "alt": "صورة"}
    story.kept = stack.publish_and_wait(site=SITE_ID, hero=hero)
    story.removed = stack.publish_and_wait(site=SITE_ID)
    story.draft = stack.create(site=SITE_ID)
    words = ("token", "create", "--name", "cms", "--role", "editor", "--site", SITE_ID)
    story.token = nashr(*words, data=story.data).strip()


def _go_on(story: Story, stack: Stack) -> None:
    """What happens after the backup: two corrections, a new story, a kill."""
    for number in (2, 3):
        stack.publish_change(story.kept, headline=f"عنوان بعد النسخة {number}")
    story.later = stack.publish_and_wait(site=SITE_ID)
    answer = stack.editor.post(
        f"/v1/articles/{story.removed['id']}/unpublish", json={"kind": "kill", "reason": "wrong"}
    )
    stack.wait_final(answer.json()["id"])
    stack.served(path(story.removed), status=410, holds="")
    story.ahead = story.version(story.data, f"{SITE_ID}{path(story.kept)}index.html")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("backup")
    with ExitStack() as ends:
        made = Story(folder, folder / "data", ends)
        ends.callback(_stop, made.data)
        stack = made.up(made.data)
        _found(made, stack)
        made.said["backup"] = nashr("backup", str(made.backup), data=made.data)
        made.said["again"] = nashr("backup", str(made.backup), data=made.data)
        made.said["full"] = refused("restore", str(made.backup), data=made.data)
        _go_on(made, stack)
        yield made


def _stop(data: Path) -> None:
    nashr("down", data=data)
    assert processes_in(data) == []
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="module")
def restored(story: Story) -> Stack:
    """The same store, and the database of the backup instead of the one that has gone on."""
    nashr("down", data=story.data)
    shutil.rmtree(story.data / "postgres")
    stack = story.up(story.data)
    story.said["restore"] = nashr("restore", str(story.backup), data=story.data)
    return stack


@pytest.fixture(scope="module")
def elsewhere(story: Story) -> Stack:
    """A stack that has never seen any of it."""
    data = story.folder / "other"
    story.ends.callback(_stop, data)
    stack = story.up(data)
    nashr("restore", str(story.backup), data=data)
    return stack


def test_a_second_backup_copies_only_what_is_new(story: Story) -> None:
    """The first says what it holds; the second into the same folder reads no original again."""
    assert "(4 of them new)" in story.said["backup"]
    originals = [item for item in (story.backup / "objects").glob("*/*") if item.stat().st_size > 1000]
    assert originals
    assert "(3 of them new)" in story.said["again"]  # logo, static file, its list: they have no known sum
    assert len(list(story.backup.glob("dump-*"))) == 1


def test_a_backup_is_its_owners_only(story: Story) -> None:
    """Nobody else may read secrets and drafts."""
    assert [item for item in (story.backup, *story.backup.rglob("*")) if item.stat().st_mode & 0o077] == []


def test_a_full_installation_is_not_restored_into(story: Story) -> None:
    """The refusal says what is there."""
    assert "not empty (1 in site, 3 in article" in story.said["full"]


def test_a_damaged_backup_is_not_restored(story: Story, tmp_path: Path) -> None:
    """One byte of one photo is enough, and the file is named."""
    copy = tmp_path / "copy"
    shutil.copytree(story.backup, copy)
    victim = max((copy / "objects").glob("*/*"), key=lambda item: item.stat().st_size)
    body = bytearray(victim.read_bytes())
    body[10] ^= 1
    victim.write_bytes(bytes(body))
    assert victim.name in refused("restore", "--check", str(copy), data=story.data)


def test_the_site_stands_where_the_backup_stood(story: Story, restored: Stack) -> None:
    """The old headline is served, in a version above the one that the store had; the draft is there."""
    assert story.kept["headline"] in restored.served(path(story.kept), holds=story.kept["headline"]).text
    assert story.version(story.data, f"{SITE_ID}{path(story.kept)}index.html") > story.ahead
    front = restored.served("/", holds=story.kept["headline"]).text
    assert story.later["headline"] not in front
    assert restored.article(story.draft["id"])["status"] == "draft"
    assert restored.article(story.kept["id"])["revision"] == story.kept["revision"]


def test_what_came_after_the_backup_is_set_aside(story: Story, restored: Stack) -> None:
    """The later story is off the site, and its page lies in the private bucket."""
    assert restored.fetch(path(story.later)).status_code == 404
    store = story.store(story.data)
    found = store.list_objects_v2(Bucket="nashr-originals", Prefix="set-aside/")["Contents"]
    (page,) = [item["Key"] for item in found if item["Key"].endswith(f"{path(story.later)}index.html")]
    body = store.get_object(Bucket="nashr-originals", Key=page)["Body"].read().decode()
    assert story.later["headline"] in body
    assert page in story.said["restore"]


def test_a_removal_outlives_the_backup(story: Story, restored: Stack) -> None:
    """What was killed after the backup does not come back, and the restore says so."""
    assert restored.served(path(story.removed), status=410, holds="").status_code == 410
    assert f"{path(story.removed)} (kill)" in story.said["restore"]
    assert story.removed["headline"] not in restored.fetch("/").text


def test_tokens_of_both_sides_are_good(story: Story, restored: Stack) -> None:
    """The CMS's token of the backup is taken, and this installation's admin is still one."""
    headers = {"Authorization": f"Bearer {story.token}"}
    answer = httpx.get(f"{restored.api}/v1/articles", headers=headers, trust_env=False)
    assert answer.status_code == 200
    assert restored.admin.get("/v1/tokens").status_code == 200


def test_nothing_is_half_restored(story: Story, restored: Stack) -> None:
    """Database, bucket and edge agree, and the next story goes live."""
    restored.publish_and_wait(site=SITE_ID)
    done = nashr("verify", data=story.data)
    assert f"{SITE_ID}: 0 differences" in done


def test_elsewhere_everything_is_made_again(story: Story, elsewhere: Stack) -> None:
    """An empty store gets pages, photos, logo and static files; what was live at the backup is live."""
    page = elsewhere.served(path(story.kept), holds=story.kept["headline"]).text
    assert elsewhere.served(path(story.removed), holds=story.removed["headline"]).status_code == 200
    media = [word for word in page.replace('"', " ").split() if "/media/" in word and word.endswith(".jpg")]
    assert media
    for url in media:
        assert elsewhere.fetch(urlsplit(url).path).status_code == 200, url
    assert elsewhere.fetch("/ads.txt").text == STATIC
    assert (
        sha256(elsewhere.fetch("/assets/" + _logo(page)).content).hexdigest()
        == sha256(LOGO.encode()).hexdigest()
    )
    assert f"{SITE_ID}: 0 differences" in nashr("verify", "--no-edge", data=elsewhere.data)


def _logo(page: str) -> str:
    return next(word for word in page.replace('"', "/").split("/") if word.startswith("logo-"))


def test_photos_are_made_of_the_restored_originals(story: Story, elsewhere: Stack) -> None:
    """A photo can still be looked at through the API, with its renditions."""
    found = elsewhere.editor.get(f"/v1/assets/{story.kept['hero']['asset']}").json()
    assert found["state"] == "ready"
    first = elsewhere.fetch(urlsplit(found["renditions"][0]["url"]).path)
    assert first.status_code == 200
    assert io.BytesIO(first.content).read(2)


def test_an_export_can_be_submitted_again(story: Story, elsewhere: Stack, tmp_path: Path) -> None:
    """Drafts with their photos go into another site as they are, and the files are the site."""
    said = nashr("export", str(tmp_path), "--site", SITE_ID, data=elsewhere.data)
    assert "3 articles, 3 of them as drafts, 1 photos" in said
    home = tmp_path / SITE_ID
    lines = [json.loads(line) for line in (home / "articles.jsonl").read_text("utf-8").splitlines()]
    assert [line["id"] for line in lines] == [one["id"] for one in (story.kept, story.removed, story.draft)]
    assert story.kept["headline"] in (home / "site" / path(story.kept)[1:] / "index.html").read_text("utf-8")
    assert (home / "site" / "ads.txt").read_text() == STATIC

    text = SITE.format(id="again", name="خبر", **ARABIC)
    (story.folder / "again.toml").write_text(text, "utf-8")
    apply = ("site", "apply", str(story.folder / "again.toml"), "--base-url", f"{elsewhere.site}/again/")
    nashr(*apply, data=elsewhere.data)
    file = home / "drafts" / f"{lines[0]['number']:07d}.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), "site": "again"}), "utf-8")
    nashr("submit", str(file), "--wait", data=elsewhere.data)
    page = elsewhere.served(f"/again{path(story.kept)}", holds=story.kept["headline"])
    assert "/again/media/" in page.text
