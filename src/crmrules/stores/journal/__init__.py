"""The journal: every run, every write before it is made, every answer, and what is ours now.

By default a SQLite file in WAL mode with ``synchronous=FULL``; for teams a PostgreSQL database.
Either way, what was committed survives a kill and a power cut, and others may read while a run
writes. An intent without a receipt is a write of which nobody knows whether it arrived;
:mod:`crmrules.pipeline.resume` finds out.
"""

from crmrules.stores.journal.journal import Journal
from crmrules.stores.journal.lock import database_lock
from crmrules.stores.journal.opening import copy_journal, open_journal
from crmrules.stores.journal.records import NOTHING, Intent, Origin, Place, Run, RunKind, Status, Step, Written

__all__ = [
    "NOTHING",
    "Intent",
    "Journal",
    "Origin",
    "Place",
    "Run",
    "RunKind",
    "Status",
    "Step",
    "Written",
    "copy_journal",
    "database_lock",
    "open_journal",
]
