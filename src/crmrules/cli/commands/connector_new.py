"""``crmrules connector new``"""

from __future__ import annotations

from pathlib import Path

import click

from crmrules.cli import options
from crmrules.cli.output import Output
from crmrules.cli.words import word


@click.command("new")
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder to put it in.  [default: .]",
)
@options.output
def command(name: str, into: Path, format: str, lang: str, quiet: bool) -> None:
    """Start a connector for another CRM.

    Writes a package that installs, with the contract suite as its tests: red until the connector
    keeps the contract. docs/writing-a-connector.md leads through it.
    """
    from crmrules.authoring.connector.new import new_connector

    out = Output(format=format, lang=lang, quiet=quiet)
    files = new_connector(name, into)
    for file in files:
        out.say(word("made_file", lang, file=file))
    out.json({"files": files})
