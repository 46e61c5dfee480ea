"""A store that takes every PUT, whatever its conditions say."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tests.conftest import until
from tests.faults.chaos.ground import blind_store
from tests.faults.history.records import Dump, Log
from tests.faults.lab import frozen, is_stopped, second_delivery_worker
from tests.faults.newsroom import Client, publish, shows

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.lab import Lab
    from tests.faults.newsroom import Story

VERDICT = "SELECT mode FROM store_verdict WHERE endpoint = %s"


def test_a_store_that_ignores_conditions_is_noticed_and_written_by_one_process(
    lab: Lab, stories: list[Story], tmp_path: Path
) -> None:
    """A writer frozen before its PUT keeps every other process from writing: no page ever goes back."""
    story, log = stories[0], Log(tmp_path)
    lab.quiet()
    own = lab.ready("delivery").pid
    assert own is not None
    with blind_store(lab, log) as endpoint, frozen(own), Client(lab) as client:
        sent = {"NASHR_S3_ENDPOINT": endpoint}
        staged = {**sent, "NASHR_FAILPOINTS": "deliver.before_put=stop:once"}
        with second_delivery_worker(lab, **staged) as writer:
            lab.wait_proven(publish(lab, client, story).publication)
            assert lab.rows(VERDICT, endpoint) == [{"mode": "single-writer"}]
            lab.arm("deliver.before_put")
            publish(lab, client, story)
            until(partial(is_stopped, writer), what="the writer to freeze before its PUT")
            try:
                publish(lab, client, story)
                with second_delivery_worker(lab, **sent):
                    until(lambda: b"one delivery worker only" in _said(lab), what="the other to be kept out")
                    os.kill(writer, signal.SIGCONT)
                    until(partial(shows, lab, story), what="the newest revision")
            finally:
                os.kill(writer, signal.SIGCONT)
        written = [w for w in log.close(Dump()).writes if w.version and w.op == "put"]
    lab.quiet()
    assert [w for w in written if w.previous >= w.version] == []
    assert len([w for w in written if unquote(w.key).endswith(f"{unquote(story.path)}index.html")]) >= 2


def _said(lab: Lab) -> bytes:
    return (lab.data / "logs" / "second.log").read_bytes()
