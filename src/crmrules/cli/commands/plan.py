"""``crmrules plan``"""

from __future__ import annotations

from pathlib import Path

import click

from crmrules.app import deciding
from crmrules.cli import options, results
from crmrules.cli.output import Output


@click.command("plan")
@options.profile
@click.option("--show", metavar="PLAN", default=None, help="Show a saved plan (its id or file) instead of making one.")
@click.option("--all", "all_", is_flag=True, help="List every change, not only the first twenty.")
@options.output
def command(profile: Path, show: str | None, all_: bool, format: str, lang: str, quiet: bool) -> None:
    """List every change that would be written to the CRM."""
    out = Output(format=format, lang=lang, quiet=quiet)
    if show is None:
        planned = deciding.plan(profile)
    else:
        from crmrules.pipeline.planfile import load_plan

        file = deciding.find_plan(profile, show)
        planned = deciding.Planned(plan=load_plan(file), file=file)
    results.planned(out, planned, most=None if all_ else results.MOST_CHANGES)
    out.json({**vars(planned.plan), "file": planned.file})
