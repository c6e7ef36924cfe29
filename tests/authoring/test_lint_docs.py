"""The page tells of every finding, and what it says to put into CI are commands that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from crmrules.authoring.lint.findings import CHECKS
from crmrules.cli.main import exit_code

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "authoring.md").read_text(encoding="utf-8")
SECTION = PAGE[PAGE.index("## What is wrong with a ruleset: `ruleset lint`") :]


def blocks() -> dict[str, Any]:
    """YAML blocks that name their file -> what they hold."""
    found = re.findall(r"```yaml\n# (\S+)\n(.*?)```", SECTION, re.DOTALL)
    return {name: yaml.safe_load(text) for name, text in found}


def test_every_code_is_told_with_its_severity() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \| (error|warning) \|", SECTION, re.MULTILINE)
    told = {code: severity for codes, severity in rows for code in re.findall(r"`([\w-]+)`", codes)}
    assert told == {code: check.severity for code, check in CHECKS.items()}


def test_the_workflow_runs_commands_that_exist() -> None:
    (job,) = blocks()[".github/workflows/rulesets.yaml"]["jobs"].values()
    commands = [step["run"] for step in job["steps"] if step.get("run", "").startswith("crmrules")]
    assert len(commands) == 2
    for command in commands:
        _, *words = command.partition(" >")[0].split()
        assert exit_code([*("rulesets/b2b-core" if w == "rulesets/mypack" else w for w in words), "--help"]) == 0


def test_the_hooks_that_the_page_names_exist() -> None:
    hooks = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}
    (repository,) = blocks()[".pre-commit-config.yaml"]["repos"]
    assert {hook["id"] for hook in repository["hooks"]} == set(hooks)


@pytest.mark.parametrize("found", [0, 1])
def test_the_hook_fails_on_a_finding(tmp_path: Path, found: int) -> None:
    folder = tmp_path / "mypack"
    assert exit_code(["ruleset", "new", str(folder), "-q"]) == 0
    if found:
        (folder / "sets.yaml").write_text("idle: {from: order, where: {amount: {gt: 0}}}\n", "utf-8")
    (hook,) = (
        hook
        for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
        if hook["id"] == "crmrules-lint"
    )
    _, *words = hook["entry"].split()
    assert exit_code([*words, str(folder)]) == found


def test_our_own_ruleset_is_clean_or_says_why_not() -> None:
    assert exit_code(["ruleset", "lint", str(ROOT / "rulesets" / "b2b-core"), "--fail-on", "warning", "-q"]) == 0
