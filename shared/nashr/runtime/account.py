"""Which user PostgreSQL runs as. It refuses root, and a stack started by root opens no folder for it.

As root: the service user if it can enter DIR and the programs, else a user namespace in which root's
own files belong to an unprivileged id. What once owns DIR/postgres decides for every later start.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from nashr.runtime import launch
from nashr.runtime.launch import RunAs
from nashr.runtime.programs import StackError

NAMESPACED = RunAs(uid=1000, gid=1000, namespace=True)


def choose(home: Path, *, user: str, program: Path) -> RunAs | None:
    """Who runs ``program`` on ``home`` (DIR/postgres, perhaps not made yet); None is the caller.

    Raises StackError, naming the folder that stands in the way and the cure.
    """
    found = home.stat() if home.exists() else None
    if os.geteuid() != 0:
        if found is not None and found.st_uid != os.geteuid():
            raise StackError(
                f"{home} belongs to {_name(found.st_uid)}: run nashr as the user who made it, "
                "or name another folder with --data"
            )
        return None
    if found is None:
        candidates = [*_service_user(user), NAMESPACED]
    elif found.st_uid == 0:
        candidates = [NAMESPACED]
    else:
        candidates = [RunAs(uid=found.st_uid, gid=found.st_gid)]
    for candidate in candidates:
        if _can_run(candidate, program, folder=home.parent):
            return candidate
    raise StackError(_why(candidates, home, user=user, program=program))


def _service_user(user: str) -> Iterator[RunAs]:
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return
    if entry.pw_uid != 0:
        yield RunAs(uid=entry.pw_uid, gid=entry.pw_gid)


def _can_run(who: RunAs, program: Path, *, folder: Path) -> bool:
    """By trying: file modes, access lists, mount options and the kernel's rules all have a say."""
    tried = launch.run([str(program), "--version"], cwd=folder, env={}, run_as=who)
    return tried.returncode == 0


def _why(candidates: list[RunAs], home: Path, *, user: str, program: Path) -> str:
    if candidates == [NAMESPACED] and home.exists():
        return (
            f"{home} belongs to root, as whom PostgreSQL refuses to run, and this kernel grants no user "
            f"namespace: chown -R {user} {home}, or run nashr as an ordinary user with a folder of its own"
        )
    who = _name(candidates[0].uid) if not candidates[0].namespace else user
    shut = _first_closed(home.parent) or _first_closed(program)
    enter = f"{who} cannot enter {shut}" if shut else f"{who} cannot run {program}"
    cure = f"chmod o+x {shut}, " if shut else ""
    return (
        f"PostgreSQL refuses to run as root, {enter}, and this kernel grants no user namespace: {cure}"
        "name another folder with --data, set NASHR_POSTGRES_USER, or run nashr as an ordinary user"
    )


def _first_closed(path: Path) -> Path | None:
    for part in (*reversed(path.parents), path):
        if not part.stat().st_mode & 0o001:
            return part
    return None


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
