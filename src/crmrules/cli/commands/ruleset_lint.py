"""``crmrules ruleset lint``"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crmrules.cli import options
from crmrules.cli.output import Output, plain
from crmrules.model.text import Text, text

if TYPE_CHECKING:
    from crmrules.authoring.lint.findings import Finding

_CLEAN = text("{ruleset}:没有问题", "{ruleset}: no findings")
_SUMMARY = text(
    "{ruleset}:{errors} 个错误,{warnings} 个警告,{ignored} 个已忽略",
    "{ruleset}: {errors} errors, {warnings} warnings, {ignored} ignored",
)
_HITS = text("涉及 {matched} / {total} 个{object}", "hits {matched} of {total} {object} records")
_RECORD = text(",例如 {record}", ", e.g. {record}")
_OBJECTS = {"account": text("客户", "account"), "contact": text("联系人", "contact"), "deal": text("商机", "deal")}


@click.command("lint")
@click.argument("ruleset")
@click.option(
    "--profile", type=click.Path(path_type=Path), default=None,
    help="Look at the records of this profile too: a file, or the folder of a crmrules.yaml.",
)  # fmt: skip
@click.option(
    "--format", type=click.Choice(["text", "json", "sarif"]), default="text", show_default=True,
    help="text for people, json for machines, sarif for code review.",
)  # fmt: skip
@click.option(
    "--fail-on", type=click.Choice(["warning", "error"]), default="error", show_default=True,
    help="The least severe finding that makes the exit code 1.",
)  # fmt: skip
@click.option(
    "--min-fill", type=click.FloatRange(0, 1), default=0.5, show_default=True,
    help="Share of the records in which a field that rules read should be filled.",
)  # fmt: skip
@options.as_of
@options.speech
def command(
    ruleset: str, profile: Path | None, format: str, fail_on: str, min_fill: float, as_of: date, lang: str, quiet: bool
) -> int:  # fmt: skip
    """Find what is wrong with a ruleset that loads, and what keeps one from loading.

    RULESET is a folder, or the name of an installed one. Rules that can never fire or that earlier ones always
    take, gaps and overlaps with an example, contradictions, definitions that nothing reads, missing texts; with
    --profile also how many records each finding hits, fields that the CRM does not fill and values that it does not have.
    `# lint: ignore[code] reason` on a line, or the line above it, silences a finding there.
    """
    from crmrules.authoring.lint.run import lint
    from crmrules.authoring.lint.sarif import sarif

    out = Output(format=format, lang=lang, quiet=quiet)
    report = lint(ruleset, profile, as_of=as_of, min_fill=min_fill)
    for one in report.findings:
        if not one.ignored:
            for line in _lines(one, lang):
                out.say(line)
    out.say(_summary(report.ruleset, report.findings, lang))
    out.json(
        {
            "ruleset": report.ruleset,
            "with_records": report.with_records,
            "findings": [_document(f) for f in report.findings],
        }
    )
    if format == "sarif":
        click.echo(json.dumps(sarif(report.findings, Path.cwd()), ensure_ascii=False, indent=1))
    return 1 if report.failures(fail_on) else 0


def _lines(one: Finding, lang: str) -> list[str]:
    lines = str(one.problem).splitlines()
    if one.hits is not None:
        said = _HITS.of(lang).format(
            matched=one.hits.matched, total=one.hits.total, object=_OBJECTS.get(one.hits.object, Text()).of(lang) or one.hits.object
        )  # fmt: skip
        lines.append("    " + said + (_RECORD.of(lang).format(record=one.hits.record) if one.hits.record else ""))
    return lines


def _summary(ruleset: str, findings: tuple[Finding, ...], lang: str) -> str:
    if not findings:
        return _CLEAN.of(lang).format(ruleset=ruleset)
    open_ = [f.problem.severity for f in findings if not f.ignored]
    return _SUMMARY.of(lang).format(
        ruleset=ruleset,
        errors=open_.count("error"),
        warnings=open_.count("warning"),
        ignored=len(findings) - len(open_),
    )


def _document(one: Finding) -> object:
    problem = one.problem
    return plain(
        {
            "code": problem.code, "severity": problem.severity, "message": problem.message, "file": problem.at.file,
            "line": problem.at.line, "column": problem.at.column, "expected": problem.expected, "hint": problem.hint,
            "witness": one.witness, "hits": one.hits, "ignored": one.ignored,
        }
    )  # fmt: skip
