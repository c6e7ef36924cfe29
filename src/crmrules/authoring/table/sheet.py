"""Tables as files that people edit: CSV, XLSX, YAML. What was written is read back before it is kept."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from crmrules.authoring.table.source import Sheet, same_row, sheet_from_file
from crmrules.authoring.yaml_text import flow
from crmrules.errors import Location, Problem, RulesetError
from crmrules.language.table_files import as_text
from crmrules.language.tables import COMMENT, headed

FORMATS = ("csv", "xlsx", "yaml")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{0,8}[1-9])?")
_MOST_CHARACTERS = 32_767  # in a cell of a workbook


def write_sheet(sheet: Sheet, name: str, languages: tuple[str, ...], form: str) -> bytes:
    """Return *sheet* as a file. Raises RulesetError naming the first rule that would not come back as it is."""
    made = {"csv": _csv, "xlsx": _xlsx, "yaml": _yaml}[form](sheet, name, languages)
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"table.{form}"
        file.write_bytes(made)
        again = sheet_from_file(file, name, languages)
    for number, row in enumerate(sheet.table.rows):
        if number >= len(again.table.rows) or not same_row(sheet, number, again, number):
            raise RulesetError(
                Problem("no-table", f"rule '{row.id}' would not come back from {form} as it is", row.at,
                        "texts without control characters and without spaces at their ends")
            )  # fmt: skip
    return made


def lines_of(sheet: Sheet, languages: tuple[str, ...]) -> list[list[str]]:
    """Return the lines of a file, headings first; the last column holds the comments, where there are any."""
    lines = headed(sheet.table, languages)
    if any(sheet.comments):
        return [[*line, said] for line, said in zip(lines, (COMMENT, *sheet.comments), strict=True)]
    return lines


def _csv(sheet: Sheet, name: str, languages: tuple[str, ...]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows([map(as_text, line) for line in lines_of(sheet, languages)])
    return file.getvalue().encode()


def _xlsx(sheet: Sheet, name: str, languages: tuple[str, ...]) -> bytes:
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter
    from openpyxl.utils.exceptions import IllegalCharacterError

    book = Workbook()
    page = book.worksheets[0]
    page.title = name[:31]
    fields = range(1, 1 + len(sheet.table.inputs))
    lines = lines_of(sheet, languages)
    for number, line in enumerate(lines):
        for column, text in enumerate(line):
            cell = page.cell(number + 1, column + 1)
            if number and column in fields and _NUMBER.fullmatch(text):
                cell.value = float(text) if "." in text else int(text)
                continue
            try:
                cell.value = text or None
            except IllegalCharacterError:
                raise _not_in_a_workbook(sheet, number, "a control character") from None
            if len(text) > _MOST_CHARACTERS:
                raise _not_in_a_workbook(sheet, number, f"{len(text)} characters in one cell")
            if text:
                cell.data_type = "s"  # never a formula, whatever it begins with
                cell.quotePrefix = not text.isalnum()
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if not number:
                cell.font = Font(bold=True)
    for column, texts in enumerate(zip(*lines, strict=True), 1):
        page.column_dimensions[get_column_letter(column)].width = min(max(map(len, texts)) + 3, 48)
    page.freeze_panes = "B2"
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def _not_in_a_workbook(sheet: Sheet, number: int, what: str) -> RulesetError:
    row = sheet.table.rows[max(number, 1) - 1]
    return RulesetError(Problem("no-table", f"rule '{row.id}' holds {what}; a workbook can't", row.at or Location("")))


def _yaml(sheet: Sheet, name: str, languages: tuple[str, ...]) -> bytes:
    lines = [f"{flow(name)}:", "  table:", *table_lines(sheet, "    ")]
    return ("\n".join(lines) + "\n").encode()


def table_lines(sheet: Sheet, indent: str) -> list[str]:
    """Return the lines of an inline table, indented by *indent*."""
    rows = [line for number in range(len(sheet.table.rows)) for line in row_lines(sheet, number, f"{indent}  ")]
    return [f"{indent}inputs: {flow(list(sheet.table.inputs))}", f"{indent}rows:", *rows]


def row_lines(sheet: Sheet, number: int, indent: str) -> list[str]:
    """Return the lines of a row of an inline table, its comments before it."""
    row = sheet.table.rows[number]
    said: dict[str, object] = {"id": row.id}
    said |= {field: _cell(cell) for field, cell in zip(sheet.table.inputs, row.cells, strict=True) if cell != "-"}
    said |= {"then": row.then} | ({"score": row.score} if row.score else {})
    said |= {"why": dict(row.why.by_language)} if row.why else {}
    return [*comment_lines(sheet.comments[number], indent), f"{indent}- {flow(said)}"]


def comment_lines(comment: str, indent: str) -> list[str]:
    """Return *comment* as YAML comments."""
    return [f"{indent}# {line}".rstrip() for line in comment.splitlines()]


def _cell(text: str) -> object:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if _NUMBER.fullmatch(text) and "." not in text else text
