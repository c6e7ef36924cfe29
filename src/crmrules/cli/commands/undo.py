"""``crmrules undo``"""

from __future__ import annotations

from pathlib import Path

import click

from crmrules.app import writing
from crmrules.cli import options, results
from crmrules.cli.output import Output
from crmrules.cli.words import word


@click.command("undo")
@click.argument("run", type=click.IntRange(1), required=False)
@click.option("--account", "accounts", multiple=True, metavar="ID", help="Only what was written about this account.")
@click.option("--rule", "rules", multiple=True, metavar="ID", help="Only what this rule led to.")
@click.option("--everything", is_flag=True, help="All that is ours in the CRM, of whichever run: how to leave.")
@click.option("--yes", is_flag=True, help="Don't ask before taking back everything.")
@options.profile
@options.limit
@options.output
def command(
    run: int | None,
    accounts: tuple[str, ...],
    rules: tuple[str, ...],
    everything: bool,
    yes: bool,
    profile: Path,
    limit: int | None,
    format: str,
    lang: str,
    quiet: bool,
) -> int:
    """Take back what a run wrote.

    RUN is a number that `crmrules runs` lists; without it the last run that wrote and was not
    taken back yet. What people edited since stays as they left it. `--everything` takes back what
    all runs wrote, with `--account` or `--rule` only there.
    """
    if everything and run is not None:
        raise click.UsageError("--everything means all runs: say it without RUN")
    out = Output(format=format, lang=lang, quiet=quiet)
    if everything and not (accounts or rules or yes):
        click.confirm(word("undo_everything", lang), abort=True, err=True)
    with out.progress() as bars:
        report = writing.undo(
            profile, run, everything=everything, accounts=accounts, rules=rules, limit=limit,
            progress=lambda done, total: bars.advance("undo", done, total),
        )  # fmt: skip
    results.written(out, report, "undone")
    out.json(report)
    return results.code(report)
