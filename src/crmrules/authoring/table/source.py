"""Where a class's rules stand, and what they are as a table with their comments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import yaml

from crmrules.authoring.table.said import SayingReader, tested_parameter, with_names
from crmrules.authoring.yaml_text import Comment, comments_of, last_line
from crmrules.errors import Location, Problem, RulesetError, did_you_mean
from crmrules.language.condition_reader import read_condition
from crmrules.language.document import Node, read
from crmrules.language.folder import Layer, read_layers
from crmrules.language.reading import Reader
from crmrules.language.ruleset import Dimension, Rule, Ruleset
from crmrules.language.table_files import read_lines
from crmrules.language.tables import COMMENT, Row, Table, read_table, table_from_lines, table_of

_HINT = "keep this class as rules, or split the rule into one for each alternative"


@dataclass(frozen=True)
class Sheet:
    """A table and, row by row, the comments of its rules ('' for none)."""

    table: Table
    comments: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """Lines of an item of a block list, counted from 0: its own, and from where the comments before it begin."""

    head: int
    first: int
    last: int


@dataclass(frozen=True, kw_only=True)
class ClassSource:
    """A class as it stands in a file. ``node`` is that of its rules, rows or table."""

    ruleset: Ruleset
    name: str
    of: str
    form: Literal["rules", "inline", "file"]
    own: bool  # it stands in the ruleset itself, not in one that it extends
    file: Path
    text: str
    node: Node
    marks: yaml.Node  # of the list of rules or rows; of the table's name for a file
    blocks: tuple[Block, ...] | None  # None where the list is not written as a block
    table_file: Path | None = None


def find_class(ruleset: Ruleset, name: str, search: Sequence[Path]) -> ClassSource:
    """Find the rules of the class *name*. Raises RulesetError where there are none, or `override` changes them."""
    dimension = ruleset.classes.get(name)
    at = Location(ruleset.folder)
    if dimension is None:
        hint = did_you_mean(name, ruleset.classes)
        raise RulesetError(Problem("unknown-class", f"there is no class '{name}'", at, hint=hint))
    layers = read_layers(Path(ruleset.folder), search, [])
    for layer in reversed(layers):
        found = _in_layer(ruleset, dimension, layer, own=layer is layers[-1])
        if found is not None:
            return found
    raise RulesetError(
        Problem("no-rules", f"the class '{name}' has neither rules nor a table", dimension.at, hint="it is a copy")
    )


def _in_layer(ruleset: Ruleset, dimension: Dimension, layer: Layer, *, own: bool) -> ClassSource | None:
    section = layer.sections.get("classes")
    node = section.get(dimension.name) if section is not None else None
    if node is None:
        return None
    if node.get("override") is not None:
        raise RulesetError(Problem("override", f"single rules of '{dimension.name}' are changed here", node.where("override"),
                                   "a class whose rules stand in one place"))  # fmt: skip
    rules, table = node.get("rules"), node.get("table")
    if rules is None and table is None:
        return None
    place = Path(node.at.file)
    text = place.read_text(encoding="utf-8-sig")
    steps = [dimension.name, "rules"] if rules is not None else [dimension.name, "table"]
    said = rules or table
    assert said is not None
    form: Literal["rules", "inline", "file"] = "rules" if rules is not None else "inline"
    table_file = None
    if isinstance(said.value, str):
        form, table_file = "file", _table_file(place.parent, said.value)
    elif form == "inline":
        steps.append("rows")
    marks, block = walk(text, steps)
    return ClassSource(
        ruleset=ruleset, name=dimension.name, of=dimension.of, form=form, own=own, file=place, text=text, node=said,
        marks=marks, blocks=_blocks(text, marks) if block else None, table_file=table_file,
    )  # fmt: skip


def _table_file(folder: Path, name: str) -> Path:
    return next((path for path in (folder / name, folder / "classes" / name) if path.is_file()), folder / name)


def walk(text: str, steps: Sequence[str]) -> tuple[yaml.Node, bool]:
    """Return the node at *steps* and whether everything down to it is written in block style."""
    here = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    assert here is not None  # the ruleset has loaded
    block = True
    for step in steps:
        assert isinstance(here, yaml.MappingNode)
        block = block and not here.flow_style
        here = next(value for key, value in here.value if key.value == step)
    return here, block and isinstance(here, yaml.SequenceNode) and not here.flow_style and bool(here.value)


def _blocks(text: str, marks: yaml.Node) -> tuple[Block, ...]:
    lines = text.split("\n")
    before, found = marks.start_mark.line - 1, []
    while not lines[before].rstrip().endswith(":") or lines[before].lstrip().startswith("#"):
        before -= 1  # up to the key; comments in between belong to the first item
    for item in marks.value:
        first = item.start_mark.line
        while not lines[first].lstrip().startswith("-"):
            first -= 1
        last = last_line(item)
        found.append(Block(before + 1, first, last))
        before = last
    return tuple(found)


def sheet_of(source: ClassSource) -> Sheet:
    """Return the class as a table. Raises RulesetError naming every rule that no table can hold."""
    if source.form == "file":
        assert source.table_file is not None
        return sheet_from_file(source.table_file, source.name, source.ruleset.languages)
    problems: list[Problem] = []
    if source.form == "rules":
        table = _rules_table(source, problems)
    else:
        table = read_table(Reader(languages=source.ruleset.languages, problems=problems), source.node, source.name)
    _refuse_headings(source, table, problems)
    if problems:
        raise RulesetError(problems)
    return Sheet(_stripped(table), _comments(source, len(table.rows)))


def _rules_table(source: ClassSource, problems: list[Problem]) -> Table:
    rules: list[Rule] = []
    for node in source.node:
        reader = SayingReader(languages=source.ruleset.languages, problems=problems)
        id, then, score, when = (
            str(node.value["id"].value),
            node.value["then"].value,
            node.get("score"),
            node.get("when"),
        )
        if parameter := tested_parameter(when):
            problems.append(Problem("no-table", f"rule '{id}' tests the parameter {parameter} itself", node.at,
                                    "rules that test fields only", _HINT))  # fmt: skip
            continue
        rule = Rule(
            id=id, when=read_condition(reader, source.of, when), why=reader.text(node.get("why")), at=node.at,
            then=str(then).lower() if isinstance(then, bool) else str(then),
            score=float(score.value) if score is not None else 0.0,
        )  # fmt: skip
        try:
            table_of(_class_of(source, rule))
        except ValueError as error:
            problems.append(Problem("no-table", str(error), node.at, "tests of one field in each cell", _HINT))
        else:
            rules.append(rule)
    table = table_of(_class_of(source, *rules))
    return replace(table, rows=tuple(replace(row, cells=tuple(map(with_names, row.cells))) for row in table.rows))


def _class_of(source: ClassSource, *rules: Rule) -> Dimension:
    return replace(source.ruleset.classes[source.name], rules=rules)


def _refuse_headings(source: ClassSource, table: Table, problems: list[Problem]) -> None:
    taken = {"id", "then", "score", COMMENT, source.name} & set(table.inputs)
    for field in sorted(taken):
        row = next(row for row in table.rows if row.cells[table.inputs.index(field)] != "-")
        problems.append(Problem("no-table", f"rule '{row.id}' tests '{field}', which means something else as a heading", row.at,
                                "fields that are called otherwise", "keep this class as rules"))  # fmt: skip


def _stripped(table: Table) -> Table:
    rows = (replace(row, cells=tuple(cell.strip() or "-" for cell in row.cells)) for row in table.rows)
    return replace(table, rows=tuple(rows))


def _comments(source: ClassSource, count: int) -> tuple[str, ...]:
    """Return the comments of each rule; of a list in one line, all of them go to the first."""
    comments = comments_of(source.text)
    if source.blocks is not None:
        return _of_blocks(comments, source.blocks)
    start, end = source.marks.start_mark.line, source.marks.end_mark.line
    inside = "\n".join(_words(c.text) for c in comments if start <= c.line <= end).strip()
    return (inside, *("",) * (count - 1)) if count else ()


def _of_blocks(comments: Sequence[Comment], blocks: Sequence[Block]) -> tuple[str, ...]:
    return tuple(
        "\n".join(_words(c.text) for c in comments if block.head <= c.line <= block.last).strip() for block in blocks
    )


def _words(comment: str) -> str:
    return comment.lstrip("#").strip()


def sheet_from_file(path: Path, name: str, languages: tuple[str, ...]) -> Sheet:
    """Read a table from a CSV, XLSX or YAML file. Raises RulesetError."""
    if path.suffix.lower() in (".yaml", ".yml"):
        return _sheet_from_yaml(path, name, languages)
    reader = Reader(languages=languages)
    lines = read_lines(path, str(path))
    table = table_from_lines(reader, lines, name, Location(str(path)))
    if reader.problems:
        raise RulesetError(reader.problems)
    head = [text.strip() for text, _ in lines[0]]
    column = head.index(COMMENT) if COMMENT in head else len(head)
    comments = (line[column][0].strip() if column < len(line) else "" for line in lines[1:])
    return Sheet(table, tuple(comments))


def _sheet_from_yaml(path: Path, name: str, languages: tuple[str, ...]) -> Sheet:
    root, at = read(path), Location(str(path))
    node = root.get(name)
    table = node.get("table") if node is not None else None
    if table is None or not {"inputs", "rows"} <= set(dict(table.items())):
        raise RulesetError(
            Problem("table", f"there is no table of '{name}'", at, f"{name}: {{table: {{inputs: …, rows: …}}}}")
        )
    reader = Reader(languages=languages)
    read_rows = read_table(reader, table, name)
    if reader.problems:
        raise RulesetError(reader.problems)
    text = path.read_text(encoding="utf-8-sig")
    marks, block = walk(text, [name, "table", "rows"])
    comments = comments_of(text)
    blocks = _blocks(text, marks) if block else ()
    return Sheet(_stripped(read_rows), _of_blocks(comments, blocks) or ("",) * len(read_rows.rows))


def same_row(sheet: Sheet, number: int, other: Sheet, place: int) -> bool:
    """Whether row *number* of *sheet* says the same as row *place* of *other*, comment included."""
    return sheet.comments[number] == other.comments[place] and _said(sheet.table, number) == _said(other.table, place)


def _said(table: Table, number: int) -> object:
    row: Row = table.rows[number]
    cells = {field: cell for field, cell in zip(table.inputs, row.cells, strict=True) if cell != "-"}
    return row.id, cells, row.then, row.score, dict(row.why.by_language)
