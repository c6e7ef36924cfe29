"""A decision's file changes as a whole or not at all, and what is wrong with it is said."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from crmrules.errors import StoreError
from crmrules.pipeline.decide import decide_file
from crmrules.playbook.render import jinja_renderer
from crmrules.stores.snapshot import Snapshot, attach

from .world import PYTHON, ruleset

CLASSES = """
size:
  of: account
  label: {zh: 规模, en: Size}
  values: {large: {zh: 大, en: Large}}
  rules: [{id: size.large, when: {employees: {gte: 100}}, then: large}]
  otherwise: unknown
"""


def _decide(folder: Path, classes: str = CLASSES) -> Path:
    snapshot, out = folder / "snapshot.duckdb", folder / "decision.duckdb"
    if not snapshot.exists():
        Snapshot.open(snapshot).close()
    rules = ruleset(folder / "rules", classes=classes)

    def attached(con: duckdb.DuckDBPyConnection, path: Path) -> str:
        attach(con, path)
        return "content"

    decide_file(
        snapshot, out, rules, as_of=date(2025, 6, 30), engine=PYTHON, renderer=jinja_renderer(), language="en",
        attach=attached,
    )  # fmt: skip
    return out


def test_a_decision_replaces_the_last_one_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    _decide(tmp_path)
    _decide(tmp_path)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["decision.duckdb", "rules", "snapshot.duckdb"]


def test_a_damaged_decision_is_named_with_a_remedy_and_not_replaced(tmp_path: Path) -> None:
    out = _decide(tmp_path)
    out.write_bytes(out.read_bytes()[:5000])
    with pytest.raises(StoreError, match=r"decision-unreadable[\s\S]*delete the file"):
        _decide(tmp_path)
    assert out.stat().st_size == 5000
    assert not (tmp_path / "decision.duckdb.new").exists()
    out.unlink()
    _decide(tmp_path)


def test_a_damaged_snapshot_leaves_the_last_decision_as_it_was(tmp_path: Path) -> None:
    out = _decide(tmp_path)
    before = out.read_bytes()
    (tmp_path / "snapshot.duckdb").write_bytes(b"not a database")
    with pytest.raises(StoreError):
        _decide(tmp_path)
    assert out.read_bytes() == before
