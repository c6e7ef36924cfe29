"""Rows of the journal's tables to records and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, Select, select

from crmrules.model.changes import Cause, Change, Dissent, Kind, Receipt, Result, Target
from crmrules.stores.journal.records import Intent, Origin, Run, Step, Written
from crmrules.stores.journal.tables import INTENT, RECEIPT, RUN

_ORIGIN = ("plan", "ruleset", "ruleset_digest", "as_of", "snapshot")
OURS = ("value", "wanted", "account_id", "rule", "ruleset_digest", "as_of")


def steps() -> Select[Any]:
    """Return the query of :func:`step`, over INTENT, RUN and (where there is one) RECEIPT."""
    columns = [c for c in INTENT.c if c.name != "created"]
    answer = (RECEIPT.c.result, RECEIPT.c.echo, RECEIPT.c.message)
    return select(*columns, *answer).select_from(
        INTENT.join(RUN, RUN.c.id == INTENT.c.run).outerjoin(RECEIPT, RECEIPT.c.intent == INTENT.c.id)
    )


def step(row: Row[Any]) -> Step:
    (id, run, number, object, record_id, kind, name, account_id, old, new, rule, zh, en, cause, before, after,
     result, echo, message) = tuple(row)  # fmt: skip
    target = Target(object=object, record_id=record_id, kind=cast(Kind, kind), name=name)
    change = Change(
        id=number, target=target, account_id=account_id, old=old, new=new, rule=rule, reason_zh=zh, reason_en=en,
        cause=Cause(cause),
    )  # fmt: skip
    will_be = _load(after)
    assert will_be is not None
    intent = Intent(change=change, before=_load(before), after=will_be, id=id, run=run)
    answered = result is not None
    return Step(
        intent=intent,
        receipt=Receipt(target=target, result=Result(result), echo=echo, message=message) if answered else None,
    )


def run(row: Row[Any]) -> Run:
    said = row._mapping
    return Run(
        id=said["id"], kind=said["kind"], profile=said["profile"],
        origin=Origin(**{name: said[name] for name in _ORIGIN}), undoes=said["undoes"], started=said["started"],
        ended=said["ended"], status=said["status"], counts=json.loads(said["counts"]),
    )  # fmt: skip


def origin_columns(origin: Origin) -> dict[str, str]:
    return {name: getattr(origin, name) for name in _ORIGIN}


def intent_columns(intent: Intent, run: int, now: datetime) -> dict[str, Any]:
    c = intent.change
    return {
        "run": run, "change": c.id, **target_columns(c.target), "account_id": c.account_id, "old": c.old,
        "new": c.new, "rule": c.rule, "reason_zh": c.reason_zh, "reason_en": c.reason_en, "cause": c.cause.value,
        "before": _dump(intent.before), "after": _dump(intent.after), "created": iso(now),
    }  # fmt: skip


def receipt_columns(intent: Intent, receipt: Receipt, now: datetime) -> dict[str, Any]:
    return {
        "intent": intent.id, "result": receipt.result.value, "echo": receipt.echo, "message": receipt.message,
        "at": iso(now),
    }  # fmt: skip


def written_columns(intent: Intent, receipt: Receipt, profile: str) -> dict[str, Any]:
    """Return what is ours once the write of *intent* was made."""
    after = intent.after
    # an undo may leave as ours what a person had removed; only what we just wrote takes the CRM's spelling
    value = receipt.echo if after.value == intent.change.new else after.value
    return {
        "profile": profile, **target_columns(intent.change.target), **asdict(after), "value": value, "run": intent.run
    }  # fmt: skip


def label_columns(dissent: Dissent, profile: str, run: int, now: datetime) -> dict[str, Any]:
    d = dissent
    place = target_columns(d.target)
    return {
        "profile": profile, **place, "account_id": d.account_id, "human": d.human, "ours": d.ours, "rule": d.rule,
        "run": run, "seen": iso(now), "digest": label_digest(*place.values(), d.human, d.ours),
    }  # fmt: skip


def label_digest(*said: str | None) -> str:
    """Return the digest of a label's object, record, kind, name, and people's and our value."""
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def dissent(row: Row[Any]) -> Dissent:
    said = row._mapping
    return Dissent(
        target=target(said), account_id=said["account_id"], human=said["human"], ours=said["ours"], rule=said["rule"]
    )


def target(said: Mapping[Any, Any]) -> Target:
    return Target(object=said["object"], record_id=said["record_id"], kind=said["kind"], name=said["name"])


def target_columns(target: Target) -> dict[str, str]:
    return {"object": target.object, "record_id": target.record_id, "kind": target.kind, "name": target.name}


def iso(now: datetime) -> str:
    return now.isoformat(timespec="seconds")


def _dump(written: Written | None) -> str | None:
    return None if written is None else json.dumps(asdict(written), ensure_ascii=False)


def _load(text: str | None) -> Written | None:
    return None if text is None else Written(**json.loads(text))
