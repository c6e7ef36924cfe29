"""``crmrules schedule run``"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from crmrules.app import attempts, scheduling
from crmrules.app.scheduling import Cron, Every, Schedule
from crmrules.app.setup import now
from crmrules.cli import options
from crmrules.cli.events import Events
from crmrules.errors import CrmrulesError


def _duration(ctx: click.Context, param: click.Parameter, value: str | None) -> timedelta | None:
    try:
        return None if value is None else scheduling.duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("run")
@options.profile
@click.option(
    "--every", metavar="24h", callback=_duration, help="Sync so often: 90s, 30m, 24h, 7d; the first time at once."
)
@click.option("--cron", metavar='"0 2 * * *"', help="Sync at the times of this cron expression.")
@click.option(
    "--timezone", default="", metavar="ZONE", help="Time zone of --cron and of today.  [default: this machine's]"
)
@click.option("--jitter", metavar="5m", callback=_duration, help="Begin up to so much later, by chance.")
@click.option(
    "--once-missed/--skip-missed", default=True, show_default=True,
    help="After a sleep or a pause run once for all the times that were missed, or wait for the next one.",
)  # fmt: skip
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), default=None, show_default="--format",
    help="What it says on standard error: lines for people, or one JSON object a line.",
)  # fmt: skip
@options.engine
@click.option("--lenient", is_flag=True, help="Put wrong rows into quarantine instead of refusing all.")
@options.output
def command(
    profile: Path, every: timedelta | None, cron: str | None, timezone: str, jitter: timedelta | None,
    once_missed: bool, log_format: str | None, engine: str, lenient: bool, format: str, lang: str, quiet: bool,
) -> None:  # fmt: skip
    """Stay, and sync at set times.

    A run that fails does not end it, and neither does another run that is at work: that time is skipped. SIGTERM or
    Ctrl-C ends it at once between two runs; during one, the batch in hand is finished first.
    """
    if (every is None) == (cron is None):
        raise click.UsageError("say either --every or --cron")
    if every is not None and not every:
        raise click.UsageError("--every must be more than nothing")
    zone = scheduling.zone(timezone)
    times = Cron(cron, zone) if cron is not None else Every(every or timedelta())
    log = Events(format=log_format or format, lang=lang, quiet=quiet)
    last = scheduling.last_due(profile)

    def work(due: datetime) -> None:
        log.time("started", due)
        started = now()
        try:
            scheduling.keep_due(profile, due)
            done = attempts.sync(
                profile, as_of=started.astimezone(zone).date(), engine=engine, lenient=lenient, stopping=stop,
                warn=lambda said: log.say("alert_failed", problems=said.splitlines()),
            )  # fmt: skip
        except Exception as error:
            ended = attempts.failed(error, started, now())
            event = "skipped" if attempts.in_progress(error) else "stopped" if stop() else "failed"
            run, counts, code, problems = None, None, ended.exit_code, ended.problems
            if not isinstance(error, CrmrulesError):
                problems = (*problems, *attempts.traceback_of(error))
        else:
            assert done.applied is not None
            report = done.applied.report
            run, counts, code = report.run, report.counts, attempts.exit_code(report)
            problems = attempts.said(report.error.problems) if report.error else ()
            event = "stopped" if report.stopped else "finished" if code == 0 else "failed"
        seconds = round((now() - started).total_seconds(), 1)
        log.say(event, run=run, counts=counts, seconds=seconds, exit_code=code, problems=problems or None)

    scheduling.check(profile)
    with scheduling.stop_on_signals() as stop:
        schedule = Schedule(times=times, jitter=jitter or timedelta(), catch_up=once_missed, last=last)
        scheduling.run_schedule(schedule, work, stop, log.time)
    log.say("ended")
