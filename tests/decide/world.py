"""A small world for tests of decisions: a ruleset from text, records from dicts, the whole pipeline in memory."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from crmrules.contracts.engine import EnginePlugin
from crmrules.inference.semi_naive import compile_program
from crmrules.language.loader import load_ruleset
from crmrules.language.ruleset import Ruleset
from crmrules.pipeline.decide import decide
from crmrules.playbook.render import jinja_renderer
from crmrules.stores.snapshot import empty_snapshot, load_rows

AS_OF = date(2025, 6, 30)
PYTHON = EnginePlugin(name="python", compile=compile_program, available=lambda: "")

ROLES = """
roles:
  decision_maker: {zh: 决策者, en: Decision maker}
  approver: {zh: 审批者, en: Approver}
  user: {zh: 使用者, en: User}
precedence: [decision_maker, approver, user]
tie: 0.05
wins_from: {decision_maker: 0.60}
bands: {high: 0.80, medium: 0.60, low: 0.30}
minimum: {high: {families: 2}, medium: {families: 2, or_any: [formal]}}
write_bands: [high, medium]
keep_margin: 0.10
families:
  position: {label: {zh: 职务, en: Position}, half_life: none}
  said: {label: {zh: 表述, en: Statement}, half_life: none}
  formal: {label: {zh: 正式, en: Formal act}, half_life: none}
  fading: {label: {zh: 衰减, en: Fading}, half_life: 365}
  other: {label: {zh: 其他, en: Other}, half_life: none}
caps: [{only: [position], max: 0.55}]
stance:
  order: [opponent, champion, neutral]
  labels: {opponent: {zh: 反对, en: Opponent}, champion: {zh: 支持, en: Champion}, neutral: {zh: 中立, en: Neutral}}
  half_life: 180
  sticky: [opponent]
  floor: 0.3
evidence:
"""


def ruleset(folder: Path, **sections: str) -> Ruleset:
    """Write the sections as YAML files beside a minimal ruleset.yaml and load it."""
    folder.mkdir(parents=True, exist_ok=True)
    head = "schema: ruleset-v1\nname: test\nversion: 1.0.0\nlabel: {zh: 测试, en: Test}\nlanguages: [zh, en]\n"
    (folder / "ruleset.yaml").write_text(head + sections.pop("ruleset", ""), encoding="utf-8")
    for name, text in sections.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load_ruleset(folder)


def decided(
    rules: Ruleset,
    records: Mapping[str, list[dict[str, Any]]],
    as_of: date = AS_OF,
    previous: str | None = None,
    con: duckdb.DuckDBPyConnection | None = None,
) -> duckdb.DuckDBPyConnection:
    """Return a connection with the decision over *records*."""
    con = con or duckdb.connect()
    empty_snapshot(con)
    for object, rows in records.items():
        load_rows(con, object, rows)
    decide(con, rules, as_of=as_of, engine=PYTHON, renderer=jinja_renderer(), language="en", previous=previous)
    return con


def scores(con: duckdb.DuckDBPyConnection, contact: str = "c1", deal: str = "") -> dict[str, tuple[float, str]]:
    """Return role -> (score, band) of a contact's part."""
    sql = "SELECT role, score, band FROM role_score WHERE contact_id = ? AND deal_id = ?"
    return {role: (score, band) for role, score, band in con.execute(sql, [contact, deal]).fetchall()}
