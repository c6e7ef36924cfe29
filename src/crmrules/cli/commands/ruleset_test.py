"""``crmrules ruleset test``"""

from __future__ import annotations

from pathlib import Path

import click

from crmrules.app import rulesets
from crmrules.cli import options
from crmrules.cli.output import Output
from crmrules.cli.words import word


@click.command("test")
@click.argument("ruleset")
@click.option(
    "--cases",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="Files or folders of cases; default the ruleset's own.",
)
@click.option("--engine", default="durable", show_default=True, help="Inference engine.")
@click.option("--repeat", is_flag=True, help="Decide everything twice: the second time must want the very same.")
@options.output
def command(
    ruleset: str, cases: tuple[Path, ...], engine: str, repeat: bool, format: str, lang: str, quiet: bool
) -> int:
    """Run a ruleset's cases.

    RULESET is a folder, or the name of an installed one. Every expectation that failed is listed
    with what was wanted, what came, and the evidence; then the exit code is 1.
    """
    from crmrules.plugins.host import installed
    from crmrules.testing.cases import run_cases

    out = Output(format=format, lang=lang, quiet=quiet)
    host = installed()
    report = run_cases(
        rulesets.ruleset_folder(ruleset), cases, search=host.search_folders(), engine=host.engine(engine),
        renderer=host.renderer("jinja"), repeat=repeat,
    )  # fmt: skip
    failed = [e for e in report.expectations if not e.passed]
    for wrong in failed:
        out.say(f"{wrong.case}: {wrong.kind} {wrong.subject}: {wrong.what}")
        out.say(f"    {word('wanted', lang)}: {wrong.wanted}")
        out.say(f"    {word('got', lang)}: {wrong.got}")
        for line in wrong.evidence:
            out.say(f"    - {line}")
    rows = [(kind, passed, all_, f"{passed / all_:.0%}") for kind, (passed, all_) in report.rates.items()]
    heads = (word("kind", lang), word("passed", lang), word("all", lang), "%")
    out.table(word("cases", lang, ruleset=report.ruleset, n=len(report.cases)), heads, rows)
    out.json({**vars(report), "rates": report.rates})
    return 1 if failed else 0
