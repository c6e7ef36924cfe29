"""Which test makes sense on which type of field, and which type an expression has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

from crmrules.language.conditions import (
    Among,
    Between,
    Choice,
    Compare,
    FieldRef,
    Has,
    Leaf,
    Matches,
    OlderThan,
    Op,
    Operand,
    Scalar,
    Within,
)
from crmrules.language.expressions import Binary, Call, Expression, Name, Negate, Number, Today
from crmrules.language.reading import days
from crmrules.language.schema import a, shown
from crmrules.model.objects import FieldType

TypeOf = Callable[[str], FieldType | None]  # path -> type; None: not known, complained about elsewhere

NUMERIC = (FieldType.integer, FieldType.number, FieldType.money)
TEMPORAL = (FieldType.date, FieldType.timestamp)


def complaint(leaf: Leaf, type: FieldType, type_of: TypeOf) -> tuple[str, str] | None:
    """Return what is wrong about testing a field of *type* so, and what would do; None where it is right."""
    match leaf:
        case Matches() if type is not FieldType.text:
            return f"'{leaf.field}' is {a(type)}: only a text can match a pattern", "a text field"
        case Has() if type is not FieldType.list:
            return f"'{leaf.field}' is {a(type)}: only a list has items", "a list field"
        case Within() | OlderThan() if type not in TEMPORAL:
            return f"'{leaf.field}' is {a(type)}: only a date has an age", "a date field"
        case Compare() | Among() | Between() if type is FieldType.list:
            return f"'{leaf.field}' is a list", "has: item, or has_any: [items]"
        case Compare(_, op) if op not in (Op.eq, Op.ne) and type not in (*NUMERIC, *TEMPORAL):
            return f"'{leaf.field}' is {a(type)}: it has no order", "a number or a date; for texts eq, ne, in, matches"
        case Between() if type not in (*NUMERIC, *TEMPORAL):
            return f"'{leaf.field}' is {a(type)}: it has no order", "a number or a date"
    return next(_wrong_values(leaf, type, type_of), None)


def _wrong_values(leaf: Leaf, type: FieldType, type_of: TypeOf) -> Iterator[tuple[str, str]]:
    for operand in operands(leaf):
        if isinstance(operand, FieldRef):
            other = type_of(operand.field)
            if other is not None and _group(other) != _group(type):
                yield f"'{leaf.field}' is {a(type)}, '{operand.field}' {a(other)}", f"a field of type {type}"
            elif operand.times != 1 and type not in NUMERIC:
                yield f"'{leaf.field}' is {a(type)}: it can't be multiplied", "numbers"
            continue
        for value in values_of(operand):
            if typed_value(value, type) is None:
                yield (
                    f"'{leaf.field}' is {a(type)}, {shown(str(value) if isinstance(value, Decimal) else value)} is not",
                    _example(type),
                )


def operands(leaf: Leaf) -> tuple[Operand, ...]:
    """Return what a comparison compares its field with."""
    match leaf:
        case Compare():
            return (leaf.value,)
        case Between():
            return (leaf.low, leaf.high)
        case Among():
            return leaf.values
    return ()


def values_of(operand: Scalar | Choice) -> tuple[Scalar, ...]:
    """Return every value that *operand* can have."""
    return (*operand.cases.values(), operand.default) if isinstance(operand, Choice) else (operand,)


def typed_value(value: Scalar, type: FieldType) -> Scalar | None:
    """Return *value* as the type of the field that it is compared with, None where it can't be that.

    Money is exact: 0.1 becomes Decimal('0.1'). A duration (``90d``) beside a number is its days.
    """
    if type is FieldType.boolean:
        return value if isinstance(value, bool) else None
    if isinstance(value, bool):
        return None
    if type in (FieldType.text, FieldType.list):
        return value if isinstance(value, str) else None
    if type in TEMPORAL:
        return _day(value)
    number = days(value) if isinstance(value, str) else value
    if not isinstance(number, (int, float, Decimal)):
        return None
    return Decimal(str(number)) if type is FieldType.money else number


def _day(value: Scalar) -> date | None:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _group(type: FieldType) -> str:
    return "number" if type in NUMERIC else "date" if type in TEMPORAL else type.value


def _example(type: FieldType) -> str:
    match type:
        case FieldType.text:
            return "a text; one that looks like a number, true or false needs quotes"
        case FieldType.boolean:
            return "true or false"
        case FieldType.date | FieldType.timestamp:
            return "a date such as 2025-06-30"
        case _:
            return "a number"


def expression_type(expression: Expression, type_of: TypeOf, complain: Callable[[str, str], None]) -> FieldType | None:
    """Return the type of *expression*; None where a field of it is unknown. Tell *complain* what makes no sense."""

    def inner(part: Expression) -> FieldType | None:
        return expression_type(part, type_of, complain)

    def number(part: Expression) -> FieldType | None:
        type = inner(part)
        if type is not None and type not in NUMERIC:
            complain(f"{_said(part)} is {a(type)}: one can't calculate with it", "a number")
            return None
        return type

    match expression:
        case Name(field):
            return type_of(field)
        case Number(value):
            return FieldType.integer if isinstance(value, int) else FieldType.number
        case Today():
            return FieldType.date
        case Negate(operand):
            return number(operand)
        case Binary(operator, left, right):
            types = {number(left), number(right)}
            if operator == "/" or None in types:
                return FieldType.number
            return FieldType.integer if types == {FieldType.integer} else FieldType.number
        case Call("days_between", arguments):
            for part in arguments:
                type = inner(part)
                if type is not None and type not in TEMPORAL:
                    complain(f"{_said(part)} is {a(type)}", "a date")
            return FieldType.integer
        case Call("coalesce" | "least" | "greatest", arguments):
            return _common([inner(part) for part in arguments], expression, complain)
        case Call("abs", arguments):
            return number(arguments[0]) if arguments else None
        case Call(function, arguments):
            for part in arguments:
                number(part)
            return FieldType.integer if function in ("floor", "ceil") else FieldType.number
    return FieldType.number


def _common(types: list[FieldType | None], call: Call, complain: Callable[[str, str], None]) -> FieldType | None:
    known = [type for type in types if type is not None]
    if len({_group(type) for type in known}) > 1:
        complain(f"{call.function} mixes {' and '.join(sorted(set(known)))}", "values of one type")
        return None
    if not known:
        return None
    return known[0] if len(set(known)) == 1 else FieldType.number if known[0] in NUMERIC else FieldType.timestamp


def _said(part: Expression) -> str:
    return f"'{part.field}'" if isinstance(part, Name) else "as_of" if isinstance(part, Today) else "a part of it"
