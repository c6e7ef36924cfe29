"""The demand filter: which base facts can still take part in a match, decided in SQL for all accounts at once.

Most accounts have facts that no rule can join, and an engine pays for every fact it is given. What
is left out never changes an answer:

* A fact enters for an atom of ``all`` if, for every other atom there, some fact may exist that
  matches it together with this one. What rules may make is bounded from above (`_bounds`): their
  ``all`` evaluated on such bounds, ``none`` left out. A fact that is made through itself has no bound.
* Where no rule can make what a ``none`` forbids, that ``none`` is final before any rule ran: what it
  forbids neither enters nor counts in a bound.
* A fact enters for an atom of ``none`` if it may meet facts that entered; so whatever matches ``all``
  in the engine also meets everything that ``none`` forbids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import duckdb

from crmrules.inference.atoms_sql import bound_by, constant, own_conditions, pair_conditions, quote, variables
from crmrules.language.strata import may_match
from crmrules.model.program import Atom, InferenceRule, Program, Var


def base_table(fact: str) -> str:
    """Return the (quoted) name of the table of a fact."""
    return quote(f"fact_{fact}")


def entering_table(fact: str) -> str:
    """Return the (quoted) name of the temporary table with the ``rowid`` of the base facts that enter the engine."""
    return quote(f"entering_{fact}")


def let_all_enter(con: duckdb.DuckDBPyConnection, program: Program) -> None:
    """Create :func:`entering_table` of every fact, with all of its base facts."""
    for fact in program.facts:
        con.execute(f"CREATE OR REPLACE TEMP TABLE {entering_table(fact)} AS SELECT rowid AS n FROM {base_table(fact)}")


def let_needed_enter(con: duckdb.DuckDBPyConnection, program: Program) -> None:
    """Create :func:`entering_table` of every fact, with the base facts that can still join."""
    demand = _Demand(con, program)
    demand.bound_all()
    for fact in program.facts:
        demand.enter_by_all(fact)
    demand.enter_by_none()
    demand.drop_bounds()


class _Demand:
    def __init__(self, con: duckdb.DuckDBPyConnection, program: Program) -> None:
        self._con = con
        self._program = program
        self._made = {rule.then for rule in program.rules}
        self._read = {atom.fact for rule in program.rules for atom in rule.all_}
        self._bounded: set[str] = set()  # made facts that have a table of all that may be made

    # -------------------------------------------------------- what rules may make

    def bound_all(self) -> None:
        """Create a bound of every fact that rules make and join, unless it is made through itself; simplest first."""
        waiting = self._made & self._read
        while (
            ready := sorted(fact for fact in waiting if not self._reads(fact) & waiting)
            or sorted(fact for fact in waiting if self._is_recursive(fact))[:1]
        ):
            for fact in ready:
                waiting.discard(fact)
                selects = [self._made_by(rule) for rule in self._program.rules if rule.then == fact]
                if not self._is_recursive(fact) and all(selects):
                    table, query = quote(f"bound_{fact}"), " UNION ".join(filter(None, selects))
                    self._con.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {query}")
                    self._bounded.add(fact)

    def drop_bounds(self) -> None:
        for fact in self._bounded:
            self._con.execute(f"DROP TABLE {quote(f'bound_{fact}')}")

    def _reads(self, fact: str) -> set[str]:
        return {atom.fact for rule in self._program.rules if rule.then == fact for atom in rule.all_}

    def _is_recursive(self, fact: str) -> bool:
        reached, queue = set[str](), [fact]
        while queue:
            new = self._reads(queue.pop()) - reached
            reached |= new
            queue.extend(new)
        return fact in reached

    def _made_by(self, rule: InferenceRule) -> str | None:
        """Return the query of all that *rule* may make; None where a value comes from a fact without bound."""
        atoms = {f"a{n}": atom for n, atom in enumerate(rule.all_) if self._has_bound(atom)}
        values = bound_by(atoms)
        columns = ["a.account_id" if not atoms else f"{next(iter(atoms))}.account_id"]
        for property in self._program.facts[rule.then]:
            value = rule.values.get(property.name)
            if isinstance(value, Var):
                if value.name not in values:
                    return None
                columns.append(f"{values[value.name]} AS {quote(property.name)}")
            else:
                text = "NULL" if value is None else constant(value, property)
                columns.append(f"CAST({text} AS {SQL_TYPES[property.kind]}) AS {quote(property.name)}")
        if not atoms:
            return None
        sources = ", ".join(
            f"{self._possible(atom, base_table(atom.fact))} AS {alias}" for alias, atom in atoms.items()
        )
        return f"SELECT DISTINCT {', '.join(columns)} FROM {sources} WHERE {_and(self._together(rule, atoms))}"

    def _has_bound(self, atom: Atom) -> bool:
        return atom.fact not in self._made or atom.fact in self._bounded

    def _possible(self, atom: Atom, base: str) -> str:
        """Return a source of every fact that may match *atom*, *base* being those from the data."""
        if atom.fact not in self._bounded:
            return base
        columns = ", ".join(quote(name) for name in ("account_id", *(p.name for p in self._program.facts[atom.fact])))
        return f"(SELECT {columns} FROM {base} UNION ALL SELECT {columns} FROM {quote(f'bound_{atom.fact}')})"

    def _together(self, rule: InferenceRule, atoms: Mapping[str, Atom]) -> Iterator[str]:
        """Yield the conditions of *atoms* of a rule, with the ``none`` that are final and can be asked here."""
        aliases = list(atoms.items())
        for position, (alias, atom) in enumerate(aliases):
            yield from own_conditions(self._program, atom, alias)
            for other_alias, other in aliases[:position]:
                yield from pair_conditions(other, other_alias, atom, alias)
        known = frozenset(bound_by(atoms))
        positive = frozenset(var.name for atom in rule.all_ for var in atom.bind.values())
        for atom in rule.none:
            if variables(atom) & positive <= known and not any(may_match(r, atom) for r in self._program.rules):
                forbidden = [*own_conditions(self._program, atom, "f")]
                for alias, other in aliases:
                    forbidden += pair_conditions(other, alias, atom, "f")
                yield f"NOT EXISTS (SELECT 1 FROM {base_table(atom.fact)} AS f WHERE {_and(forbidden)})"

    # -------------------------------------------------------- what enters

    def enter_by_all(self, fact: str) -> None:
        """Let facts of the type *fact* enter that may match an atom of some ``all``."""
        ways = [
            self._fitting(rule.all_[n], [a for m, a in enumerate(rule.all_) if m != n], rule)
            for rule in self._program.rules
            for n, atom in enumerate(rule.all_)
            if atom.fact == fact
        ]
        query = " UNION ".join(ways) or f"SELECT rowid AS n FROM {base_table(fact)} WHERE FALSE"
        self._con.execute(f"CREATE OR REPLACE TEMP TABLE {entering_table(fact)} AS {query}")

    def enter_by_none(self) -> None:
        """Let facts enter that forbid what may match with the facts that entered, until no more do."""
        grown = set(self._program.facts)
        while grown:
            before, grown = grown, set()
            for rule in self._program.rules:
                for atom in rule.none:
                    if {other.fact for other in rule.all_} & before and self._enter_for_none(rule, atom):
                        grown.add(atom.fact)

    def _enter_for_none(self, rule: InferenceRule, atom: Atom) -> bool:
        table = entering_table(atom.fact)
        query = self._fitting(atom, rule.all_, None)
        ((added,),) = self._con.execute(f"INSERT INTO {table} {query} EXCEPT SELECT n FROM {table}").fetchall()
        return bool(added)

    def _fitting(self, atom: Atom, others: Sequence[Atom], rule: InferenceRule | None) -> str:
        """Return the query of the base facts that match *atom* and, one by one, may meet each of *others*.

        With *rule*, *others* may be any fact and the rule's final ``none`` count; without it *others*
        are facts that entered or are made.
        """

        def alone(one: Atom, alias: str) -> Iterator[str]:
            return self._together(rule, {alias: one}) if rule else own_conditions(self._program, one, alias)

        conditions = [*alone(atom, "a")]
        for other in others:
            if self._has_bound(other):
                table = base_table(other.fact)
                base = table if rule else f"(SELECT * FROM {table} WHERE rowid IN (FROM {entering_table(other.fact)}))"
                meet = [*alone(other, "b"), *pair_conditions(atom, "a", other, "b")]
                conditions.append(f"EXISTS (SELECT 1 FROM {self._possible(other, base)} AS b WHERE {_and(meet)})")
        return f"SELECT a.rowid AS n FROM {base_table(atom.fact)} AS a WHERE {_and(conditions)}"


SQL_TYPES: Mapping[str, str] = {
    "id": "VARCHAR", "name": "VARCHAR", "integer": "BIGINT", "boolean": "BOOLEAN", "date": "DATE",
}  # fmt: skip


def _and(conditions: Sequence[str] | Iterator[str]) -> str:
    return " AND ".join(dict.fromkeys(conditions)) or "TRUE"
