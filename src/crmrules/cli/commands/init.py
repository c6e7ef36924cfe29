"""``crmrules init``"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from crmrules.app import doctor, starting
from crmrules.cli import options, results
from crmrules.cli.output import Output
from crmrules.cli.words import word


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--connector", "-c", default="", help="Which CRM; `crmrules plugins` lists them.")
@click.option("--name", default="", help="Name of the profile.  [default: the connector's]")
@click.option("--ruleset", default="b2b-core", show_default=True, help="What decides: a name or a folder.")
@click.option(
    "--answers",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A YAML file with the answers, so that nothing is asked; a secret may be {env: NAME}.",
)
@options.output
def command(
    folder: Path, connector: str, name: str, ruleset: str, answers: Path | None, format: str, lang: str, quiet: bool
) -> int:
    """Connect a CRM: write a profile and a mapping, and examine both.

    Asks for the login. Secrets go into files that only you can read, beside the state; the profile refers to them.
    """
    out = Output(format=format, lang=lang, quiet=quiet)
    given = _read(answers) if answers else {}
    connector = connector or _which(lang)
    plugin = starting.connector_plugin(connector)
    asked = starting.missing_answers(plugin, given) if answers is None else []
    if asked and plugin.guide:
        for line in plugin.guide.of(lang).splitlines():
            out.say(line)
    for question in asked:
        given[question.setting] = click.prompt(
            question.text.of(lang), default=question.default or None, hide_input=question.secret,
            type=click.Choice(question.choices) if question.choices else str, err=True,
        )  # fmt: skip
    started = starting.start(folder, connector, given, language=lang, name=name, ruleset=ruleset)
    for file in (started.profile, started.mapping, *started.secrets):
        if file is not None:
            out.say(word("made_file", lang, file=file))
    examination = doctor.examine(started.profile)
    results.examined(out, examination)
    out.json(examination)
    return 0 if examination.healthy else 1


def _which(lang: str) -> str:
    names = starting.connector_names()
    for name, label in names.items():
        click.echo(f"  {name:<12} {label}", err=True)
    return str(click.prompt(word("which_connector", lang), type=click.Choice(sorted(names)), err=True))


def _read(path: Path) -> dict[str, Any]:
    from crmrules.language.document import read

    data = read(path).data
    if not isinstance(data, Mapping):
        raise click.BadParameter(f"{path} is no mapping of settings to answers", param_hint="--answers")
    return dict(data)
