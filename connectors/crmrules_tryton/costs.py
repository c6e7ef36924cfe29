"""What reading costs: calls; Tryton counts none and has no quota."""

from __future__ import annotations

from math import ceil

from crmrules.contracts.connector import ReadRequest, Usage
from crmrules_tryton.objects import ACCOUNT, ACTIVITY, CONTACT, DEAL, NOTES, SALE

_IDS = 5_000  # ids per call
# Calls that a page takes besides itself: relations and the parties they lead to, addresses, owners, notes.
_BESIDES = {ACCOUNT: 1, CONTACT: 3, DEAL: 4, SALE: 4, NOTES: 3, ACTIVITY: 6}


def estimate(request: ReadRequest, records: int, page: int) -> Usage:
    """Return the calls for *records* records; a nightly run (``since``) asks for all ids as well.

    Notes are asked for by the records that they may hang on, so *records* is how many there are of those.
    """
    pages = ceil(records / page) or 1
    calls = pages * (1 + _BESIDES.get(request.object, 0))
    if request.since is not None:
        calls += ceil(records / (page if request.object in (NOTES, ACTIVITY) else _IDS)) or 1
    return Usage(calls=calls, credits=calls)
