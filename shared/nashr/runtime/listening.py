"""Ports: taking a free one, keeping the last one, and saying who sits on a taken one."""

from __future__ import annotations

import errno
import ipaddress
import random
import socket
from contextlib import suppress
from pathlib import Path

from nashr.runtime.programs import StackError

LOWEST = 20_000
_LISTEN = "0A"


def claim(port: int, *, bind: str, flag: str, before: int = 0) -> int:
    """The port to listen on: ``port`` itself, or for 0 the one of the last start, or a free one.

    Raises StackError when the port is taken, naming who has it where that can be seen.
    """
    if port == 0:
        return keep_or_choose(before, bind=bind)
    try:
        _try(port, bind=bind)
    except OSError as error:
        raise StackError(_why(error, port=port, bind=bind, flag=flag)) from None
    return port


def keep_or_choose(before: int, *, bind: str = "127.0.0.1") -> int:
    """``before`` while it is free, else a port below the range that outgoing connections use.

    Inside that range a client that reconnects to a stopped server may connect to itself and keep its port.
    """
    top = _outgoing_start()
    for port in (before, *random.sample(range(LOWEST, top), 64)):
        with suppress(OSError):
            if port:
                _try(port, bind=bind)
                return port
    raise StackError(f"no free port between {LOWEST} and {top} on {bind}: close programs that listen there")


def reachable(bind: str) -> str:
    """The address under which this machine reaches what listens on ``bind``, ready for a URL."""
    with suppress(ValueError):
        address = ipaddress.ip_address(bind)
        if address.is_unspecified:
            address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
        return f"[{address}]" if address.version == 6 else str(address)
    return bind


def _try(port: int, *, bind: str) -> None:
    """A listener's own bind: only a taken port fails, not one whose old connections still linger."""
    with socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((bind, port))
        probe.listen(1)


def _why(error: OSError, *, port: int, bind: str, flag: str) -> str:
    if error.errno == errno.EADDRINUSE:
        who = owner(port)
        by = f" by {who}" if who else ""
        return (
            f"port {port} is already in use{by}: stop it, or choose another with {flag} (0 takes a free one)"
        )
    if error.errno == errno.EACCES:
        return f"port {port} needs privileges that this user lacks: choose one above 1023 with {flag}"
    return f"cannot listen on {bind}:{port} ({error.strerror or error}): choose another --bind or {flag}"


def owner(port: int) -> str | None:
    """``name (pid N)`` of the process that listens on ``port``, where /proc shows it to us."""
    wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            for handle in (process / "fd").iterdir():
                with suppress(OSError):
                    if str(handle.readlink()) in wanted:
                        return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return None


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                _, local, _, state, *rest = line.split()
                if state == _LISTEN and int(local.rpartition(":")[2], 16) == port:
                    found.add(rest[5])
    return found


def _outgoing_start() -> int:
    with suppress(OSError, ValueError, IndexError):
        start = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
        if start > LOWEST + 1000:
            return start
    return 32_768
