"""The notes of a decision: SQL chooses each block's sentence, the renderer fills it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb
import pyarrow as pa

from crmrules.contracts.renderer import RendererPlugin
from crmrules.evaluation.evidence import Relation
from crmrules.evaluation.sql import condition_sql, literal, quote
from crmrules.language.conditions import fields_of
from crmrules.language.ruleset import Playbook, Ruleset
from crmrules.language.vocabulary import PARAMETERS, parameter_values, vocabulary
from crmrules.playbook.notes import Note, NoteRow, note_paths, render_notes

_AT_ONCE = 10_000  # rows of a batch


def write_notes(
    con: duckdb.DuckDBPyConnection,
    ruleset: Ruleset,
    relation: Relation,
    renderer: RendererPlugin,
    language: str,
    as_of: date,
) -> None:
    """Append to `note` what the playbook says about each account and contact, in *language*.

    Guarded subjects get none. Raises RulesetError where a template is wrong.
    """
    playbook = ruleset.playbook
    if playbook is None:
        return
    vocabularies = {of: vocabulary(ruleset, of, language) for of in playbook.blocks}
    paths = note_paths(playbook, vocabularies, renderer)
    for of in sorted(playbook.blocks):
        rows = _rows(con, ruleset, playbook, relation, of, paths[of], as_of)
        for notes in _batches(render_notes(rows, playbook, vocabularies, renderer)):
            con.register("rendered", notes)
            con.execute("INSERT INTO note SELECT * FROM rendered WHERE body <> ''")
            con.unregister("rendered")


def _rows(
    con: duckdb.DuckDBPyConnection,
    ruleset: Ruleset,
    playbook: Playbook,
    relation: Relation,
    of: str,
    paths: tuple[str, ...],
    as_of: date,
) -> Iterator[NoteRow]:
    sentences = [s for s in playbook.sentences if s.of == of]
    account = "id" if of == "account" else "account_id"
    asked = [p for p in paths if not p.startswith(PARAMETERS)]
    needed = {p for s in sentences for p in fields_of(s.when)} | set(asked) | {"id", account}
    blocks = ", ".join(
        _chosen(block, [s for s in sentences if s.block == block], as_of) for block in playbook.blocks[of]
    )
    columns = ", ".join(quote(p) for p in asked)
    cursor = con.cursor()
    cursor.execute(
        f"SELECT id, {quote(account)}, [{blocks}]{', ' + columns if columns else ''} FROM ({relation(of, sorted(needed))}) r"
        f" WHERE NOT EXISTS (SELECT 1 FROM guarded g WHERE g.object = {literal(of)} AND g.record_id = r.id) ORDER BY id"
    )
    constants = parameter_values(ruleset)
    while batch := cursor.fetchmany(_AT_ONCE):
        for id, account_id, chosen, *values in batch:
            said = tuple(sentence for sentence in chosen if sentence)
            fields = {**constants, **dict(zip(asked, values, strict=True))}
            yield NoteRow(account_id=account_id, object=of, record_id=id, sentences=said, fields=fields)


def _chosen(block: str, sentences: list, as_of: date) -> str:  # type: ignore[type-arg]
    if not sentences:
        return "NULL"
    cases = " ".join(f"WHEN {condition_sql(s.when, as_of)} THEN {literal(s.id)}" for s in sentences)
    return f"CASE {cases} END"


def _batches(notes: Iterator[Note]) -> Iterator[pa.Table]:
    fields = ("account_id", "object", "record_id", "language", "body", "sentences")
    waiting: list[Note] = []
    for note in notes:
        waiting.append(note)
        if len(waiting) == _AT_ONCE:
            yield _table(waiting, fields)
            waiting = []
    if waiting:
        yield _table(waiting, fields)


def _table(notes: list[Note], fields: tuple[str, ...]) -> pa.Table:
    return pa.table(
        {name: [getattr(n, name) if name != "sentences" else list(n.sentences) for n in notes] for name in fields}
    )
