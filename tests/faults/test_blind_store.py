"""A store that takes every PUT, whatever its conditions say."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from tests.conftest import until
from tests.faults.chaos.ground import proxied
from tests.faults.history.records import Dump, Log
from tests.faults.lab import is_stopped, second_delivery_worker
from tests.faults.newsroom import Client, Watch, publish, shows

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
    with proxied(lab, log, seed=1, blind=True) as ground:
        lab.quiet()
        endpoint = f"http://127.0.0.1:{ground.tcp['s3'].port}"
        until(lambda: lab.rows(VERDICT, endpoint) == [{"mode": "single-writer"}], what="the verdict")
        with Client(lab) as client, Watch(lab, [story.path]) as watch:
            lab.wait_proven(publish(lab, client, story).publication)
            worker = lab.ready("delivery").pid
            assert worker is not None
            lab.arm("deliver.before_put")
            publish(lab, client, story)
            until(partial(is_stopped, worker), what="the writer to freeze before its PUT")
            try:
                publish(lab, client, story)
                with second_delivery_worker(lab):
                    until(lambda: b"one delivery worker only" in _said(lab), what="the other to be kept out")
                    os.kill(worker, signal.SIGCONT)
                    until(partial(shows, lab, story), what="the newest revision")
            finally:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGCONT)
            lab.quiet()
        written = [w for w in log.close(Dump()).writes if w.version and w.op == "put"]
    assert watch.complaints() == []
    assert [w for w in written if w.previous >= w.version] == []
    assert len([w for w in written if w.key == ground.store_key(story.path)]) >= 2


def _said(lab: Lab) -> bytes:
    return (lab.data / "logs" / "second.log").read_bytes()
