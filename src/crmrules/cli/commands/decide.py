"""``crmrules decide``"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from crmrules.app import deciding
from crmrules.cli import options, results
from crmrules.cli.output import Output


@click.command("decide")
@options.profile
@options.as_of
@options.engine
@options.output
def command(profile: Path, as_of: date, engine: str, format: str, lang: str, quiet: bool) -> None:
    """Classify customers and infer buying roles."""
    out = Output(format=format, lang=lang, quiet=quiet)
    with out.progress() as bars:
        decided = deciding.decide(profile, as_of=as_of, engine=engine, progress=bars.begin)
    results.decided(out, decided)
    out.json(results.decided_document(decided))
