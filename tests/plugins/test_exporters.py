"""Exporters: outcomes as CSV, JSON Lines, Parquet, and at a web endpoint."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crmrules.errors import ConnectorError, DataError
from crmrules.plugins.host import installed

ROWS: list[dict[str, Any]] = [
    {"id": "1", "name": "=HYPERLINK(1)", "tier": "高", "net": Decimal("12.5000"), "on": date(2026, 1, 2), "tags": ["a", "b"], "x": 0.5},
    {"id": "2", "name": 'a "quoted", one\nline', "tier": None, "net": None, "on": None, "tags": [], "x": float("nan")},
]  # fmt: skip


def tables() -> dict[str, Iterator[pa.RecordBatch]]:
    batch = pa.RecordBatch.from_pylist(ROWS)
    return {"account": iter([batch.slice(0, 1), batch.slice(1)]), "flag": iter([batch.slice(0, 0)])}


def test_csv_keeps_text_and_disarms_formulas(tmp_path: Path) -> None:
    places = installed().exporter("csv").export(tables(), "out", {}, tmp_path)
    assert [Path(place).name for place in places] == ["account.csv", "flag.csv"]
    raw = Path(places[0]).read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    with Path(places[0]).open(encoding="utf-8-sig", newline="") as file:
        first, second = csv.DictReader(file)
    assert first == {
        "id": "1", "name": "'=HYPERLINK(1)", "tier": "高", "net": "12.5000", "on": "2026-01-02", "tags": "a;b", "x": "0.5",
    }  # fmt: skip
    assert second["name"] == ROWS[1]["name"]
    assert (second["net"], second["x"], second["tier"]) == ("", "", "")
    assert Path(places[1]).read_text(encoding="utf-8-sig") == "id,name,tier,net,on,tags,x\n"


def test_json_lines_hold_one_row_each(tmp_path: Path) -> None:
    places = installed().exporter("jsonl").export(tables(), "out", {}, tmp_path)
    rows = [json.loads(line) for line in Path(places[0]).read_text().splitlines()]
    assert rows[0]["net"] == "12.5000"
    assert rows[0]["tags"] == ["a", "b"]
    assert (rows[1]["name"], rows[1]["x"]) == (ROWS[1]["name"], None)
    assert Path(places[1]).read_text() == ""


def test_parquet_keeps_types(tmp_path: Path) -> None:
    places = installed().exporter("parquet").export(tables(), "out", {}, tmp_path)
    table = pq.read_table(places[0])
    assert table.num_rows == 2
    assert table.column("net").to_pylist() == [Decimal("12.5000"), None]
    assert pq.read_table(places[1]).schema.names == table.schema.names


def test_a_file_that_was_there_stays_when_the_export_fails(tmp_path: Path) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pylist(ROWS[:1])
        raise ConnectorError([])

    (tmp_path / "account.csv").write_text("old")
    with pytest.raises(ConnectorError):
        installed().exporter("csv").export({"account": broken()}, ".", {}, tmp_path)
    assert (tmp_path / "account.csv").read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["account.csv"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(DataError, match="out"):
        installed().exporter("csv").export(tables(), "out", {}, tmp_path)


class Endpoint(BaseHTTPRequestHandler):
    """Keeps a batch once per idempotency key; the first call is answered by 503."""

    kept: dict[str, tuple[str, list[dict[str, Any]]]]
    calls: list[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        key = self.headers["Idempotency-Key"]
        self.calls.append(key)
        self.kept[key] = (self.headers["Crmrules-Table"], [json.loads(line) for line in body.splitlines()])
        wrong = self.headers["Authorization"] != "Bearer t"
        self.send_response(401 if wrong else 503 if len(self.calls) == 1 else 204)
        self.send_header("Content-Length", "0")
        self.send_header("Retry-After", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def endpoint() -> Iterator[ThreadingHTTPServer]:
    Endpoint.kept, Endpoint.calls = {}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_webhook_delivers_each_batch_once_though_an_answer_is_lost(
    endpoint: ThreadingHTTPServer, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{endpoint.server_port}/in"
    settings = {"batch": 1, "headers": {"Authorization": "Bearer t"}}
    places = installed().exporter("webhook").export(tables(), url, settings, tmp_path)
    assert places == [f"{url} (account: 2)", f"{url} (flag: 0)"]
    assert len(Endpoint.calls) == 3
    assert len(Endpoint.kept) == 2
    assert sorted(rows[0]["id"] for _, rows in Endpoint.kept.values()) == ["1", "2"]
    again = len(Endpoint.kept)
    installed().exporter("webhook").export(tables(), url, settings, tmp_path)
    assert len(Endpoint.kept) == again  # the same decision has the same keys


def test_an_endpoint_that_refuses_is_named(endpoint: ThreadingHTTPServer, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{endpoint.server_port}/in"
    with pytest.raises(ConnectorError, match="401"):
        installed().exporter("webhook").export(tables(), url, {}, tmp_path)
