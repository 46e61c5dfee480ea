"""Traces from the API's call to the edge's answer: spans for an OpenTelemetry collector, or nothing at all.

A step remembers whose work it is in its row (``traceparent``, W3C Trace Context), so a trace survives hints
that get lost and workers that die. Without a collector the library is not imported and a span costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

Kind: TypeAlias = Literal["internal", "server", "client", "consumer"]

_provider: TracerProvider | None = None


def configure(service: str, *, url: str, share: float = 1.0) -> None:
    """Sends this process's spans to ``url``, an OTLP/HTTP address; no url, no spans.

    ``share``: how many of the traces that begin here, from 0 to 1; those begun elsewhere keep their choice.
    """
    global _provider  # noqa: PLW0603 - one per process, as its logs
    if not url:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased  # noqa: PLC0415

    about = {
        "service.namespace": "nashr",
        "service.name": f"nashr-{service}",
        "service.version": version("nashr"),
    }
    _provider = TracerProvider(resource=Resource(about), sampler=ParentBased(TraceIdRatioBased(share)))
    _provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(url, timeout=5), schedule_delay_millis=1000)
    )


def flush() -> None:
    """Sends what has not been sent yet; before a process ends by itself."""
    if _provider is not None:
        _provider.force_flush(2000)


@contextmanager
def span(
    name: str, *, parent: str | None = None, kind: Kind = "internal", **about: str | float | bool
) -> Iterator[Span | None]:
    """Around a piece of work. ``parent``: the traceparent that it belongs to, else the span around this one.

    What escapes is recorded in the span, which then counts as failed.
    """
    if _provider is None:
        yield None
        return
    from opentelemetry.trace import SpanKind  # noqa: PLC0415

    tracer = _provider.get_tracer("nashr")
    context = _context(parent) if parent else None
    with tracer.start_as_current_span(name, context, SpanKind[kind.upper()], attributes=about) as started:
        yield started


def traceparent() -> str | None:
    """Who the work at hand belongs to, as a traceparent; None outside of any span."""
    if _provider is None:
        return None
    from opentelemetry.trace import get_current_span  # noqa: PLC0415

    found = get_current_span().get_span_context()
    return (
        f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}" if found.is_valid else None
    )


def trace_id() -> str | None:
    """The trace that the work at hand belongs to: what a log line names."""
    found = traceparent()
    return found.split("-")[1] if found else None


def _context(parent: str) -> Context:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    return TraceContextTextMapPropagator().extract({"traceparent": parent})
