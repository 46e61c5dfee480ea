"""Becomes one child of the supervisor: credentials first, then the death signal, then exec.

Run as a file by ``python -I -S``, never imported: it starts in milliseconds and loads nothing of ours.
Arguments: parent pid, death signal, same|user|namespace, uid, gid, folder, program, its arguments.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
FAILED = 126


def main(argv: list[str]) -> None:
    """Replaces this process by the program; a failure is one line on stderr and exit code 126."""
    parent, death, mode, uid, gid, folder, *command = argv
    try:
        _become(mode, int(uid), int(gid))
        os.chdir(folder)
        _die_with_parent(int(parent), int(death))
        _forget_signals()
        os.umask(0o077)
        os.execv(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]} in {folder} ({mode} {uid}): {error}\n")
        raise SystemExit(FAILED) from None


def _become(mode: str, uid: int, gid: int) -> None:
    if mode == "user":
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    elif mode == "namespace":
        outer_uid, outer_gid = os.geteuid(), os.getegid()
        _check(ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER))
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{uid} {outer_uid} 1")
        _write("/proc/self/gid_map", f"{gid} {outer_gid} 1")


def _die_with_parent(parent: int, number: int) -> None:
    """After the credentials: the kernel clears the death signal when they change."""
    _check(ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0))
    if os.getppid() != parent:
        raise SystemExit(FAILED)


def _forget_signals() -> None:
    """What Python or the shell ignores must not be ignored in the program."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _write(path: str, text: str) -> None:
    handle = os.open(path, os.O_WRONLY)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)


if __name__ == "__main__":
    main(sys.argv[1:])
