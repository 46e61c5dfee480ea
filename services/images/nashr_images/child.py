"""What runs in the decoder processes: ``core`` on photos that come as bytes or as a path."""

from __future__ import annotations

from pathlib import Path

from nashr_images import core
from nashr_images.renditions import Decode, Job, LightJob, Rendered, Rendition


def render(source: bytes | Path, job: Job, *, max_pixels: int, keep: bool) -> Rendered:
    """``core.render``."""
    return core.render(_bytes(source), job, max_pixels=max_pixels, keep=keep)


def render_lighter(decoded: Decode, job: LightJob) -> tuple[Rendition, ...]:
    """``core.render_lighter``."""
    return core.render_lighter(decoded, job)


def render_lighter_anew(source: bytes | Path, job: LightJob, *, max_pixels: int) -> tuple[Rendition, ...]:
    """The same, where the decode was not kept."""
    return core.render_lighter(core.decoded(_bytes(source), job.recipe, max_pixels=max_pixels), job)


def _bytes(source: bytes | Path) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()
