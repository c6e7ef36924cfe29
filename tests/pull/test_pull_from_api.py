"""Pull from a CRM with an API: children come along, deletions are fed, a broken read goes on, cheap where it can be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from crmrules.contracts.connector import Capabilities, Connector, NativeField, NativeObject, Page, ReadRequest
from crmrules.errors import Problem, RetryLater, RulesetError
from crmrules.language.document import parse
from crmrules.language.mapping import Mapping_, load_mapping
from crmrules.pipeline.pull import PullReport, pull
from crmrules.stores.snapshot import Snapshot
from crmrules.stores.stage import stage_path

DAY = datetime(2026, 3, 1, 8, tzinfo=UTC)
MAPPING = """
objects:
  account:
    from: Accounts
    fields: {id: Id, name: Name, modified_at: Changed}
  activity:
    - from: Calls
      fields: {id: Id, account_id: Account, type: {constant: call}, modified_at: Changed}
    - from: Meetings
      fields: {id: Id, account_id: Account, type: {from: Kind, default: meeting}, modified_at: Changed}
  tag:
    from: Tags
    fields: {object: Object, record_id: Record, name: Name}
"""


@dataclass
class Api(Connector):
    """A CRM in memory: two records a page, tags within accounts, a feed of deletions, cursors."""

    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    meetings: dict[str, dict[str, Any]] = field(default_factory=dict)
    bin: list[tuple[str, str, datetime]] = field(default_factory=list)
    asked: list[ReadRequest] = field(default_factory=list)
    pages: int = 0
    breaks_at: int = 0  # the page that fails
    time: datetime = DAY
    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(since="second", deletes="feed", resumes=True)
    )

    def describe(self) -> Sequence[NativeObject]:
        def fields(*names: str) -> tuple[NativeField, ...]:
            return tuple(NativeField(name=name) for name in names)

        activity = fields("Id", "Account", "Kind", "Changed")
        return [
            NativeObject(name="Accounts", fields=fields("Id", "Name", "Changed")),
            NativeObject(name="Calls", fields=activity),
            NativeObject(name="Meetings", fields=activity),
            NativeObject(name="Tags", fields=fields("Object", "Record", "Name"), within=("Accounts",)),
        ]

    def read(self, request: ReadRequest) -> Iterator[Page]:
        self.asked.append(request)
        records = {"Accounts": self.accounts, "Calls": self.calls, "Meetings": self.meetings}[request.object]
        due = [(id, r) for id, r in sorted(records.items()) if not request.since or r["Changed"] >= request.since]
        for start in range(int(request.after or 0), len(due), 2):
            self.pages += 1
            if self.pages == self.breaks_at:
                raise RetryLater(Problem("http-503", "busy"))
            page = due[start : start + 2]
            if any(child.object == "Tags" for child in request.children):
                tags = [("Accounts", id, tag) for id, r in page for tag in r.get("tags", ())]
                yield Page(
                    object="Tags", rows=_table(("Object", "Record", "Name"), tags),
                    covers=_table(("Object", "Record"), [("Accounts", id) for id, _ in page]),
                )  # fmt: skip
            rows = [(id, *(r.get(name) for name in request.fields if name != "Id")) for id, r in page]
            names = ("Id", *(name for name in request.fields if name != "Id"))
            yield Page(rows=_table(names, rows), source=f"/{request.object}", cursor=str(start + 2))

    def deleted(self, object: str, key: tuple[str, ...], since: datetime) -> Iterator[pa.Table]:
        yield _table(key, [(id,) for name, id, at in self.bin if name == object and at >= since])

    def clock(self) -> datetime:
        return self.time

    def put(self, id: str, name: str = "", *tags: str) -> None:
        self.accounts[id] = {"Name": name, "Changed": self.time, "tags": tags}

    def delete(self, id: str) -> None:
        del self.accounts[id]
        self.bin.append(("Accounts", id, self.time))


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    types = [pa.timestamp("us", "UTC") if name == "Changed" else pa.string() for name in names]
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.table({n: pa.array(c, t) for n, c, t in zip(names, columns, types, strict=True)})


@pytest.fixture
def api() -> Api:
    crm = Api()
    for number in range(5):
        crm.put(f"A{number}", f"Account {number}", "vip", f"t{number}")
    crm.calls["C1"] = {"Account": "A1", "Changed": DAY}
    crm.meetings["M1"] = {"Account": "A2", "Changed": DAY}
    crm.meetings["M2"] = {"Account": "A2", "Kind": "visit", "Changed": DAY}
    return crm


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "snapshot.duckdb"


def mapping(text: str = MAPPING) -> Mapping_:
    return load_mapping(parse(text, "mapping.yaml"))


def again(api: Api, store: Path, **options: Any) -> PullReport:
    api.asked.clear()
    api.pages = 0
    api.breaks_at = options.pop("breaks_at", 0)
    return pull(api, mapping(options.pop("mapping", MAPPING)), store, **options)


def rows(store: Path, sql: str) -> list[tuple[Any, ...]]:
    with Snapshot.open(store, read_only=True) as snapshot:
        found: list[tuple[Any, ...]] = snapshot.con.execute(sql).fetchall()
        return found


def tags(store: Path) -> set[tuple[str, str]]:
    return set(rows(store, "SELECT record_id, name FROM snapshot.tag"))


def test_children_come_with_their_parents_and_several_sources_become_one_object(api: Api, store: Path) -> None:
    again(api, store)
    assert [request.object for request in api.asked] == ["Accounts", "Calls", "Meetings"]  # tags cost no call
    assert tags(store) == {(f"A{n}", tag) for n in range(5) for tag in ("vip", f"t{n}")}
    assert rows(store, "SELECT id, type FROM snapshot.activity ORDER BY id") == [
        ("C1", "call"), ("M1", "meeting"), ("M2", "visit"),
    ]  # fmt: skip


def test_a_later_pull_reads_what_changed_and_drops_what_its_parents_lost(api: Api, store: Path) -> None:
    again(api, store)
    api.time += timedelta(days=1)
    api.put("A1", "Account 1", "vip", "new")
    api.delete("A3")
    report = again(api, store)
    assert api.asked[0].since == DAY - timedelta(minutes=5)
    assert ("A1", "new") in tags(store)
    assert ("A1", "t1") not in tags(store)
    assert not {record for record, _ in tags(store)} & {"A3"}
    assert (report.objects["account"].read, report.objects["account"].deleted) == (4, 1)  # within the overlap


def test_a_record_that_was_only_saved_again_is_told_apart_from_a_changed_one(api: Api, store: Path) -> None:
    again(api, store)
    api.time += timedelta(days=1)
    api.put("A1", "Account 1", "vip", "t1")  # as our own write would leave it
    api.put("A2", "renamed", "vip", "t2")
    counts = again(api, store).objects["account"]
    assert (counts.changed, counts.touched) == (1, 1)


def test_a_record_that_came_back_from_the_bin_stays(api: Api, store: Path) -> None:
    again(api, store)
    api.time += timedelta(days=1)
    api.delete("A3")
    api.put("A3", "restored")
    again(api, store)
    assert rows(store, "SELECT name FROM snapshot.account WHERE id = 'A3'") == [("restored",)]


def test_what_was_saved_while_we_read_is_read_next_time(api: Api, store: Path) -> None:
    api.accounts["A9"] = {"Name": "late", "Changed": DAY + timedelta(hours=2)}  # saved long after we began
    again(api, store)
    api.accounts["A0"] = {"Name": "in between", "Changed": DAY + timedelta(hours=1)}
    api.time += timedelta(days=1)
    again(api, store)
    assert rows(store, "SELECT name FROM snapshot.account WHERE id = 'A0'") == [("in between",)]


@pytest.mark.parametrize("page", [1, 2, 3, 4, 5])
def test_a_broken_pull_goes_on_where_it_was(api: Api, store: Path, page: int) -> None:
    with pytest.raises(RetryLater):
        again(api, store, breaks_at=page)
    report = again(api, store)
    assert api.pages == 5 - (page - 1)  # 3 pages of accounts, one of calls, one of meetings: none twice
    assert report.resumed
    assert len(tags(store)) == 10
    assert rows(store, "SELECT count(*) FROM snapshot.account") == [(5,)]
    assert rows(store, "SELECT count(*) FROM snapshot.activity") == [(3,)]
    assert not stage_path(store).exists()


@pytest.mark.parametrize("why", ["another mapping", "too old"])
def test_a_stage_that_does_not_fit_is_thrown_away(api: Api, store: Path, why: str) -> None:
    with pytest.raises(RetryLater):
        again(api, store, breaks_at=3)
    if why == "too old":
        api.time += timedelta(days=2)
    other = MAPPING.replace("name: Name, modified", "region: Name, modified") if why == "another mapping" else MAPPING
    report = again(api, store, mapping=other)
    assert not report.resumed
    assert api.pages == 5


def test_a_changed_mapping_of_children_reads_their_parents_again(api: Api, store: Path) -> None:
    again(api, store)
    changed = MAPPING.replace("name: Name}\n", "name: {from: Name, values: {vip: VIP}}}\n")
    again(api, store, mapping=changed)
    assert api.asked[0].since is None
    assert ("A0", "VIP") in tags(store)


def test_an_object_that_is_written_to_has_one_source() -> None:
    two = "objects: {account: [{from: A, fields: {id: Id}}, {from: B, fields: {id: Id}}]}"
    with pytest.raises(RulesetError) as caught:
        mapping(two)
    assert caught.value.problems[0].code in ("many-sources", "wrong-type")
