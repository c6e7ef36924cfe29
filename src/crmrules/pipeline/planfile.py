"""A plan as a file: canonical JSON, one change per line, sealed by its own digest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from crmrules.errors import Location, PlanError, Problem
from crmrules.model.changes import Cause, Change, Dissent, Plan, Target

SCHEMA = "plan-v1"
_HEAD = ("profile", "ruleset", "ruleset_digest", "engine", "as_of", "snapshot", "counts")


def plan_id(plan: Plan) -> str:
    """Return the digest of everything in *plan* but its id: 12 hex digits of SHA-256."""
    digest = sha256()
    for line in _lines(plan):
        digest.update(line.encode())
    return digest.hexdigest()[:12]


def seal(plan: Plan) -> Plan:
    """Return *plan* with the id that its contents give it."""
    return replace(plan, id=plan_id(plan))


def save_plan(plan: Plan, path: Path) -> None:
    """Write *plan* to *path*, whole or not at all; equal plans give equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f'{{"schema": "{SCHEMA}", "id": "{plan.id}",\n')
        file.writelines(_lines(plan))
        file.write("}\n")
    new.replace(path)


def load_plan(path: Path) -> Plan:
    """Read a plan. Raises PlanError: not there, not a plan, or changed since it was made."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"), object_hook=_part)
    except OSError as error:
        raise PlanError(_problem(path, "plan-not-readable", f"the plan can't be read: {error.strerror}")) from error
    except (ValueError, TypeError) as error:  # not JSON, not UTF-8, or a change that is none
        raise PlanError(_problem(path, "plan-damaged", f"this is not a whole plan: {error}")) from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise PlanError(_problem(path, "plan-foreign", f"this is not a plan ({SCHEMA})"))
    try:
        plan = _plan(document)
    except (KeyError, TypeError, ValueError) as error:
        raise PlanError(_problem(path, "plan-damaged", f"this plan is not complete: {error}")) from error
    if plan_id(plan) != plan.id:
        raise PlanError(_problem(path, "plan-changed", f"the plan was changed after it had got its id {plan.id}"))
    return plan


def _lines(plan: Plan) -> Iterator[str]:
    for name in _HEAD:
        yield f'"{name}": {_json(getattr(plan, name))},\n'
    yield from _list("changes", plan.changes)
    yield ",\n"
    yield from _list("dissents", plan.dissents)
    yield "\n"


def _list(name: str, items: Sequence[Change | Dissent]) -> Iterator[str]:
    yield f'"{name}": ['
    for number, item in enumerate(items):
        # vars, not asdict: a plan may hold a million changes, and asdict copies deeply
        yield ("," if number else "") + "\n" + _json({**vars(item), "target": vars(item.target)})
    yield "\n]" if items else "]"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _part(found: dict[str, Any]) -> Any:
    """Make targets, changes and dissents while parsing: a million of them as dicts would take twice the memory."""
    if "record_id" in found:
        return Target(**found)
    if "cause" in found:
        return Change(**{**found, "cause": Cause(found["cause"])})
    return Dissent(**found) if "human" in found else found


def _plan(document: Mapping[str, Any]) -> Plan:
    return Plan(
        **{name: document[name] for name in (*_HEAD, "id")},
        changes=tuple(document["changes"]),
        dissents=tuple(document["dissents"]),
    )


def _problem(path: Path, code: str, message: str) -> Problem:
    return Problem(code, message, Location(str(path)), hint="make a new one with `crmrules plan`")
