"""What would change a class: held to the laws that any answer must obey."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from crmrules.explain.what_if import class_outcome, decide, differences, tried_conditions
from crmrules.language.conditions import AllOf, AnyOf, Between, Compare, Not, Op, Within
from crmrules.language.ruleset import Aggregate, Dimension, Rule, Ruleset
from crmrules.model.objects import FieldType
from crmrules.model.text import Text

from .ruleset import RULESET

AS_OF = date(2026, 6, 30)
TYPES = {
    "n": FieldType.integer,
    "x": FieldType.number,
    "m": FieldType.money,
    "d": FieldType.date,
    "age": FieldType.integer,
}

numbers = st.integers(-5, 5)
leaf = st.one_of(
    st.builds(Compare, st.sampled_from(["n", "x", "m", "age"]), st.sampled_from(list(Op)), numbers),
    st.builds(
        lambda f, a, b: Between(f, min(a, b), max(a, b), high_open=True), st.sampled_from(["n", "m"]), numbers, numbers
    ),
    st.builds(Within, st.just("d"), st.integers(0, 9)),
    st.builds(Compare, st.just("d"), st.sampled_from([Op.lt, Op.gte]), st.dates(date(2026, 6, 20), AS_OF)),
)
condition = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda p: AllOf(tuple(p))),
        st.lists(inner, min_size=1, max_size=3).map(lambda p: AnyOf(tuple(p))),
        inner.map(Not),
    ),
    max_leaves=4,
)
dimension = st.builds(
    lambda whens, hit: Dimension(
        name="c", of="account", label=Text(), values={}, hit=hit,
        rules=tuple(Rule(id=f"r{i}", when=w, then="abc"[i % 3], score=i % 2) for i, w in enumerate(whens)),
    ),
    st.lists(condition, min_size=1, max_size=4),
    st.sampled_from(["first", "highest", "unique", "any", "collect"]),
)  # fmt: skip
row = st.fixed_dictionaries(
    {
        "n": st.none() | numbers,
        "x": st.none() | numbers.map(float),
        "m": st.none() | numbers.map(Decimal),
        "d": st.none() | st.dates(date(2026, 6, 15), AS_OF),
        "age": st.none() | st.integers(0, 5),
    }
)
AGEING = Ruleset(
    name="r", version="1", label=Text(), languages=("en",), folder="", extends=(),
    features={"age": Aggregate(name="age", of="account", from_="order", agg="days_since", type=FieldType.integer)},
)  # fmt: skip


@given(dimension, row)
def test_every_change_named_really_changes_the_outcome(c: Dimension, r: dict[str, object]) -> None:
    now = decide(c, r, AS_OF)
    for change in differences(tried_conditions(c, now[1]), class_outcome(c), r, AS_OF, TYPES.get, AGEING):
        if change.probe is not None:
            assert change.probe.value != r[change.probe.field]
            assert decide(c, {**r, change.probe.field: change.probe.value}, AS_OF) == change.outcome
        else:
            assert change.days is not None
            assert change.days > 0
            later = {**r, "age": None if r["age"] is None else r["age"] + change.days}  # type: ignore[operator]
            assert decide(c, later, AS_OF + timedelta(days=change.days)) == change.outcome
        assert change.outcome[0] != now[0]


@given(dimension, row)
def test_time_is_told_to_the_day(c: Dimension, r: dict[str, object]) -> None:
    """On no earlier day would the outcome have been another."""
    now = decide(c, r, AS_OF)
    found = differences(tuple(rule.when for rule in c.rules), class_outcome(c), r, AS_OF, TYPES.get, AGEING)
    first = next((change.days for change in found if change.probe is None), 40)
    assert first is not None
    for days in range(1, first):
        later = {**r, "age": None if r["age"] is None else r["age"] + days}  # type: ignore[operator]
        assert decide(c, later, AS_OF + timedelta(days=days))[0] == now[0]


@given(st.sampled_from(["first", "highest"]), st.lists(numbers, min_size=1, max_size=4), st.integers(-9, 9))
def test_a_whole_number_is_moved_no_further_than_needed(hit: str, cuts: list[int], n: int) -> None:
    """Thresholds on one count: trying every other value finds no nearer change in either direction."""
    c = Dimension(
        name="c", of="account", label=Text(), values={}, hit=hit,  # type: ignore[arg-type]
        rules=tuple(Rule(id=f"r{i}", when=Compare("n", Op.gte, cut), then=f"v{i}", score=i) for i, cut in enumerate(cuts)),
    )  # fmt: skip
    now = decide(c, {"n": n}, AS_OF)
    found = differences(tuple(r.when for r in c.rules), class_outcome(c), {"n": n}, AS_OF, TYPES.get, AGEING)
    for up in (True, False):
        named = [d.probe.value for d in found if d.probe and (d.probe.value > n) is up]  # type: ignore[operator]
        nearest = min(
            (
                abs(v - n)
                for v in range(-20, 21)
                if (v > n) is up and v != n and decide(c, {"n": v}, AS_OF)[0] != now[0]
            ),
            default=None,
        )
        below_nothing = not up and nearest is not None and n >= 0 > n - nearest
        if nearest is None or below_nothing:
            continue
        assert min(abs(v - n) for v in named) == nearest  # type: ignore[operator]


def test_the_value_class_of_the_ruleset_is_decided_as_sql_does() -> None:
    value = RULESET.classes["value_tier"]
    rows = [({"orders_n": 0}, "unknown"), ({"orders_n": 9, "value_amount": Decimal(10**6)}, "high")]
    assert [decide(value, r, AS_OF)[0] for r, _ in rows] == [wanted for _, wanted in rows]
