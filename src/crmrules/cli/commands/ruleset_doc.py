"""``crmrules ruleset doc``"""

from __future__ import annotations

from pathlib import Path

import click

from crmrules.app import rulesets
from crmrules.cli.output import Output
from crmrules.cli.words import word


@click.command("doc")
@click.argument("ruleset")
@click.option("--output", "folder", type=click.Path(file_okay=False, path_type=Path), required=True,
              help="Folder that the pages go to.")  # fmt: skip
@click.option("--lang", type=click.Choice(["zh", "en", "both"]), default="both", show_default=True,
              help="Language of the document.")  # fmt: skip
@click.option("--format", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="text for people, json for machines.")  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but errors.")
def command(ruleset: str, folder: Path, lang: str, format: str, quiet: bool) -> None:
    """Write a ruleset down for those who answer for it.

    One HTML page (offline, no script) and one Markdown file a language: what is decided and by which rules, policies,
    evidence for roles, flags, guards, what the notes say and what is written where. RULESET is a folder or an
    installed name.
    """
    from crmrules.authoring.doc.write import write_document

    out = Output(format=format, lang="zh" if lang == "zh" else "en", quiet=quiet)
    languages = ("zh", "en") if lang == "both" else (lang,)
    files = write_document(rulesets.load(ruleset), folder, languages)
    out.table(word("created", out.lang), ("",), [(file,) for file in files])
    out.json({"files": files})
