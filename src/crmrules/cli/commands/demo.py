"""``crmrules demo``"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crmrules.cli import options, results
from crmrules.cli.output import Output
from crmrules.cli.words import word
from crmrules.language.ruleset import UNKNOWN

if TYPE_CHECKING:
    from crmrules.app.demo import Demo

_CHANGES_SHOWN = 8
_SUREST = (
    "SELECT contact_id FROM contact_role WHERE role <> ? AND source = 'inferred' "
    "ORDER BY role = ? DESC, score DESC, contact_id LIMIT 1"
)


@click.command("demo")
@click.argument("folder", type=click.Path(path_type=Path), default=Path("crmrules-demo"))
@click.option("--only-files", is_flag=True, help="Copy the sample CRM and its profile, and run nothing.")
@options.output
def command(folder: Path, only_files: bool, format: str, lang: str, quiet: bool) -> int:
    """Run everything once on a sample CRM in files, and take it back.

    Copies the sample into FOLDER (default crmrules-demo), pulls, decides, plans, applies, runs a
    second time (which must find nothing to do), and undoes; then every file must be byte for byte
    what it was. The exit code is 1 where it is not.
    """
    from crmrules.app.demo import demo, sample

    out = Output(format=format, lang=lang, quiet=quiet)
    if only_files:
        profile = sample(folder)
        out.say(word("demo_profile", lang, folder=folder))
        out.json({"profile": profile})
        return 0
    guide = _Guide(out, folder)
    done = demo(folder, guide.tell)
    _summary(out, done, guide)
    second = len(done.second.planned.plan.changes)
    good = not (second or done.restored.different or done.applied.report.not_written)
    out.json(
        {
            "records": done.decided.report.records,
            "classes": done.decided.report.classes,
            "roles": done.decided.report.roles,
            "evidence": done.decided.report.evidence,
            "changes": len(done.planned.plan.changes),
            "written": done.applied.report.count("written"),
            "second_run_changes": second,
            "restored": not done.restored.different,
            "report": guide.report,
        }
    )
    return 0 if good else 1


class _Guide:
    """Tells of each step as it ends."""

    def __init__(self, out: Output, folder: Path) -> None:
        self.out, self.folder = out, folder
        self.report = folder / "report.html"
        self.contact = ""

    def tell(self, step: str, result: Any) -> None:
        out, lang = self.out, self.out.lang
        if step != "profile" and step != "restored":
            out.say()
        match step:
            case "profile":
                self.profile: Path = result
                out.say(word("demo_profile", lang, folder=self.folder))
            case "pulled":
                out.say(word("demo_pulled", lang))
                results.pulled(out, result)
            case "decided":
                out.say(word("demo_decided", lang))
                results.decided(out, result)
                self._explain()
            case "planned":
                out.say(word("demo_planned", lang))
                results.planned(out, result, most=_CHANGES_SHOWN, hint=False)
                self._write_report(result.plan)
            case "applied":
                out.say(word("demo_applied", lang))
                results.written(out, result.report, "applied")
            case "second":
                out.say(word("demo_second", lang, n=len(result.planned.plan.changes)))
            case "undone":
                out.say(word("demo_undone", lang))
                results.written(out, result, "undone")
            case "restored" if result.different:
                out.say(word("demo_different", lang, files=", ".join(result.different)))
            case "restored":
                out.say(word("demo_restored", lang, n=result.files))

    def _explain(self) -> None:
        """Explain the role of the contact about whom the most important role is surest."""
        from crmrules.app.setup import deciding_ruleset, decision, open_profile
        from crmrules.explain.explain import explain, to_text

        setup = open_profile(self.profile)
        ruleset = deciding_ruleset(setup)
        first = ruleset.roles.precedence[0] if ruleset.roles else ""
        with decision(setup) as con:
            row = con.execute(_SUREST, [UNKNOWN, first]).fetchone()
            if row is None:
                return
            self.contact = str(row[0])
            found = explain(con, ruleset, "contact", self.contact, self.out.lang)
        self.out.say()
        self.out.say(word("demo_explained", self.out.lang))
        for line in to_text(replace(found, classes=(), roles=found.roles[:1])).splitlines():
            self.out.say(f"   {line}".rstrip())

    def _write_report(self, plan: Any) -> None:
        from crmrules.app.setup import deciding_ruleset, decision, open_profile
        from crmrules.report.html import write_report

        setup = open_profile(self.profile)
        with decision(setup) as con:
            write_report(
                self.report, con, deciding_ruleset(setup), plan, profile=setup.profile.name, language=self.out.lang
            )


def _summary(out: Output, done: Demo, guide: _Guide) -> None:
    lang, report = out.lang, done.decided.report
    given = sum(
        n for values in report.classes.values() for value, n in values.items() if value not in (UNKNOWN, "None")
    )
    figures = {
        "sum_records": sum(report.records.values()),
        "sum_classes": given,
        "sum_roles": sum(n for role, n in report.roles.items() if role != UNKNOWN),
        "sum_evidence": report.evidence,
        "sum_changes": done.applied.report.count("written"),
        "sum_second": len(done.second.planned.plan.changes),
        "sum_restored": word("no" if done.restored.different else "yes", lang),
    }
    out.say()
    out.table(word("summary", lang), ("", ""), [(word(key, lang), value) for key, value in figures.items()])
    out.say()
    out.say(word("demo_next", lang, report=guide.report, folder=guide.folder, contact=guide.contact))
