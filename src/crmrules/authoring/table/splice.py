"""Put an edited table back: rows that say what they said stay as they are written, to the character."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from crmrules.authoring.table.said import SayingReader, when_data
from crmrules.authoring.table.sheet import comment_lines, row_lines, table_lines, write_sheet
from crmrules.authoring.table.source import ClassSource, Sheet, same_row, sheet_of, walk
from crmrules.authoring.yaml_text import flow, last_line
from crmrules.errors import Problem, RulesetError
from crmrules.language.cells import read_cell
from crmrules.language.condition_reader import conjunction
from crmrules.language.conditions import AllOf, Condition
from crmrules.language.loader import load_ruleset


@dataclass(frozen=True, kw_only=True)
class Edited:
    """What putting a table back did: ids of rows in the table's order, and the file that was written ('' for none)."""

    file: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    moved: bool


def put_back(source: ClassSource, new: Sheet, search: Sequence[Path]) -> Edited:
    """Give the class the rows of *new*; the ruleset must load with them, else nothing is written.

    Raises RulesetError with every problem, and where the class belongs to a ruleset that this one extends.
    """
    if not source.own:
        raise RulesetError(Problem("inherited", f"the rules of '{source.name}' stand in a ruleset that this one extends",
                                   source.node.at, hint="give the table to that ruleset, or write the class into this one"))  # fmt: skip
    old = sheet_of(source)
    places = {row.id: number for number, row in enumerate(old.table.rows)}
    kept = [_kept(old, places, new, number) for number in range(len(new.table.rows))]
    ids = [row.id for row in new.table.rows]
    edited = Edited(
        file=str(source.table_file or source.file), moved=[id for id in ids if id in places] != [id for id in places if id in ids],
        added=tuple(id for id in ids if id not in places), removed=tuple(id for id in places if id not in ids),
        changed=tuple(id for id, place in zip(ids, kept, strict=True) if id in places and place is None),
    )  # fmt: skip
    if not (edited.added or edited.changed or edited.removed or edited.moved):
        return Edited(file="", added=(), changed=(), removed=(), moved=False)
    if source.form == "file":
        assert source.table_file is not None
        form = source.table_file.suffix.lower().removeprefix(".")
        content = write_sheet(new, source.name, source.ruleset.languages, form)
        _replace(source, source.table_file, content, search)
    else:
        _replace(source, source.file, _respelled(source, old, new, kept).encode(), search)
    return edited


def _kept(old: Sheet, places: dict[str, int], new: Sheet, number: int) -> int | None:
    place = places.get(new.table.rows[number].id)
    return place if place is not None and same_row(new, number, old, place) else None


def _replace(source: ClassSource, file: Path, content: bytes, search: Sequence[Path]) -> None:
    """Write *content* to *file* once a copy of the ruleset has loaded with it."""
    folder = Path(source.ruleset.folder)
    with TemporaryDirectory() as room:
        copy = Path(room) / folder.resolve().name
        shutil.copytree(folder, copy)
        (copy / file.relative_to(folder)).write_bytes(content)
        load_ruleset(copy, search=(*search, folder.resolve().parent))
    file.write_bytes(content)


def _respelled(source: ClassSource, old: Sheet, new: Sheet, kept: Sequence[int | None]) -> str:
    lines = source.text.split("\n")
    spell = _rule_lines(source, new) if source.form == "rules" else None
    same_inputs = source.form == "rules" or set(new.table.inputs) <= set(old.table.inputs)
    if source.blocks is not None and same_inputs:
        indent = lines[source.blocks[0].first].partition("-")[0]
        said = []
        for number, place in enumerate(kept):
            if place is not None:
                block = source.blocks[place]
                said += lines[block.head : block.last + 1]
            else:
                said += spell(number, indent) if spell else row_lines(new, number, indent)
        return "\n".join([*lines[: source.blocks[0].head], *said, *lines[source.blocks[-1].last + 1 :]])
    if spell is not None and not old.table.rows:  # rules: []
        empty, _ = walk(source.text, [source.name, "rules"])
        line, comment = empty.start_mark.line, lines[empty.end_mark.line][empty.end_mark.column :]
        key = lines[line][: empty.start_mark.column].rstrip()
        indent = " " * (len(key) - len(key.lstrip()) + 2)
        rows = [said for number in range(len(new.table.rows)) for said in spell(number, indent)]
        return "\n".join([*lines[:line], key + comment, *rows, *lines[empty.end_mark.line + 1 :]])
    if source.form == "inline":
        table, _ = walk(source.text, [source.name, "table"])
        if isinstance(table, yaml.MappingNode) and not table.flow_style:
            indent = " " * table.start_mark.column
            return "\n".join(
                [*lines[: table.start_mark.line], *table_lines(new, indent), *lines[last_line(table) + 1 :]]
            )
    raise RulesetError(Problem("layout", f"the rows of '{source.name}' do not stand line by line",
                               source.node.at, "a block list", f"write this in its place:\n{_whole(source, new, spell)}"))  # fmt: skip


def _whole(source: ClassSource, new: Sheet, spell: Callable[[int, str], list[str]] | None) -> str:
    if spell is None:
        return "\n".join(["  table:", *table_lines(new, "    ")])
    return "\n".join(["  rules:", *(line for number in range(len(new.table.rows)) for line in spell(number, "    "))])


def _rule_lines(source: ClassSource, sheet: Sheet) -> Callable[[int, str], list[str]]:
    whens = _conditions(source, sheet)

    def spell(number: int, indent: str) -> list[str]:
        row = sheet.table.rows[number]
        said: dict[str, object] = {"id": row.id, "when": whens[number], "then": row.then}
        said |= {"score": row.score} if row.score else {}
        said |= {"why": dict(row.why.by_language)} if row.why else {}
        return [*comment_lines(sheet.comments[number], indent), f"{indent}- {flow(said)}"]

    return spell


def _conditions(source: ClassSource, sheet: Sheet) -> list[dict[str, object]]:
    reader = SayingReader(languages=source.ruleset.languages, inside=source.name)
    whens: list[dict[str, object]] = []
    for row in sheet.table.rows:
        parts: list[Condition] = []
        places = row.places or (row.at,) * len(row.cells)
        for field, cell, at in zip(sheet.table.inputs, row.cells, places, strict=True):
            condition = read_cell(reader, source.of, field, cell, at)
            parts.extend(condition.parts if isinstance(condition, AllOf) else (condition,))
        try:
            whens.append(when_data(conjunction(parts)))
        except ValueError as error:
            reader.complain("cell", f"rule '{row.id}': {error}", row.at)
    if reader.problems:
        raise RulesetError(reader.problems)
    return whens
