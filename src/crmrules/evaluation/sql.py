"""Conditions and expressions as DuckDB SQL.

Columns are named by their dotted path (:mod:`crmrules.evaluation.relations` has joined them) and
numbers among them are finite or NULL, so NULL is the only missing value that SQL sees. The plain
Python twin of this module is :mod:`crmrules.evaluation.interpreter`; a property test holds both
to the same answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from crmrules.errors import Problem, RulesetError
from crmrules.evaluation.values import DECIMALS, alike, canonical, choices, days_before, is_day
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
    Operand,
    Within,
)
from crmrules.language.expressions import Binary, Call, Chosen, Expression, Name, Negate, Number, Today
from crmrules.model.objects import FieldType

_OPERATORS = {Op.eq: "=", Op.ne: "<>", Op.lt: "<", Op.lte: "<=", Op.gt: ">", Op.gte: ">="}
_SELECTING = ("coalesce", "least", "greatest")  # the functions that return one of their arguments


def quote(name: str) -> str:
    """Return *name* as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """Return a scalar, None or a list of texts as a literal; NaN and infinities are NULL."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(literal, value))}]"
    value = canonical(value)
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value) if value >= 0 else f"({value})"
    if isinstance(value, float):
        return f"CAST('{value!r}' AS DOUBLE)"
    if isinstance(value, Decimal):
        scale = -int(value.as_tuple().exponent)
        return f"CAST('{value:f}' AS DECIMAL({max(len(value.as_tuple().digits), scale + 1)},{scale}))"
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    return _text(value)


def guarded(sql: str) -> str:
    """Return *sql* (a double) with NaN and infinities missing."""
    return f"CASE WHEN isfinite({sql}) THEN {sql} END"


def condition_sql(condition: Condition, as_of: date) -> str:
    """Return a boolean expression; NULL is unknown."""
    match condition:
        case AllOf(parts):
            return _joined(" AND ", parts, as_of, "TRUE")
        case AnyOf(parts):
            return _joined(" OR ", parts, as_of, "FALSE")
        case Not(part):
            return f"(NOT {condition_sql(part, as_of)})"
        case Compare(field, op, value):
            return _compare(field, op, value)
        case Among(field, values):
            return _among(field, values)
        case Between(field, low, high, low_open, high_open):
            above = _compare(field, Op.gt if low_open else Op.gte, low)
            below = _compare(field, Op.lt if high_open else Op.lte, high)
            return f"({above} AND {below})"
        case Matches(field, pattern):
            return f"regexp_matches({quote(field)}, {literal(pattern)})"
        case Has(field, item):
            return f"list_contains({quote(field)}, {literal(item)})"
        case Missing(field):
            return f"({quote(field)} IS NULL)"
        case Within(field, days):
            day = f"CAST({quote(field)} AS DATE)"
            return f"({day} >= {day_sql(days, as_of)} AND {day} <= {literal(as_of)})"
        case OlderThan(field, days):
            return f"(CAST({quote(field)} AS DATE) < {day_sql(days, as_of)})"


def day_sql(days: int | Choice, as_of: date) -> str:
    """Return the day *days* before *as_of*: a constant, or one for each case."""
    if isinstance(days, Choice):
        moved = {case: days_before(as_of, number) for case, number in days.cases.items()}
        return operand_sql(Choice(days.field, moved, days_before(as_of, days.default)))
    return literal(days_before(as_of, days))


def operand_sql(operand: Operand) -> str:
    """Return what a field is compared with."""
    match operand:
        case Choice(field):
            cases, default = choices(operand)
            if not cases:
                return literal(default)
            whens = " ".join(f"WHEN {literal(case)} THEN {literal(value)}" for case, value in cases)
            return f"CASE {quote(field)} {whens} ELSE {literal(default)} END"
        case FieldRef(field, times):
            if times == 1:
                return quote(field)
            return f"round({guarded(f'CAST({quote(field)} AS DOUBLE) * {literal(float(times))}')}, {DECIMALS})"
        case _:
            return literal(operand)


def expression_sql(expression: Expression, as_of: date, type: FieldType = FieldType.number) -> str:
    """Return the value of *expression* as *type*: numbers are doubles rounded to nine decimals.

    Raises RulesetError where *type* can't come out of the expression.
    """
    if type.is_numeric:
        return as_type(_guard(expression, _number(expression, as_of)), type)
    if type is FieldType.date:
        return _day(expression, as_of)
    return _plain(expression, as_of)


def as_type(sql: str, type: FieldType) -> str:
    """Return *sql* (a finite number, or a value of *type* already) as a column of *type*; NULL where it does not fit."""
    if type is FieldType.number:
        return f"round(CAST({sql} AS DOUBLE), {DECIMALS})"
    if type is FieldType.integer:
        return f"TRY_CAST(round({sql}) AS BIGINT)"
    if type is FieldType.money:
        return f"TRY_CAST(round({sql}, 4) AS {type.sql})"
    return f"TRY_CAST({sql} AS {type.sql})"


# ---------------------------------------------------------------- conditions


def _joined(operator: str, parts: Iterable[Condition], as_of: date, empty: str) -> str:
    found = [condition_sql(part, as_of) for part in parts]
    return f"({operator.join(found)})" if found else empty


def _compare(field: str, op: Op, value: Operand) -> str:
    wanted = value.default if isinstance(value, Choice) else value
    column = f"CAST({quote(field)} AS DATE)" if is_day(wanted) else quote(field)
    return f"({column} {_OPERATORS[op]} {operand_sql(value)})"


def _among(field: str, values: tuple[object, ...]) -> str:
    wanted = [v for v in alike(values) if v is not None]
    column = f"CAST({quote(field)} AS DATE)" if any(map(is_day, wanted)) else quote(field)
    if not wanted:
        return f"CASE WHEN {column} IS NOT NULL THEN FALSE END"
    return f"({column} IN ({', '.join(map(literal, wanted))}))"


def _text(value: str) -> str:
    parts = ["'" + part.replace("'", "''") + "'" for part in value.split("\0")]  # a NUL would end the statement
    return parts[0] if len(parts) == 1 else f"({' || chr(0) || '.join(parts)})"


# ---------------------------------------------------------------- expressions


def _number(expression: Expression, as_of: date) -> str:
    """Return a double that may be NaN or infinite where a guard follows."""
    match expression:
        case Number(value):
            return f"CAST({literal(value)} AS DOUBLE)"
        case Name(field):
            return f"CAST({quote(field)} AS DOUBLE)"
        case Chosen(choice):
            return f"CAST({operand_sql(choice)} AS DOUBLE)"
        case Negate(operand):
            return f"(- {_number(operand, as_of)})"
        case Binary("/", left, right):
            divisor = _guard(right, _number(right, as_of))
            return f"({_number(left, as_of)} / nullif({divisor}, 0))"
        case Binary(operator, left, right):
            return f"({_number(left, as_of)} {operator} {_number(right, as_of)})"
        case Call(function, arguments):
            return _call(function, arguments, as_of)
        case Today():
            raise _wrong("today is a date, not a number", "days_between(today, ...)")


def _call(function: str, arguments: tuple[Expression, ...], as_of: date) -> str:
    if function == "days_between":
        later, earlier = (_day(a, as_of) for a in arguments)
        return f"CAST(date_diff('day', {earlier}, {later}) AS DOUBLE)"
    if function == "round" and len(arguments) == 2:
        return f"round({_guard(arguments[0], _number(arguments[0], as_of))}, {digits_of(arguments[1])})"
    values = [_guard(a, _number(a, as_of)) for a in arguments]
    if function in ("ln", "sqrt"):  # older DuckDBs raise an error outside of the domain
        bound = ">" if function == "ln" else ">="
        return f"CASE WHEN {values[0]} {bound} 0 THEN {function}({values[0]}) END"
    return f"{function}({', '.join(values)})"


def digits_of(expression: Expression) -> int:
    """Return the second argument of ``round``; raises RulesetError unless it is a small whole number."""
    number = expression.operand if isinstance(expression, Negate) else expression
    if isinstance(number, Number) and number.value == int(number.value):
        digits = int(number.value)
        if -15 <= digits <= 15:
            return -digits if isinstance(expression, Negate) else digits
    raise _wrong("the digits of round() must be written as a number", "a whole number from -15 to 15")


def _guard(expression: Expression, sql: str) -> str:
    match expression:
        case Number() | Name() | Chosen():
            return sql
        case Call(function, _) if function in (*_SELECTING, "days_between"):
            return sql
    return guarded(sql)


def _day(expression: Expression, as_of: date) -> str:
    match expression:
        case Today():
            return literal(as_of)
        case Name(field):
            return f"CAST({quote(field)} AS DATE)"
        case Call(function, arguments) if function in _SELECTING:
            return f"{function}({', '.join(_day(a, as_of) for a in arguments)})"
    raise _wrong("this expression gives no date", "a date field, today, or coalesce, least, greatest of them")


def _plain(expression: Expression, as_of: date) -> str:
    match expression:
        case Name(field):
            return quote(field)
        case Call(function, arguments) if function in _SELECTING:
            return f"{function}({', '.join(_plain(a, as_of) for a in arguments)})"
    raise _wrong("arithmetic gives numbers only", "a field, or coalesce, least, greatest of fields")


def _wrong(message: str, expected: str) -> RulesetError:
    return RulesetError(Problem("expression-type", message, expected=expected))
