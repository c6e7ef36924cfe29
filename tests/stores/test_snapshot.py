"""The snapshot: opened by one writer or many readers, and never half believed."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from crmrules.errors import StoreError
from crmrules.model.objects import OBJECTS, CustomField, Field, FieldType
from crmrules.stores.snapshot import Snapshot, attach, content_hash, empty_snapshot, load_rows

CUSTOM = (CustomField(object="account", field=Field(name="plan", type=FieldType.text)),)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "snapshot.duckdb"
    with Snapshot.open(path, CUSTOM) as snapshot:
        load_rows(snapshot.con, "account", [{"id": f"A{n}", "name": "江州", "plan": "gold"} for n in range(1000)])
    return path


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path / "snapshot.duckdb"))


def test_every_object_has_its_table_and_every_table_its_columns() -> None:
    con = duckdb.connect()
    empty_snapshot(con, CUSTOM)
    for name, object in OBJECTS.items():
        found = [row[0] for row in con.execute(f'DESCRIBE snapshot."{name}"').fetchall()]
        assert found == [f.name for f in object.fields] + (["plan"] if name == "account" else [])


def test_rows_are_cast_to_their_columns_and_missing_ones_are_null() -> None:
    con = duckdb.connect()
    empty_snapshot(con)
    load_rows(
        con, "deal", [{"id": "D1", "amount": "12.5", "created_at": "2026-01-02"}, {"id": "D2", "new_requirement": True}]
    )
    assert con.execute("SELECT id, amount::VARCHAR, created_at::VARCHAR, new_requirement FROM snapshot.deal ORDER BY id").fetchall() == [
        ("D1", "12.5000", "2026-01-02", None), ("D2", None, None, True),
    ]  # fmt: skip
    with pytest.raises(KeyError, match="colour"):
        load_rows(con, "deal", [{"id": "D3", "colour": "red"}])


def test_readers_share_it_and_see_it_as_snapshot(store: Path) -> None:
    with Snapshot.open(store, read_only=True) as one, duckdb.connect() as two:
        assert one.counts()["account"] == 1000
        attach(two, store)
        assert two.execute("SELECT count(*) FROM snapshot.account WHERE plan = 'gold'").fetchall() == [(1000,)]
        with pytest.raises(duckdb.Error, match="read-only"):
            two.execute("DELETE FROM snapshot.account")


def test_the_content_id_knows_the_records_and_not_their_order(tmp_path: Path) -> None:
    records = [{"id": f"A{n}", "name": f"客户{n}", "beds": n} for n in range(50)]

    def hashed(rows: list[dict[str, object]]) -> str:
        con = duckdb.connect()
        empty_snapshot(con)
        load_rows(con, "account", rows)
        return content_hash(con)

    shuffled = random.Random(1).sample(records, len(records))
    assert hashed(records) == hashed(shuffled)
    assert hashed(records) != hashed(records[1:])
    assert hashed(records) != hashed([{**records[0], "beds": None}, *records[1:]])


def test_there_is_nothing_to_read_before_a_pull(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no snapshot"):
        Snapshot.open(tmp_path / "none.duckdb", read_only=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.01, 0.5, 0.9, 0.99999])
def test_a_truncated_file_is_noticed_at_the_door(store: Path, share: float) -> None:
    whole = store.read_bytes()
    store.write_bytes(whole[: int(len(whole) * share)])
    for read_only in (True, False):
        with pytest.raises(StoreError, match="snapshot-broken") as caught:
            Snapshot.open(store, read_only=read_only)
        assert "pull again" in caught.value.problems[0].hint
    assert len(store.read_bytes()) == int(len(whole) * share)  # what is left is left alone


def test_a_file_that_duckdb_has_shortened_is_whole(store: Path) -> None:
    for rows in (300_000, 10, 300_000, 10, 300_000):
        with duckdb.connect() as con:
            con.execute(f"ATTACH '{store}' AS s")
            con.execute(f"CREATE OR REPLACE TABLE s.t{rows} AS SELECT x, md5(x::VARCHAR) AS y FROM range({rows}) r(x)")
            con.execute("DELETE FROM s.t300000 WHERE x > 10")
    with duckdb.connect(str(store), read_only=True) as con:
        counted = con.execute("SELECT block_size * total_blocks FROM pragma_database_size()").fetchall()[0][0]
    assert store.stat().st_size < counted  # free blocks that it counts, and that are not there
    Snapshot.open(store, read_only=True).close()


def test_another_kind_of_file_is_not_taken_for_one(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.duckdb"
    path.write_bytes(b"PK\x03\x04" * 5000)
    with pytest.raises(StoreError, match="snapshot-broken"):
        Snapshot.open(path)
    path.unlink()
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE mine (x INT)")
    with pytest.raises(StoreError, match="not a snapshot of crmrules"):
        Snapshot.open(path)


def test_a_snapshot_of_a_newer_crmrules_is_refused(store: Path) -> None:
    with duckdb.connect(str(store)) as con:
        con.execute("UPDATE meta SET value = '99' WHERE key = 'format'")
    with pytest.raises(StoreError, match="has format 99"):
        Snapshot.open(store, read_only=True)


def test_while_one_process_writes_nobody_else_comes_in(store: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from crmrules.stores.snapshot import Snapshot\n"
        "with Snapshot.open(Path(sys.argv[1])): print('ok', flush=True); input()"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(store)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ok\n"
    try:
        for read_only in (True, False):
            with pytest.raises(StoreError, match="in use by another run"):
                Snapshot.open(store, read_only=read_only)
    finally:
        writer.communicate("\n")
    with Snapshot.open(store, read_only=True) as snapshot:
        assert snapshot.counts()["account"] == 1000


def test_older_duckdbs_can_read_it(store: Path) -> None:
    with Snapshot.open(store, read_only=True) as snapshot:
        tags = snapshot.con.execute("SELECT tags FROM duckdb_databases() WHERE database_name = 'snapshot'").fetchall()
    assert "v1.0.0" in str(tags)
