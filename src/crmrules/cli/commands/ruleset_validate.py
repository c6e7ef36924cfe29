"""``crmrules ruleset validate``"""

from __future__ import annotations

import click

from crmrules.app import rulesets
from crmrules.cli import options
from crmrules.cli.output import Output
from crmrules.cli.words import word


@click.command("validate")
@click.argument("ruleset")
@options.output
def command(ruleset: str, format: str, lang: str, quiet: bool) -> None:
    """Check a ruleset and report every problem.

    RULESET is a folder, or the name of an installed one.
    """
    out = Output(format=format, lang=lang, quiet=quiet)
    checked = rulesets.validate(ruleset)
    found = checked.ruleset
    heads = (word("part", lang), word("entries", lang))
    rows = [(part, count) for part, count in checked.counts.items() if count]
    out.table(word("valid", lang, name=found.name, version=found.version), heads, rows)
    out.json({"name": found.name, "version": found.version, "digest": found.digest, "counts": checked.counts})
