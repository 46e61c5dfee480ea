"""The supervisor over stand-ins that die, hang, crash and leave children behind."""

from __future__ import annotations

import itertools
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from nashr.runtime import folder, launch
from nashr.runtime.child import delay
from nashr.runtime.launch import Program
from nashr.runtime.processes import children_of

if TYPE_CHECKING:
    from tests.integration.stack.conftest import Running, Starter


def events(running: Running, name: str) -> list[str]:
    return [note[0] for note in running.notes(name)]


def pool_of(running: Running, name: str) -> int:
    return int(running.until(lambda: [note[1] for note in running.notes(name) if note[0] == "pool"])[-1])


def test_what_dies_is_started_again_and_its_death_is_told(starter: Starter) -> None:
    """A killed program has a new process at once, and on_exit hears of the old one by name and pid."""
    running = starter.supervisor({"one": [], "two": []}).wait("ready")
    old, untouched = running.pid("one"), running.pid("two")
    os.kill(old, signal.SIGKILL)
    running.replaced("one", old)
    running.until(lambda: ["one", str(old)] in running.notes("exits"))
    found = {program.name: program for program in running.status().programs}
    assert found["one"].restarts == 1
    assert found["two"].restarts == 0
    assert found["two"].pid == untouched


def test_delays_double_up_to_five_seconds() -> None:
    """The first restart is immediate, the next ones wait 0.2 s doubling to 5 s."""
    assert [delay(failures) for failures in range(8)] == pytest.approx([0, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5])


def test_what_keeps_dying_is_given_up_at_start_with_its_last_words(starter: Starter) -> None:
    """A program that never gets ready ends the start, says why, and was retried with growing pauses."""
    running = starter.supervisor({"good": [], "bad": ["crash"]})
    assert running.process.wait(timeout=60) == 1
    assert "bad does not get ready" in running.errors.read_text()
    assert "Error: the stand-in was told to crash" in running.errors.read_text()
    starts = [float(note[2]) for note in running.notes("bad")]
    pauses = [later - sooner for sooner, later in itertools.pairwise(starts)]
    assert len(starts) == 6
    assert all(pause >= least for pause, least in zip(pauses, (0, 0.2, 0.4, 0.8, 1.6), strict=True))
    assert running.left() == []


def test_a_killed_supervisor_leaves_nothing_behind(starter: Starter) -> None:
    """After kill -9 of the supervisor neither children nor their pools run, and the folder is free again."""
    running = starter.supervisor({"one": ["pool", "stubborn"], "two": ["stubborn"]}).wait("ready")
    pool = pool_of(running, "one")
    running.kill()
    running.until(lambda: not folder.is_locked(running.data))
    assert not running.alive(pool)
    assert running.left() == []
    assert running.status().state == "stopped"


def test_the_guard_is_replaced_when_it_dies(starter: Starter) -> None:
    """kill -9 of the guard and then of the supervisor still leaves nothing behind."""
    running = starter.supervisor({"one": ["pool", "stubborn"]}).wait("ready")
    pool = pool_of(running, "one")
    supervisor = running.process.pid
    (guard,) = children_of(supervisor) - {running.pid("one")}
    os.kill(guard, signal.SIGKILL)
    running.until(lambda: children_of(supervisor) - {running.pid("one"), guard})
    running.kill()
    running.until(lambda: not running.alive(pool) and not folder.is_locked(running.data))
    assert running.left() == []


def test_stopping_goes_group_by_group(starter: Starter) -> None:
    """The second group gets its signal only after the last process of the first is gone."""
    order = [["service-a", "service-b"], ["store"], ["database"]]
    names = [name for group in order for name in group]
    running = starter.supervisor({name: [] for name in reversed(names)}, order=order).wait("ready")
    assert running.stop() == 0
    ends = {name: float(running.notes(name)[-1][2]) for name in names}
    assert [running.notes(name)[-1][0] for name in names] == ["SIGTERM"] * 4
    assert max(ends["service-a"], ends["service-b"]) < ends["store"] < ends["database"]
    assert running.left() == []


def test_what_ignores_its_signal_is_killed_after_its_grace(starter: Starter) -> None:
    """A program that hears SIGTERM and stays is gone after its grace, with its pool."""
    running = starter.supervisor({"one": ["stubborn", "pool"]}, grace=0.3).wait("ready")
    pool = pool_of(running, "one")
    assert running.stop() == 0
    assert events(running, "one")[-1] == "SIGTERM"
    assert not running.alive(pool)
    assert running.left() == []


def test_ctrl_c_reaches_only_the_supervisor(starter: Starter) -> None:
    """SIGINT to the whole foreground group ends the children by SIGTERM in order, not by SIGINT."""
    running = starter.supervisor({"one": [], "two": []}, order=[["one"], ["two"]]).wait("ready")
    os.killpg(running.process.pid, signal.SIGINT)
    assert running.process.wait(timeout=30) == 0
    assert events(running, "one") == ["start", "SIGTERM"]
    assert events(running, "two") == ["start", "SIGTERM"]


def test_a_second_ctrl_c_waits_for_nothing(starter: Starter) -> None:
    """While a program uses up its grace, one more SIGINT ends everything now."""
    running = starter.supervisor({"one": ["stubborn"]}, grace=600).wait("ready")
    running.process.send_signal(signal.SIGINT)
    running.until(lambda: events(running, "one")[-1] == "SIGTERM")
    assert running.process.poll() is None
    assert running.stop(signal.SIGINT) == 0
    assert running.left() == []


def test_the_pool_of_a_dead_program_dies_with_it(starter: Starter) -> None:
    """kill -9 of a program takes its child processes along before the next one starts."""
    running = starter.supervisor({"one": ["pool"]}).wait("ready")
    old, pool = running.pid("one"), pool_of(running, "one")
    os.kill(old, signal.SIGKILL)
    running.replaced("one", old)
    assert not running.alive(pool)


def test_runaways_end_with_the_supervisor(starter: Starter) -> None:
    """A grandchild that left its process group is gone once the supervisor has stopped."""
    running = starter.supervisor({"one": ["runaway"]}).wait("ready")
    runaway = pool_of(running, "one")
    assert running.stop() == 0
    assert not running.alive(runaway)


def test_status_tells_states_and_belongs_to_its_owner(starter: Starter) -> None:
    """status.json is private, shows ready while running and stopped afterwards."""
    running = starter.supervisor({"one": []}).wait("ready")
    assert (running.data / "status.json").stat().st_mode & 0o777 == 0o600
    assert running.status().pid == running.process.pid
    running.stop()
    assert running.status().state == "stopped"
    assert [program.state for program in running.status().programs] == ["stopped"]


def test_two_supervisors_do_not_share_a_folder(starter: Starter) -> None:
    """A second start in the same folder is refused, naming the first one's pid and how to stop it."""
    first = starter.supervisor({"one": []}).wait("ready")
    second = starter.supervisor({"one": []})
    assert second.process.wait(timeout=30) != 0
    assert f"pid {first.process.pid}" in second.errors.read_text()
    assert "nashr down --data" in second.errors.read_text()


def test_long_logs_turn_at_a_start(tmp_path: Path) -> None:
    """A log above the limit is put aside when its program starts again; what is printed is appended."""
    log = tmp_path / "one.log"
    log.write_bytes(b"x" * (launch.LOG_BYTES + 1))
    program = Program(name="one", argv=("/bin/echo", "hello"), cwd=tmp_path, ready=lambda: True)
    for _ in range(2):
        assert launch.launch(program, log=log).wait() == 0
    assert log.read_text() == "hello\nhello\n"
    assert (tmp_path / "one.log.1").stat().st_size == launch.LOG_BYTES + 1
