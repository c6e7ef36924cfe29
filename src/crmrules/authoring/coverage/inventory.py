"""Everything of a ruleset that may fire, and what of it a decision shows to have fired."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from crmrules.errors import Location
from crmrules.evaluation.sql import literal, quote
from crmrules.language.ruleset import Lexicon, Ruleset

KINDS = ("rule", "evidence", "flag", "guard", "sentence", "cue", "inference", "lexicon")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of a ruleset, of one of :data:`KINDS`; of a lexicon an exception, a modifier or a value."""

    kind: str
    id: str
    at: Location


def entries(ruleset: Ruleset) -> tuple[Entry, ...]:
    """Return all that may fire, section by section in writing order."""
    return tuple(_entries(ruleset))


def _entries(ruleset: Ruleset) -> Iterator[Entry]:
    for dimension in ruleset.classes.values():
        yield from (Entry(kind="rule", id=rule.id, at=rule.at) for rule in dimension.rules)
    if ruleset.roles:
        yield from (Entry(kind="evidence", id=item.id, at=item.at) for item in ruleset.roles.items)
    yield from (Entry(kind="flag", id=flag.id, at=flag.at) for flag in ruleset.flags.values())
    yield from (Entry(kind="guard", id=guard.id, at=guard.at) for guard in ruleset.guards)
    if ruleset.playbook:
        yield from (Entry(kind="sentence", id=s.id, at=s.at) for s in ruleset.playbook.sentences)
    if ruleset.phrases:
        yield from (Entry(kind="cue", id=cue.id, at=cue.at) for cue in ruleset.phrases.cues)
    if ruleset.inference:
        yield from (Entry(kind="inference", id=rule.id, at=rule.at) for rule in ruleset.inference.rules)
    for lexicon in ruleset.lexicons.values():
        yield from _of_lexicon(lexicon)


def _of_lexicon(lexicon: Lexicon) -> Iterator[Entry]:
    places: dict[str, Location] = {}
    for block in lexicon.blocks:
        for pattern in block.patterns:
            what = pattern.id if block.exception else pattern.gives.get(block.gives, "")
            places.setdefault(f"{lexicon.name}.{'exception' if block.exception else block.gives}.{what}", pattern.at)
    for modifier in lexicon.modifiers:
        places[f"{lexicon.name}.modifier.{modifier.id}"] = modifier.at
    yield from (Entry(kind="lexicon", id=id, at=at) for id, at in places.items())


def fired(con: duckdb.DuckDBPyConnection, ruleset: Ruleset) -> frozenset[tuple[str, str]]:
    """Return (kind, id) of what fired in the decision that *con* holds, with notes.

    A rule fires where it decides: among rules of which the first decides, one that stands behind another does not. A
    sentence fires where it is said.
    """
    return frozenset((kind, id) for kind, sql in _shown(ruleset) for (id,) in con.execute(sql).fetchall() if id)


def _shown(ruleset: Ruleset) -> Iterator[tuple[str, str]]:
    for dimension in ruleset.classes.values():
        ids = f"unnest(string_split({quote(dimension.name + '.rule')}, ', '))"
        yield "rule", f"SELECT DISTINCT {ids} FROM {quote(dimension.of + '_outcome')}"
    yield "rule", "SELECT DISTINCT unnest(rules) FROM conflict"
    if ruleset.roles:
        yield "evidence", "SELECT DISTINCT item FROM evidence UNION SELECT DISTINCT item FROM stance_evidence"
    yield "flag", "SELECT DISTINCT flag FROM flag"
    yield "guard", "SELECT DISTINCT guard FROM guarded"
    yield "sentence", "SELECT DISTINCT unnest(sentences) FROM note"
    if ruleset.phrases:
        yield "cue", "SELECT DISTINCT cue FROM mention"
    for fact in ruleset.inference.facts if ruleset.inference else ():
        yield "inference", f"SELECT DISTINCT rule FROM {quote('fact_' + fact)}"
    for lexicon in ruleset.lexicons.values():
        table, prefix = quote(f"lexicon_{lexicon.name}"), lexicon.prefix
        for kind, column in (
            ("level", quote(f"{prefix}_level")),
            ("function", f"unnest({quote(f'{prefix}_functions')})"),
            ("modifier", f"unnest({quote(f'{prefix}_modifiers')})"),
            ("exception", quote(f"{prefix}_rule")),
        ):
            yield (
                "lexicon",
                f"SELECT DISTINCT {literal(f'{lexicon.name}.{kind}.')} || v FROM (SELECT {column} AS v FROM {table})",
            )
