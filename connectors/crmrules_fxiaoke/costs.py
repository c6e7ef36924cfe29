"""What reading costs, in calls: the CRM counts nothing else."""

from __future__ import annotations

from crmrules.contracts.connector import ReadRequest, Usage
from crmrules.errors import ConnectorError
from crmrules_fxiaoke.config import Settings
from crmrules_fxiaoke.describe import NOTES, PEOPLE_OF, TAGS
from crmrules_fxiaoke.reader import PAGE, Records
from crmrules_fxiaoke.tags import AT_ONCE


def count(records: Records, object: str) -> int | None:
    """Return how many records there are, None where the CRM does not say. One call."""
    if object in (TAGS, NOTES, PEOPLE_OF) or object not in records.metadata.listed:
        return None
    said = records.query(object, (), limit=1, counted=True)
    total, rows = said.get("total"), said.get("dataList") or []
    if isinstance(total, int) and total >= len(rows) and (total or not rows):
        return total
    return None


def estimate(records: Records, settings: Settings, request: ReadRequest, many: int) -> Usage:
    """Return the calls that reading *many* records takes; a nightly run also sweeps all ids, and maybe all tags."""
    if request.object in (TAGS, PEOPLE_OF) or request.object not in (*records.metadata.listed, NOTES):
        return Usage()
    if request.object == NOTES and settings.notes == "field":  # out of three objects
        return Usage(calls=_pages(many) + 2, credits=_pages(many) + 2)
    calls = _pages(many)
    tags = settings.tags == "function" and any(child.object == TAGS for child in request.children)
    if tags:
        calls += -(-many // AT_ONCE)
    if request.since:
        try:
            there = count(records, request.object) or many
        except ConnectorError:
            there = many
        if settings.deletes == "sweep":
            calls += _pages(there)
        if tags and settings.sweep_tags:
            calls += _pages(there) + -(-there // AT_ONCE)
    return Usage(calls=calls, credits=calls)


def _pages(records: int) -> int:
    """Return how many pages are asked for: the last one is short, or empty."""
    return records // PAGE + 1
