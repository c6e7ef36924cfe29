"""``crmrules doctor``"""

from __future__ import annotations

from pathlib import Path

import click

from crmrules.app import doctor, starting
from crmrules.cli import options, results
from crmrules.cli.output import Output
from crmrules.cli.words import word


@click.command("doctor")
@options.profile
@click.option(
    "--create", is_flag=True, help="Make the fields that rules write to and the CRM lacks, where its API can."
)
@click.option(
    "--propose",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a mapping proposed from the CRM's fields and how full they are to FILE.",
)
@options.output
def command(profile: Path, create: bool, propose: Path | None, format: str, lang: str, quiet: bool) -> int:
    """Examine the connection: login, permissions, fields, where rules write to, costs.

    Ends with 1 where something has to be done first.
    """
    out = Output(format=format, lang=lang, quiet=quiet)
    if propose:
        starting.propose_mapping(profile, propose, lang)
        out.say(word("made_file", lang, file=propose))
    examination = doctor.examine(profile, create=create)
    results.examined(out, examination)
    out.json(examination)
    return 0 if examination.healthy else 1
