"""What a schedule says while it runs: lines for people, or one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import click

from crmrules.app.setup import now
from crmrules.cli.output import plain
from crmrules.cli.words import word
from crmrules.model.text import clean
from crmrules.redaction import redact

SAID = {
    "waiting": "event_waiting", "missed": "event_missed", "started": "event_started", "finished": "event_finished",
    "failed": "event_failed", "skipped": "event_skipped", "stopped": "event_stopped",
    "alert_failed": "event_alert_failed", "ended": "event_ended",
}  # fmt: skip
WRONG = ("failed", "missed", "skipped", "alert_failed")


@dataclass(frozen=True, kw_only=True)
class Events:
    """A log on standard error, without secrets."""

    format: str  # text | json
    lang: str
    quiet: bool  # only what went wrong

    def say(self, event: str, **more: object) -> None:
        """Write one line: the time, the *event*, and what is more to say about it; None is left out."""
        if self.quiet and event not in WRONG:
            return
        said = {name: plain(value) for name, value in more.items() if value is not None}
        time = now().astimezone()
        if self.format == "json":
            line = {"time": time.isoformat(timespec="milliseconds"), "event": event, **said}
            click.echo(redact(json.dumps(line, ensure_ascii=False)), err=True)
            return
        rest = ", ".join(f"{name} {_shown(value)}" for name, value in said.items() if value not in ({}, []))
        text = f"{time.isoformat(sep=' ', timespec='seconds')}  {word(SAID[event], self.lang)}"
        click.echo(clean(redact(f"{text}: {rest}" if rest else text)), err=True)

    def time(self, event: str, at: datetime) -> None:
        """Write a line about a time."""
        self.say(event, at=at.astimezone().isoformat(timespec="seconds"))


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name}={one}" for name, one in value.items())
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)
