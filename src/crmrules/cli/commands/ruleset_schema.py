"""``crmrules ruleset schema``"""

from __future__ import annotations

import click

from crmrules.app import rulesets


@click.command("schema")
@click.argument("name", default="ruleset-v1")
@click.option("--list", "list_", is_flag=True, help="List the names of all schemas.")
def command(name: str, list_: bool) -> None:
    """Print a JSON Schema for your editor.

    NAME is ruleset (the default), profile, mapping, case, plan or outcome, with or without -v1.
    """
    click.echo("\n".join(rulesets.schema_names()) if list_ else rulesets.schema(name).rstrip())
