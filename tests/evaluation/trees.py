"""Random rows, conditions and expressions for the laws: nothing that a loader would refuse, all that it lets through."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from hypothesis import strategies as st

from crmrules.language.conditions import (
    AllOf,
    Among,
    AnyOf,
    Between,
    Choice,
    Compare,
    Condition,
    FieldRef,
    Has,
    Matches,
    Missing,
    Not,
    OlderThan,
    Op,
    Within,
)
from crmrules.language.expressions import FUNCTIONS, Binary, Call, Chosen, Expression, Name, Negate, Number, Today

NUMBERS = ("share_of_wallet", "gross_margin_rate", "employees", "nps", "annual_revenue", "aum_avg_12m")
TEXTS = ("name", "industry", "demand_type")
TIMES = ("contract_end", "created_at", "modified_at")
LISTS = ("labels",)  # a custom field

WORDS = (
    "", " ", "采购部", "采购经理", "procure", "Procurement", "O'Brien", 'say "x"', "a\\b", "100%", "😀", "a\nb", "é", "e\u0301",
    "ﬁ", "\ufffd", "NULL", "Ω", "a\0b", "'; DROP TABLE x; --", "household", "government",
)  # fmt: skip
PATTERNS = (
    "采购|procure", "(?i)PROCURE", "^$", "a.b", "(?s)a.b", "\\\\", "'", "[一-龥]+", "^.$", "\\.", "é", "😀", "\\x00", "%", "(a|b)*",
)  # fmt: skip

texts = st.sampled_from(WORDS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
integers = st.integers(-3, 12) | st.sampled_from([2**31, -(2**62), 2**63 - 1])
floats = st.sampled_from([0.0, -0.0, 0.1, 0.3, 1.5, 2.5, 1e-9, 1e300, float("nan"), float("inf"), float("-inf")])
floats |= st.floats(-20, 20)
moneys = st.decimals(-1000, 1000, places=4) | st.sampled_from([Decimal("0.1"), Decimal("12345678901.2345")])
days = st.dates(date(2024, 1, 1), date(2025, 3, 1)) | st.sampled_from([date(1, 1, 1), date(9999, 12, 31)])
moments = st.datetimes(datetime(2024, 11, 1), datetime(2025, 2, 1)) | st.sampled_from([datetime(2024, 12, 31)])

rows = st.fixed_dictionaries(
    {
        "share_of_wallet": st.none() | floats, "gross_margin_rate": st.none() | floats,
        "employees": st.none() | integers, "nps": st.none() | integers,
        "annual_revenue": st.none() | moneys, "aum_avg_12m": st.none() | moneys,
        "name": st.none() | texts, "industry": st.none() | texts, "demand_type": st.none() | texts,
        "blacklisted": st.none() | st.booleans(),
        "contract_end": st.none() | days, "created_at": st.none() | days, "modified_at": st.none() | moments,
        "labels": st.none() | st.lists(texts, max_size=3),
    }
)  # fmt: skip

scalars = integers | floats | st.decimals(-20, 20, places=2) | st.sampled_from([10**30, Decimal("0.00000000001")])
_times = st.sampled_from([1, 2, 1.5, 0.1, 3, Decimal("0.5"), 1e308])


def _choice(values: st.SearchStrategy) -> st.SearchStrategy[Choice]:  # type: ignore[type-arg]
    return st.builds(Choice, st.just("demand_type"), st.dictionaries(texts, values, max_size=3), values)


_number_operands = scalars | _choice(scalars) | st.builds(FieldRef, st.sampled_from(NUMBERS), _times)
_text_operands = texts | _choice(texts) | st.builds(FieldRef, st.sampled_from(TEXTS))
_time_operands = days | moments | _choice(days) | st.builds(FieldRef, st.sampled_from(TIMES))
_spans = st.integers(0, 400) | st.just(10**9) | _choice(st.integers(0, 400))
_ops, _open = st.sampled_from(Op), st.booleans()


def _tests(
    fields: tuple[str, ...], values: st.SearchStrategy, operands: st.SearchStrategy
) -> st.SearchStrategy[Condition]:  # type: ignore[type-arg]
    field = st.sampled_from(fields)
    return (
        st.builds(Compare, field, _ops, operands)
        | st.builds(Among, field, st.lists(values, max_size=4).map(tuple))
        | st.builds(Between, field, operands, operands, _open, _open)
        | st.builds(Missing, field)
    )


_leaves = (
    _tests(NUMBERS, scalars, _number_operands)
    | _tests(TEXTS, texts, _text_operands)
    | _tests(TIMES, days, _time_operands)
    | st.builds(Matches, st.sampled_from(TEXTS), st.sampled_from(PATTERNS))
    | st.builds(Compare, st.just("blacklisted"), st.sampled_from([Op.eq, Op.ne]), st.booleans())
    | st.builds(Has, st.sampled_from(LISTS), texts)
    | st.builds(Missing, st.sampled_from((*LISTS, "blacklisted")))
    | st.builds(Within, st.sampled_from(TIMES), _spans)
    | st.builds(OlderThan, st.sampled_from(TIMES), _spans)
)

conditions: st.SearchStrategy[Condition] = st.recursive(
    _leaves,
    lambda inner: st.builds(Not, inner) | st.builds(AllOf, st.lists(inner, max_size=3).map(tuple))
    | st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
    max_leaves=6,
)  # fmt: skip

_dates: st.SearchStrategy[Expression] = st.recursive(
    st.builds(Name, st.sampled_from(TIMES)) | st.just(Today()),
    lambda inner: st.builds(Call, st.sampled_from(["coalesce", "least", "greatest"]), st.lists(inner, min_size=2, max_size=3).map(tuple)),
    max_leaves=3,
)  # fmt: skip
_PLAIN = sorted(set(FUNCTIONS) - {"days_between", "round"})


def _calls(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    def call(function: str) -> st.SearchStrategy[Expression]:
        low, high = FUNCTIONS[function]
        return st.lists(inner, min_size=low, max_size=min(high, 3)).map(lambda a: Call(function, tuple(a)))

    digits = st.integers(0, 4).map(Number) | st.integers(1, 2).map(lambda n: Negate(Number(n)))
    return (
        st.sampled_from(_PLAIN).flatmap(call)
        | inner.map(lambda a: Call("round", (a,)))
        | st.tuples(inner, digits).map(lambda a: Call("round", a))
        | st.tuples(_dates, _dates).map(lambda a: Call("days_between", a))
        | st.builds(Binary, st.sampled_from("+-*/"), inner, inner)
        | st.builds(Negate, inner)
    )


_numbers = st.integers(-5, 10) | st.sampled_from([0.1, 0.35, 1e200, Decimal("0.06")])
expressions: st.SearchStrategy[Expression] = st.recursive(
    st.builds(Name, st.sampled_from(NUMBERS)) | _numbers.map(Number) | _choice(_numbers).map(Chosen),
    _calls,
    max_leaves=5,
)
