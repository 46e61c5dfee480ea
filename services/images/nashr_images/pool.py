"""The decoders: ``child``'s functions in the sandbox, and the decodes kept for a photo's second phase.

Never loads libvips in this process.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from nashr.runtime.sandbox import Limits, Sandbox, TaskCrashed

from nashr_images.renditions import (
    MAX_PIXELS,
    Decode,
    ImageCrashed,
    Job,
    LightJob,
    Rendered,
    Rendition,
)

KEPT_BYTES: Final = 48 * 1024 * 1024
"""Of decodes that wait for their second phase: six landscape photos, or two tall ones."""

_ENVIRONMENT: Final = {"VIPS_CONCURRENCY": "1", "VIPS_BLOCK_UNTRUSTED": "1"}
_SMALLEST_GIF: Final = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)


class DecodePool:
    """Renders photos in at most ``workers`` children; callers beyond that wait their turn."""

    def __init__(
        self,
        *,
        workers: int = 2,
        limits: Limits | None = None,
        max_pixels: int = MAX_PIXELS,
        rest_seconds: float = 30.0,
    ) -> None:
        self._max_pixels = max_pixels
        self._kept = Kept(KEPT_BYTES)
        self._sandbox = Sandbox(
            "nashr_images.child", children=workers, limits=limits, environment=_ENVIRONMENT,
            rest_seconds=rest_seconds,
        )  # fmt: skip

    def warm(self) -> None:
        """Starts one child and runs a one-pixel photo through it: the first real one finds it ready."""
        self.render(_SMALLEST_GIF)

    def render(self, source: bytes | Path, job: Job | None = None, *, name: str = "") -> Rendered:
        """``core.render`` in a child, which reads a ``Path`` by itself.

        With a ``name`` the decode is kept for ``render_lighter``. Raises what ``core.render`` raises,
        ImageCrashed when the photo cost its child the life or went over a limit, and SandboxUnavailable when
        no child could be kept at all.
        """
        with _translated():
            rendered = self._sandbox.run(
                "render", source, job or Job(), max_pixels=self._max_pixels, keep=bool(name)
            )
        assert isinstance(rendered, Rendered)
        if rendered.decode is not None:
            self._kept.put(name, rendered.decode)
        return replace(rendered, decode=None)

    def render_lighter(
        self, source: Callable[[], bytes], job: LightJob, *, name: str
    ) -> tuple[Rendition, ...]:
        """``core.render_lighter`` in a child: from the decode kept under ``name``, else from the source."""
        kept = self._kept.take(name)
        with _translated(_NOT_LIGHTER):
            if kept is None:
                made = self._sandbox.run("render_lighter_anew", source(), job, max_pixels=self._max_pixels)
            else:
                made = self._sandbox.run("render_lighter", kept, job)
        assert isinstance(made, tuple)
        return made

    def close(self) -> None:
        """Refuses new photos, waits for running ones (each has its time limit), ends all children."""
        self._sandbox.close()


class Kept:
    """The newest decodes, at most ``limit`` bytes of them; each is taken out once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._held: OrderedDict[str, Decode] = OrderedDict()

    def put(self, name: str, decode: Decode) -> None:
        if len(decode.samples) > self._limit:
            return
        with self._lock:
            self._held[name] = decode
            while sum(len(one.samples) for one in self._held.values()) > self._limit:
                self._held.popitem(last=False)

    def take(self, name: str) -> Decode | None:
        with self._lock:
            return self._held.pop(name, None)


_NOT_DECODED: Final = (
    "Decoding the image failed: {}. Export it again, as a smaller plain JPEG, and send the new file."
)
_NOT_LIGHTER: Final = (
    "No lighter files: {}. Pages show the photo in the formats that it has; fewer or narrower sizes in the "
    "site's recipe would help."
)


@contextmanager
def _translated(text: str = _NOT_DECODED) -> Iterator[None]:
    try:
        yield
    except TaskCrashed as error:
        raise ImageCrashed(text.format(error)) from error
