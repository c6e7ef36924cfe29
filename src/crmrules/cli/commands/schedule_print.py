"""``crmrules schedule print``"""

from __future__ import annotations

import re
from pathlib import Path

import click

from crmrules.app import schedule_files
from crmrules.cli import options
from crmrules.cli.output import Output
from crmrules.cli.words import word


def _time(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int]:
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", value)
    if found is None:
        raise click.BadParameter(f"{value!r} is no time of day; write 02:00")
    return int(found[1]), int(found[2])


@click.command("print")
@click.argument("kind", type=click.Choice(["systemd", "cron", "kubernetes"]))
@options.profile
@click.option(
    "--at", default="02:00", show_default=True, metavar="HH:MM", callback=_time, help="When, in the machine's time."
)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write files instead of printing.",
)
@options.output
def command(
    kind: str, profile: Path, at: tuple[int, int], into: Path | None, format: str, lang: str, quiet: bool
) -> None:
    """Print what makes systemd, cron or Kubernetes sync every night.

    Files to read and adapt: no run overlaps another, each begins up to five minutes later by chance, and secrets are
    named, never written.
    """
    out = Output(format=format, lang=lang, quiet=quiet)
    files = schedule_files.KINDS[kind](profile, *at)
    for name, content in files.items():
        if into:
            into.mkdir(parents=True, exist_ok=True)
            (into / name).write_text(content, encoding="utf-8")
            out.say(word("made_file", lang, file=into / name))
        elif out.for_people:
            click.echo(f"# {name}\n{content}")
    out.json({"files": files})
