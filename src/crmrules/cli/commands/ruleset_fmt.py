"""``crmrules ruleset fmt``"""

from __future__ import annotations

import click

from crmrules.app import rulesets
from crmrules.cli import options
from crmrules.cli.output import Output
from crmrules.cli.words import word


@click.command("fmt")
@click.argument("ruleset")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where a file would be written otherwise.")
@options.output
def command(ruleset: str, check: bool, format: str, lang: str, quiet: bool) -> int:
    """Write a ruleset's YAML in one way.

    Keys of an entry in the schema's order, two spaces a level, even spaces; comments, spelling and what the rules say
    stay. Cases are left alone. RULESET is a folder or an installed name.
    """
    from crmrules.authoring.fmt.ruleset import format_ruleset

    out = Output(format=format, lang=lang, quiet=quiet)
    done = format_ruleset(rulesets.ruleset_folder(ruleset), write=not check)
    for file in done.changed:
        out.say(word("fmt_would" if check else "fmt_did", lang, file=file))
    for file, reason in done.left:
        out.note(word("fmt_left", lang, file=file, reason=reason))
    if not done.changed:
        out.say(word("fmt_same", lang))
    out.json({"changed": done.changed, "left": [{"file": file, "reason": reason} for file, reason in done.left]})
    return 1 if check and done.changed else 0
