"""Line items: rows with an id change theirs, rows without are added, an empty list takes all away."""

from __future__ import annotations

from typing import Any

from .crm import Crm
from .errors import BadValue
from .schema import Field
from .store import Row
from .values import record_id, stored


def written_rows(crm: Crm, field: Field, given: Any, old: list[Row]) -> tuple[list[Row], float]:
    """The rows after the write, and the sum of their totals; raises BadValue."""
    if given is None or given == []:
        return [], 0.0
    if not isinstance(given, list):
        raise BadValue(expected_data_type="jsonarray")
    rows = {row["id"]: row for row in old}
    for item in given:
        if not isinstance(item, dict):
            raise BadValue(expected_data_type="jsonobject")
        row = _row(crm, item, rows)
        if "_delete" in item:
            del rows[row["id"]]
            continue
        for column in field.rows:
            if column.api_name in item and not column.read_only:
                row[column.api_name] = stored(crm, column, item[column.api_name], "")
            elif column.mandatory and row.get(column.api_name) is None:
                raise BadValue("MANDATORY_NOT_FOUND")
        row["Total"] = round((row.get("Quantity") or 0) * (row.get("List_Price") or 0), 2)
        rows[row["id"]] = row
    return list(rows.values()), sum(row["Total"] for row in rows.values())


def _row(crm: Crm, item: dict[str, Any], rows: dict[int, Row]) -> Row:
    if item.get("id") is None:
        return {"id": crm.new_id()}
    id = record_id(item["id"])
    if id not in rows:
        raise BadValue(message="the id given seems to be invalid")
    return dict(rows[id])
