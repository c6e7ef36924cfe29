"""``crmrules ruleset table``"""

from __future__ import annotations

from pathlib import Path

import click

from crmrules.app import rulesets
from crmrules.cli import options
from crmrules.cli.output import Output
from crmrules.cli.words import word
from crmrules.plugins.host import installed


@click.command("table")
@click.argument("ruleset")
@click.argument("name", metavar="CLASS")
@click.option("--to", "form", type=click.Choice(["csv", "xlsx", "yaml"]), default="csv", show_default=True,
              help="What the table is written as.")  # fmt: skip
@click.option(
    "--output", "file", type=click.Path(dir_okay=False, path_type=Path), help="Where to; default CLASS.csv and so on."
)
@click.option("--from", "edited", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Put this table (.csv, .xlsx or .yaml) back into the ruleset instead.")  # fmt: skip
@options.output
def command(
    ruleset: str, name: str, form: str, file: Path | None, edited: Path | None, format: str, lang: str, quiet: bool
) -> None:
    """Hand a class's rules to a spreadsheet, and take them back.

    One row is a rule, one column a field; comments stand in a column of their own. RULESET is a folder or an
    installed name. With --from, rows that say what they said stay in the YAML as they are written, and nothing is
    written unless the ruleset loads with the table.
    """
    from crmrules.authoring.table.sheet import write_sheet
    from crmrules.authoring.table.source import find_class, sheet_from_file, sheet_of
    from crmrules.authoring.table.splice import put_back

    out = Output(format=format, lang=lang, quiet=quiet)
    search = tuple(installed().search_folders())
    found = rulesets.load(ruleset)
    source = find_class(found, name, search)
    if edited is not None:
        done = put_back(source, sheet_from_file(edited, name, found.languages), search)
        counts = (
            (word("rows_added", lang), done.added),
            (word("rows_changed", lang), done.changed),
            (word("rows_removed", lang), done.removed),
        )
        rows = [(what, ", ".join(ids)) for what, ids in counts if ids]
        if done.moved:
            rows.append((word("rows_moved", lang), ""))
        out.say(word("saved", lang, file=done.file) if done.file else word("rows_same", lang))
        for what, ids in rows:
            out.say(f"  {what}: {ids}" if ids else f"  {what}")
        out.json(done)
        return
    sheet = sheet_of(source)
    target = file or Path(f"{name}.{form}")
    content = write_sheet(sheet, name, found.languages, form)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    out.say(word("table_saved", lang, n=len(sheet.table.rows), file=target))
    out.json({"file": target, "rows": len(sheet.table.rows), "inputs": sheet.table.inputs})
