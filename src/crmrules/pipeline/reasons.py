"""Say why, in both languages, for every change of a plan: only what changes is worth the rendering."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from crmrules.contracts.renderer import RendererPlugin, Template, Vocabulary
from crmrules.evaluation.evaluator import Evaluator
from crmrules.evaluation.sql import quote
from crmrules.language.frames import frames, resolve
from crmrules.language.ruleset import Ruleset
from crmrules.language.vocabulary import parameter_values, value_labels
from crmrules.model.changes import Change, Plan
from crmrules.model.text import LANGUAGES, Text, text
from crmrules.pipeline.planfile import plan_id
from crmrules.redaction import redact

_WITHDRAWN = text("不再成立", "no longer holds")
_DEFAULT = text("没有规则命中,取默认值", "no rule fired: the default")
_SCORE = text("得分 {score:.2f}({band}),依据:{families}", "score {score:.2f} ({band}), from: {families}")
_BY_PERSON = text("人工设定", "set by a person")
_NOTHING = text("", "")

Row = Mapping[str, Any]


def with_reasons(
    con: duckdb.DuckDBPyConnection, ruleset: Ruleset, as_of: date, plan: Plan, renderer: RendererPlugin
) -> Plan:
    """Return *plan* with a reason for each change, and the id that belongs to it.

    *con* has the decision's tables and the snapshot attached, as for :func:`crmrules.pipeline.plan.make_plan`.
    Raises RulesetError where a reason's template is wrong.
    """
    reasons = _Reasons(con, ruleset, as_of, plan.changes, renderer)
    changes = tuple(
        replace(
            change,
            reason_zh=redact(reason.by_language.get("zh", "")),
            reason_en=redact(reason.by_language.get("en", "")),
        )
        for change, reason in ((change, reasons.of(change)) for change in plan.changes)
    )
    told = replace(plan, changes=changes)
    return replace(told, id=plan_id(told))


@dataclass(frozen=True)
class _Why:
    """A reason's template on the rows of a frame."""

    frame: str
    text: Text


class _Reasons:
    """Everything that the reasons of some changes need, read at once."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, ruleset: Ruleset, as_of: date, changes: Sequence[Change],
        renderer: RendererPlugin,
    ) -> None:  # fmt: skip
        self._con, self._ruleset = con, ruleset
        self._labels = {language: value_labels(ruleset, language) for language in LANGUAGES}
        self._whys = _whys(ruleset)
        self._flagged = self._flag_records(changes)
        self._parts = self._part_reasons(changes)
        used = {c.rule for c in changes if c.new is not None} & set(self._whys)
        self._templates = {rule: self._compiled(self._whys[rule], renderer) for rule in sorted(used)}
        self._rows = self._read(Evaluator.resume(con, ruleset, as_of), changes)

    def of(self, change: Change) -> Text:
        """Return the reason of one change, in each language."""
        if change.new is None:
            return _WITHDRAWN
        if change.rule in self._templates:
            row = self._rows.get((self._whys[change.rule].frame, self._record(change)), {})
            return Text({language: template(row) for language, template in self._templates[change.rule].items()})
        if change.rule in self._ruleset.classes:
            return _DEFAULT
        if change.rule == "role":
            return self._parts.get((change.target.object, change.target.record_id), _NOTHING)
        if change.rule.startswith("flag."):
            return self._ruleset.flags[change.rule.removeprefix("flag.")].label
        return _NOTHING

    def _record(self, change: Change) -> str:
        """Return the record whose row fills the reason: a flag of a deal may stand on its account."""
        return self._flagged.get((change.rule, change.target.record_id), change.target.record_id)

    def _compiled(self, why: _Why, renderer: RendererPlugin) -> dict[str, Template]:
        return {
            language: renderer.compile(
                why.text.of(language), Vocabulary(language=language, labels=self._labels[language])
            )
            for language in LANGUAGES
        }

    def _read(self, evaluator: Evaluator, changes: Iterable[Change]) -> dict[tuple[str, str], Row]:
        wanted: dict[str, set[str]] = defaultdict(set)
        paths: dict[str, set[str]] = defaultdict(set)
        known = frames(self._ruleset)
        for change in changes:
            if change.new is not None and change.rule in self._templates:
                frame = self._whys[change.rule].frame
                wanted[frame].add(self._record(change))
                paths[frame].update(p for t in self._templates[change.rule].values() for p in t.paths)
        constants = parameter_values(self._ruleset)
        rows: dict[tuple[str, str], Row] = {}
        for frame in sorted(wanted):
            columns = sorted(p for p in paths[frame] if resolve(known, frame, p) is not None)
            relation = evaluator.relation(frame, sorted({*columns, "id"}))
            names = ", ".join(map(quote, columns))
            sql = f"SELECT id{', ' + names if names else ''} FROM ({relation}) r WHERE id IN (SELECT id FROM wanted)"
            for id, *values in self._among(sorted(wanted[frame]), sql):
                rows[frame, id] = {**constants, **dict(zip(columns, values, strict=True))}
        return rows

    def _flag_records(self, changes: Iterable[Change]) -> dict[tuple[str, str], str]:
        accounts = sorted(
            {c.account_id for c in changes if c.rule.startswith("flag.") and c.target.object == "account"}
        )
        sql = (
            "SELECT flag, account_id, min(record_id) FROM flag WHERE account_id IN (SELECT id FROM wanted) GROUP BY ALL"
        )
        found = self._among(accounts, sql) if accounts else []
        return {(f"flag.{flag}", account): record for flag, account, record in found}

    def _part_reasons(self, changes: Iterable[Change]) -> dict[tuple[str, str], Text]:
        """Return why contacts have their roles: (object, record id) -> score, band and families."""
        contacts = sorted(
            {c.target.record_id.rpartition("|")[2] for c in changes if c.rule == "role" and c.new is not None}
        )
        if not contacts or self._ruleset.roles is None:
            return {}
        families = self._ruleset.roles.families
        reasons: dict[tuple[str, str], Text] = {}
        for contact, deal, score, band, source, found, rolled_up in self._among(contacts, _PARTS):
            reason = _BY_PERSON if source == "manual" else Text({
                language: _SCORE.of(language).format(
                    score=score, band=self._labels[language]["band"].get(band, band),
                    families="、".join(labels) if language == "zh" else ", ".join(labels),
                )
                for language in LANGUAGES
                for labels in [[families[f].label.of(language) or f for f in found or () if f in families]]
            })  # fmt: skip
            if rolled_up:
                reasons["contact", contact] = reason
            else:
                reasons["deal_contact", f"{deal}|{contact}"] = reason
        return reasons

    def _among(self, ids: Sequence[str], sql: str) -> list[tuple[Any, ...]]:
        self._con.register("wanted", pa.table({"id": pa.array(ids, pa.string())}))
        try:
            return self._con.execute(sql).fetchall()
        finally:
            self._con.unregister("wanted")


# one row per part, and one per contact for the roll-up; families strongest first
_PARTS = """
WITH part_role AS (
    SELECT contact_id, deal_id, role, score, band, source, false AS rolled_up FROM part
    UNION ALL SELECT contact_id, deal_id, role, score, band, source, true FROM contact_role
), family AS (
    SELECT p.contact_id, p.deal_id, p.rolled_up, e.family, max(e.decayed) AS best
    FROM part_role p JOIN evidence e ON e.contact_id = p.contact_id AND (p.deal_id = '' OR e.deal_id IN ('', p.deal_id))
        AND e.role = p.role AND NOT e.against
    GROUP BY ALL
)
SELECT p.contact_id, p.deal_id, p.score, p.band, p.source,
    (SELECT list(f.family ORDER BY f.best DESC, f.family) FROM family f
     WHERE f.contact_id = p.contact_id AND f.deal_id = p.deal_id AND f.rolled_up = p.rolled_up), p.rolled_up
FROM part_role p WHERE p.contact_id IN (SELECT id FROM wanted) AND p.score IS NOT NULL
"""


def _whys(ruleset: Ruleset) -> dict[str, _Why]:
    """Return every rule that has a reason of its own, by the name that `desired.rule` has for it."""
    rules = {
        rule.id: _Why(dimension.of, rule.why)
        for dimension in ruleset.classes.values()
        for rule in dimension.rules
        if rule.why and dimension.of != "part"
    }
    flags = {f"flag.{flag.id}": _Why(flag.of, flag.why) for flag in ruleset.flags.values() if flag.why}
    return rules | flags
