"""``crmrules connector``"""

from __future__ import annotations

import click

from crmrules.cli.lazy import LazyGroup

COMMANDS = {
    "new": ("connector_new", "Start a connector for another CRM."),
}


@click.group("connector", cls=LazyGroup, lazy=COMMANDS)
def command() -> None:
    """Write connectors for other CRMs."""
