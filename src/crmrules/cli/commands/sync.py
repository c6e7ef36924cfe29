"""``crmrules sync``"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from crmrules.app import attempts, scheduling, writing
from crmrules.cli import options, results
from crmrules.cli.output import Output
from crmrules.cli.words import word


@click.command("sync")
@options.profile
@options.as_of
@options.engine
@options.allow_share
@click.option("--full", is_flag=True, help="Read everything, not only what changed.")
@click.option("--lenient", is_flag=True, help="Put wrong rows into quarantine instead of refusing all.")
@click.option("--dry-run", is_flag=True, help="Rehearse on a copy: write nothing, keep nothing.")
@options.output
def command(
    profile: Path, as_of: date, engine: str, allow_share: float | None, full: bool, lenient: bool, dry_run: bool,
    format: str, lang: str, quiet: bool,
) -> int:  # fmt: skip
    """Pull, decide, plan and apply in one go.

    SIGTERM or Ctrl-C ends it after the batch in hand; a second one ends it at once.
    """
    out = Output(format=format, lang=lang, quiet=quiet)
    with out.progress() as bars:
        if dry_run:
            done = writing.sync(
                profile, as_of=as_of, engine=engine, dry=True, full=full, lenient=lenient, allow_share=allow_share,
                pulling=bars.advance, deciding=bars.begin,
            )  # fmt: skip
        else:
            with scheduling.stop_on_signals() as stop:
                done = attempts.sync(
                    profile, as_of=as_of, engine=engine, full=full, lenient=lenient, allow_share=allow_share,
                    stopping=stop, warn=lambda said: click.echo(said, err=True), pulled=bars.advance,
                    decided=bars.begin, written=lambda done, total: bars.advance("apply", done, total),
                )  # fmt: skip
    results.pulled(out, done.pulled)
    results.decided(out, done.decided)
    results.planned(out, done.planned, hint=False)
    if done.applied:
        results.written(out, done.applied.report, "applied")
    elif dry_run:
        out.say(word("rehearsal", lang))
    out.json(
        {
            "pulled": done.pulled,
            "decided": results.decided_document(done.decided),
            "plan": {"id": done.planned.plan.id, "changes": len(done.planned.plan.changes)},
            "applied": done.applied.report if done.applied else None,
        }
    )
    return results.code(done.applied.report) if done.applied else 0
