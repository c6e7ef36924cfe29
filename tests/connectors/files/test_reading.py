"""Reading a CRM that lies in files: every spelling of the same records gives the same records."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from connectors.files.crm import crm
from crmrules.contracts.connector import ReadRequest
from crmrules.errors import DataError
from crmrules_files.client import FilesCrm

PEOPLE = 'Id,Name,Note\nC1,张三,"两行\n的备注"\nC2,Bob,"a, ""b"""\n'
ROWS = [{"Id": "C1", "Name": "张三", "Note": "两行\n的备注"}, {"Id": "C2", "Name": "Bob", "Note": 'a, "b"'}]


def read(
    connector: FilesCrm, object: str, fields: tuple[str, ...] = ("Id", "Name", "Note"), **more: Any
) -> list[dict[str, Any]]:
    request = ReadRequest(object=object, fields=fields, key=fields[:1], **more)
    return [row for page in connector.read(request) for row in page.rows.to_pylist()]


@pytest.mark.parametrize(
    "content",
    [
        PEOPLE.encode("utf-8"),
        PEOPLE.encode("utf-8-sig"),
        PEOPLE.encode("gb18030"),
        PEOPLE.removesuffix("\n").encode(),
        PEOPLE.replace("C2", "\nC2").encode(),  # a blank line in between
    ],
    ids=["utf-8", "with a byte-order mark", "gb18030", "no last line end", "blank line"],
)
def test_a_csv_file_reads_the_same_in_every_spelling(tmp_path: Path, content: bytes) -> None:
    assert read(crm(tmp_path, {"Contacts.csv": content}), "Contacts") == ROWS


@pytest.mark.parametrize(("setting", "mark"), [(";", ";"), ("tab", "\t"), ("auto", ";"), ("auto", "\t"), ("auto", ",")])
def test_the_delimiter_is_set_or_found(tmp_path: Path, setting: str, mark: str) -> None:
    text = f"Id{mark}Name{mark}Note\nC1{mark}x{mark}\n"
    assert read(crm(tmp_path, {"Contacts.csv": text}, delimiter=setting), "Contacts") == [
        {"Id": "C1", "Name": "x", "Note": ""}
    ]


def test_a_workbook_reads_like_a_folder(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Contacts"
    sheet.append(["Id", "Born", "Age", "Share", "Vip", None])
    sheet.append(["C1", datetime(1980, 2, 3), 45.0, 0.25, True])
    sheet.append([])
    sheet.append(["C2", datetime(1980, 2, 3, 4, 5), 7, None, False])
    book.save(tmp_path / "book.xlsx")
    connector = FilesCrm.open({"path": "book.xlsx"}, tmp_path)
    assert [o.name for o in connector.describe()] == ["Contacts", "notes", "tags"]
    assert read(connector, "Contacts", ("Id", "Born", "Age", "Share", "Vip")) == [
        {"Id": "C1", "Born": "1980-02-03", "Age": "45", "Share": "0.25", "Vip": "true"},
        {"Id": "C2", "Born": "1980-02-03 04:05:00", "Age": "7", "Share": None, "Vip": "false"},
    ]
    pages = list(connector.read(ReadRequest(object="Contacts", fields=("Id",), key=("Id",))))
    assert [page.first_row for page in pages] == [2, 4]


def test_json_lines_read_as_texts(tmp_path: Path) -> None:
    lines = '{"Id": "C1", "Age": 45, "Vip": true, "Tags": ["a", "b"]}\n\n{"Id": "C2", "Age": null}\n'
    connector = crm(tmp_path, {"Contacts.jsonl": lines})
    assert read(connector, "Contacts", ("Id", "Age", "Vip", "Tags")) == [
        {"Id": "C1", "Age": "45", "Vip": "true", "Tags": '["a", "b"]'},
        {"Id": "C2", "Age": None, "Vip": None, "Tags": None},
    ]


def test_rows_are_numbered_as_the_file_shows_them(tmp_path: Path) -> None:
    connector = crm(tmp_path, {"Contacts.csv": "Id,Name\nC1,a\n,\n\nC2,b\nC3,c\n"})
    pages = list(connector.read(ReadRequest(object="Contacts", fields=("Id",), key=("Id",))))
    assert [(page.first_row, page.rows["Id"].to_pylist()) for page in pages] == [(2, ["C1"]), (5, ["C2", "C3"])]


def test_only_the_wanted_columns_leave_the_file(tmp_path: Path) -> None:
    connector = crm(tmp_path, {"Contacts.csv": "Id,Name,Mail\nC1,a,a@b.example\n"})
    [page] = connector.read(ReadRequest(object="Contacts", fields=("Name", "Id"), key=("Id",)))
    assert page.rows.column_names == ["Name", "Id"]


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    hostile = ["=cmd|' /C calc'!A0", "{{ 7*7 }}", "'; DROP TABLE contact; --", "<script>", "\u202eevil", "NULL", "a\tb"]
    rows = "".join(f'C{n},"{text}",\n' for n, text in enumerate(hostile))
    assert [
        row["Name"] for row in read(crm(tmp_path, {"Contacts.csv": "Id,Name,Note\n" + rows}), "Contacts")
    ] == hostile


def test_nobody_has_made_tags_or_notes_yet(tmp_path: Path) -> None:
    connector = crm(tmp_path, {"Contacts.csv": "Id\nC1\n"})
    fields = {o.name: [f.name for f in o.fields] for o in connector.describe()}
    assert fields["tags"] == ["object", "record_id", "name"]
    assert read(connector, "tags", ("object", "record_id", "name")) == []


def test_tags_and_notes_have_one_place(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"tags are kept in tags\.csv"):
        crm(tmp_path, {"Contacts.csv": "Id\nC1\n", "tags.jsonl": "{}\n"}).describe()


def test_a_link_may_not_leave_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("Id\nS1\n")
    folder = tmp_path / "crm"
    folder.mkdir()
    (folder / "Contacts.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(DataError, match="leaves the CRM's folder"):
        crm(folder).describe()


def test_a_name_that_climbs_out_of_the_folder_is_no_object(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("Id\nS1\n")
    connector = crm(tmp_path / "crm", {"Contacts.csv": "Id\nC1\n"})
    with pytest.raises(DataError, match=r"there is no '\.\./secret'"):
        read(connector, "../secret", ("Id",))


class TestIncremental:
    """Only objects whose modified column can be trusted are read by it."""

    TEXT = "Id,Changed\nO1,2026-01-01 10:00:00\nO2,2026-03-01 10:00:00\nO3,2026-03-05\nO4,soon\n"
    REQUEST: dict[str, Any] = {"since": datetime(2026, 3, 1, 20, tzinfo=UTC), "modified_field": "Changed"}  # noqa: RUF012

    def test_what_was_modified_or_can_not_be_told_is_read(self, tmp_path: Path) -> None:
        connector = crm(tmp_path, {"Orders.csv": self.TEXT}, incremental=["Orders"])
        assert connector.capabilities.since == "second"
        found = read(connector, "Orders", ("Id", "Changed"), **self.REQUEST)
        assert [row["Id"] for row in found] == ["O2", "O3", "O4"]  # O2: it may be in any time zone

    def test_everything_else_is_read_whole(self, tmp_path: Path) -> None:
        connector = crm(tmp_path, {"Orders.csv": self.TEXT})
        assert connector.capabilities.since == "none"
        assert len(read(connector, "Orders", ("Id", "Changed"), **self.REQUEST)) == 4

    def test_keys_tell_what_still_exists(self, tmp_path: Path) -> None:
        connector = crm(tmp_path, {"Orders.csv": self.TEXT}, incremental=["Orders"])
        keys = [row for table in connector.ids("Orders", ("Id",)) for row in table.to_pylist()]
        assert keys == [{"Id": f"O{n}"} for n in range(1, 5)]


def test_a_large_file_comes_in_pages(tmp_path: Path) -> None:
    path = tmp_path / "Orders.csv"
    with path.open("w") as stream:
        stream.write("Id,Text\n")
        for number in range(300_000):
            stream.write(f"O{number},{'x' * 100}\n")
    pages = crm(tmp_path).read(ReadRequest(object="Orders", fields=("Id",), key=("Id",)))
    sizes, at = [], 2
    for page in pages:
        assert page.first_row == at
        at += page.rows.num_rows
        sizes.append(page.rows.num_rows)
    assert sum(sizes) == 300_000
    assert len(sizes) > 1
