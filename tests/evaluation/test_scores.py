"""Places among cuts and among all subjects."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import pytest

from crmrules.language.conditions import Compare, Op
from crmrules.language.ruleset import Score
from crmrules.model.objects import FieldType
from evaluation.world import insert, outcome, ruleset, run, snapshot


def accounts(values: list[Any], field: str = "employees") -> duckdb.DuckDBPyConnection:
    con = snapshot()
    insert(con, "account", [{"id": f"{i:03}", field: v} for i, v in enumerate(values)])
    return con


def scores(con: duckdb.DuckDBPyConnection, **options: Any) -> list[Any]:
    field = options.pop("field", "employees")
    more = {k: options.pop(k) for k in ("cut_points",) if k in options}
    run(con, ruleset(Score(**{"name": "x", "of": "account", "field": field, **options})), **more)
    return list(outcome(con, "x").values())


VALUES = [5, 10, 10, 20, None, 40]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"by": "cuts", "cuts": (10, 20)}, [1, 2, 2, 3, None, 3]),
        ({"by": "cuts", "cuts": (10, 20), "closed": "right"}, [1, 1, 1, 2, None, 3]),
        ({"by": "cuts", "cuts": (10, 20), "order": "desc"}, [3, 2, 2, 1, None, 1]),
        ({"by": "quantile", "bins": 2}, [1, 2, 2, 2, None, 2]),  # the median is 10 itself
        ({"by": "quantile", "bins": 2, "offset": 1}, [1, 1, 1, 2, None, 2]),
        ({"by": "quantile", "bins": 2, "closed": "right"}, [1, 1, 1, 2, None, 2]),
        ({"by": "quantile", "bins": 2, "order": "desc"}, [2, 1, 1, 1, None, 1]),
        ({"by": "quantile", "bins": 2, "minimum": 6}, [None] * 6),
        ({"by": "quantile", "bins": 2, "where": Compare("employees", Op.lt, 40)}, [1, 2, 2, 2, None, None]),
        ({"by": "ntile", "bins": 2}, [1, 1, 1, 2, None, 2]),  # ties by id
        ({"by": "ntile", "bins": 2, "order": "desc"}, [2, 2, 2, 1, None, 1]),
        ({"by": "rank"}, [1, 2, 2, 4, None, 5]),
        ({"by": "rank", "order": "desc"}, [5, 3, 3, 2, None, 1]),
        ({"by": "rank", "minimum": 6}, [None] * 6),
        ({"by": "rank", "where": Compare("employees", Op.gt, 5)}, [None, 1, 1, 3, None, 4]),
        ({"by": "percent_rank", "type": FieldType.number}, [0.0, 0.25, 0.25, 0.75, None, 1.0]),
    ],
)
def test_place(options: dict[str, Any], wanted: list[Any]) -> None:
    assert scores(accounts(VALUES), **options) == wanted


def test_a_quantile_of_days() -> None:
    days = [date(2024, 1, 1), date(2024, 1, 3), date(2024, 1, 10)]
    assert scores(accounts(days, "contract_end"), field="contract_end", by="quantile", bins=2) == [1, 2, 2]
    assert scores(accounts(days, "contract_end"), field="contract_end", by="cuts", cuts=(date(2024, 1, 5),)) == [
        1,
        1,
        2,
    ]


def test_share_before_without_a_total_is_missing() -> None:
    options: dict[str, Any] = {"by": "share_before", "type": FieldType.number}
    assert scores(accounts([0, 0]), **options) == [None, None]
    assert scores(accounts([25, 50, 25]), **options) == [0.5, 0.0, 0.75]


def test_stored_cut_points_make_a_part_agree_with_the_whole() -> None:
    values = [(i * 37) % 101 for i in range(40)]
    options: dict[str, Any] = {"by": "quantile", "bins": 4, "minimum": 30}
    whole = accounts(values)
    wanted = scores(whole, **options)
    kept = whole.execute("SELECT * FROM cut_point ORDER BY position").fetchall()
    assert [position for _, position, _ in kept] == [0, 1, 2, 3]  # 0: how many members there were
    assert kept[0] == ("x", 0, 40.0)
    part = accounts(values[:7])
    part.execute("CREATE TABLE kept (feature VARCHAR, position INTEGER, value DOUBLE)")
    part.executemany("INSERT INTO kept VALUES (?, ?, ?)", kept)
    assert scores(part, cut_points="kept", **options) == wanted[:7]
    assert part.execute("SELECT * FROM cut_point ORDER BY position").fetchall() == kept
