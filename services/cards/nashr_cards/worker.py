"""The cards worker: wiring only."""

from __future__ import annotations

from nashr import bootstrap
from nashr.runtime.worker import Worker
from nashr.store.patience import BRIEF

from nashr_cards.handlers import Cards
from nashr_cards.pool import CardPool


def main() -> None:
    """The process ``nashr up`` starts."""
    runtime = bootstrap.runtime("cards", pool=5, patience=BRIEF, uses=("site_store",))
    pool = CardPool()
    pool.warm()
    Worker(
        "cards",
        settings=runtime.settings,
        engine=runtime.engine,
        handlers={"cards": Cards(runtime, pool).cards},
    ).run(threads=runtime.settings.cards_threads)
    pool.close()


if __name__ == "__main__":
    main()
