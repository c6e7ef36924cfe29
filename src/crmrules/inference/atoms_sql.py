"""Atoms of rules as SQL conditions over tables of facts (``account_id`` and one column per property)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from crmrules.model.program import Atom, Program, Property, Var

_OPERATORS = {"eq": "=", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


def quote(name: str) -> str:
    """Return *name* as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def constant(value: int | bool | str, property: Property) -> str:
    """Return a constant of a rule as SQL; a date is a number of days since 1970-01-01."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return f"(DATE '1970-01-01' + {value})" if property.kind == "date" else str(value)


def own_conditions(program: Program, atom: Atom, alias: str) -> Iterator[str]:
    """Yield what one fact must fulfil by itself to match *atom*: presence, constants, its own properties compared."""
    properties = {property.name: property for property in program.facts[atom.fact]}
    for name in dict.fromkeys((*atom.bind, *(test.property for test in atom.tests))):
        yield f"{alias}.{quote(name)} IS NOT NULL"
    for test in atom.tests:
        if not isinstance(test.value, Var):
            value = constant(test.value, properties[test.property])
            yield f"{alias}.{quote(test.property)} {_OPERATORS[test.op]} {value}"
    first: dict[Var, str] = {}
    for name, var in atom.bind.items():
        if first.setdefault(var, name) != name:
            yield f"{alias}.{quote(first[var])} = {alias}.{quote(name)}"
    yield from _tested(atom, alias, atom, alias)


def pair_conditions(left: Atom, left_alias: str, right: Atom, right_alias: str) -> Iterator[str]:
    """Yield what facts of one account must fulfil together to match two atoms of a rule."""
    yield f"{left_alias}.account_id = {right_alias}.account_id"
    for name, var in left.bind.items():
        for other, same in right.bind.items():
            if same == var:
                yield f"{left_alias}.{quote(name)} = {right_alias}.{quote(other)}"
    yield from _tested(left, left_alias, right, right_alias)
    yield from _tested(right, right_alias, left, left_alias)


def variables(atom: Atom) -> frozenset[str]:
    """Return every variable that *atom* binds or compares with."""
    tested = (test.value.name for test in atom.tests if isinstance(test.value, Var))
    return frozenset((*(var.name for var in atom.bind.values()), *tested))


def bound_by(atoms: Mapping[str, Atom]) -> dict[str, str]:
    """Return variable -> SQL column, where *atoms* are those of the aliases."""
    found: dict[str, str] = {}
    for alias, atom in atoms.items():
        for name, var in atom.bind.items():
            found.setdefault(var.name, f"{alias}.{quote(name)}")
    return found


def _tested(atom: Atom, alias: str, binder: Atom, binder_alias: str) -> Iterator[str]:
    for test in atom.tests:
        for name, var in binder.bind.items():
            if test.value == var:
                yield f"{alias}.{quote(test.property)} {_OPERATORS[test.op]} {binder_alias}.{quote(name)}"
