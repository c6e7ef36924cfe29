"""``crmrules ruleset coverage``"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crmrules.cli import options
from crmrules.cli.output import Output, plain
from crmrules.model.text import Text, text

if TYPE_CHECKING:
    from crmrules.authoring.coverage.boundaries import Boundary
    from crmrules.authoring.coverage.report import Coverage
    from crmrules.authoring.coverage.score import Score

_TITLE = text("{ruleset}:{records} 中触发了什么", "{ruleset}: what fired in {records}")
_CASES = text("用例", "its cases")
_HEADS = (text("种类", "kind"), text("已触发", "fired"), text("全部", "all"), text("%", "%"))
_KINDS: Mapping[str, Text] = {
    "rule": text("分类规则", "class rules"), "evidence": text("角色证据", "evidence"), "flag": text("提示", "flags"),
    "guard": text("限制", "guards"), "sentence": text("策略句", "sentences"), "cue": text("话语线索", "cues"),
    "inference": text("推理规则", "inference rules"), "lexicon": text("词典条目", "lexicon entries"),
}  # fmt: skip
_KIND = {
    "rule": text("规则", "rule"), "evidence": text("证据", "evidence"), "flag": text("提示", "flag"), "guard": text("限制", "guard"),
    "sentence": text("句子", "sentence"), "cue": text("线索", "cue"), "inference": text("推理", "inference"),
    "lexicon": text("词典", "lexicon"),
}  # fmt: skip
_MISSED = text("从未触发:{kind} {id}", "never fired: {kind} {id}")
_EXPLAINED = text("{n} 项从未触发,已注明原因", "{n} never fired, with a reason")
_SCORE = text(
    "变异得分 {score:.1%}:发现 {killed},漏过 {survived},等价 {equivalent}(共看 {seen} / {all} 个变异,{cases} 个用例)",
    "mutation score {score:.1%}: {killed} noticed, {survived} survived, {equivalent} equivalent"
    " (looked at {seen} of {all} mutants with {cases} cases)",
)
_SURVIVED = text("漏过:{kind} {id}:{told}", "survived: {kind} {id}: {told}")
_ASK = text(
    "    在 {cases} 中结果会变,但没有预期问到", "    it changes an outcome in {cases}, which no expectation asks for"
)
_NEEDED = text(
    "    没有用例会因此改变:需要一条只因它而不同的记录",
    "    no case changes by it: one is needed whose outcome depends on it",
)
_NO_RECORD = text("    没有找到只由它决定的记录", "    no record was found that it alone decides")
_PLACES = {"under": text("之下", "under"), "at": text("恰好", "at"), "over": text("之上", "over")}


@click.command("coverage")
@click.argument("ruleset")
@click.option(
    "--cases", type=click.Path(exists=True, path_type=Path), multiple=True,
    help="Files or folders of cases; default the ruleset's own.",
)  # fmt: skip
@click.option(
    "--data", type=click.Path(exists=True, path_type=Path), default=None,
    help="Look at records instead of cases: a crmrules.yaml whose CRM was pulled, or a folder with one, which is read afresh.",
)  # fmt: skip
@click.option("--boundaries", is_flag=True, help="Print a record just under, at and just over each threshold.")
@click.option("--mutate", is_flag=True, help="Count the small faults in the rules that the cases notice.")
@click.option("--sample", type=click.IntRange(min=1), default=None, help="With --mutate: only so many mutants.")
@click.option("--seed", default=0, show_default=True, help="With --sample: which ones.")
@click.option(
    "--jobs", type=click.IntRange(min=0), default=2, show_default=True, help="With --mutate: processes; 0 for none."
)
@click.option("--check", is_flag=True, help="Exit with 1 where something never fired without a reason.")
@click.option(
    "--least", type=click.FloatRange(0, 1), default=0.0, show_default=True,
    help="With --mutate: exit with 1 where the score is lower.",
)  # fmt: skip
@options.as_of
@options.output
def command(
    ruleset: str, cases: tuple[Path, ...], data: Path | None, boundaries: bool, mutate: bool, sample: int | None,
    seed: int, jobs: int, check: bool, least: float, as_of: date, format: str, lang: str, quiet: bool,
) -> int:  # fmt: skip
    """Tell what of a ruleset its cases test.

    RULESET is a folder, or the name of an installed one. Rules, rows of tables, evidence, flags, guards, sentences, cues,
    inference rules and lexicon entries that never fired are listed with their place; `# lint: ignore[never-fires] reason`
    there says why. --boundaries prints records at every threshold instead, as JSON Lines with --format json; --mutate
    makes every small fault in turn and counts those that some expectation of the cases notices.
    """
    from crmrules.authoring.coverage.report import covered_by_cases, covered_by_records, work_of

    out = Output(format=format, lang=lang, quiet=quiet)
    work = work_of(ruleset, cases)
    if boundaries:
        return _boundaries(ruleset, as_of, out, lang)
    if mutate:
        from crmrules.authoring.coverage.score import mutation_score

        score = mutation_score(work, sample=sample or 0, seed=seed, jobs=jobs)
        _tell_score(score, out, lang)
        return 1 if score.score < least else 0
    found = covered_by_cases(work) if data is None else covered_by_records(work, data, as_of)
    _tell(found, out, lang)
    return 1 if check and found.unexplained else 0


def _tell(found: Coverage, out: Output, lang: str) -> None:
    for one in found.unexplained:
        out.say(f"{one.entry.at}: {_MISSED.of(lang).format(kind=_KIND[one.entry.kind].of(lang), id=one.entry.id)}")
    records = _CASES.of(lang) if found.records == "cases" else found.records
    rows = [(_KINDS[kind].of(lang), fired, all_, f"{fired / all_:.0%}") for kind, (fired, all_) in found.counts.items()]
    out.table(
        _TITLE.of(lang).format(ruleset=found.ruleset, records=records), tuple(head.of(lang) for head in _HEADS), rows
    )
    if explained := len(found.missed) - len(found.unexplained):
        out.say(_EXPLAINED.of(lang).format(n=explained))
    out.json(
        {
            "ruleset": found.ruleset,
            "records": found.records,
            "counts": {kind: {"fired": fired, "all": all_} for kind, (fired, all_) in found.counts.items()},
            "never_fired": [
                {
                    "kind": m.entry.kind,
                    "id": m.entry.id,
                    "file": m.entry.at.file,
                    "line": m.entry.at.line,
                    "reason": m.reason,
                }
                for m in found.missed
            ],
        }
    )


def _tell_score(score: Score, out: Output, lang: str) -> None:
    for one in score.fates:
        if one.fate == "survived":
            mutant = one.mutant
            said = _SURVIVED.of(lang).format(kind=_KIND[mutant.kind].of(lang), id=mutant.id, told=mutant.told)
            out.say(f"{mutant.at}: {said}")
            out.say(_ASK.of(lang).format(cases=", ".join(one.shows_in)) if one.shows_in else _NEEDED.of(lang))
    counts = {fate: score.count(fate) for fate in ("killed", "survived", "equivalent")}
    out.say(
        _SCORE.of(lang).format(score=score.score, seen=len(score.fates), all=score.mutants, cases=score.cases, **counts)
    )
    out.json(
        {
            "ruleset": score.ruleset, "cases": score.cases, "mutants": score.mutants, "looked_at": len(score.fates),
            "score": score.score, **counts,
            "fates": [
                {
                    "kind": f.mutant.kind, "id": f.mutant.id, "change": f.mutant.change, "told": f.mutant.told,
                    "file": f.mutant.at.file, "line": f.mutant.at.line, "fate": f.fate, "by": f.by, "shows_in": f.shows_in,
                }
                for f in score.fates
            ],
        }
    )  # fmt: skip


def _boundaries(ruleset: str, as_of: date, out: Output, lang: str) -> int:
    from crmrules.app.rulesets import load
    from crmrules.authoring.coverage.boundaries import boundaries
    from crmrules.authoring.lint.columns import Known

    for one in boundaries(Known(load(ruleset)), as_of):
        if out.format == "json":
            click.echo(json.dumps(_document(one), ensure_ascii=False))
            continue
        out.say(f"{one.at}: {_KIND[one.kind].of(lang)} {one.id}: {one.field} {one.threshold}")
        for side in one.sides:
            shown = ", ".join(f"{path} = {value}" for path, value in side.record.items())
            out.say(f"    {_PLACES[side.place].of(lang)}: {shown} -> {side.outcome}")
        if not one.sides:
            out.say(_NO_RECORD.of(lang))
    return 0


def _document(one: Boundary) -> object:
    return plain(
        {
            "kind": one.kind, "id": one.id, "frame": one.frame, "field": one.field, "threshold": one.threshold,
            "file": one.at.file, "line": one.at.line,
            "sides": [{"place": s.place, "record": dict(s.record), "outcome": s.outcome} for s in one.sides],
        }
    )  # fmt: skip
