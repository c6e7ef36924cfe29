"""``crmrules ruleset new``"""

from __future__ import annotations

from pathlib import Path

import click

from crmrules.app import rulesets
from crmrules.cli import options
from crmrules.cli.output import Output
from crmrules.cli.words import word


@click.command("new")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", default="", help="The ruleset's name; default the folder's.")
@options.output
def command(folder: Path, name: str, format: str, lang: str, quiet: bool) -> None:
    """Start a ruleset in a new folder.

    FOLDER must not exist, or be empty.
    """
    out = Output(format=format, lang=lang, quiet=quiet)
    files = rulesets.new(folder, name)
    out.table(word("created", lang), ("",), [(file,) for file in files])
    out.json({"files": files})
