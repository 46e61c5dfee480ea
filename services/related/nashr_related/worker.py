"""The related worker: wiring only."""

from __future__ import annotations

from nashr import bootstrap
from nashr.runtime.worker import BULK_NICENESS, Worker

from nashr_related.handlers import Related


def main() -> None:
    """The process ``nashr up`` starts."""
    runtime = bootstrap.runtime("related", pool=5)
    handlers = Related(runtime)
    Worker(
        "related",
        settings=runtime.settings,
        engine=runtime.engine,
        handlers={
            "related": handlers.related,
            "reindex": handlers.reindex,
            "backlinks": handlers.backlinks,
        },
    ).run(threads=runtime.settings.related_threads, niceness=BULK_NICENESS)


if __name__ == "__main__":
    main()
