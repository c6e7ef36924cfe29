"""``crmrules status``"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from crmrules.app import health, scheduling
from crmrules.app.setup import open_profile
from crmrules.cli import options, results
from crmrules.cli.output import Output
from crmrules.cli.words import word


def _duration(ctx: click.Context, param: click.Parameter, value: str) -> timedelta:
    try:
        return scheduling.duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("status")
@options.profile
@click.option(
    "--max-age", default="26h", show_default=True, metavar="26h", callback=_duration,
    help="How old the last good sync may be: 90m, 26h, 7d.",
)  # fmt: skip
@click.option(
    "--metrics", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write OpenMetrics text for node_exporter's textfile collector too (its files end in .prom).",
)  # fmt: skip
@click.option("--alert", is_flag=True, help="Send the profile's alerts if it did not run in time.")
@options.output
def command(
    profile: Path, max_age: timedelta, metrics: Path | None, alert: bool, format: str, lang: str, quiet: bool
) -> int:
    """Tell when it last ran, who is at work, and what needs a person.

    Asks no CRM and changes nothing. Ends with 1 where the last good sync is too old or something needs a person.
    """
    out = Output(format=format, lang=lang, quiet=quiet)
    found = health.examine(profile, max_age=max_age)
    if metrics:
        health.write_metrics(open_profile(profile).profile.name, found, metrics)
    if alert:
        health.tell(profile, found, lambda said: click.echo(said, err=True))
    at_work = found.running and f"{found.running.get('command')} ({found.running.get('pid')})"
    rows = [
        (word("last_pull", lang), _when(found.pulled, lang)),
        (word("last_decision", lang), _when(found.decided, lang)),
        (word("last_apply", lang), _when(found.applied, lang)),
        (word("last_good_sync", lang), _when(found.good_sync, lang)),
        (word("at_work", lang), at_work or word("nobody", lang)),
        (word("unanswered", lang), found.unanswered),
        (word("in_quarantine", lang), "?" if found.quarantined is None else found.quarantined),
        (word("kept_values", lang), found.dissents),
    ]
    out.table(word("standing", lang), ("", ""), rows)
    results.checks(out, found.checks)
    if found.healthy:
        out.say(word("nothing_to_do", lang))
    out.json({"healthy": found.healthy, **vars(found)})
    return 0 if found.healthy else 1


def _when(moment: datetime | None, lang: str) -> str:
    return word("never", lang) if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M")
