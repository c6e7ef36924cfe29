"""Findings as SARIF 2.1.0, which code review tools read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import crmrules
from crmrules.authoring.lint.findings import CHECKS, Finding

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(findings: Sequence[Finding], root: Path) -> dict[str, Any]:
    """Return one SARIF run; files under *root* are named relative to it."""
    codes = sorted({*CHECKS, *(one.code for one in findings)})
    rules = [
        {"id": code, **({"shortDescription": {"text": CHECKS[code].says}} if code in CHECKS else {})} for code in codes
    ]
    driver = {"name": "crmrules", "version": crmrules.__version__, "rules": rules}
    results = [_result(one, codes.index(one.code), root) for one in findings]
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _result(one: Finding, index: int, root: Path) -> dict[str, Any]:
    problem = one.problem
    said = "\n".join(
        filter(None, (problem.message, problem.expected and f"expected: {problem.expected}", problem.hint))
    )
    result: dict[str, Any] = {
        "ruleId": one.code, "ruleIndex": index, "level": problem.severity, "message": {"text": said},
        "locations": [{"physicalLocation": _place(one, root)}],
    }  # fmt: skip
    more: dict[str, Any] = {"witness": {path: str(value) for path, value in one.witness.items()}} if one.witness else {}
    if one.hits is not None:
        more["hits"] = dict(vars(one.hits))
    if more:
        result["properties"] = more
    if one.ignored:
        result["suppressions"] = [{"kind": "inSource", "justification": one.ignored}]
    return result


def _place(one: Finding, root: Path) -> dict[str, Any]:
    at = one.problem.at
    file = Path(at.file)
    full = file if file.is_absolute() else root / file
    uri = quote(full.relative_to(root).as_posix()) if full.is_relative_to(root) else full.absolute().as_uri()
    place: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if at.line:
        place["region"] = {"startLine": at.line, **({"startColumn": at.column} if at.column else {})}
    return place
