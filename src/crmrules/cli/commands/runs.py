"""``crmrules runs``"""

from __future__ import annotations

from pathlib import Path

import click

from crmrules.app import writing
from crmrules.cli import options, results
from crmrules.cli.output import Output


@click.command("runs")
@click.argument("run", type=click.IntRange(1), required=False)
@options.profile
@options.output
def command(run: int | None, profile: Path, format: str, lang: str, quiet: bool) -> None:
    """List what was pulled and written, or show one run.

    RUN is a run's number; with it every write of that run is listed.
    """
    out = Output(format=format, lang=lang, quiet=quiet)
    if run is None:
        found = writing.runs(profile)
        results.runs(out, found)
        out.json({"runs": found})
    else:
        detail = writing.run_detail(profile, run)
        results.run_detail(out, detail)
        out.json(detail)
