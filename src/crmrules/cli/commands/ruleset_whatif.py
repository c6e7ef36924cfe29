"""``crmrules ruleset whatif``"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from crmrules.cli import options
from crmrules.cli.output import Output


@click.command("whatif")
@click.argument("object", type=click.Choice(["account", "contact", "deal"]))
@click.argument("id")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Change this field; repeatable. Nothing after = means missing.",
)
@click.option(
    "--want",
    default="",
    metavar="CLASS=VALUE",
    help="Find the smallest realistic change that gives this class this value.",
)
@click.option(
    "--field", "fields", multiple=True, metavar="FIELD", help="With --want: only this field may change; repeatable."
)
@click.option("--ruleset", default="", help="A folder or name; default the profile's ruleset.")
@click.option(
    "--most", type=click.IntRange(1), default=20, show_default=True, help="List at most so many flips or ways."
)
@options.profile
@click.option(
    "--records",
    type=click.Path(exists=True, path_type=Path),
    default=None,
    help="Look the record up here instead of in the profile's snapshot: a case, a folder of cases, or a folder with a crmrules.yaml.",
)
@options.as_of
@options.engine
@options.output
def command(
    object: str, id: str, settings: tuple[str, ...], want: str, fields: tuple[str, ...], ruleset: str, most: int,
    profile: Path, records: Path | None, as_of: date, engine: str, format: str, lang: str, quiet: bool,
) -> None:  # fmt: skip
    """Show what flips if one record were otherwise, or what would have to change.

    With --set: which classes, roles and flags change, of this record and of those around it, and by
    which rules. With --want: which fields that a seller can change would have to change, the smallest
    change first. Nothing is stored and nothing is written to the CRM.
    """
    from crmrules.authoring import whatif_text as words
    from crmrules.authoring.diff_records import ground
    from crmrules.authoring.whatif import how_to, what_if
    from crmrules.authoring.whatif_records import set_aside, typed

    if bool(settings) == bool(want):
        raise click.UsageError("say either --set or --want")
    if fields and not want:
        raise click.UsageError("--field goes with --want")
    if records is not None and not ruleset and not (records / "crmrules.yaml").is_file():
        raise click.UsageError("cases name no ruleset; say --ruleset")
    out = Output(format=format, lang=lang, quiet=quiet)
    source = click.get_current_context().get_parameter_source("as_of")
    said = as_of if source is click.core.ParameterSource.COMMANDLINE else None
    with ground((ruleset,) if ruleset else (), profile, records=records, as_of=said, today=as_of, engine=engine) as on:
        set_aside(on.con)
        if want:
            name, value = _pair(want, "--want")
            goal = how_to(on, object, id, name, value, lang, fields=fields, most=most)
            for line in words.goal(goal, on.rulesets[0], lang):
                out.say(line)
            out.json(goal)
            return
        values = typed(on.con, object, dict(_pair(setting, "--set") for setting in settings))
        found = what_if(on, object, id, values, most=most)
        for line in words.headlines(found, on.rulesets[0], lang):
            out.say(line)
        table = words.flips(found, on.rulesets[0], lang)
        out.table(table.title, table.heads, table.rows)
        if found.others:
            out.say(words.word("others", lang, n=found.others))
        out.json(found)


def _pair(written: str, option: str) -> tuple[str, str]:
    name, equals, value = written.partition("=")
    if not (name and equals):
        raise click.UsageError(f"{option} {written!r}: write it as name=value")
    return name.strip(), value.strip()
