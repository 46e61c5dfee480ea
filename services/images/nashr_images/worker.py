"""The images worker: wiring only."""

from __future__ import annotations

from nashr import bootstrap
from nashr.runtime.worker import Worker
from nashr.store.patience import BRIEF

from nashr_images import heic
from nashr_images.handlers import Images, bury
from nashr_images.pool import DecodePool


def main() -> None:
    """The process ``nashr up`` starts."""
    runtime = bootstrap.runtime("images", pool=6, patience=BRIEF, uses=("site_store", "originals"))
    if runtime.settings.heic and not heic.available():
        raise SystemExit(heic.MISSING)
    pool = DecodePool(workers=runtime.settings.children, max_pixels=runtime.settings.max_asset_pixels)
    pool.warm()
    handlers = Images(runtime, pool)
    Worker(
        "images",
        settings=runtime.settings,
        engine=runtime.engine,
        handlers={"images": handlers.images, "lighter": handlers.lighter},
        burials={"images": bury},
    ).run(threads=runtime.settings.images_threads, bulk=2)
    pool.close()


if __name__ == "__main__":
    main()
