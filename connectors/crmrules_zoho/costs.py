"""What reading costs, in Zoho's credits and in calls."""

from __future__ import annotations

from crmrules.contracts.connector import ReadRequest, Usage
from crmrules_zoho import bulk, listing, query
from crmrules_zoho.modules import NOTES, USERS, Module
from crmrules_zoho.wanted import Wanted

DELETED = 2  # credits of a page of deleted ids


def by_list(records: int, groups: int = 1) -> int:
    """Return the credits (which are calls) of reading *records* by lists."""
    return max(1, -(-records // listing.PAGE)) * groups


def by_query(records: int) -> int:
    """Return the credits of reading *records* by queries."""
    return max(1, -(-records // query.LIMIT)) * query.price(query.LIMIT)


def by_bulk(records: int) -> int:
    """Return the credits of exporting *records*."""
    return max(1, -(-records // bulk.PAGE)) * bulk.EACH


def estimate(module: Module | None, request: ReadRequest, records: int, calls_per_deal: float, in_bulk: bool) -> Usage:
    """Return what reading *records* will cost, children and deletions included."""
    if module is None or request.object in (USERS, NOTES):
        calls = by_list(records)
        return Usage(calls=calls + bool(request.since), credits=calls + (DELETED if request.since else 0))
    wanted = Wanted(module, request)
    ways = [(by_list(records, len(wanted.groups)),) * 2]
    if wanted.in_queries:
        ways.append((by_query(records), -(-records // query.LIMIT)))
    if wanted.in_bulk and in_bulk:
        pages = max(1, -(-records // bulk.PAGE))
        ways.append((by_bulk(records) + 3, 3 * pages + 3))  # with the list begun before, and the count
    credits, calls = min(ways)
    roles = -(-records * calls_per_deal // 1) if wanted.roles else 0
    credits, calls = credits + int(roles), calls + int(roles)
    if request.since:
        credits, calls = credits + DELETED, calls + 1
    return Usage(calls=calls, credits=credits)
