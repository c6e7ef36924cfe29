"""The exit codes, as ``--help`` and ``docs/cli.md`` tell them."""

from __future__ import annotations

from collections.abc import Mapping

EXIT_CODES: Mapping[int, str] = {
    0: "it worked",
    1: "it worked and found something: a failed case, a write that was not made, a broken plugin",
    2: "wrong use of the command line",
    3: "a ruleset, profile, mapping or case is wrong",
    4: "records are wrong; nothing of them was stored",
    5: "the CRM said no, or could not be reached",
    6: "the snapshot, decision or journal can't be opened, or another run is at work",
    7: "stopped by a brake: more would change than the profile allows",
    8: "a plan is stale, foreign or damaged",
    9: "a plugin is missing, broken, or shares its name with another",
    70: "a bug in crmrules",
    130: "interrupted",
}


def epilog() -> str:
    """Return the codes as a block for click's help."""
    return "\b\nExit codes:\n" + "\n".join(f"  {code:>3}  {meaning}" for code, meaning in EXIT_CODES.items())
