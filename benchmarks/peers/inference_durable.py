"""The workload in durable_rules by its public host, with all records as facts, one by one.

It is helped where it would otherwise fail, so that its answers are right: titles are classified
beforehand (its patterns know no negation), joins stand before alternatives, phases order the
negations, each state is deleted when it is done, and the host's two timer threads are off (they crash
the process after deletions).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from benchmarks.inference_workload import LEVELS, Account, Answer
from benchmarks.peers.inference_python import is_executive, is_purchasing
from crmrules.inference.durable_driver import load_engine

_Json = dict[str, Any]


def _all(alias: str, *terms: _Json) -> _Json:
    return {alias: {"$and": list(terms)}}


def _contact(*terms: _Json) -> _Json:
    return _all("c", {"kind": "contact"}, *terms)


def _activity(types: tuple[str, ...], *terms: _Json) -> _Json:
    kinds = (
        [] if not types else [{"$or": [{"type": type} for type in types]}] if len(types) > 1 else [{"type": types[0]}]
    )
    return _all("a", {"contact": {"c": "key"}}, {"kind": "activity"}, *kinds, *terms)


def _role(alias: str, *terms: _Json) -> _Json:
    return _all(alias, {"kind": "role"}, *terms)


def _phase(number: int) -> _Json:
    return _all("p", {"kind": "phase"}, {"number": number})


_OPEN_DEAL = _all("d", {"kind": "deal"}, {"status": "open"}, {"key": {"a": "deal"}})
_TOP = [_contact(), _all("x$not", {"kind": "contact"}, {"$gt": {"rank": {"c": "rank"}}}, {"one": {"c": "one"}})]
_RULES: dict[str, list[_Json]] = {
    "decision_maker": [_contact({"executive": 1}), _activity(("meeting",)), _OPEN_DEAL],
    "purchaser": [_contact({"purchasing": 1}), _activity(("quote", "contract")), _OPEN_DEAL],
    "user": [_contact({"executive": 0}), _activity(("demo", "ticket", "training"))],
    "champion": [_contact(), _activity(("meeting", "call"), {"$gte": {"sentiment": 2}}), _OPEN_DEAL],
    "blocker": [_contact({"$gte": {"level": 3}}), _activity((), {"$lte": {"sentiment": -2}}), _OPEN_DEAL],
    "influencer": [_contact({"$ex": {"boss": 1}}), _role("r", {"role": "decision_maker"}, {"who": {"c": "boss"}})],
    "influencer of candidate": [
        _contact({"$ex": {"boss": 1}}),
        _role("r", {"role": "candidate_dm"}, {"who": {"c": "boss"}}),
    ],
    "power_user": [_role("c", {"role": "user"}), _role("r", {"role": "champion"}, {"key": {"c": "key"}})],
    "candidate_dm": [_phase(1), _role("r$not", {"role": "decision_maker"}), *_TOP],
    "no_champion": [_phase(1), _role("r$not", {"role": "champion"}), *_TOP],
    "observer": [_phase(2), _contact(), _role("r$not", {"key": {"c": "key"}})],
}


def run(accounts: list[Account]) -> set[Answer]:
    load_engine()
    from durable.engine import Host, MessageNotHandledException, MessageObservedException

    class Quiet(Host):  # type: ignore[misc]
        def _run(self) -> None:
            """No timer threads."""

    answers: set[Answer] = set()
    current = ""

    def action(rule: str) -> Callable[[Any], None]:
        role = rule.split(" ", maxsplit=1)[0]

        def note(c: Any) -> None:
            key = "" if role == "no_champion" else c.c.key
            answers.add((current, key, role))
            with suppress(MessageNotHandledException, MessageObservedException):
                c.assert_fact({"kind": "role", "role": role, "who": key, "key": key, "id": f"{key}|{role}"})

        return note

    host = Quiet()
    host.set_rulesets(
        {"roles": {rule: {"all": conditions, "run": action(rule)} for rule, conditions in _RULES.items()}}
    )
    for account in accounts:
        current = account.id
        for fact in _facts(account):
            with suppress(MessageNotHandledException, MessageObservedException):
                host.assert_fact("roles", {**fact, "sid": "a"})
        host.delete_state("roles", "a")
    return answers


def _facts(account: Account) -> list[_Json]:
    facts: list[_Json] = []
    for position, (id, title, boss) in enumerate(account.contacts):
        level = LEVELS[title]
        contact = {"kind": "contact", "key": id, "level": level, "rank": level * 100 - position, "one": 1}
        contact |= {"executive": int(is_executive(title)), "purchasing": int(is_purchasing(title))}
        facts.append(contact if boss is None else contact | {"boss": boss})
    facts += [{"kind": "deal", "key": id, "status": status} for id, status in account.deals]
    for number, (contact_id, deal, type, sentiment) in enumerate(account.activities):
        facts.append(
            {
                "kind": "activity",
                "number": number,
                "contact": contact_id,
                "deal": deal,
                "type": type,
                "sentiment": sentiment,
            }
        )
    return [*facts, {"kind": "phase", "number": 1}, {"kind": "phase", "number": 2}]
