"""``crmrules export``"""

from __future__ import annotations

from pathlib import Path

import click

from crmrules.app import exporting
from crmrules.cli import options
from crmrules.cli.output import Output
from crmrules.cli.words import word


@click.command("export")
@click.argument("exporter", required=False)
@click.argument("to", required=False)
@options.profile
@click.option("--table", "tables", multiple=True, help="A table to export; may be said again. Default: the outcomes.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of the exporter.")
@options.output
def command(
    exporter: str | None, to: str | None, profile: Path, tables: tuple[str, ...], settings: tuple[str, ...],
    format: str, lang: str, quiet: bool,
) -> None:  # fmt: skip
    """Hand outcomes to files or a web endpoint.

    EXPORTER is one that `crmrules plugins` lists, TO a folder or an address. Without them the
    profile's own list of exports is carried out.
    """
    out = Output(format=format, lang=lang, quiet=quiet)
    if exporter is None:
        wishes = exporting.configured_exports(profile)
        if not wishes:
            raise click.UsageError("say EXPORTER and TO: the profile has no `export`")
    elif to is None:
        raise click.UsageError("say TO: a folder or an address")
    else:
        wish = exporting.Export(
            exporter=exporter, to=to, tables=tables or exporting.TABLES, settings=dict(map(_setting, settings)),
            base=Path(),
        )  # fmt: skip
        wishes = (wish,)
    done = exporting.export(profile, wishes)
    out.table(word("exported", lang), ("", ""), [(one.exporter, place) for one in done for place in one.places])
    out.json({"exports": done})


def _setting(text: str) -> tuple[str, object]:
    import json

    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--set wants NAME=VALUE, not {text!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
