"""``crmrules pull``"""

from __future__ import annotations

from pathlib import Path

import click

from crmrules.app import records
from crmrules.cli import options, results
from crmrules.cli.output import Output


@click.command("pull")
@options.profile
@click.option("--full", is_flag=True, help="Read everything, not only what changed.")
@click.option("--lenient", is_flag=True, help="Put wrong rows into quarantine instead of refusing all.")
@click.option("--dry-run", is_flag=True, help="Say what a pull would do and keep nothing.")
@options.output
def command(profile: Path, full: bool, lenient: bool, dry_run: bool, format: str, lang: str, quiet: bool) -> None:
    """Read what changed in the CRM into the snapshot."""
    out = Output(format=format, lang=lang, quiet=quiet)
    with out.progress() as bars:
        report = records.pull(profile, full=full, lenient=lenient, dry=dry_run, progress=bars.advance)
    results.pulled(out, report)
    out.json(report)
