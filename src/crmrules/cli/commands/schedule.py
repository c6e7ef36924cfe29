"""``crmrules schedule ...``"""

from __future__ import annotations

import click

from crmrules.cli.lazy import LazyGroup

COMMANDS = {
    "run": ("schedule_run", "Stay, and sync at set times."),
    "print": ("schedule_print", "Print what makes systemd, cron or Kubernetes sync every night."),
}


@click.group("schedule", cls=LazyGroup, lazy=COMMANDS)
def command() -> None:
    """Sync every night."""
