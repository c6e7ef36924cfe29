"""What one decision found already, and another on the same records as of one day would find again.

OLD's own outcomes are taken over for NEW where no difference between the two reaches; and where the profile's last
decision was OLD's on these very records, what it found is taken over for OLD.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from pathlib import Path

import duckdb

from crmrules.authoring.diff_scope import APART, MUTE, Reader, changes, meaning, spread
from crmrules.evaluation.dependencies import node_id
from crmrules.evaluation.sql import literal
from crmrules.language.conditions import fields_of
from crmrules.language.frames import source_frame
from crmrules.language.ruleset import Dimension, EvidenceItem, Ruleset
from crmrules.model.decision import TABLES
from crmrules.model.objects import OBJECTS
from crmrules.pipeline.decide import NOTHING, Found

STORED = "stored_decision"  # catalog
_GIVEN = frozenset({*OBJECTS, "mention"})  # frames that no role goes into


def stored(con: duckdb.DuckDBPyConnection, file: Path | None, old: Ruleset, decided: Ruleset, as_of: date) -> Found:
    """Attach the decision in *file* where *old* made it on the records attached as ``snapshot``; return what of it
    *decided*, a part of *old*, may take over.

    Titles and mentions depend on nothing else. Features, classes and evidence must be as of the same day, and may
    not read what hysteresis held then: a class with hysteresis, or roles. Nothing where there is no such decision.
    """
    day = _day_of(con, file, old) if file is not None and file.is_file() else None
    if day is None:
        return NOTHING
    nodes: frozenset[str] = frozenset()
    items: frozenset[str] = frozenset()
    if day == as_of:
        reader = Reader(decided)
        held = {n for n, node in reader.nodes.items() if isinstance(node, Dimension) and node.hysteresis is not None}
        for name, needs in reader.needs.items():
            if not (needs.tables <= _GIVEN and held.isdisjoint(needs.nodes)):
                held.add(name)
        nodes = frozenset(reader.nodes.keys() - held)
        items = _same_items(decided, decided, True, held, reader) if decided.roles is not None else items
    return Found(
        catalog=STORED, titles=bool(decided.lexicons), mentions=decided.phrases is not None, nodes=nodes, items=items
    )


def _day_of(con: duckdb.DuckDBPyConnection, file: Path, old: Ruleset) -> date | None:
    """Return the day of the decision in *file*, attached as :data:`STORED`; None where it is of no use."""
    try:
        con.execute(f"ATTACH {literal(str(file))} AS {STORED} (READ_ONLY)")
        row = con.execute(
            f"SELECT as_of, ruleset_digest = ? AND snapshot = (SELECT value FROM snapshot.meta WHERE key = 'content') "
            f"FROM {STORED}.meta", [old.digest],
        ).fetchone()  # fmt: skip
        evidence = [name for name, *_ in con.execute(f"DESCRIBE {STORED}.evidence").fetchall()]
    except duckdb.Error:  # damaged, or of another version: the long way is open
        return None
    return row[0] if row is not None and row[1] and evidence == list(TABLES["evidence"]) else None


def alike(old: Ruleset, new: Ruleset, decided: Ruleset, catalog: str) -> Found:
    """Return what *decided*, the part of *old* that decided into *catalog*, found as *new* will.

    That is what no difference between the two reaches, on the same records as of one day.
    """
    apart = APART | MUTE | {"lexicons"}
    if any(
        meaning(getattr(old, f.name)) != meaning(getattr(new, f.name)) for f in fields(Ruleset) if f.name not in apart
    ):
        return NOTHING
    titles = meaning(old.lexicons) == meaning(new.lexicons)
    mentions = old.phrases is not None and meaning(old.phrases) == meaning(new.phrases)
    reader, theirs = Reader(new), Reader(old)
    changed: set[str] = set()
    for one, other in ((reader, theirs), (theirs, reader)):
        nodes, flags, sources, roles = changes(one, other)
        spread(one, nodes, flags, sources, roles)
        changed |= nodes
    there = {node_id(n) for n in (*decided.features.values(), *decided.classes.values())}
    items = _same_items(old, new, mentions, changed, reader) if decided.roles and new.roles else frozenset()
    return Found(
        catalog=catalog, titles=titles and bool(decided.lexicons), mentions=mentions and decided.phrases is not None,
        nodes=frozenset((there & reader.nodes.keys()) - changed if titles else ()), items=items if titles else frozenset(),
    )  # fmt: skip


def _same_items(old: Ruleset, new: Ruleset, mentions: bool, changed: set[str], reader: Reader) -> frozenset[str]:
    """Return the items of evidence that say the same: given records and mentions read alike, families that fade alike."""
    assert old.roles is not None
    assert new.roles is not None
    same = [(getattr(old, name), getattr(new, name)) for name in ("guards", "sets")]
    same += [(getattr(old.roles, name), getattr(new.roles, name)) for name in ("families", "stance", "native")]
    guards = {path for guard in new.guards for path in fields_of(guard.when)}
    if any(meaning(one) != meaning(other) for one, other in same) or reader.read_in(guards) & changed:
        return frozenset()
    before = {item.id: meaning(item) for item in old.roles.items}
    given = {*OBJECTS, *(("mention",) if mentions else ())}
    return frozenset(
        item.id for item in new.roles.items
        if before.get(item.id) == meaning(item) and source_frame(new, item.of) in given
        and not reader.read_in(_paths_of(new, item)) & changed
    )  # fmt: skip


def _paths_of(ruleset: Ruleset, item: EvidenceItem) -> set[str]:
    subset = ruleset.sets.get(item.of)
    paths = fields_of(item.when) | (fields_of(subset.where) if subset is not None else frozenset())
    return {*paths, item.who, item.deal, item.date, item.role_from}
