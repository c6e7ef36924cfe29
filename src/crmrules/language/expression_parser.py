"""``net_12m / orders_12m`` → the tree in :mod:`crmrules.language.expressions`.

A real grammar over an allow-list: numbers, field paths, ``$parameters``, ``as_of``, ``+ - * /``,
brackets and the functions of :data:`~crmrules.language.expressions.FUNCTIONS`.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from crmrules.errors import Location, did_you_mean
from crmrules.language.conditions import Choice
from crmrules.language.document import Node
from crmrules.language.expressions import (
    FUNCTIONS,
    Binary,
    Call,
    Chosen,
    Expression,
    Name,
    Negate,
    Number,
    Today,
    names_of,
)
from crmrules.language.reading import Calculation, Reader, Use
from crmrules.language.schema import listed

MAX_LENGTH = 2_000
MAX_DEPTH = 100

_GRAMMAR = r"""
?start: sum
?sum: product | sum "+" product -> add | sum "-" product -> subtract
?product: unary | product "*" unary -> multiply | product "/" unary -> divide
?unary: atom | "-" unary -> negate
?atom: NUMBER -> number | PARAMETER -> parameter | PATH -> name | "(" sum ")"
     | PATH "(" [sum ("," sum)*] ")" -> call
NUMBER: /[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?/
PARAMETER: /\$[A-Za-z_][A-Za-z0-9_]*/
PATH: /[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*/
%ignore /[ \t\r\n]+/
"""
_OPERATORS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
_ALLOWED = "numbers, fields, $parameters, as_of, + - * / ( ) and " + listed(FUNCTIONS)


def read_expression(reader: Reader, frame: str, node: Node, wants: str = "number") -> Expression:
    """Parse the expression in *node* over rows of *frame* and remember to check its fields and types."""
    expression = _parse(reader, frame, str(node.value), node.at)
    for path in sorted(names_of(expression)):
        reader.uses.append(Use(frame, path, node.at, inside=reader.inside))
    reader.calculations.append(Calculation(frame, expression, node.at, wants))
    return expression


@cache
def _grammar() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", maybe_placeholders=False)


def _parse(reader: Reader, frame: str, text: str, at: Location) -> Expression:
    if len(text) > MAX_LENGTH:
        reader.complain("expression", f"an expression of {len(text)} characters", at, f"at most {MAX_LENGTH}")
        return Number(0)
    try:
        tree = _grammar().parse(text)
    except UnexpectedInput as error:
        place = error.pos_in_stream
        before = f"after '{text[:place].rstrip()[-20:]}'" if place and place > 0 else "at its start"
        reader.complain("expression", f"'{text[:80]}' can't be read {before}", at, _ALLOWED)
        return Number(0)
    return _build(reader, frame, tree, at, 0)


def _build(reader: Reader, frame: str, tree: Tree[Token] | Any, at: Location, depth: int) -> Expression:
    if depth > MAX_DEPTH:
        reader.complain("expression", "brackets and signs are nested too deeply", at, f"at most {MAX_DEPTH} levels")
        return Number(0)
    parts = tree.children

    def inner(part: Any) -> Expression:
        return _build(reader, frame, part, at, depth + 1)

    match tree.data:
        case "number":
            return Number(_number(str(parts[0])))
        case "parameter":
            return _parameter(reader, frame, str(parts[0]), at)
        case "name":
            return Today() if parts[0] == "as_of" else Name(str(parts[0]))
        case "negate":
            return Negate(inner(parts[0]))
        case "call":
            return _call(reader, str(parts[0]), tuple(map(inner, parts[1:])), at)
        case operator:
            return Binary(_OPERATORS[operator], inner(parts[0]), inner(parts[1]))


def _number(text: str) -> int | float:
    return int(text) if text.isdigit() and int(text) < 2**63 else float(Decimal(text))


def _parameter(reader: Reader, frame: str, text: str, at: Location) -> Expression:
    value = reader.scalar(Node(text, at), frame)
    if isinstance(value, Choice):
        if all(map(_is_number, (*value.cases.values(), value.default))):
            return Chosen(value)
    elif _is_number(value):
        assert isinstance(value, (int, float, Decimal))
        return Number(value)
    if value is not None:
        reader.complain("wrong-type", f"{text} is not a number", at, "a number")
    return Number(0)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _call(reader: Reader, function: str, arguments: tuple[Expression, ...], at: Location) -> Expression:
    if function not in FUNCTIONS:
        reader.complain("unknown-function", f"unknown function '{function}'", at, f"one of {listed(FUNCTIONS)}",
                        did_you_mean(function, FUNCTIONS))  # fmt: skip
        return Number(0)
    low, high = FUNCTIONS[function]
    if not low <= len(arguments) <= high:
        wanted = str(low) if low == high else f"{low} to {high}"
        reader.complain("expression", f"{function} has {len(arguments)} arguments", at, f"{wanted} arguments")
    return Call(function, arguments)
