"""Cells of a decision table: DMN's unary tests, both ways.

``-`` any, ``>= 4``, ``[10..20)``, ``a, b`` (one of), ``not(a, b)``, ``>= 4 & != 7`` (both), ``is missing``,
``matches("采购|procure")``, ``within(90d)``, ``older_than(26w)``, ``has(x)``, ``in(a, b)`` (``a, b`` beside others); a value may be a number, true,
false, a text (in quotes where it holds a comma or the like), a ``$parameter``, ``field(other, 1.5)`` or
``case(demand_type, "household": 8000, else: 1000000)``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedInput

from crmrules.errors import Location
from crmrules.language.condition_reader import conjunction
from crmrules.language.conditions import (
    ALWAYS,
    AllOf,
    Among,
    AnyOf,
    Between,
    Choice,
    Compare,
    Condition,
    FieldRef,
    Has,
    Leaf,
    Matches,
    Missing,
    Not,
    OlderThan,
    Op,
    Operand,
    Scalar,
    Within,
)
from crmrules.language.document import Node
from crmrules.language.reading import UNUSABLE, Reader, Use
from crmrules.language.typing_rules import operands

_GRAMMAR = r"""
start: tests
tests: both ("," both)*
both: test ("&" test)*
?test: operand -> equals | COMPARISON operand -> compares
     | (LSQB | LPAR | RSQB) operand ".." operand (RSQB | RPAR | LSQB) -> between
     | NOT "(" tests ")" -> negated | MISSING -> missing | PRESENT -> present
     | MATCHES "(" STRING ")" -> matches | BARE_MATCHES -> bare_matches
     | WITHIN "(" duration ")" -> within | OLDER_THAN "(" duration ")" -> older_than | HAS "(" operand ")" -> has
     | IN "(" value ("," value)* ")" -> among
?value: NUMBER | PARAMETER | STRING | TEXT
?duration: NUMBER | PARAMETER | TEXT
?operand: NUMBER | PARAMETER | STRING | TEXT | FIELD "(" TEXT ["," NUMBER] ")" -> field
     | CASE "(" TEXT ("," STRING ":" scalar)* "," ELSE scalar ")" -> case
?scalar: NUMBER | STRING | TEXT
COMPARISON.3: />=|<=|!=|<|>|=/
NOT.3: /not(?=\s*\()/
MATCHES.3: /matches(?=\s*\(\s*")/
BARE_MATCHES.2: /matches\s*\([^()",]+\)/
WITHIN.3: /within(?=\s*\()/
OLDER_THAN.3: /older_than(?=\s*\()/
HAS.3: /has(?=\s*\()/
IN.3: /in(?=\s*\()/
FIELD.3: /field(?=\s*\()/
CASE.3: /case(?=\s*\()/
ELSE.3: /else\s*:/
MISSING.3: /is\s+missing(?=\s*([,&)]|$))/
PRESENT.3: /is\s+present(?=\s*([,&)]|$))/
LSQB: "["
RSQB: "]"
LPAR: "("
RPAR: ")"
NUMBER.3: /[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?(?=\s*(\.\.|[,&()\[\]]|$))/
PARAMETER.3: /\$[A-Za-z_][A-Za-z0-9_]*/
STRING.3: /"([^"]|"")*"/
TEXT: /[^\s,&()\[\]"<>=!$:]((?!\.\.)[^,&()\[\]"<>=])*/
%ignore /\s+/
"""
_OPS: Mapping[str, Op] = {">=": Op.gte, "<=": Op.lte, "!=": Op.ne, "<": Op.lt, ">": Op.gt, "=": Op.eq}
_SIGNS = {op: sign for sign, op in _OPS.items()}
_BARE = re.compile(r'[^\s,&()\[\]"<>=!$:.+\-0-9]((?!\.\.)[^,&()\[\]"<>=:])*')
_KEYWORDS = re.compile(r"(is\s+(missing|present)|true|false)")
_EXPECTED = '-, >= 4, [10..20), "a, b", a, b, not(a), is missing, is present, matches("..."), within(90d), has(x)'


def read_cell(reader: Reader, frame: str, field: str, text: str, at: Location) -> Condition:
    """Return the condition that the cell *text* puts on *field*."""
    if text.strip() in ("", "-"):
        return ALWAYS
    try:
        tree = _grammar().parse(text)
    except UnexpectedInput:
        reader.complain("cell", f"the cell '{text}' of '{field}' can't be read", at, f"one of: {_EXPECTED}")
        return ALWAYS
    return _Cell(reader, frame, field, at).tests(tree.children[0])


def write_cell(condition: Condition) -> str:
    """Return the cell that says *condition*, all of whose leaves test one field. Raises ValueError."""
    match condition:
        case AllOf(()):
            return "-"
        case AnyOf(parts) if parts:
            texts = [_both(part) for part in parts]
            values_only = all(isinstance(part, Compare) and part.op is Op.eq for part in parts)
            return ", ".join(f"= {text}" if values_only else text for text in texts)
        case Among(_, values) if len(values) > 1:
            return ", ".join(map(_scalar, values))
        case _:
            return _both(condition)


@cache
def _grammar() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", maybe_placeholders=False)


class _Cell:
    def __init__(self, reader: Reader, frame: str, field: str, at: Location) -> None:
        self.reader, self.frame, self.field, self.at = reader, frame, field, at

    def tests(self, tree: Any) -> Condition:
        groups = tree.children
        plain = [group.children[0] for group in groups if len(group.children) == 1]
        if len(plain) == len(groups) and all(_is_value(test) for test in plain):
            values = [self.value(test.children[0]) for test in plain]
            if len(values) > 1 or isinstance(values[0], tuple):
                return self.note(Among(self.field, self.flat(values)))
        parts = [conjunction([self.test(test) for test in group.children]) for group in groups]
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def flat(self, values: list[Any]) -> tuple[Scalar, ...]:
        found: list[Scalar] = []
        for value in values:
            if isinstance(value, Choice):
                self.reader.complain("wrong-parameter", "a list can't hold a parameter with cases", self.at)
            else:
                found.extend(value if isinstance(value, tuple) else (value,))
        return tuple(found)

    def note(self, leaf: Leaf) -> Leaf:
        checked = leaf if UNUSABLE not in operands(leaf) else None
        self.reader.uses.append(Use(self.frame, self.field, self.at, checked, self.at, inside=self.reader.inside))
        return leaf

    def test(self, tree: Any) -> Condition:
        parts = tree.children
        match tree.data:
            case "equals":
                return self.note(Compare(self.field, Op.eq, self.operand(parts[0])))
            case "compares":
                return self.note(Compare(self.field, _OPS[parts[0]], self.operand(parts[1])))
            case "between":
                low, high = self.operand(parts[1]), self.operand(parts[2])
                return self.note(Between(self.field, low, high, parts[0] != "[", parts[3] != "]"))
            case "negated":
                return Not(self.tests(parts[1]))
            case "missing":
                return self.note(Missing(self.field))
            case "present":
                return Not(self.note(Missing(self.field)))
            case "matches":
                return self.matches(_unquoted(parts[1]))
            case "bare_matches":
                return self.matches(parts[0].partition("(")[2][:-1].strip())
            case "has":
                return self.note(Has(self.field, str(self.operand(parts[1]))))
            case "among":
                return self.note(Among(self.field, self.flat([self.value(part) for part in parts[1:]])))
            case kind:
                days = self.reader.duration(Node(_literal(parts[1]), self.at), self.frame) or 0
                return self.note(Within(self.field, days) if kind == "within" else OlderThan(self.field, days))

    def matches(self, pattern: str) -> Condition:
        self.reader.check_pattern(pattern, self.at)
        return self.note(Matches(self.field, pattern))

    def value(self, part: Any) -> Any:
        """A scalar, a Choice, or the tuple of a parameter that is a list."""
        if isinstance(part, Token) and part.type == "PARAMETER":
            value = self.reader.resolve(Node(str(part), self.at), self.frame)
            return UNUSABLE if value is None else value
        return self.operand(part)

    def operand(self, part: Any) -> Operand:
        if isinstance(part, Token):
            value = (
                _literal(part) if part.type != "PARAMETER" else self.reader.scalar(Node(str(part), self.at), self.frame)
            )
            return UNUSABLE if value is None else value
        path = self.reader.use(self.frame, Node(str(part.children[1]).strip(), self.at))
        if part.data == "field":
            times = _literal(part.children[2]) if len(part.children) > 2 else 1
            assert isinstance(times, (int, float))
            return FieldRef(path, times)
        *cases, _, default = part.children[2:]
        return Choice(
            path, {_unquoted(k): _literal(v) for k, v in zip(cases[::2], cases[1::2], strict=True)}, _literal(default)
        )


def _is_value(test: Any) -> bool:
    return test.data == "equals" and isinstance(test.children[0], Token)


def _unquoted(token: Any) -> str:
    return str(token)[1:-1].replace('""', '"')


def _literal(token: Any) -> Scalar:
    text = str(token).strip()
    if token.type == "STRING":
        return _unquoted(token)
    if token.type == "NUMBER":
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    return {"true": True, "false": False}.get(text, text)


def _both(condition: Condition) -> str:
    if isinstance(condition, AllOf) and condition.parts:
        return " & ".join(_one(part) for part in condition.parts)
    return _one(condition)


def _one(condition: Condition) -> str:
    match condition:
        case Compare(_, Op.eq, value):
            return _operand(value)
        case Compare(_, op, value):
            return f"{_SIGNS[op]} {_operand(value)}"
        case Between(_, low, high, low_open, high_open):
            return f"{'(' if low_open else '['}{_operand(low)}..{_operand(high)}{')' if high_open else ']'}"
        case Missing():
            return "is missing"
        case Not(Missing()):
            return "is present"
        case Not(part):
            return f"not({write_cell(part)})"
        case Matches(_, pattern):
            return f"matches({_quoted(pattern)})"
        case Has(_, item):
            return f"has({_scalar(item)})"
        case Within(_, int() as days):
            return f"within({days}d)"
        case OlderThan(_, int() as days):
            return f"older_than({days}d)"
        case Among(_, values):
            return f"in({', '.join(map(_scalar, values))})"
    raise ValueError(f"a cell can't say {condition}")


def _operand(value: Operand) -> str:
    match value:
        case FieldRef(path, times):
            return f"field({path}, {times})" if times != 1 else f"field({path})"
        case Choice(path, cases, default):
            listed = "".join(f"{_quoted(case)}: {_scalar(then)}, " for case, then in cases.items())
            return f"case({path}, {listed}else: {_scalar(default)})"
        case _:
            return _scalar(value)


def _scalar(value: Scalar) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return _quoted(value.isoformat())
    if not isinstance(value, str):
        return str(value)
    bare = _BARE.fullmatch(value) and value == value.strip() and not _KEYWORDS.fullmatch(value)
    return value if bare else _quoted(value)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
