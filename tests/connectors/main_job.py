"""The main job against any CRM, by the real command line: pull, decide, plan, apply, a person's edit, sync, undo.

A connector's test implements :class:`Crm` (how its CRM is filled, and looked at as people see it) and calls
:func:`main_job` once per language. The records are a dozen accounts of the sample CRM, with everything that
hangs on them, in canonical words and types.
"""

from __future__ import annotations

import atexit
import contextlib
import csv
import io
import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import yaml

from crmrules.cli.main import exit_code
from crmrules.model.changes import tag_text
from crmrules.model.objects import OBJECTS
from crmrules.samples import AS_OF, copy_demo

ACCOUNTS = 12
# Files of the sample, the column that ties a row to another file, and which; the first column is a row's id.
_REFERENCES = (
    ("Accounts", "Account ID", "Accounts"),
    ("Contacts", "Account ID", "Accounts"),
    ("Deals", "Account ID", "Accounts"),
    ("DealContacts", "商机编号", "Deals"),
    ("Activities", "Account ID", "Accounts"),
    ("Participants", "活动编号", "Activities"),
    ("Orders", "Account ID", "Accounts"),
    ("tags", "record_id", "Accounts"),
    ("notes", "record_id", "Accounts"),
)
Row = Mapping[str, Any]  # canonical field -> str, int, float, Decimal, bool, date, naive UTC datetime; None where blank
Records = Mapping[str, tuple[Row, ...]]  # canonical object -> its rows
Ids = Mapping[tuple[str, str], str]  # canonical object and id in the records -> id in the CRM


class Crm(ABC):
    """A CRM for the main job; a fresh one for each."""

    connector: str  # name of the plugin
    ruleset: str = "b2b-core"  # or what `rules` holds
    rules: Mapping[
        str, str
    ] = {}  # files of a ruleset of the CRM's own (path -> content), where it can't take all of b2b-core
    mapping: Mapping[str, Any] | None = None  # a mapping-v1 document; None: the connector's own
    as_of: date = AS_OF
    # Outcomes that differ from those of the same records in files, because the CRM has no place for what leads there:
    # names of tags (`seg.risk`), of fields, or `note`.
    differing: frozenset[str] = frozenset()

    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """Return the profile's ``settings``."""

    @abstractmethod
    def load(self, records: Records) -> Ids:
        """Put *records* into the CRM as people would have; return the ids that accounts, contacts and deals got."""

    @abstractmethod
    def tags(self, object: str, id: str) -> set[str]:
        """Return the tags of a record (canonical object, the CRM's id) as people see them."""

    @abstractmethod
    def notes(self, object: str, id: str) -> list[tuple[str, str]]:
        """Return (title, body) of a record's notes, as the connector's ``read`` spells them."""

    @abstractmethod
    def field(self, object: str, id: str, name: str) -> str | None:
        """Return a canonical field that we wrote, in our words (``deal_contact``: the id is ``deal|contact``)."""

    @abstractmethod
    def retag(self, object: str, id: str, old: str, new: str) -> None:
        """Replace a record's tag by another, as a person would."""

    @abstractmethod
    def dump(self) -> Mapping[str, Any]:
        """Return everything that we might have written, comparable: what undo has to restore.

        Per place a value: ``{"account 12 tags": [...], "account 12 notes": [...], "deal_contact 3|4 role": ...}``;
        places that are empty are left out.
        """


@dataclass(frozen=True)
class Cli:
    """The command line on one profile."""

    profile: Path
    language: str

    def __call__(self, *arguments: str, code: int = 0) -> Any:
        """Run a command and return its JSON; fails with what it said where its exit code isn't *code*."""
        out, err = io.StringIO(), io.StringIO()
        command = [*arguments, "--profile", str(self.profile), "--lang", self.language, "--format", "json"]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            ended = exit_code(command)
        assert ended == code, f"{' '.join(arguments)}: {err.getvalue()[:2000]}"
        return json.loads(out.getvalue())


def main_job(crm: Crm, folder: Path, language: str) -> None:
    """Do the whole job with *crm* and hold it to what the issue promises."""
    ids = crm.load(records())
    run = Cli(profile(crm, folder, language), language)
    before = crm.dump()

    pulled = run("pull")
    for name in ("account", "contact", "deal"):
        assert pulled["objects"][name]["stored"] == len(records()[name]), name
    run("decide", "--as-of", crm.as_of.isoformat())
    plan = run("plan")
    changes = {(c["target"]["object"], c["target"]["record_id"], c["target"]["name"]): c for c in plan["changes"]}
    assert crm.dump() == before, "a plan writes nothing"

    applied = run("apply", plan["id"])
    assert applied["counts"] == {"written": len(changes)}
    for change in changes.values():
        _arrived(crm, change)
    _has_evidence(run, changes)
    if language == "zh":  # once is enough: the language changes only the notes
        _is_as_with_files(crm, ids, changes)

    place, tags = _edit(crm, changes)
    synced = run("sync", "--as-of", crm.as_of.isoformat())
    assert synced["plan"]["changes"] == 0, "a second run has nothing to write, and lets the person's edit stand"
    assert synced["applied"]["counts"] == {}
    assert ("people", "seg.value") in {(d["human"], d["target"]["name"]) for d in run("plan")["dissents"]}
    assert crm.dump()[place] == tags

    undone = run("undo", code=1)  # done, and something was left to the person
    assert undone["counts"] == {"written": len(changes) - 1, "stale": 1}
    after = dict(crm.dump())
    assert after.pop(place) == sorted([*before.get(place, []), "seg.value=people"])
    assert after == {name: value for name, value in before.items() if name != place}


def profile(crm: Crm, folder: Path, language: str) -> Path:
    """Write the profile of *crm* into *folder* and return its path."""
    said = {
        "schema": "profile-v1", "name": "main-job", "connector": crm.connector, "settings": dict(crm.settings()),
        "rulesets": [crm.ruleset], "language": language, "state": "state",
        # A first run over few records changes a large share of them.
        "write": {"brakes": {"share": 1.0, "tag_share": 1.0}},
        **({"mapping": dict(crm.mapping)} if crm.mapping else {}),
    }  # fmt: skip
    files = {**crm.rules, "crmrules.yaml": yaml.safe_dump(said, allow_unicode=True, sort_keys=False)}
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder / "crmrules.yaml"


@cache
def records() -> Records:
    """Return the first dozen accounts of the sample CRM and everything about them, in canonical form."""
    import duckdb

    state = _in_files().profile.parent / ".crmrules" / "demo"
    with duckdb.connect(str(state / "snapshot.duckdb"), read_only=True) as con:
        names = [name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {name: tuple(_rows(con, f'FROM "{name}" ORDER BY ALL')) for name in OBJECTS if name in names}


@cache
def _in_files() -> Cli:
    """Pull the sample once from files; every CRM is held to what comes of that."""
    folder = Path(mkdtemp(prefix="main-job-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    run = Cli(_sample(folder), "zh")
    run("pull")
    return run


def _rows(con: Any, query: str) -> list[Row]:
    cursor = con.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _sample(folder: Path) -> Path:
    """Write the sample CRM, cut down to the first dozen accounts, and return its profile."""
    profile = copy_demo(folder)
    kept: dict[str, set[str]] = {}
    for file, column, of in _REFERENCES:
        path = folder / "crm" / f"{file}.csv"
        raw = path.read_bytes()
        encoding = (
            "utf-8" if file in ("Accounts", "Contacts", "Deals", "Activities", "Orders", "tags", "notes") else "gb18030"
        )
        rows = list(csv.DictReader(io.StringIO(raw.decode(encoding), newline="")))
        rows = rows[:ACCOUNTS] if file == of else [row for row in rows if row[column] in kept[of]]
        kept[file] = {next(iter(row.values())) for row in rows}
        with path.open("w", encoding=encoding, newline="") as stream:
            writer = csv.DictWriter(stream, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return profile


def _arrived(crm: Crm, change: Mapping[str, Any]) -> None:
    target, new = change["target"], change["new"]
    object, id, name = target["object"], target["record_id"], target["name"]
    if target["kind"] == "tag":
        assert tag_text(name, new) in crm.tags(object, id)
    elif target["kind"] == "note":
        assert (name, new) in crm.notes(object, id)
    else:
        assert crm.field(object, id, name) == new


def _edit(crm: Crm, changes: Mapping[tuple[str, str, str], Any]) -> tuple[str, Any]:
    """Let a person think otherwise about one account; return the place and what stands there then."""
    (object, id, name), change = next((key, c) for key, c in sorted(changes.items()) if key[2] == "seg.value")
    before = crm.dump()
    crm.retag(object, id, tag_text(name, change["new"]), tag_text(name, "people"))
    (edited,) = (item for item in crm.dump().items() if before.get(item[0]) != item[1])
    return edited


def _has_evidence(run: Cli, changes: Mapping[tuple[str, str, str], Any]) -> None:
    roles = {id: c for (object, id, name), c in changes.items() if object == "contact" and name == "role"}
    assert len({c["new"] for c in roles.values()}) >= 3, "several different roles were decided"
    assert all(c["reason_zh"] and c["reason_en"] for c in roles.values())
    told = run("explain", "contact", min(roles))
    assert told["record_id"] == min(roles)
    assert str(roles[min(roles)]["new"]) in json.dumps(told)


def _is_as_with_files(crm: Crm, ids: Ids, changes: Mapping[tuple[str, str, str], Any]) -> None:
    """The same records give the same outcomes, wherever they are kept."""
    expected = {}
    for (object, id, name), value in _with_files(crm.as_of).items():
        if "note" not in crm.differing or value[0] != "note":
            parts = ("deal", "contact") if object == "deal_contact" else (object,)
            there = "|".join(ids[part, key] for part, key in zip(parts, id.split("|"), strict=True))
            expected[object, there, name] = value
    found = {key: (c["target"]["kind"], c["new"]) for key, c in changes.items()}
    found, expected = _comparable(found, crm), _comparable(expected, crm)
    different = {key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)}
    assert {key: (found.get(key), expected.get(key)) for key in sorted(different)} == {}


def _comparable(outcomes: Mapping[tuple[str, str, str], tuple[str, str]], crm: Crm) -> dict[tuple[str, str, str], str]:
    return {
        key: value
        for key, (kind, value) in outcomes.items()
        if (key[2] if kind != "note" else "note") not in crm.differing
    }


@cache
def _with_files(as_of: date) -> Mapping[tuple[str, str, str], tuple[str, str]]:
    """Return what b2b-core wants for :func:`records` when they lie in the sample's files."""
    run = _in_files()
    run("decide", "--as-of", as_of.isoformat())
    return {
        (c["target"]["object"], c["target"]["record_id"], c["target"]["name"]): (c["target"]["kind"], c["new"])
        for c in run("plan")["changes"]
    }
