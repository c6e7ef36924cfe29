"""Classes: the rules of a dimension as steps of SQL, each step reading the columns of those before.

One winner (``first``, ``highest``): a flat CASE chain gives the winning rule's position, which two
constant lists turn into value and rule id. Several (``collect``, ``unique``, ``any``): a bit per
rule in columns of 60 bits, and lists only where a bit is set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from crmrules.errors import Problem, RulesetError
from crmrules.evaluation.rewriting import renamed
from crmrules.evaluation.sql import as_type, condition_sql, guarded, literal, quote
from crmrules.language.conditions import Condition
from crmrules.language.ruleset import UNKNOWN, Dimension, Rule
from crmrules.model.objects import FieldType

BITS = 60  # rules in one BIGINT
PREVIOUS = "@previous"
CONFLICT = "@conflict"
_SEVERAL = ("collect", "unique", "any")

Step = Mapping[str, str]  # column -> SQL
Prepare = Callable[[Condition], Condition]  # what is done to a condition before it becomes SQL


def outputs(dimension: Dimension) -> tuple[str, str]:
    """Return the columns of *dimension*: its value, and the id of the rule that won."""
    return dimension.name, f"{dimension.name}.rule"


def steps(dimension: Dimension, copied: str, as_of: date, prepare: Prepare, *, previous: bool) -> list[Step]:
    """Return the steps that compute *dimension*; see the two functions below."""
    if dimension.hit in _SEVERAL:
        return several_winners(dimension, copied, as_of, prepare)
    return one_winner(dimension, copied, as_of, prepare, previous=previous)


def conflicting(dimension: Dimension) -> bool:
    """Whether the rules of *dimension* can disagree, so that ``<name>@conflict`` exists."""
    return dimension.hit in ("unique", "any")


def one_winner(dimension: Dimension, copied: str, as_of: date, prepare: Prepare, *, previous: bool) -> list[Step]:
    """Return the steps of a dimension whose rules have one winner.

    *copied* is the column that ``copy`` reads. Where *previous*, the column ``<name>@previous`` holds
    the last run's value, and hysteresis applies.
    """
    rules = _in_order(dimension)
    name, winner = dimension.name, f"{dimension.name}@winner"
    if dimension.hysteresis is None or not previous:
        return [{winner: _chain(rules, as_of, prepare)}, _named(dimension, rules, copied, winner, name)]
    field, margin = dimension.hysteresis.field, dimension.hysteresis.margin
    moved = {side: f"{field}{side}" for side in ("@lower", "@higher")}
    shares = {"@lower": 1 - margin, "@higher": 1 + margin}
    scaled = {side: guarded(f"CAST({quote(field)} AS DOUBLE) * {literal(shares[side])}") for side in moved}
    steps: list[Step] = [{moved[side]: as_type(scaled[side], FieldType.number) for side in moved}]
    winners, named = {winner: _chain(rules, as_of, prepare)}, _named(dimension, rules, copied, winner, f"{name}@now")
    for side, column in moved.items():
        winners[winner + side] = _chain(rules, as_of, lambda c, to=column: prepare(renamed(c, {field: to})))  # type: ignore[misc]
        named |= _named(dimension, rules, copied, winner + side, name + side)
    return [*steps, winners, named, _kept(name)]


def _kept(name: str) -> Step:
    """Return the step that keeps the previous value where the field's margin allows it."""
    now, before = f"{name}@now", quote(name + PREVIOUS)
    value = rule = ""
    for side in ("@lower", "@higher"):
        same = f" WHEN {quote(name + side)} = {before} THEN"
        value += f"{same} {before}"
        rule += f"{same} {quote(f'{name}{side}.rule')}"
    return {
        name: f"CASE WHEN {quote(now)} = {before} THEN {quote(now)}{value} ELSE {quote(now)} END",
        f"{name}.rule": f"CASE WHEN {quote(now)} = {before} THEN {quote(f'{now}.rule')}{rule} ELSE {quote(f'{now}.rule')} END",
    }


def _in_order(dimension: Dimension) -> Sequence[Rule]:
    if dimension.hit == "highest":  # sorted() is stable: ties stay in writing order
        return sorted(dimension.rules, key=lambda rule: -rule.score)
    return dimension.rules


def _chain(rules: Sequence[Rule], as_of: date, prepare: Prepare) -> str:
    whens = " ".join(f"WHEN {condition_sql(prepare(r.when), as_of)} THEN {i}" for i, r in enumerate(rules, 1))
    return f"CASE {whens} ELSE 0 END" if whens else "0"


def _named(dimension: Dimension, rules: Sequence[Rule], copied: str, winner: str, name: str) -> dict[str, str]:
    values, ids = literal([r.then for r in rules]), literal([r.id for r in rules])
    if not rules:
        return {name: _fallback(dimension, copied), f"{name}.rule": "CAST(NULL AS VARCHAR)"}
    position = quote(winner)
    return {
        name: f"coalesce({values}[{position}], {_fallback(dimension, copied)})",
        f"{name}.rule": f"{ids}[{position}]",
    }


def _fallback(dimension: Dimension, copied: str) -> str:
    """Return what holds where no rule fires."""
    if not dimension.copy:
        return literal(dimension.otherwise)
    known = ", ".join(map(literal, dimension.values)) or "NULL"
    code = f"CAST({quote(copied)} AS VARCHAR)"  # a whole number is its digits
    return f"CASE WHEN {code} IN ({known}) THEN {code} ELSE {literal(dimension.otherwise)} END"


# ---------------------------------------------------------------- several winners


def several_winners(dimension: Dimension, copied: str, as_of: date, prepare: Prepare) -> list[Step]:
    """Return the steps of a dimension in which several rules may fire.

    ``collect`` gives the list of the values in the dimension's order, the rule ids joined by ", ". ``unique``
    allows one rule to fire, ``any`` several of one value; where they disagree the value is unknown and
    ``<name>@conflict`` lists the rules.

    Raises RulesetError for hysteresis, which needs one winner.
    """
    if dimension.hysteresis is not None:
        raise RulesetError(
            Problem(
                "hysteresis-hit", f"'{dimension.name}': hysteresis needs one winner", dimension.at,
                expected="hit: first, or hit: highest",
            )
        )  # fmt: skip
    rules, fired = dimension.rules, f"{dimension.name}@fired"
    bits, tests = {}, []
    for start in range(0, len(rules), BITS):
        column = f"{dimension.name}@bits{start // BITS}"
        chunk = rules[start : start + BITS]
        terms = [
            f"CASE WHEN {condition_sql(prepare(r.when), as_of)} THEN {1 << i} ELSE 0 END" for i, r in enumerate(chunk)
        ]
        bits[column] = f"CAST({' | '.join(terms)} AS BIGINT)"
        tests += [f"CASE WHEN {quote(column)} & {1 << i} <> 0 THEN {start + i + 1} END" for i in range(len(chunk))]
    some = " OR ".join(f"{quote(column)} <> 0" for column in bits) or "FALSE"
    if dimension.hit == "collect":
        return [bits, _collected(dimension, copied, list(bits), some)]
    positions = f"list_filter(CAST([{', '.join(tests)}] AS INTEGER[]), lambda i: i IS NOT NULL)"
    return [bits, {fired: f"CASE WHEN {some} THEN {positions} END"}, _meant(dimension, copied, quote(fired))]


def _collected(dimension: Dimension, copied: str, columns: Sequence[str], some: str) -> Step:
    """Return what the bits mean where all values are taken: a mask per value and column, no list per row but the result."""

    def fired(rules: Iterable[Rule]) -> str:
        masks = [0] * len(columns)
        for rule in rules:
            position = dimension.rules.index(rule)
            masks[position // BITS] |= 1 << position % BITS
        return " OR ".join(f"{quote(c)} & {mask} <> 0" for c, mask in zip(columns, masks, strict=True) if mask)

    by_value = {v: [rule for rule in dimension.rules if rule.then == v] for v in (*dimension.values, UNKNOWN)}
    told = ", ".join(f"CASE WHEN {fired(rules)} THEN {literal(v)} END" for v, rules in by_value.items() if rules)
    ids = ", ".join(f"CASE WHEN {fired([rule])} THEN {literal(rule.id)} END" for rule in dimension.rules)
    value, rule_ids = outputs(dimension)
    return {
        # Splitting a joined text is a third of the cost of filtering a list; a separator that no value can hold.
        value: f"CASE WHEN {some} THEN string_split(concat_ws(chr(31), {told or 'NULL'}), chr(31)) ELSE [{_fallback(dimension, copied)}] END",
        rule_ids: f"CASE WHEN {some} THEN concat_ws(', ', {ids or 'NULL'}) END",
    }


def _meant(dimension: Dimension, copied: str, fired: str) -> Step:
    """Return what the list of the positions of the rules that fired (NULL: none) means."""
    fallback = _fallback(dimension, copied)
    values = f"list_transform({fired}, lambda i: CAST({literal([r.then for r in dimension.rules])} AS VARCHAR[])[i])"
    ids = f"list_transform({fired}, lambda i: CAST({literal([r.id for r in dimension.rules])} AS VARCHAR[])[i])"
    value, rule = outputs(dimension)
    disagree = f"len({fired}) > 1" if dimension.hit == "unique" else f"len(list_distinct({values})) > 1"
    return {
        value: f"CASE WHEN {fired} IS NULL THEN {fallback} WHEN {disagree} THEN {literal(UNKNOWN)} ELSE ({values})[1] END",
        rule: f"CASE WHEN NOT {disagree} THEN ({ids})[1] END",
        dimension.name + CONFLICT: f"CASE WHEN {disagree} THEN {ids} END",
    }
