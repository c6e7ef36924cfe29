"""``crmrules ruleset ...``: one file per subcommand, as everywhere."""

from __future__ import annotations

import click

from crmrules.cli.lazy import LazyGroup

COMMANDS = {
    "new": ("ruleset_new", "Start a ruleset in a new folder."),
    "validate": ("ruleset_validate", "Check a ruleset and report every problem."),
    "test": ("ruleset_test", "Run a ruleset's cases."),
    "case": ("ruleset_case", "Make cases."),
    "coverage": ("ruleset_coverage", "Tell what of a ruleset its cases test."),
    "lint": ("ruleset_lint", "Find what is wrong with a ruleset that loads, and what keeps one from loading."),
    "diff": ("ruleset_diff", "Show whom a change of rules moves, and by which rules."),
    "whatif": ("ruleset_whatif", "Show what flips if one record were otherwise, or what would have to change."),
    "doc": ("ruleset_doc", "Write a ruleset down for those who answer for it."),
    "fmt": ("ruleset_fmt", "Write a ruleset's YAML in one way."),
    "table": ("ruleset_table", "Hand a class's rules to a spreadsheet, and take them back."),
    "show": ("ruleset_show", "Show what a ruleset comes to."),
    "schema": ("ruleset_schema", "Print a JSON Schema for your editor."),
}


@click.group("ruleset", cls=LazyGroup, lazy=COMMANDS)
def command() -> None:
    """Start, check, test and show rulesets."""
