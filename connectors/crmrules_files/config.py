"""The connector's settings, and where tags and notes lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmrules.contracts.connector import Question
from crmrules.model.text import text

TAGS = "tags"
NOTES = "notes"
TAG_COLUMNS = ("object", "record_id", "name")
NOTE_COLUMNS = ("id", "object", "record_id", "title", "body", "author", "modified_at")

SETTINGS_SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Files as a CRM",
    "type": "object",
    "required": ["path"],
    "additionalProperties": False,
    "properties": {
        "path": {
            "title": "Folder or workbook",
            "description": "A folder of .csv and .jsonl files, or one .xlsx file; relative to the profile.",
            "type": "string",
            "minLength": 1,
        },
        "delimiter": {
            "title": "Delimiter",
            "description": "What separates the cells of a CSV file; auto looks at the header of each file.",
            "enum": [",", ";", "\t", "tab", "auto"],
            "default": ",",
        },
        "encoding": {
            "title": "Encoding",
            "description": "auto is UTF-8 where every byte of the file is, else GB18030.",
            "enum": ["auto", "utf-8", "gb18030"],
            "default": "auto",
        },
        "incremental": {
            "title": "Incremental objects",
            "description": (
                "Files whose modified column can be trusted: whatever edits them sets it. Only what was modified is "
                "read of them, and no field is written to them."
            ),
            "type": "array",
            "items": {"type": "string"},
            "default": [],
        },
    },
}

GUIDE = text(
    "把 CRM 导出为 CSV、JSON Lines 或一个 XLSX 文件:每个对象一个文件或工作表,第一行是列名。",
    "Export the CRM as CSV, JSON Lines or one XLSX file: a file or sheet for each object, column names in the first row.",
)
QUESTIONS = (
    Question(
        setting="path", text=text("文件夹或工作簿(相对于配置文件)", "Folder or workbook, relative to the profile")
    ),
)

DEFAULT_MAPPING: Mapping[str, Any] = {
    "schema": "mapping-v1",
    "objects": {
        "tag": {"from": TAGS, "fields": {name: name for name in TAG_COLUMNS}},
        "note": {"from": NOTES, "fields": {name: name for name in NOTE_COLUMNS}},
    },
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Checked settings."""

    path: Path
    delimiter: str  # , ; tab or auto
    encoding: str  # auto, utf-8, gb18030
    incremental: frozenset[str]  # native objects

    @classmethod
    def of(cls, given: Mapping[str, Any], folder: Path) -> Settings:
        """Return the settings that *given* says; relative paths start at *folder*."""
        delimiter = str(given.get("delimiter", ","))
        return cls(
            path=folder / str(given["path"]),
            delimiter="\t" if delimiter == "tab" else delimiter,
            encoding=str(given.get("encoding", "auto")),
            incremental=frozenset(given.get("incremental", ())),
        )
