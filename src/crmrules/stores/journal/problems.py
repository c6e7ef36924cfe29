"""What can be wrong with a journal, wherever it lies, and what to do about it."""

from __future__ import annotations

from crmrules.errors import Location, Problem


def locked(place: str) -> Problem:
    return problem(place, "journal-locked", "another process is writing to the journal", "wait until it has ended")


def foreign(place: str) -> Problem:
    hint = "point the profile at another folder or database"
    return problem(place, "journal-foreign", "this is not a journal of crmrules", hint)


def damaged(place: str, what: str) -> Problem:
    return problem(
        place,
        "journal-damaged",
        f"the journal is cut short or damaged ({what})",
        "restore it from a backup; without it crmrules can't tell its values from people's: if there is no backup, "
        "move it away, and everything that stands in the CRM now will count as people's",
    )


def newer(place: str, version: int, known: int) -> Problem:
    return problem(
        place,
        "journal-newer",
        f"the journal is of a newer crmrules (version {version}, this one knows {known})",
        "use the crmrules that wrote it, or a newer one",
    )


def not_writable(place: str, said: str) -> Problem:
    what = f"the journal can't be opened or written: {said}"
    return problem(place, "journal-not-writable", what, "check who may write to the folder or database")


def disk_full(place: str) -> Problem:
    what = "there is no space left for the journal"
    return problem(place, "disk-full", what, "free some space, then run again")


def unreachable(place: str, said: str) -> Problem:
    what = f"the journal's database does not answer: {said}"
    return problem(place, "journal-unreachable", what, "check address, login and network, then run again")


def problem(place: str, code: str, message: str, hint: str) -> Problem:
    return Problem(code, message, Location(place), hint=hint)
