"""``crmrules apply``"""

from __future__ import annotations

from pathlib import Path

import click

from crmrules.app import deciding, writing
from crmrules.cli import options, results
from crmrules.cli.output import Output


@click.command("apply")
@click.argument("plan")
@options.profile
@options.limit
@options.allow_share
@options.output
def command(
    plan: str, profile: Path, limit: int | None, allow_share: float | None, format: str, lang: str, quiet: bool
) -> int:
    """Write a plan to the CRM.

    PLAN is the id that `crmrules plan` printed, or a plan's file. Exactly its changes are written,
    each only where nobody was faster.
    """
    out = Output(format=format, lang=lang, quiet=quiet)
    file = deciding.find_plan(profile, plan)
    with out.progress() as bars:
        applied = writing.apply(
            profile,
            file,
            limit=limit,
            allow_share=allow_share,
            progress=lambda done, total: bars.advance("apply", done, total),
        )
    results.written(out, applied.report, "applied")
    out.json(applied.report)
    return results.code(applied.report)
