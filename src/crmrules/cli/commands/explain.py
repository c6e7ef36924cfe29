"""``crmrules explain``"""

from __future__ import annotations

from pathlib import Path

import click

from crmrules.app.setup import deciding_ruleset, decision, open_profile
from crmrules.cli import options
from crmrules.cli.output import Output


@click.command("explain")
@click.argument("object", type=click.Choice(["account", "contact", "deal"]))
@click.argument("id")
@options.profile
@options.output
def command(object: str, id: str, profile: Path, format: str, lang: str, quiet: bool) -> None:
    """Tell why a record got what it got.

    What was decided about the record with this ID, from what, by which rule (file and line), what
    spoke against it, and what would change it.
    """
    from crmrules.explain.explain import explain, to_json, to_text

    out = Output(format=format, lang=lang, quiet=quiet)
    setup = open_profile(profile)
    with decision(setup) as con:
        found = explain(con, deciding_ruleset(setup), object, id, lang)
    if format == "json":
        click.echo(to_json(found))
    for line in to_text(found).splitlines():
        out.say(line)
