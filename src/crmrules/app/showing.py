"""Show the SQL that a ruleset comes to: run it on a CRM without records and write down every statement."""

from __future__ import annotations

from datetime import date
from typing import Any

from crmrules.app.setup import RENDERER
from crmrules.language.ruleset import Ruleset
from crmrules.plugins.host import Host


class _Recorder:
    """A DuckDB connection that remembers what it was told."""

    def __init__(self, con: Any, statements: list[str]) -> None:
        self._con = con
        self._statements = statements

    def execute(self, query: str, *more: Any, **named: Any) -> Any:
        self._statements.append(query)
        return self._con.execute(query, *more, **named)

    def cursor(self) -> _Recorder:
        return _Recorder(self._con.cursor(), self._statements)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._con, name)


def sql_of(ruleset: Ruleset, host: Host, as_of: date) -> tuple[str, ...]:
    """Return the statements that decide by *ruleset* as of *as_of*, in order."""
    import duckdb

    from crmrules.pipeline.decide import decide
    from crmrules.stores.snapshot import empty_snapshot

    statements: list[str] = []
    con = duckdb.connect()
    try:
        empty_snapshot(con)
        recorder: Any = _Recorder(con, statements)
        decide(
            recorder,
            ruleset,
            as_of=as_of,
            engine=host.engine("python"),
            renderer=host.renderer(RENDERER),
            language="en",
        )
    finally:
        con.close()
    return tuple(statement.strip() for statement in statements)
