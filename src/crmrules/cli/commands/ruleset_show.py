"""``crmrules ruleset show``"""

from __future__ import annotations

import json
from datetime import date

import click

from crmrules.app import rulesets
from crmrules.cli import options
from crmrules.cli.output import Output, plain
from crmrules.cli.words import word
from crmrules.errors import Location, Problem, RulesetError, did_you_mean
from crmrules.language.ruleset import Ruleset


@click.command("show")
@click.argument("ruleset")
@click.argument("name", required=False)
@click.option("--sql", is_flag=True, help="Show the SQL that decides, one statement after the other.")
@options.as_of
@options.output
def command(ruleset: str, name: str | None, sql: bool, as_of: date, format: str, lang: str, quiet: bool) -> None:
    """Show what a ruleset comes to.

    After parameters are bound and parents merged in. RULESET is a folder or an installed name;
    NAME is one feature, class, flag, parameter, piece of evidence or sentence, shown in full.
    """
    out = Output(format=format, lang=lang, quiet=quiet)
    found = rulesets.load(ruleset)
    if sql:
        from crmrules.app.showing import sql_of
        from crmrules.plugins.host import installed

        statements = sql_of(found, installed(), as_of)
        for statement in statements:
            for line in f"{statement};".splitlines():
                out.say(line)
        out.json({"sql": statements})
    elif name is not None:
        part = plain(_named(found, name))
        for line in json.dumps(part, ensure_ascii=False, indent=1).splitlines():
            out.say(line)
        out.json(part)
    else:
        counts = rulesets.counts(found)
        rows = [(part, count) for part, count in counts.items() if count]
        heads = (word("part", lang), word("entries", lang))
        out.table(f"{found.name} {found.version} ({found.digest[:12]})", heads, rows)
        out.json(found)


def _named(ruleset: Ruleset, name: str) -> object:
    parts: dict[str, object] = {
        **({item.id: item for item in ruleset.roles.items} if ruleset.roles else {}),
        **({sentence.id: sentence for sentence in ruleset.playbook.sentences} if ruleset.playbook else {}),
        **({rule.id: rule for rule in ruleset.inference.rules} if ruleset.inference else {}),
        **{guard.id: guard for guard in ruleset.guards},
        **ruleset.parameters, **ruleset.flags, **ruleset.features, **ruleset.classes,
    }  # fmt: skip
    if name not in parts:
        place = Location(ruleset.folder)
        raise RulesetError(Problem("unknown-part", f"there is no {name!r}", place, hint=did_you_mean(name, parts)))
    return parts[name]
