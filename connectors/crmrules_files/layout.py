"""Which files of a folder (or sheets of a workbook) are which objects, and that they lie inside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from crmrules.contracts.connector import Page
from crmrules.errors import DataError, Location, Problem
from crmrules_files.config import NOTE_COLUMNS, NOTES, TAG_COLUMNS, TAGS, Settings
from crmrules_files.csv_table import CsvTable
from crmrules_files.jsonl_table import JsonlTable
from crmrules_files.sheet_table import SheetTable, open_workbook
from crmrules_files.state import State

OWN: Mapping[str, tuple[str, ...]] = {TAGS: TAG_COLUMNS, NOTES: NOTE_COLUMNS}  # files that we make when missing

Key = tuple[str, ...]


class Table(Protocol):
    """What every kind of file can do."""

    @property
    def name(self) -> str:
        """The native object."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def shown(self) -> str:
        """The file as error messages name it."""

    @property
    def header(self) -> tuple[str, ...]:
        """Names of the columns."""

    def pages(self, fields: tuple[str, ...]) -> Iterator[Page]:
        """Yield all rows, with these columns only."""

    def find(self, key: tuple[str, ...], wanted: set[Key]) -> Mapping[Key, Mapping[str, str]]:
        """Return the rows with these keys."""


def root_of(settings: Settings) -> Path:
    """Return the folder in which the CRM lies. Raises DataError where there is none."""
    path = settings.path.resolve()
    if not path.exists():
        raise DataError(
            Problem("no-crm", "there is no such folder or workbook", Location(str(settings.path)),
                    hint="check `settings.path` in the profile; it is relative to the profile's folder")
        )  # fmt: skip
    if path.is_file() and path.suffix.lower() != ".xlsx":
        raise DataError(
            Problem("no-crm", "this is no folder and no .xlsx workbook", Location(str(settings.path)),
                    "a folder of .csv or .jsonl files, or one .xlsx file")
        )  # fmt: skip
    return path if path.is_dir() else path.parent


def tables(settings: Settings) -> dict[str, Table]:
    """Return the CRM's objects by native name.

    Raises DataError for a file that leaves the folder through a link, for two files of one object,
    and for an empty CRM.
    """
    root, path = root_of(settings), settings.path.resolve()
    encodings = State.load(root).encodings
    found: dict[str, Table] = {}
    problems: list[Problem] = []
    for file in sorted(root.iterdir()):
        table = (
            _table(file, settings, encodings.get(file.name, "utf-8"))
            if path.is_dir() or file.name in {f"{name}.csv" for name in OWN}
            else None
        )
        if table is None:
            continue
        if not file.resolve().is_relative_to(root):
            problems.append(
                Problem("outside", "the file is a link that leaves the CRM's folder", Location(file.name),
                        hint="put the file itself here")
            )  # fmt: skip
        elif table.name in OWN and not isinstance(table, CsvTable):
            problems.append(Problem("reserved-file", f"{table.name} are kept in {table.name}.csv", Location(file.name)))
        elif table.name in found:
            other = found[table.name].path.name
            problems.append(
                Problem("two-files", f"{other} and {file.name} are both '{table.name}'", Location(file.name))
            )
        else:
            found[table.name] = table
    if path.is_file():
        workbook = open_workbook(path, read_only=True)
        names = [str(name) for name in workbook.sheetnames]
        workbook.close()
        for name in names:
            if name in OWN:
                problems.append(
                    Problem("reserved-sheet", f"a sheet can't be called '{name}'", Location(path.name),
                            hint=f"{name} are kept in {name}.csv beside the workbook")
                )  # fmt: skip
            else:
                found[name] = SheetTable(name, path)
    if not problems and not set(found) - set(OWN):
        problems.append(Problem("no-crm", "no records are here", Location(str(settings.path)), "a .csv or .jsonl file"))
    if problems:
        raise DataError(problems)
    return found


def _table(file: Path, settings: Settings, ascii_means: str) -> Table | None:
    if not file.is_file() or file.name.startswith("."):
        return None
    if file.suffix.lower() == ".csv":
        return CsvTable(file.stem, file, settings.delimiter, settings.encoding, ascii_means)
    if file.suffix.lower() == ".jsonl":
        return JsonlTable(file.stem, file, settings.encoding, ascii_means)
    return None
