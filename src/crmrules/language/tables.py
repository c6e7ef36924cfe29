"""Decision tables: a second spelling of a class's rules, one row a rule, one column a field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crmrules.errors import NOWHERE, Location
from crmrules.language.cells import read_cell, write_cell
from crmrules.language.condition_reader import conjunction
from crmrules.language.conditions import AllOf, Condition, fields_of, leaves
from crmrules.language.document import Node
from crmrules.language.reading import Reader
from crmrules.language.ruleset import Dimension, Rule
from crmrules.model.text import Text

COMMENT = "comment"  # heading of a column that says nothing to a machine


@dataclass(frozen=True, kw_only=True)
class Row:
    """A rule as cells; one for each input of the table."""

    id: str
    cells: tuple[str, ...]
    then: str
    score: float = 0.0
    why: Text = Text()
    at: Location = NOWHERE
    places: tuple[Location, ...] = ()  # of the cells


@dataclass(frozen=True, kw_only=True)
class Table:
    """Input fields and rows, in order."""

    inputs: tuple[str, ...]
    rows: tuple[Row, ...]


def rules_of(reader: Reader, frame: str, table: Table) -> tuple[Rule, ...]:
    """Return the rules that *table* says about rows of *frame*."""
    return tuple(
        Rule(
            id=row.id,
            when=_when(reader, frame, table.inputs, row),
            then=row.then,
            why=row.why,
            score=row.score,
            at=row.at,
        )
        for row in table.rows
    )


def table_of(dimension: Dimension) -> Table:
    """Return the rules of *dimension* as a table.

    Raises ValueError where a rule joins tests of several fields with ``any`` or ``not``, or tests
    a field against days that depend on the account: no row of cells can say that.
    """
    inputs = tuple(dict.fromkeys(field for rule in dimension.rules for field in _tested(rule)))
    rows = tuple(
        Row(id=rule.id, cells=_cells(rule, inputs), then=rule.then, score=rule.score, why=rule.why, at=rule.at)
        for rule in dimension.rules
    )
    return Table(inputs=inputs, rows=rows)


def headed(table: Table, languages: Iterable[str]) -> list[list[str]]:
    """Return *table* as lines of text, headings first: what a CSV file or a sheet of it holds."""
    scored = any(row.score for row in table.rows)
    spoken = [code for code in languages if any(row.why.by_language.get(code) for row in table.rows)]
    head = ["id", *table.inputs, "then", *(["score"] if scored else []), *(f"why.{code}" for code in spoken)]
    return [head] + [
        [row.id, *row.cells, row.then, *([str(row.score)] if scored else []), *(row.why.by_language.get(code, "") for code in spoken)]
        for row in table.rows
    ]  # fmt: skip


def read_table(reader: Reader, node: Node, name: str) -> Table:
    """Read the inline table of the class *name*."""
    inputs = tuple(str(inner.value) for inner in node.value["inputs"])
    output = node.get("output")
    heading = str(output.value) if output is not None else "then"
    rows = tuple(
        row
        for number, inner in enumerate(node.value["rows"], 1)
        if (row := _read_row(reader, inner, inputs, heading, f"{name}.{number}")) is not None
    )
    return Table(inputs=inputs, rows=rows)


def table_from_lines(reader: Reader, lines: list[list[tuple[str, Location]]], name: str, at: Location) -> Table:
    """Make a table of the lines of a file, headings first; every text comes with its place."""
    if not lines:
        reader.complain("table", "the table is empty", at, "a line of headings: id, fields, then")
        return Table(inputs=(), rows=())
    head = [text.strip() for text, _ in lines[0]]
    special = {"id", "then", "score", COMMENT, name, *(f"why.{language}" for language in reader.languages)}
    for (text, place), heading in zip(lines[0], head, strict=True):
        if heading and head.count(heading) > 1:
            reader.complain("repeated-key", f"the heading '{heading}' stands twice", place, "every heading once")
        if text.startswith("why.") and heading not in special:
            reader.complain(
                "table", f"'{heading}' is not a language of this ruleset", place, ", ".join(reader.languages)
            )
    inputs = tuple(heading for heading in head if heading and heading not in special and not heading.startswith("why."))
    rows: list[Row] = []
    for number, line in enumerate(lines[1:], 1):
        cells = {heading: cell for heading, cell in zip(head, line, strict=False) if heading}
        if any(text.strip() for text, _ in line[len(head) :]):
            reader.complain("table", "the row has more cells than there are headings", line[0][1], f"{len(head)} cells")
        rows.append(_row_of_cells(reader, cells, inputs, f"{name}.{number}", name, line[0][1]))
    return Table(inputs=inputs, rows=tuple(rows))


def _row_of_cells(
    reader: Reader, cells: Mapping[str, tuple[str, Location]], inputs: tuple[str, ...], id: str, name: str, at: Location
) -> Row:
    def cell(heading: str) -> str:
        return cells[heading][0].strip() if heading in cells else ""

    then = cell("then") or cell(name)
    if not then:
        reader.complain("table", "the row has no value", at, f"a value under the heading 'then' or '{name}'")
    why = {language: text for language in reader.languages if (text := cell(f"why.{language}"))}
    if why and len(why) < len(reader.languages):
        reader.complain("missing-language", "the reason is missing in a language", at, ", ".join(reader.languages))
    score = 0.0
    if text := cell("score"):
        try:
            score = float(text)
        except ValueError:
            reader.complain("wrong-type", f"the score '{text}' is not a number", cells["score"][1], "a number")
    return Row(id=cell("id") or id, cells=tuple(cell(field) or "-" for field in inputs), then=then, score=score,
               why=Text(why), at=at, places=tuple(cells[field][1] if field in cells else at for field in inputs))  # fmt: skip


def _read_row(reader: Reader, node: Node, inputs: tuple[str, ...], heading: str, id: str) -> Row | None:
    if isinstance(node.value, list):
        if len(node.value) != len(inputs) + 1:
            reader.complain(
                "table", f"the row has {len(node.value)} cells", node.at, f"{len(inputs)} cells and the value"
            )
            return None
        *cells, value = node
        return Row(
            id=id,
            cells=tuple(map(_cell_text, cells)),
            then=_plain(value),
            at=node.at,
            places=tuple(c.at for c in cells),
        )
    known = ("id", "then", heading, "score", "why", *inputs)
    for key in node.value:
        if key not in known:
            reader.unknown("column", key, known, node.where(key))
    then = node.get("then") or node.get(heading)
    if then is None:
        reader.complain("missing-key", f"the row has no '{heading}'", node.at, "the value that the row gives")
        return None
    by_field = [node.get(field) for field in inputs]
    score, given_id = node.get("score"), node.get("id")
    return Row(
        id=str(given_id.value) if given_id is not None else id,
        cells=tuple("-" if cell is None else _cell_text(cell) for cell in by_field), then=_plain(then),
        score=float(reader.number(score, "'score'")) if score is not None else 0.0, why=reader.text(node.get("why")),
        at=node.at, places=tuple(node.at if cell is None else cell.at for cell in by_field),
    )  # fmt: skip


def _cell_text(node: Node) -> str:
    return "-" if node.value is None else _plain(node)


def _plain(node: Node) -> str:
    return str(node.value).lower() if isinstance(node.value, bool) else str(node.value)


def _when(reader: Reader, frame: str, inputs: tuple[str, ...], row: Row) -> Condition:
    places = row.places or (row.at,) * len(inputs)
    cells = zip(inputs, row.cells, places, strict=True)
    conditions = [read_cell(reader, frame, field, text, at) for field, text, at in cells]
    return conjunction([part for condition in conditions for part in _parts(condition)])


def _tested(rule: Rule) -> Iterable[str]:
    for part in _parts(rule.when):
        yield _field(rule, part)


def _parts(condition: Condition) -> tuple[Condition, ...]:
    return condition.parts if isinstance(condition, AllOf) else (condition,)


def _field(rule: Rule, part: Condition) -> str:
    fields = {leaf.field for leaf in leaves(part)}
    if len(fields) != 1:
        raise ValueError(
            f"rule '{rule.id}' tests {', '.join(sorted(fields_of(part)))} together; a cell tests one field"
        )
    return fields.pop()


def _cells(rule: Rule, inputs: tuple[str, ...]) -> tuple[str, ...]:
    by_field: dict[str, list[Condition]] = {}
    for part in _parts(rule.when):
        by_field.setdefault(_field(rule, part), []).append(part)
    return tuple(write_cell(conjunction(by_field.get(field, []))) for field in inputs)
