"""Writing into files: exactly what is asked, nothing else, and taken back without a trace."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.files.crm import contents, crm, undoing, write
from crmrules.errors import RetryLater
from crmrules.model.changes import Result
from crmrules_files import replacing
from crmrules_files.client import FilesCrm
from crmrules_files.replacing import LOCK, alone

CONTACTS = '\ufeffId,Role,"Name"\r\nC1,"",张三\r\nC2,"old","a ""b"", c"\r\nC3,,Bob\r\n'


def test_fields_tags_and_notes_are_written_and_stand_there(tmp_path: Path) -> None:
    connector = crm(tmp_path, {"Contacts.csv": CONTACTS})
    writes = [
        write("field", "C1", "Role", "决策人", None),
        write("field", "C2", "Role", "a, b", "old"),
        write("tag", "C1", "seg.value", "high", None),
        write("tag", "C1", "vip", "", None),
        write("note", "C3", "crmrules", "第一行\n第二行", None),
    ]
    assert [r.result for r in connector.write(writes)] == [Result.written] * 5
    assert list(connector.current(writes)) == ["决策人", "a, b", "high", "", "第一行\n第二行"]
    assert contents(tmp_path)["Contacts.csv"].decode() == CONTACTS.replace('C1,"",', "C1,决策人,").replace(
        '"old"', '"a, b"'
    )
    assert contents(tmp_path)["tags.csv"].decode("utf-8-sig") == (
        "object,record_id,name\r\nContacts,C1,seg.value=high\r\nContacts,C1,vip\r\n"
    )


def test_a_repeated_write_finds_its_value_standing(tmp_path: Path) -> None:
    connector = crm(tmp_path, {"Contacts.csv": CONTACTS})
    connector.write([write("tag", "C1", "seg.value", "high", None)])
    before = contents(tmp_path)
    [receipt] = connector.write([write("tag", "C1", "seg.value", "high", None)])
    assert (receipt.result, receipt.echo) == (Result.stale, "high")
    assert contents(tmp_path) == before


def test_a_tag_takes_the_place_of_its_old_value_and_of_no_other(tmp_path: Path) -> None:
    tags = "object,record_id,name\nContacts,C1,VIP\nContacts,C1,seg.values=x\nContacts,C2,seg.value=high\n"
    connector = crm(tmp_path, {"Contacts.csv": CONTACTS, "tags.csv": tags})
    connector.write([write("tag", "C1", "seg.value", "high", None)])
    connector.write([write("tag", "C1", "seg.value", "low", "high")])
    with_ours = tags.replace("C1,VIP\n", "C1,VIP\nContacts,C1,seg.value=low\n")
    assert contents(tmp_path)["tags.csv"].decode() == with_ours
    connector.write([write("tag", "C1", "seg.value", None, "low")])
    assert contents(tmp_path)["tags.csv"].decode() == tags


def test_our_note_is_updated_in_place_and_nobody_elses_is_touched(tmp_path: Path) -> None:
    notes = "id,object,record_id,title,body,author,modified_at\nN1,Contacts,C1,crmrules,hands off,Li,2026-01-01\n"
    connector = crm(tmp_path, {"Contacts.csv": CONTACTS, "notes.csv": notes})
    [receipt] = connector.write([write("note", "C1", "crmrules", "ours", None)])
    assert (receipt.result, receipt.echo) == (Result.stale, "hands off")  # a person's note has that title
    connector.write([write("note", "C2", "crmrules", "one", None)])
    size = len(contents(tmp_path)["notes.csv"])
    connector.write([write("note", "C2", "crmrules", "two", "one")])
    assert len(contents(tmp_path)["notes.csv"]) == size
    connector.write([write("note", "C2", "crmrules", None, "two")])
    assert contents(tmp_path)["notes.csv"].decode() == notes


def test_what_can_not_be_written_is_refused_one_by_one(tmp_path: Path) -> None:
    connector = crm(tmp_path, {"Contacts.csv": CONTACTS, "Orders.csv": "Id,State\nO1,x\n"}, incremental=["Orders"])
    before = contents(tmp_path)
    receipts = connector.write(
        [
            write("field", "C1", "Colour", "red", None),
            write("field", "C9", "Role", "x", None),
            write("tag", "C9", "vip", "", None),
            write("field", "C1", "Id", "C7", "C1"),
            write("field", "C2", "Role", "x", "not this"),
            write("field", "O1", "State", "y", "x", "Orders"),
            write("field", "C1", "Role", "x", None, "Nothing"),
        ]
    )
    assert [r.result for r in receipts] == [Result.refused] * 4 + [Result.stale] + [Result.refused] * 2
    assert receipts[0].message == "Contacts.csv has no column 'Colour': add it to the file's header"
    assert receipts[4].echo == "old"
    assert contents(tmp_path) == before


SPELLINGS = {
    "crlf and a mark": CONTACTS.encode(),
    "lf": CONTACTS.replace("\r\n", "\n").encode(),
    "gb18030": CONTACTS.removeprefix("\ufeff").encode("gb18030"),
    "no last line end": CONTACTS.removesuffix("\r\n").encode(),
    "all quoted": b'"Id","Role","Name"\n"C1","","x"\n"C2","old","y"\n"C3","","z"\n',
    "mixed line ends": b"Id,Role,Name\r\nC1,,x\nC2,old,y\r\nC3,  ,z",
    "a ragged row elsewhere": b"Id,Role,Name\nC1,,x\nC2,old,y\nC3\nC3,,z\n",
}


@pytest.mark.parametrize("content", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_undoing_restores_every_byte(tmp_path: Path, content: bytes) -> None:
    notes = b"id,object,record_id,title,body,author,modified_at\nN1,Contacts,C9,x,=1+1,Li,2026-01-01"
    connector = crm(tmp_path, {"Contacts.csv": content, "notes.csv": notes})
    before = contents(tmp_path)
    first = [
        write("field", "C1", "Role", "决策人", None),
        write("field", "C2", "Role", 'a, "b"\nc', "old"),
        write("field", "C3", "Role", "x", None),
        write("tag", "C2", "seg.value", "high", None),
        write("tag", "C1", "seg.value", "high", None),
        write("note", "C1", "crmrules", "-一\n=二", None),
    ]
    assert {r.result for r in connector.write(first)} == {Result.written}
    between = contents(tmp_path)
    second = [
        write("field", "C2", "Role", None, 'a, "b"\nc'),
        write("tag", "C1", "seg.value", None, "high"),
        write("note", "C1", "crmrules", "later", "-一\n=二"),
    ]
    assert {r.result for r in connector.write(second)} == {Result.written}
    assert {r.result for r in connector.write(undoing(second))} == {Result.written}
    assert contents(tmp_path) == between
    assert {r.result for r in connector.write(undoing(first))} == {Result.written}
    assert contents(tmp_path) == before


def test_undoing_restores_every_byte_of_json_lines(tmp_path: Path) -> None:
    lines = (
        '{"Id":"C1","Role":"x","n":1.50}\r\n{ "Id" : "C2", "n": 3 }\n\n{"Id": "C3", "Role": null, "Name": "\\u5f20"}'
    )
    connector = crm(tmp_path, {"Contacts.jsonl": lines})
    before = contents(tmp_path)
    writes = [
        write("field", "C1", "Role", "决策人", "x"),
        write("field", "C1", "n", "2", "1.5"),
        write("field", "C2", "Role", "y", None),
        write("field", "C3", "Role", "z", None),
    ]
    assert {r.result for r in connector.write(writes)} == {Result.written}
    assert '"n":2' in contents(tmp_path)["Contacts.jsonl"].decode()
    assert {r.result for r in connector.write(undoing(writes))} == {Result.written}
    assert contents(tmp_path) == before


def test_a_workbook_gets_its_values_back(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Contacts"
    for row in (["Id", "Role", "Beds"], ["C1", None, 100], ["C2", "old", 20.5]):
        sheet.append(row)
    book.save(tmp_path / "book.xlsx")
    connector = FilesCrm.open({"path": "book.xlsx"}, tmp_path)
    writes = [
        write("field", "C1", "Role", "=HYPERLINK(1)", None),
        write("field", "C1", "Beds", "120", "100"),
        write("tag", "C1", "seg.value", "high", None),
    ]
    assert {r.result for r in connector.write(writes)} == {Result.written}
    assert list(connector.current(writes)) == ["=HYPERLINK(1)", "120", "high"]  # a text, no formula
    assert {r.result for r in connector.write(undoing(writes))} == {Result.written}
    values = [[cell.value for cell in row] for row in openpyxl.load_workbook(tmp_path / "book.xlsx")["Contacts"]]
    assert values == [["Id", "Role", "Beds"], ["C1", None, 100], ["C2", "old", 20.5]]
    assert set(contents(tmp_path)) == {"book.xlsx"}


_TEXTS = st.text(st.characters(codec="gb18030", exclude_characters="\x00"), max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    cells=st.lists(_TEXTS, min_size=1, max_size=4),
    value=_TEXTS.filter(str.strip),
    quoted=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
)
def test_any_text_is_written_read_back_and_taken_back(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str], value: str, quoted: bool, encoding: str
) -> None:
    def cell(text: str) -> str:
        needs = quoted or any(c in text for c in ',"\r\n')
        return '"' + text.replace('"', '""') + '"' if needs else text

    # A first column that is never blank: a blank line is no record.
    lines = ["Id,Role", *(f"C{n},{cell(text)}" for n, text in enumerate(cells))]
    folder = tmp_path_factory.mktemp("crm")
    connector = crm(folder, {"Contacts.csv": "\n".join([*lines, ""]).encode(encoding)})
    before = contents(folder)
    old = cells[0] if cells[0].strip() else None
    writes = [write("field", "C0", "Role", value, old), write("note", "C0", "crmrules", value, None)]
    assert [r.result for r in connector.write(writes)] == [Result.written] * 2
    assert list(connector.current(writes)) == [value, value]
    assert [r.result for r in connector.write(undoing(writes))] == [Result.written] * 2
    assert contents(folder) == before
    shutil.rmtree(folder)


@pytest.mark.parametrize("body", ["=1+1", "+49 89", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_a_text_of_ours_is_never_a_formula(tmp_path: Path, body: str) -> None:
    connector = crm(tmp_path, {"Contacts.csv": CONTACTS})
    [receipt] = connector.write([write("note", "C1", "crmrules", body, None)])
    assert receipt.result is Result.written
    stored = contents(tmp_path)["notes.csv"].decode("utf-8-sig")
    assert f"'{body}" in stored
    assert list(connector.current([write("note", "C1", "crmrules", body, None)])) == [body]


def test_two_writers_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = crm(tmp_path, {"Contacts.csv": CONTACTS})
    monkeypatch.setattr(replacing, "_PATIENCE", 0.1)
    holding = subprocess.Popen(
        [sys.executable, "-c", "import sys,filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print('ok', flush=True); input()",
         str(tmp_path / LOCK)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holding.stdout is not None
    holding.stdout.readline()
    try:
        with pytest.raises(RetryLater, match="another run is writing"):
            connector.write([write("tag", "C1", "vip", "", None)])
        assert "tags.csv" not in contents(tmp_path)
    finally:
        holding.communicate("")
    assert connector.write([write("tag", "C1", "vip", "", None)])[0].result is Result.written


def test_a_file_that_somebody_saves_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "Contacts.csv"
    path.write_text("Id\nC1\n")
    with pytest.raises(RetryLater, match="somebody saved the file"), replacing.replacing(path) as out:  # noqa: PT012
        out.write(b"ours")
        path.write_text("Id\nC1\nC2\n")
    assert contents(tmp_path) == {"Contacts.csv": b"Id\nC1\nC2\n"}


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "Contacts.csv"
    path.write_text("Id\nC1\n")

    with pytest.raises(ZeroDivisionError), replacing.replacing(path) as out:
        out.write(b"half" * (1 // 0))
    assert contents(tmp_path) == {"Contacts.csv": b"Id\nC1\n"}


def test_the_lock_leaves_no_file(tmp_path: Path) -> None:
    with alone(tmp_path):
        assert (tmp_path / LOCK).exists()
    assert contents(tmp_path) == {}
