"""Pull: what changed comes in, translated, all or nothing, and the same again gives the same."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from connectors.files.crm import crm, mapping
from crmrules.contracts.connector import (
    Capabilities,
    Connector,
    NativeField,
    NativeObject,
    NativeWrite,
    Page,
    ReadRequest,
)
from crmrules.errors import DataError, RulesetError
from crmrules.language.mapping import Mapping_
from crmrules.pipeline.pull import pull
from crmrules.stores.snapshot import Snapshot

ACCOUNTS = """
timezone: Asia/Shanghai
objects:
  account:
    from: Accounts
    fields: {id: Id, name: Name, modified_at: Changed}
"""
FILE = "Id,Name,Changed\nA1,江州医院,2026-01-01 10:00\nA2,Acme,2026-03-01 10:00\nA3,Zeta,2026-02-01 10:00\n"


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with Snapshot.open(path, read_only=True) as snapshot:
        found: list[tuple[Any, ...]] = snapshot.con.execute(sql).fetchall()
        return found


def content(path: Path) -> str:
    with Snapshot.open(path, read_only=True) as snapshot:
        return snapshot.content_id


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "state" / "snapshot.duckdb"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "crm"


def test_everything_is_new_once_and_nothing_afterwards(folder: Path, store: Path) -> None:
    connector = crm(folder, {"Accounts.csv": FILE})
    first = pull(connector, mapping(ACCOUNTS), store).objects["account"]
    assert (first.read, first.new, first.changed, first.deleted, first.stored) == (3, 3, 0, 0, 3)
    before = content(store)
    again = pull(connector, mapping(ACCOUNTS), store).objects["account"]
    assert (again.read, again.new, again.changed, again.deleted, again.stored) == (3, 0, 0, 0, 3)
    assert content(store) == before


def test_changed_and_deleted_records_are_noticed(folder: Path, store: Path) -> None:
    connector = crm(folder, {"Accounts.csv": FILE})
    pull(connector, mapping(ACCOUNTS), store)
    crm(folder, {"Accounts.csv": FILE.replace("Acme", "Acme Ltd").replace("A3,Zeta", "A4,Beta")})
    counts = pull(connector, mapping(ACCOUNTS), store).objects["account"]
    assert (counts.new, counts.changed, counts.deleted, counts.stored) == (1, 1, 1, 3)
    assert rows(store, "SELECT id, name FROM snapshot.account ORDER BY id") == [
        ("A1", "江州医院"), ("A2", "Acme Ltd"), ("A4", "Beta"),
    ]  # fmt: skip


class TestIncremental:
    """An object whose modified column can be trusted is read from the last pull on."""

    def test_only_what_was_modified_is_read_and_what_is_gone_goes(self, folder: Path, store: Path) -> None:
        connector = crm(folder, {"Accounts.csv": FILE}, incremental=["Accounts"])
        pull(connector, mapping(ACCOUNTS), store)
        crm(
            folder,
            {"Accounts.csv": FILE.replace("江州医院", "不算").replace("A3,Zeta,2026-02-01", "A4,New,2026-03-05")},
        )
        counts = pull(connector, mapping(ACCOUNTS), store).objects["account"]
        assert (counts.read, counts.new, counts.changed, counts.deleted) == (2, 1, 0, 1)
        names = dict(rows(store, "SELECT id, name FROM snapshot.account"))
        assert names == {"A1": "江州医院", "A2": "Acme", "A4": "New"}  # A1 was edited without saying so

    def test_full_reads_all(self, folder: Path, store: Path) -> None:
        connector = crm(folder, {"Accounts.csv": FILE}, incremental=["Accounts"])
        pull(connector, mapping(ACCOUNTS), store)
        crm(folder, {"Accounts.csv": FILE.replace("江州医院", "now")})
        assert pull(connector, mapping(ACCOUNTS), store, full=True).objects["account"].changed == 1

    def test_a_changed_mapping_reads_all(self, folder: Path, store: Path) -> None:
        connector = crm(folder, {"Accounts.csv": FILE}, incremental=["Accounts"])
        pull(connector, mapping(ACCOUNTS), store)
        changed = mapping(ACCOUNTS.replace("name: Name", "name: {from: Name, values: {Acme: ACME}}"))
        assert pull(connector, changed, store).objects["account"].read == 3
        assert rows(store, "SELECT name FROM snapshot.account WHERE id = 'A2'") == [("ACME",)]

    def test_a_rehearsal_moves_nothing(self, folder: Path, store: Path) -> None:
        connector = crm(folder, {"Accounts.csv": FILE}, incremental=["Accounts"])
        report = pull(connector, mapping(ACCOUNTS), store, dry=True)
        assert report.objects["account"].new == 3
        assert not store.exists()
        pull(connector, mapping(ACCOUNTS), store)
        before = content(store)
        crm(folder, {"Accounts.csv": FILE + "A9,Late,2026-09-01 00:00\n"})
        for _ in range(2):
            assert pull(connector, mapping(ACCOUNTS), store, dry=True).objects["account"].new == 1
        assert content(store) == before
        assert pull(connector, mapping(ACCOUNTS), store).objects["account"].new == 1


class TestTranslation:
    """The mapping turns the CRM's names, values, types and times into ours."""

    MAPPING = """
timezone: Asia/Shanghai
objects:
  account:
    from: Accounts
    fields:
      id: Id
      industry: {from: Branche, values: {医院: hospital, N/A: null}}
      annual_revenue: {from: Revenue, format: "1,234.56"}
      beds: Beds
      created_at: {from: Since, format: "%d.%m.%Y"}
      blacklisted: Bad
      region: {from: Area, default: urban}
      modified_at: Changed
    custom:
      plan: {from: Plan, type: text, label: {zh: 等级, en: Plan}}
      lines: {from: Lines, type: list}
      score: {from: Score, type: number}
"""
    FILE = (
        "Id,Branche,Revenue,Beds,Since,Bad,Area,Changed,Plan,Lines,Score\n"
        'A1,医院,"1,234,567.50",800,31.01.2024,是,,2026-01-01 07:00,gold,内科；外科,0.5\n'
        "A2,N/A,12,800.0,,no,rural,2026-01-01T00:00:00Z,  ,,\n"
        "A3,factory,,,,,　,2026-01-01T01:00:00.5+0900,,,-1e3\n"
    )

    def test_every_value_arrives_as_what_it_is(self, folder: Path, store: Path) -> None:
        pull(crm(folder, {"Accounts.csv": self.FILE}), mapping(self.MAPPING), store)
        found = rows(
            store,
            "SELECT industry, annual_revenue, beds, created_at, blacklisted, region, modified_at, plan, lines, score "
            "FROM snapshot.account ORDER BY id",
        )
        assert found == [
            ("hospital", Decimal("1234567.5"), 800, date(2024, 1, 31), True, "urban", datetime(2025, 12, 31, 23), "gold",
             ["内科", "外科"], 0.5),
            (None, Decimal(12), 800, None, False, "rural", datetime(2026, 1, 1), None, None, None),
            ("factory", None, None, None, None, "urban", datetime(2025, 12, 31, 16, 0, 0, 500000), None, None, -1000.0),
        ]  # fmt: skip

    def test_a_value_of_another_form_is_named(self, folder: Path, store: Path) -> None:
        wrong = self.FILE.replace("31.01.2024", "2024-01-31").replace('"1,234,567.50"', '"12,34"')
        with pytest.raises(DataError) as caught:
            pull(crm(folder, {"Accounts.csv": wrong}), mapping(self.MAPPING), store)
        assert [p.message for p in caught.value.problems] == [
            "account.annual_revenue = '12,34' is not a value of the form 1,234.56 (record A1)",
            "account.created_at = '2024-01-31' is not a value of the form %d.%m.%Y (record A1)",
        ]
        assert {str(p.at) for p in caught.value.problems} == {"Accounts.csv:2"}

    def test_a_tag_hangs_on_our_object(self, folder: Path, store: Path) -> None:
        tags = "object,record_id,name\nAccounts,A1,VIP\nElsewhere,X,y\n"
        pull(crm(folder, {"Accounts.csv": FILE, "tags.csv": tags}), mapping(ACCOUNTS), store)
        assert rows(store, "SELECT object, record_id, name FROM snapshot.tag ORDER BY ALL") == [
            ("Elsewhere", "X", "y"), ("account", "A1", "VIP"),
        ]  # fmt: skip

    def test_a_participant_without_a_part_took_part(self, folder: Path, store: Path) -> None:
        text = """
objects:
  activity_contact: {from: Links, fields: {activity_id: a, contact_id: c, part: p}}
"""
        pull(crm(folder, {"Links.csv": "a,c,p\nT1,C1,\nT1,C2,copied\n"}), mapping(text), store)
        assert rows(store, "SELECT part FROM snapshot.activity_contact ORDER BY contact_id") == [
            ("participant",), ("copied",),
        ]  # fmt: skip


def test_personal_fields_stay_in_the_crm_unless_asked_for(folder: Path, store: Path) -> None:
    text = "personal: []\nobjects: {contact: {from: People, fields: {id: Id, email: Mail, phone: Phone}}}"
    connector = crm(folder, {"People.csv": "Id,Mail,Phone\nC1,a@b.example,123\n"})
    pull(connector, mapping(text), store)
    assert rows(store, "SELECT email, phone FROM snapshot.contact") == [(None, None)]
    pull(connector, mapping(text.replace("[]", "[contact.email]")), store)
    assert rows(store, "SELECT email, phone FROM snapshot.contact") == [("a@b.example", None)]


class TestWrongRows:
    """With one wrong row nothing is stored; or, when that is asked for, everything else."""

    WRONG = FILE + "A4,Bad,yesterday\n,No id,\nA1,Twice,\n"

    def test_nothing_is_stored(self, folder: Path, store: Path) -> None:
        connector = crm(folder, {"Accounts.csv": FILE})
        pull(connector, mapping(ACCOUNTS), store)
        before = content(store)
        crm(folder, {"Accounts.csv": self.WRONG})
        with pytest.raises(DataError) as caught:
            pull(connector, mapping(ACCOUNTS), store)
        assert [(p.code, p.at.line) for p in caught.value.problems] == [
            ("bad-value", 5), ("missing-key", 6), ("duplicate-id", 7),
        ]  # fmt: skip
        assert content(store) == before
        assert [p.name for p in store.parent.iterdir()] == [store.name]

    def test_lenient_keeps_the_rest_and_counts_what_it_left_out(self, folder: Path, store: Path) -> None:
        connector = crm(folder, {"Accounts.csv": self.WRONG})
        for _ in range(2):
            report = pull(connector, mapping(ACCOUNTS), store, lenient=True)
            assert report.quarantined == 3
        assert rows(store, "SELECT id, name FROM snapshot.account ORDER BY id") == [
            ("A1", "江州医院"), ("A2", "Acme"), ("A3", "Zeta"),
        ]  # fmt: skip
        assert rows(store, "SELECT record_id, source, row, field, value FROM snapshot.quarantine ORDER BY row") == [
            ("A4", "Accounts.csv", 5, "modified_at", "yesterday"),
            ("", "Accounts.csv", 6, "id", None),
            ("A1", "Accounts.csv", 7, "id", "A1"),
        ]
        crm(folder, {"Accounts.csv": FILE})
        assert pull(connector, mapping(ACCOUNTS), store).quarantined == 0

    def test_what_hangs_on_a_wrong_row_goes_with_it(self, folder: Path, store: Path) -> None:
        text = ACCOUNTS + "  contact: {from: People, fields: {id: Id, account_id: Account}}\n" + (
            "  deal_contact: {from: Parts, fields: {deal_id: Deal, contact_id: Contact}}\n"
        )  # fmt: skip
        files = {
            "Accounts.csv": FILE + "A4,Bad,yesterday\n",
            "People.csv": "Id,Account\nC1,A1\nC2,A4\n",
            "Parts.csv": "Deal,Contact\nD1,C1\nD1,C2\n",
        }
        report = pull(crm(folder, files), mapping(text), store, lenient=True)
        assert {o: c.quarantined for o, c in report.objects.items() if c.quarantined} == {
            "account": 1, "contact": 1, "deal_contact": 1,
        }  # fmt: skip
        assert rows(store, "SELECT deal_id, contact_id FROM snapshot.deal_contact") == [("D1", "C1")]

    def test_many_complaints_are_counted_not_all_printed(self, folder: Path, store: Path) -> None:
        lines = "".join(f"A{n},x,never\n" for n in range(1000))
        with pytest.raises(DataError) as caught:
            pull(crm(folder, {"Accounts.csv": "Id,Name,Changed\n" + lines}), mapping(ACCOUNTS), store)
        assert len(caught.value.problems) == 201
        assert "800 more problems of this kind" in str(caught.value)


def test_a_mapping_to_what_is_not_there_is_refused_before_anything_is_read(folder: Path, store: Path) -> None:
    with pytest.raises(RulesetError, match="'Accounts' has no field 'Nmae'"):
        pull(crm(folder, {"Accounts.csv": FILE}), mapping(ACCOUNTS.replace("Name", "Nmae")), store)
    assert not store.exists()


@dataclass
class Paging(Connector):
    """An endpoint that hands out typed pages; a record that moves while it is read comes twice."""

    pages: Sequence[pa.Table]
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(since="second", deletes="none"))
    asked: list[ReadRequest] = field(default_factory=list)

    def describe(self) -> Sequence[NativeObject]:
        return [NativeObject(name="acc", fields=tuple(NativeField(name=n) for n in self.pages[0].column_names))]

    def read(self, request: ReadRequest) -> Iterator[Page]:
        self.asked.append(request)
        return (Page(rows=table.select(list(request.fields)), source="/acc") for table in self.pages)

    def ids(self, object: str, key: tuple[str, ...]) -> Iterator[pa.Table]:
        raise AssertionError("deletes='none' must not be asked for ids")

    def current(self, wanted: Sequence[NativeWrite]) -> Sequence[str | None]:
        return []

    def write(self, writes: Sequence[NativeWrite]) -> Sequence[Any]:
        return []


def typed(*records: tuple[str, str, datetime, list[str]]) -> pa.Table:
    names, schema = (
        ["id", "nm", "mod", "tags"],
        [pa.string(), pa.string(), pa.timestamp("us", "UTC"), pa.list_(pa.string())],
    )
    return pa.table({n: pa.array(c, t) for n, c, t in zip(names, zip(*records, strict=True), schema, strict=True)})


@pytest.fixture
def api_mapping() -> Mapping_:
    text = """
timezone: Asia/Shanghai
objects:
  account:
    from: acc
    fields: {id: id, name: nm, modified_at: mod, created_at: mod}
    custom: {labels: {from: tags, type: list}}
"""
    from crmrules.language.document import parse
    from crmrules.language.mapping import load_mapping

    return load_mapping(parse(text, "m.yaml"))


def test_a_record_that_is_handed_out_twice_is_stored_once_as_it_stood_last(store: Path, api_mapping: Mapping_) -> None:
    old, new = datetime(2026, 1, 1, 20, tzinfo=UTC), datetime(2026, 1, 2, 20, tzinfo=UTC)
    connector = Paging([typed(("a", "new", new, ["x"]), ("b", "b", old, [])), typed(("a", "old", old, []))])
    report = pull(connector, api_mapping, store)
    assert report.objects["account"].stored == 2
    assert rows(store, "SELECT id, name, modified_at, created_at, labels FROM snapshot.account ORDER BY id") == [
        ("a", "new", datetime(2026, 1, 2, 20), date(2026, 1, 3), ["x"]),
        ("b", "b", datetime(2026, 1, 1, 20), date(2026, 1, 2), []),
    ]


def test_the_next_pull_asks_from_a_little_before_the_newest_record(store: Path, api_mapping: Mapping_) -> None:
    connector = Paging([typed(("a", "x", datetime(2026, 1, 2, 20, tzinfo=UTC), []))])
    for _ in range(2):
        counts = pull(connector, api_mapping, store).objects["account"]
    assert [r.since for r in connector.asked] == [None, datetime(2026, 1, 2, 19, 55, tzinfo=UTC)]
    assert (counts.new, counts.changed, counts.stored) == (0, 0, 1)


def test_progress_is_told_page_by_page(folder: Path, store: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    pull(crm(folder, {"Accounts.csv": FILE}), mapping(ACCOUNTS), store, progress=lambda *seen: told.append(seen))
    assert told == [("account", 3, None)]


def test_a_pull_that_is_killed_leaves_the_last_one_standing(folder: Path, store: Path) -> None:
    connector = crm(folder, {"Accounts.csv": FILE})
    pull(connector, mapping(ACCOUNTS), store)
    before = content(store)
    crm(folder, {"Accounts.csv": FILE.replace("Acme", "Other")})
    code = (
        "import os, sys; from pathlib import Path; from connectors.files.crm import crm, mapping\n"
        "from crmrules.pipeline.pull import pull\n"
        "pull(crm(Path(sys.argv[1])), mapping(sys.argv[3]), Path(sys.argv[2]),\n"
        "     progress=lambda *seen: os.kill(os.getpid(), 9))"
    )
    tests = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-c", code, str(folder), str(store), ACCOUNTS], cwd=tests, check=False)
    assert done.returncode == -signal.SIGKILL
    assert content(store) == before
    assert pull(connector, mapping(ACCOUNTS), store).objects["account"].changed == 1
    assert [p.name for p in store.parent.iterdir()] == [store.name]
