"""Look back at a run: what it wrote, and who took it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crmrules.stores.journal import Journal, Run, Step


@dataclass(frozen=True, kw_only=True)
class RunDetail:
    """One run with every write that it tried, in order."""

    run: Run
    steps: tuple[Step, ...]
    undone_by: tuple[int, ...]  # runs that took it back, in order

    @property
    def results(self) -> Mapping[str, int]:
        """How many writes had which result; ``unknown`` is a write without an answer."""
        found: dict[str, int] = {}
        for step in self.steps:
            result = step.receipt.result.value if step.receipt else "unknown"
            found[result] = found.get(result, 0) + 1
        return dict(sorted(found.items()))


def show_run(journal: Journal, run: int) -> RunDetail:
    """Return a run in full. Raises StoreError ``unknown-run``."""
    found = journal.run(run)
    undone_by = sorted(r.id for r in journal.runs(["undo"]) if r.undoes == run)
    return RunDetail(run=found, steps=tuple(journal.steps(run)), undone_by=tuple(undone_by))
