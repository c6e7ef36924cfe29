"""A CRM in a folder of CSV files, as people use it: with an editor."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from crmrules.contracts.connector import Connector
from crmrules.model.objects import FieldType
from crmrules.testing.suite.world import Names, World
from crmrules_files.client import FilesCrm

_COLUMNS = ("Id", "Name", "Tier", "Beds", "Share", "Spend", "Vip", "Since")


class FilesWorld(World):
    names = Names(
        object="Accounts", key="Id", name="Name", text="Tier", tags="tags", notes="notes",
        fields={
            FieldType.integer: "Beds", FieldType.number: "Share", FieldType.money: "Spend",
            FieldType.boolean: "Vip", FieldType.date: "Since",
        },
    )  # fmt: skip

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._save("Accounts", [], _COLUMNS)

    def connect(self) -> Connector:
        return FilesCrm.open({"path": "."}, self.folder)

    def create(self, rows: Sequence[Mapping[str, str]]) -> list[str]:
        there = self._load("Accounts")
        ids = [f"A{number}" for number in range(len(there), len(there) + len(rows))]
        self._save("Accounts", [*there, *({"Id": id, **row} for id, row in zip(ids, rows, strict=True))], _COLUMNS)
        return ids

    def edit(self, id: str, values: Mapping[str, str | None]) -> None:
        rows = [{**row, **values} if row["Id"] == id else row for row in self._load("Accounts")]
        self._save("Accounts", rows, _COLUMNS)

    def remove(self, id: str) -> None:
        self._save("Accounts", [row for row in self._load("Accounts") if row["Id"] != id], _COLUMNS)

    def values(self, id: str) -> Mapping[str, str | None]:
        return next(row for row in self._load("Accounts") if row["Id"] == id)

    def tags(self, id: str) -> set[str]:
        return {row["name"] for row in self._load("tags") if row["record_id"] == id}

    def tag(self, id: str, name: str) -> None:
        row = {"object": "Accounts", "record_id": id, "name": name}
        self._save("tags", [*self._load("tags"), row], ("object", "record_id", "name"))

    def notes(self, id: str) -> list[tuple[str, str]]:
        return sorted((row["title"], row["body"]) for row in self._load("notes") if row["record_id"] == id)

    def annotate(self, id: str, title: str, body: str) -> None:
        row = {"id": "N1", "object": "Accounts", "record_id": id, "title": title, "body": body, "author": "U1"}
        columns = ("id", "object", "record_id", "title", "body", "author", "modified_at")
        self._save("notes", [*self._load("notes"), row], columns)

    def pass_time(self, seconds: float) -> None:
        """Files know no time."""

    def _load(self, name: str) -> list[dict[str, str]]:
        path = self.folder / f"{name}.csv"
        if not path.exists():
            return []
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def _save(self, name: str, rows: Sequence[Mapping[str, str | None]], columns: Sequence[str]) -> None:
        with (self.folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
