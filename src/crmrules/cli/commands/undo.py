"""``crmrules undo``"""

from __future__ import annotations

from pathlib import Path

import click

from crmrules.app import writing
from crmrules.cli import options, results
from crmrules.cli.output import Output


@click.command("undo")
@click.argument("run", type=click.IntRange(1), required=False)
@options.profile
@options.limit
@options.output
def command(run: int | None, profile: Path, limit: int | None, format: str, lang: str, quiet: bool) -> int:
    """Take back what a run wrote.

    RUN is a number that `crmrules runs` lists; without it the last run that wrote and was not
    taken back yet. What people edited since stays as they left it.
    """
    out = Output(format=format, lang=lang, quiet=quiet)
    with out.progress() as bars:
        report = writing.undo(profile, run, limit=limit, progress=lambda done, total: bars.advance("undo", done, total))
    results.written(out, report, "undone")
    out.json(report)
    return results.code(report)
