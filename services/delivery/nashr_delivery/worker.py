"""The delivery worker: wiring only."""

from __future__ import annotations

from nashr import bootstrap
from nashr.runtime.worker import BULK_NICENESS, Worker
from nashr.store.patience import BRIEF

from nashr_delivery import fonts, preview
from nashr_delivery.handlers import Delivery
from nashr_delivery.notify import Notify
from nashr_delivery.pings import Pings
from nashr_delivery.purging import Purging
from nashr_delivery.refresh import Refresh
from nashr_delivery.removal import Removal
from nashr_delivery.sweep import Sweep
from nashr_delivery.withdrawal import Withdrawal


def main() -> None:
    """The process ``nashr up`` starts."""
    runtime = bootstrap.runtime(
        "delivery",
        pool=8,
        patience=BRIEF,
        uses=("site_store", "originals", "purger", "sender"),
        writes_pages=True,
    )
    fonts.prepare()
    preview.start(runtime)
    purging, withdrawal = Purging(runtime), Withdrawal(runtime)
    handlers = Delivery(runtime, purging)
    Worker(
        "delivery",
        settings=runtime.settings,
        engine=runtime.engine,
        handlers={
            "release": handlers.release,
            "deliver": handlers.deliver,
            "purge": purging.purge,
            "refresh": Refresh(runtime).refresh,
            "remove": Removal(runtime).remove,
            "withdraw": withdrawal.withdraw,
            "expire": withdrawal.expire,
            "sweep": Sweep(runtime).sweep,
            "notify": Notify(runtime, Pings(runtime).handlers).notify,
        },
    ).run(
        threads=runtime.settings.delivery_threads, bulk=runtime.settings.bulk_threads, niceness=BULK_NICENESS
    )


if __name__ == "__main__":
    main()
