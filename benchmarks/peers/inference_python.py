"""The workload as a loop that a Python programmer would write; it is also the reference for answers."""

from __future__ import annotations

import re
from functools import cache

from benchmarks.inference_workload import EXECUTIVE, LEVELS, PURCHASING, Account, Answer


@cache
def is_executive(title: str) -> bool:
    return re.search(EXECUTIVE, title) is not None


@cache
def is_purchasing(title: str) -> bool:
    return re.search(PURCHASING, title) is not None


def run(accounts: list[Account]) -> set[Answer]:
    answers: set[Answer] = set()
    for account in accounts:
        is_open = {id for id, status in account.deals if status == "open"}
        titles = {id: title for id, title, _ in account.contacts}
        roles: dict[str, set[str]] = {id: set() for id in titles}
        for contact, deal, type, sentiment in account.activities:
            title, found = titles[contact], roles[contact]
            if type in ("demo", "ticket", "training") and not is_executive(title):
                found.add("user")
            if deal not in is_open:
                continue
            if type == "meeting" and is_executive(title):
                found.add("decision_maker")
            if type in ("quote", "contract") and is_purchasing(title):
                found.add("purchaser")
            if type in ("meeting", "call") and sentiment >= 2:
                found.add("champion")
            if sentiment <= -2 and LEVELS[title] >= 3:
                found.add("blocker")
        if not any("champion" in found for found in roles.values()):
            answers.add((account.id, "", "no_champion"))
        deciders = {id for id, found in roles.items() if "decision_maker" in found}
        if not deciders:
            best = min(titles, key=lambda contact: (-LEVELS[titles[contact]], contact))
            roles[best].add("candidate_dm")
            deciders = {best}
        for id, _, boss in account.contacts:
            if boss in deciders:
                roles[id].add("influencer")
            if roles[id] >= {"user", "champion"}:
                roles[id].add("power_user")
            answers.update((account.id, id, role) for role in roles[id] or {"observer"})
    return answers
