"""Small rulesets in files, for tests of the linter."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from crmrules.authoring.lint.findings import Finding
from crmrules.authoring.lint.run import lint

AS_OF = date(2025, 6, 30)

HEAD = """\
schema: ruleset-v1
name: tiny
version: 1.0.0
label: {zh: 示例, en: Sample}
languages: [zh, en]
"""


def write(folder: Path, **sections: str) -> Path:
    """Write a ruleset with these sections, and a case so that none is missed; return its folder."""
    (folder / "cases").mkdir(parents=True, exist_ok=True)
    (folder / "cases" / "one.yaml").write_text("schema: case-v1\n", "utf-8")
    (folder / "ruleset.yaml").write_text(HEAD + sections.pop("more", ""), "utf-8")
    for name, text in sections.items():
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    return folder


def found(folder: Path, profile: Path | None = None) -> dict[str, list[Finding]]:
    """Return what the linter says about the ruleset in *folder*, by code."""
    by_code: dict[str, list[Finding]] = {}
    for one in lint(str(folder), profile, as_of=AS_OF).findings:
        by_code.setdefault(one.code, []).append(one)
    return by_code


def classes(rules: str, more: str = "") -> str:
    """Return a `classes` section: one class of the account, ``size``, with these rules."""
    lines = "\n".join(f"    {line}" for line in rules.strip().splitlines())
    return f"""\
size:
  of: account
  label: {{zh: 规模, en: Size}}
  values: {{large: {{zh: 大, en: Large}}, small: {{zh: 小, en: Small}}}}
{more}  rules:
{lines}
"""
