"""``crmrules ruleset diff``"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from crmrules.cli import options
from crmrules.cli.output import Output


@click.command("diff")
@click.argument("old")
@click.argument("new")
@options.profile
@click.option(
    "--records",
    type=click.Path(exists=True, path_type=Path),
    default=None,
    help="Compare on these records instead of the profile's: a case, a folder of cases, or a folder with a crmrules.yaml.",
)
@click.option(
    "--since",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    metavar="DECISION",
    help="A decision.duckdb by OLD: tell also what the data moved since then.",
)
@click.option(
    "--who", multiple=True, metavar="NAME", help="List only who moves in this class, role or flag; repeatable."
)
@click.option("--most", type=click.IntRange(0), default=10, show_default=True, help="Name at most this many for each.")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Compare also what no difference of the rulesets can reach, roles included.",
)
@click.option(
    "--max-moved",
    default=None,
    callback=lambda ctx, param, value: _share(value),
    metavar="SHARE",
    help="Exit with 1 where the rules move more than this share of any class, role or flag, e.g. 5% or 0.05.",
)
@options.as_of
@options.engine
@options.output
def command(
    old: str, new: str, profile: Path, records: Path | None, since: Path | None, who: tuple[str, ...], most: int,
    everything: bool, max_moved: float | None, as_of: date, engine: str, format: str, lang: str, quiet: bool,
) -> int:  # fmt: skip
    """Show whom a change of rules moves, and by which rules.

    OLD and NEW are folders or names of rulesets. Both decide on the same records as of one day, with
    the profile's parameters. With --records no profile is read, a case's own policy does not apply,
    and the day is that of the newest case unless --as-of is given.
    """
    from crmrules.authoring.diff import diff
    from crmrules.authoring.diff_records import ground
    from crmrules.authoring.diff_text import headlines, tables, word

    out = Output(format=format, lang=lang, quiet=quiet)
    source = click.get_current_context().get_parameter_source("as_of")
    said = as_of if source is click.core.ParameterSource.COMMANDLINE else None
    with ground((old, new), profile, records=records, as_of=said, today=as_of, engine=engine) as on:
        before, after = on.rulesets
        found = diff(
            on.con,
            before,
            after,
            as_of=on.as_of,
            engine=on.engine,
            since=since,
            last=on.decision,
            everything=everything,
            who=who,
            most=most,
        )
    for line in headlines(found, lang):
        out.say(line)
    for table in tables(found, before, after, lang):
        out.table(table.title, table.heads, table.rows)
    over = () if max_moved is None else found.over(max_moved)
    for t in over:
        out.note(word("over", lang, name=t.item.name, share=f"{t.share:.1%}", budget=f"{max_moved:.1%}"))
    out.json({**vars(found), "over_budget": [t.item.name for t in over]})
    return 1 if over else 0


def _share(value: str | None) -> float | None:
    if value is None:
        return None
    try:
        share = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise click.BadParameter(f"{value!r} is not a share; write 5% or 0.05")
    return share
