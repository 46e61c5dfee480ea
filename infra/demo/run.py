"""``make demo``: the embedded stack, two sites and their stories, with the time each took to be visible.

A second run finds everything there and only starts the stack. Ctrl-C stops it; all data is kept.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from nashr.client import ApiError, Client, local_files

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DATA = Path(os.environ.get("NASHR_DATA", ROOT / ".nashr")).absolute()
PICTURES = DATA / "demo-pictures"
PAINTERS = 2
SITES = (("khabar.toml", "ar", ""), ("khabar-en.toml", "en", "en/"))


@dataclass(frozen=True)
class Visible:
    """One article on the site, and the seconds from asking to the reader's bytes."""

    headline: str
    url: str
    seconds: float


def main() -> None:
    """Runs the demo until Ctrl-C."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    started = time.monotonic()
    drafts = list(_drafts())
    painters = _paint(drafts)
    try:
        _nashr("up", "--detach")
        where = json.loads((DATA / "endpoints.json").read_text())
        _publish_all(drafts, painters, where, stop)
        if not stop.is_set():
            _say(where, time.monotonic() - started)
            stop.wait()
    except ApiError as error:
        sys.exit(f"demo: {error}")
    finally:
        for painter in painters:
            painter.terminate()
        print("\nstopping ...", flush=True)
        _nashr("down")


def _nashr(*words: str) -> None:
    command = [sys.executable, "-m", "nashr.cli", *words, "--data", str(DATA)]
    done = subprocess.run(command, check=False, start_new_session=True)
    if done.returncode:
        sys.exit(done.returncode)


def _drafts() -> Iterator[dict[str, Any]]:
    """The articles of both sites, the Arabic originals before their translations."""
    for _, language, _ in SITES:
        for file in sorted((HERE / "articles" / language).glob("*.json")):
            yield json.loads(file.read_text("utf-8"))


def _paint(drafts: list[dict[str, Any]]) -> list[subprocess.Popen[bytes]]:
    """Starts drawing the pictures that are not there yet, in the order they are needed."""
    names = dict.fromkeys(name for draft in drafts for name in local_files(draft))
    missing = [name for name in names if not (PICTURES / name).exists()]
    if not missing:
        return []
    PICTURES.mkdir(parents=True, exist_ok=True)
    print(f"drawing {len(missing)} pictures ...", flush=True)
    return [
        subprocess.Popen(
            [sys.executable, str(HERE / "pictures.py"), str(PICTURES), *missing[start::PAINTERS]],
            stdout=subprocess.DEVNULL, start_new_session=True,
        )
        for start in range(PAINTERS)
    ]  # fmt: skip


def _publish_all(
    drafts: list[dict[str, Any]],
    painters: list[subprocess.Popen[bytes]],
    where: Mapping[str, str],
    stop: threading.Event,
) -> None:
    client = Client(where["api"], where["admin_token"])
    site = where["site"].rstrip("/")
    for toml, _, folder in SITES:
        _nashr("site", "apply", str(HERE / toml), "--base-url", f"{site}/{folder}")
    live = {item["external_id"] for item in _live(client)}
    waiting = [draft for draft in drafts if draft["external_id"] not in live]
    if waiting:
        _await_pictures(painters, stop)
        print(f"publishing {len(waiting)} articles; seconds from asking to visible at the edge:", flush=True)
    done = [_publish(client, draft) for draft in waiting if not stop.is_set()]
    if done:
        times = sorted(one.seconds for one in done)
        print(f"median {times[len(times) // 2]:.2f} s, slowest {times[-1]:.2f} s (photos just uploaded)")


def _live(client: Client) -> Iterator[Mapping[str, Any]]:
    cursor = None
    while True:
        params = {"status": "live", "limit": 200, **({"cursor": cursor} if cursor else {})}
        page = client.request("GET", "/v1/articles", params=params).json()
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def _await_pictures(painters: list[subprocess.Popen[bytes]], stop: threading.Event) -> None:
    while any(painter.poll() is None for painter in painters) and not stop.is_set():
        drawn = sum(1 for _ in PICTURES.glob("*.jpg"))
        print(f"\r{drawn} pictures drawn", end="", flush=True)
        stop.wait(0.5)
    if any(painter.returncode for painter in painters) and not stop.is_set():
        sys.exit("\ndemo: a picture could not be drawn: run infra/demo/pictures.py to see why")
    print("\r", end="")


def _publish(client: Client, draft: dict[str, Any]) -> Visible:
    submitted = client.submit(draft, folder=PICTURES)
    asked = time.monotonic()
    publication = client.publish(submitted.article["id"])
    url = _visible(client, publication["id"], draft["headline"])
    done = Visible(draft["headline"], url, time.monotonic() - asked)
    print(f"{done.seconds:6.2f}  {done.headline}", flush=True)
    return done


def _visible(client: Client, publication: str, headline: str) -> str:
    """Waits until a reader sees the article at the edge; returns its address."""
    found = client.wait(publication)
    page = httpx.get(found["url"], trust_env=False)
    if page.status_code != 200 or 'class="headline"' not in page.text:
        raise ApiError(f"{headline}: {found['url']} answers {page.status_code}")
    return str(found["url"])


def _say(where: Mapping[str, str], seconds: float) -> None:
    print(
        f"""
ready after {seconds:.1f} s

  site     {where["site"]}          (English: {where["site"].rstrip("/")}/en/)
  api      {where["api"]}
  docs     {where["api"]}/docs
  token    {where["admin_token"]}

Ctrl-C stops it; the next make demo starts with everything in place.""",
        flush=True,
    )


if __name__ == "__main__":
    main()
