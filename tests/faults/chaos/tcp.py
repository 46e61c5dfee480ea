"""A TCP proxy that can misbehave: delay, blackhole, reset, half-open, truncate. It knows no protocol."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Trouble: TypeAlias = Literal["delay", "blackhole", "reset", "half_open", "truncate"]
Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]

TROUBLES: Final[tuple[Trouble, ...]] = ("delay", "blackhole", "reset", "half_open", "truncate")
CHUNK: Final = 64 * 1024
_RESET: Final = struct.pack("ii", 1, 0)


@dataclass(eq=False)
class Pair:
    """One connection through the proxy. ``deaf``: half-open, the client will never hear again."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    deaf: bool = False
    left: int | None = None

    def close(self) -> None:
        self.client.close()
        self.server.close()

    def reset(self) -> None:
        """Ends both sides with a RST instead of a FIN."""
        for writer in (self.client, self.server):
            with contextlib.suppress(OSError, AttributeError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()


@dataclass(eq=False)
class TcpProxy:
    """Passes bytes between whoever connects to ``port`` and ``upstream``, in one asyncio loop.

    ``carried``: how many connections it has made.
    """

    upstream: Callable[[], Awaitable[Streams]]
    port: int = 0
    trouble: Trouble | None = None
    amount: float = 0.0
    carried: int = 0
    _pairs: set[Pair] = field(default_factory=set)
    _calm: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        self._calm.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def begin(self, trouble: Trouble, amount: float) -> None:
        """``amount``: seconds of delay, or bytes until a connection is cut."""
        self.trouble, self.amount = trouble, amount
        if trouble == "blackhole":
            self._calm.clear()
        for pair in list(self._pairs):
            if trouble == "reset":
                pair.reset()
            elif trouble == "half_open":
                pair.deaf = True
                pair.server.close()
            elif trouble == "truncate":
                pair.left = int(amount)

    async def end(self) -> None:
        """Healthy again; connections that are half-open stay so until their client gives up."""
        self.trouble = None
        self._calm.set()
        for pair in self._pairs:
            pair.left = None

    async def stop(self) -> None:
        """Ends every connection and waits for that."""
        self._calm.set()
        if self._server is not None:
            self._server.close()
        for pair in list(self._pairs):
            pair.reset()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await self._calm.wait()
        try:
            far_reader, far_writer = await self.upstream()
        except OSError:
            writer.transport.abort()
            return
        self.carried += 1
        pair = Pair(writer, far_writer)
        if self.trouble == "truncate":
            pair.left = int(self.amount)
        self._pairs.add(pair)
        if self.trouble == "reset":
            pair.reset()
        try:
            await asyncio.gather(
                self._pump(pair, reader, far_writer), self._pump(pair, far_reader, writer, back=True)
            )
        finally:
            pair.close()
            self._pairs.discard(pair)
            for end in (writer, far_writer):
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    async def _pump(
        self, pair: Pair, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, back: bool = False
    ) -> None:
        """Carries one direction until it ends; ``back`` is from the server to the client."""
        with contextlib.suppress(OSError):
            while data := await source.read(CHUNK):
                if pair.deaf:
                    continue
                await self._calm.wait()
                if self.trouble == "delay":
                    await asyncio.sleep(self.amount)
                if back and pair.left is not None:
                    data = data[: pair.left]
                    pair.left -= len(data)
                target.write(data)
                await target.drain()
                if pair.left is not None and pair.left <= 0:
                    break
        if pair.deaf and back:
            return
        with contextlib.suppress(OSError, RuntimeError):
            pair.close()
