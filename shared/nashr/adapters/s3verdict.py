"""The one verdict on a store that all processes go by: who needs it first probes, and the database keeps it.

A race between writers may hold by luck. So a later probe that finds less always counts, and one that finds
more counts only where an operator asked for it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Engine

from nashr.adapters.s3 import S3ObjectStore
from nashr.adapters.s3probe import Capabilities, Mode, probe
from nashr.observability.logs import logger
from nashr.store import verdicts
from nashr.store.database import statement
from nashr.store.verdicts import Place, Verdict


@dataclass(frozen=True)
class Agreed:
    """The mode that counts from now on, and the one that counted before; None: nobody had probed."""

    mode: Mode
    before: Mode | None


def current(engine: Engine, store: S3ObjectStore) -> Mode:
    """The verdict that stands; who finds none probes, one process at a time. Raises Retryable."""
    place = _place(store)
    with statement(engine) as conn:
        stands = verdicts.read(conn, place)
    if stands is None:
        with verdicts.turn(engine, place) as conn:
            stands = verdicts.read(conn, place)
            if stands is None:
                stands = _verdict(probe(store))
                verdicts.write(conn, place, stands)
    return Mode(stands.mode)


def record(engine: Engine, store: S3ObjectStore, found: Capabilities, *, trusted: bool = False) -> Agreed:
    """Writes down what a new probe ``found``; it is an alarm if that is not what stands.

    ``trusted``: an operator asked, so that a better verdict counts too. Raises Retryable.
    """
    place, verdict = _place(store), _verdict(found)
    with verdicts.turn(engine, place) as conn:
        stands = verdicts.read(conn, place)
        before = Mode(stands.mode) if stands else None
        differs = before not in {None, found.mode}
        counts = trusted or not differs or found.mode is Mode.SINGLE_WRITER
        if counts:
            verdicts.write(conn, place, verdict)
        if differs:
            verdicts.dispute(conn, place)
    agreed = Agreed(found.mode if counts else Mode.SINGLE_WRITER, before)
    if differs:
        logger().error(
            "store.verdicts_differ", endpoint=place.endpoint, bucket=place.bucket, before=before,
            found=found.mode, counts=agreed.mode,
        )  # fmt: skip
    return agreed


def _place(store: S3ObjectStore) -> Place:
    return Place(store.client.meta.endpoint_url, store.bucket)


def _verdict(found: Capabilities) -> Verdict:
    return Verdict(found.mode, asdict(found))
