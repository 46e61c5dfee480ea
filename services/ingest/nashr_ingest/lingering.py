"""A transport that does not close on bytes it has not read: TCP would answer them with a reset.

A reset throws away what the client has not read yet, and that is the answer. So it ends our side, passes
over what still comes, and closes when the client has closed, or has been read for long enough.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable
from typing import Any, Final

LINGER_BYTES: Final = 16 * 1024 * 1024
LINGER_SECONDS: Final = 5.0


class Lingering:
    """Stands before a connection's transport. ``unread`` tells whether a request is still arriving."""

    def __init__(
        self, transport: asyncio.Transport, loop: AbstractEventLoop, *, unread: Callable[[], bool]
    ) -> None:
        self._transport, self._loop, self._unread = transport, loop, unread
        self._passed = 0
        self._end: TimerHandle | None = None
        self.lingers = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Once our side has ended there is nobody to write to."""
        if not self.lingers:
            self._transport.write(data)

    def is_closing(self) -> bool:
        return self.lingers or self._transport.is_closing()

    def close(self) -> None:
        """Ends the connection once what was written is sent; where a request is arriving, after its end."""
        if self.is_closing():
            return
        if not self._unread() or not self._transport.can_write_eof():
            self._transport.close()
            return
        self.lingers = True
        self._end = self._loop.call_later(LINGER_SECONDS, self._transport.abort)
        self._transport.write_eof()
        self._transport.resume_reading()

    def pass_over(self, size: int) -> None:
        """Counts bytes that nobody reads any more."""
        self._passed += size
        if self._passed > LINGER_BYTES:
            self._transport.abort()

    def ended(self) -> None:
        """The connection is gone."""
        self.lingers = False
        if self._end is not None:
            self._end.cancel()
