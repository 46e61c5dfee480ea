"""What paid purges have used of this month: one step row a month, of a kind that nothing works on.

It is done from its first moment, so nobody claims it. Months are UTC, on the database's clock.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Engine

from nashr.store.database import run, scalar, statement

KIND: Final = "budget"
_MONTH: Final = "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM')"


class MonthLedger:
    """nashr.ports.Ledger over PostgreSQL, shared by every worker."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def spent(self) -> int:
        with statement(self._engine) as conn:
            found = scalar(
                conn,
                f"SELECT CAST(result->>'items' AS integer) FROM step WHERE kind = :kind AND key = {_MONTH}",
                kind=KIND,
            )
        return int(found or 0)

    def spend(self, items: int) -> None:
        with statement(self._engine) as conn:
            run(
                conn,
                f"""INSERT INTO step AS s (site, kind, key, state, result)
                VALUES ('', :kind, {_MONTH}, 'done', jsonb_build_object('items', CAST(:items AS integer)))
                ON CONFLICT (kind, key) DO UPDATE SET result = jsonb_build_object('items',
                    CAST(s.result->>'items' AS integer) + CAST(:items AS integer))""",
                kind=KIND, items=items,
            )  # fmt: skip
