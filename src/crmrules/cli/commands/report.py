"""``crmrules report``"""

from __future__ import annotations

from pathlib import Path

import click

from crmrules.app import deciding
from crmrules.app.setup import deciding_ruleset, decision, open_profile
from crmrules.cli import options
from crmrules.cli.output import Output
from crmrules.cli.words import word


@click.command("report")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default=Path("report.html"))
@options.profile
@click.option(
    "--plan", metavar="PLAN", default=None, help="Show this plan's changes (id or file); default: the last one."
)
@options.output
def command(file: Path, profile: Path, plan: str | None, format: str, lang: str, quiet: bool) -> None:
    """Write one offline HTML page about the last decision.

    What would change and why, how the classes are distributed, and who plays which part at each
    account. FILE is where it goes; default report.html.
    """
    from crmrules.pipeline.planfile import load_plan
    from crmrules.report.html import write_report

    out = Output(format=format, lang=lang, quiet=quiet)
    setup = open_profile(profile)
    shown = load_plan(deciding.find_plan(profile, plan)) if plan else deciding.last_plan(setup)
    with decision(setup) as con:
        write_report(file, con, deciding_ruleset(setup), shown, profile=setup.profile.name, language=lang)
    out.say(word("report_saved", lang, file=file))
    out.json({"file": file, "plan": shown.id})
