"""One connection of a client, with an end to its patience, and a limit to how many there are.

A head must be whole within seconds and below a size; a client that does not read its answer is dropped.
Where an answer comes before the request is whole, what follows is passed over (lingering.py). One connection
too many takes the place of the one that has kept us waiting longest.
"""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from typing import Any, Final, Literal, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from nashr_ingest.lingering import Lingering

HEAD_SECONDS: Final = 10.0
HEAD_BYTES: Final = 64 * 1024
BODY_SECONDS: Final = 10.0
"""For so long a body that is arriving keeps its connection rather than an idle one does."""
READ_SECONDS: Final = 30.0
"""How long an answer may lie in a full send buffer without the client taking any of it."""
MOST_CONNECTIONS: Final = 512
CROWDED: Final = "crowded"
"""In a request's ``state``: every one of MOST_CONNECTIONS was at work when this one was made."""


def _short(status: str) -> bytes:
    headers = "content-length: 0\r\nconnection: close\r\ncache-control: no-store"
    return f"HTTP/1.1 {status}\r\n{headers}\r\n\r\n".encode()


_TOO_LARGE: Final = _short("431 Request Header Fields Too Large")
_TOO_SLOW: Final = _short("408 Request Timeout")


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the limits of this module."""

    transport: Lingering  # type: ignore[assignment]
    _part: Literal["nothing", "head", "body"] = "nothing"
    """What of a request is arriving."""
    _head: TimerHandle | None = None
    _reading: TimerHandle | None = None
    _head_bytes = 0
    _since = 0.0
    _keeps = True
    _crowded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._crowded = len(self.connections) >= MOST_CONNECTIONS and not self._made_room()
        made = Lingering(transport, self.loop, unread=lambda: self._part != "nothing")
        super().connection_made(cast("asyncio.Transport", made))
        self._since = self.loop.time()
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        if self.transport.lingers:
            self.transport.pass_over(len(data))
            return
        if self._head is None and self._answered:
            self._expect_head()
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head is not None and self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self._refuse_head(_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._part = "head"
        if self._head is None:  # it came behind a request that has no answer yet
            self._expect_head()
        state: dict[str, Any] = self.scope["state"]
        state[CROWDED] = self._crowded

    def on_headers_complete(self) -> None:
        self._cancel()
        self._part, self._since = "body", self.loop.time()
        super().on_headers_complete()
        # Whoever is answered before the body is whole is told that the connection ends with the answer.
        self._keeps, self.cycle.keep_alive = self.cycle.keep_alive, False

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._part = "nothing"
        if not self.cycle.response_started:
            self.cycle.keep_alive = self._keeps

    def on_response_complete(self) -> None:
        self._since = self.loop.time()
        super().on_response_complete()

    def shutdown(self) -> None:
        self._keeps = False
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        self._part = "nothing"
        self._cancel()
        self._cancel_reading()
        self.transport.ended()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._cancel_reading()
        self._reading = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._cancel_reading()

    @property
    def _answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _made_room(self) -> bool:
        """Drops the connection that has kept us waiting longest: rather an idle one than one that sends."""
        found = [(one.waits(), one) for one in self.connections if isinstance(one, PatientProtocol)]
        waiting = [(since, one) for since, one in found if since is not None]
        if not waiting:
            return False
        _, longest = min(waiting, key=lambda pair: pair[0])
        self.connections.discard(longest)
        longest.transport.abort()
        return True

    def waits(self) -> tuple[bool, float] | None:
        """Whether its client has just begun to send a body, and since when we wait for it.

        None where it waits for us.
        """
        if self._answered:
            return False, self._since
        young = self.loop.time() - self._since < BODY_SECONDS
        return (young, self._since) if self._part == "body" else None

    def _expect_head(self) -> None:
        self._head_bytes = 0
        self._head = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _give_up(self) -> None:
        if self.transport.is_closing():
            return
        if self._part == "head":
            self._refuse_head(_TOO_SLOW)
        else:
            self.transport.close()

    def _refuse_head(self, answer: bytes) -> None:
        """Where another answer is under way, nothing may be written into it."""
        if self._answered:
            self.transport.write(answer)
            self.transport.close()
        else:
            self.transport.abort()

    def _cancel(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _cancel_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
