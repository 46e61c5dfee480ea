"""The database of a running stack, for commands that work on it directly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nashr import settings as configuration
from nashr.runtime.folder import check_is_folder
from nashr.runtime.programs import StackError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from nashr.settings import Settings


@contextmanager
def database(data: Path | None, *, patience: float | None = None) -> Iterator[tuple[Engine, Settings]]:
    """An engine for the stack in ``data``, and its settings. Raises StackError where none can be reached.

    ``patience``: seconds that the database may be silent, where a statement takes long.
    """
    from nashr import bootstrap  # noqa: PLC0415 - no command pays for what another imports
    from nashr.domain.errors import Retryable  # noqa: PLC0415
    from nashr.store.patience import PATIENCE  # noqa: PLC0415

    settings = configuration.load_for_stack(data)
    check_is_folder(settings.data.absolute())
    if not settings.database_url:
        raise StackError(f"no stack has run in {settings.data.absolute()}: nashr up, or give --data DIR")
    engine = bootstrap.engine(settings, pool=1, application="nashr-cli", patience=patience or PATIENCE)
    try:
        yield engine, settings
    except Retryable as error:
        raise StackError(f"{error}: is the stack up? nashr status --data {settings.data}") from error
    finally:
        engine.dispose()
