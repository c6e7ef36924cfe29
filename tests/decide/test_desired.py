"""Outcomes become what we want in tags, fields and notes, and nothing else does."""

from __future__ import annotations

from pathlib import Path

from .test_roles import ACCOUNT, ITEMS
from .world import ROLES, decided, ruleset

FLAGS = "{big: {of: account, when: {employees: {gte: 100}}, label: {zh: 大, en: Big}}}"
WRITE = """
big: {of: account, outcome: flag.big, to: {tag: big}}
all: {of: account, outcome: flags, to: {tag: "flag.{value}"}}
role: {of: contact, outcome: role, to: {tag: "role={value}"}}
boss: {of: contact, outcome: role.decision_maker, to: {tag: boss}}
sign: {of: contact, outcome: role.approver, to: {tag: signs}}
user: {of: part, outcome: role.user, to: {field: role}}
"""
GUARDS = "{patient: {of: contact, when: {person_type: patient}, effect: no_write}}"


def wanted(folder: Path, title: str, **more: object) -> set[tuple[str, str, str, str]]:
    rules = ruleset(folder, roles=ROLES + ITEMS, flags=FLAGS, write=WRITE, guards=GUARDS)
    contact = {"id": "c1", "account_id": "a1", "name": "Ann", "title": title, **more}
    con = decided(rules, {"account": [{**ACCOUNT, "employees": 500}], "contact": [contact]})
    return set(con.execute("SELECT object, kind, name, value FROM desired").fetchall())


def test_each_outcome_goes_to_its_own_place(tmp_path: Path) -> None:
    assert wanted(tmp_path, "boss signs approves") == {
        ("account", "tag", "big", ""),
        ("account", "tag", "flag.big", ""),
        ("contact", "tag", "role", "decision_maker"),
        ("contact", "tag", "boss", ""),
        ("contact", "tag", "signs", ""),  # the second role has a score of its own
    }


def test_a_guess_is_not_written(tmp_path: Path) -> None:
    assert {object for object, *_ in wanted(tmp_path, "boss")} == {"account"}


def test_a_guard_or_a_persons_lock_keeps_us_from_writing(tmp_path: Path) -> None:
    assert {o for o, *_ in wanted(tmp_path / "guard", "boss signs", person_type="patient")} == {"account"}
    assert {o for o, *_ in wanted(tmp_path / "lock", "boss signs", crm_role="user", role_locked=True)} == {"account"}
