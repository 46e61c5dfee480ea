"""A scheduled publication's hour: by the database's clock, and only while the worker's agrees."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from nashr.bootstrap import Runtime
from nashr.domain.errors import NotYet
from nashr.settings import Settings
from nashr.store.queue import Step
from nashr_delivery.handlers import Delivery
from nashr_delivery.purging import Purging

if TYPE_CHECKING:
    from sqlalchemy import Engine

STEP = Step(1, "s", "release", "pb_1", {"publication": "pb_1"}, 1, 1, 1, 0.0, None)


@pytest.mark.parametrize("off", [-10.0, 10.0])
def test_nothing_is_released_while_clocks_disagree(
    engine: Engine, off: float, capsys: pytest.CaptureFixture[str]
) -> None:
    """The step waits without losing an attempt, says by how much, and raises an alarm; set right, it goes."""
    runtime = Runtime(Settings(), engine)
    wrong = Delivery(runtime, Purging(runtime), clock=lambda: time.time() + off)
    with pytest.raises(NotYet, match="s off the database"):
        wrong.release(STEP)
    assert "clock.disagrees" in capsys.readouterr().err
    assert callable(Delivery(runtime, Purging(runtime)).release(STEP))
