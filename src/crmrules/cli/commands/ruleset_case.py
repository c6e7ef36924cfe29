"""``crmrules ruleset case from-record``"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crmrules.cli import options
from crmrules.cli.output import Output
from crmrules.model.text import text

if TYPE_CHECKING:
    from crmrules.authoring.case.run import Difference

_MADE = text(
    "{file}:{records}。截至 {as_of}(日期已平移)。",
    "{file}: {records}, as of {as_of} (all days moved).",
)
_SAME = text("{n} 项结果与原记录相同。", "{n} outcomes are those of the record.")
_BLURRED = text("已取整:{fields}", "Rounded: {fields}")
_DIFFER = text("与原记录不同", "Not as in the record")
_HEADS = text("记录,结果,原记录,用例,原因", "record,outcome,in the CRM,in the case,why")
_WHY = {
    "ranks": text("在全部客户中排名,用例里只有这一个客户", "ranks the customer among all, and a case has but this one"),
    "records": text("读取了用例里没有的记录", "reads records that the case does not hold"),
    "names": text("姓名、编号或词语被替换", "names, ids or words were replaced"),
    "text": text(
        "活动文本已删减;可用 --keep-text 保留", "the texts of activities were reduced; --keep-text keeps them"
    ),
    "days": text("日期平移;可用 --shift 0 保持原日期", "days were moved; --shift 0 leaves them"),
}
_CHECK = text(
    "文件里没有姓名、编号与原文;提交之前仍请通读一遍。",
    "No names, ids or original texts are in it; read it once before you commit it all the same.",
)
_CHECK_TEXT = text(
    "文本按原样保留,只替换了已知的姓名、编号、电话与网址:提交之前请通读。",
    "Texts are kept but for known names, ids, addresses and numbers: read it before you commit it.",
)


@click.group("case")
def command() -> None:
    """Make cases."""


@command.command("from-record")
@click.option("--account", default="", metavar="ID", help="The customer.")
@click.option("--contact", default="", metavar="ID", help="Expect the outcomes of this contact, of no other.")
@click.option("--deal", default="", metavar="ID", help="Expect the outcomes of this deal, of no other.")
@click.option(
    "--into", type=click.Path(dir_okay=False, path_type=Path), required=True, metavar="FILE",
    help="The case to write, e.g. myrules/cases/lost_customer.yaml.",
)  # fmt: skip
@click.option("--ruleset", default="", help="A folder or name; default the one that FILE lies in, else the profile's.")
@click.option("--expect", is_flag=True, help="Write the outcomes as what the case expects.")
@click.option(
    "--keep-text", is_flag=True, help="Keep the texts of activities but for names, ids, addresses and numbers."
)
@click.option("--blur", is_flag=True, help="Round numbers as far as no outcome changes.")
@click.option(
    "--shift",
    type=int,
    default=None,
    metavar="DAYS",
    help="Move all days by so many, --as-of too.  [default: some weeks back]",
)
@options.profile
@options.as_of
@options.engine
@options.output
def from_record(
    account: str, contact: str, deal: str, into: Path, ruleset: str, expect: bool, keep_text: bool, blur: bool,
    shift: int | None, profile: Path, as_of: date, engine: str, format: str, lang: str, quiet: bool,
) -> int:  # fmt: skip
    """Make a test out of a customer of the pulled CRM, with nobody recognisable in it.

    The case holds what the ruleset reads of the customer. Names, ids and addresses become others, all days move by
    the same number of days, a text is reduced to the phrases that the ruleset finds in it. Then the case is decided:
    exit code 1 means that something comes out otherwise than for the record, and the output says what and why.
    """
    from crmrules.authoring.case.run import Wish, from_record
    from crmrules.authoring.diff_records import ground
    from crmrules.model.objects import OBJECTS

    if not (account or contact or deal):
        raise click.UsageError("say which record: --account, --contact or --deal")
    out = Output(format=format, lang=lang, quiet=quiet)
    names = tuple(filter(None, (ruleset or _around(into),)))
    wish = Wish(account=account, contact=contact, deal=deal, expect=expect, keep_text=keep_text, blur=blur, days=shift)
    with ground(names, profile, records=None, as_of=as_of, today=as_of, engine=engine) as on:
        made = from_record(on, profile, into, wish)
    counted = ", ".join(f"{OBJECTS[name].label.of(lang)} {n}" for name, n in made.records.items())
    out.say(_MADE.of(lang).format(file=made.file, records=counted, as_of=made.as_of))
    out.say(_SAME.of(lang).format(n=made.same))
    if made.blurred:
        out.say(_BLURRED.of(lang).format(fields=", ".join(made.blurred)))
    out.table(_DIFFER.of(lang), _HEADS.of(lang).split(","), [_row(d, lang) for d in made.differences])
    out.say((_CHECK_TEXT if keep_text else _CHECK).of(lang))
    out.json({**vars(made), "faithful": made.faithful})
    return 0 if made.faithful else 1


def _around(into: Path) -> str:
    """Return the ruleset's folder where *into* lies in one."""
    found = next((folder for folder in into.absolute().parents if (folder / "ruleset.yaml").is_file()), None)
    return str(found) if found is not None else ""


def _row(one: Difference, lang: str) -> tuple[str, ...]:
    what = one.what
    name = f"role ({what.name})" if what.kind == "part" else what.name
    said = (", ".join(v) if isinstance(v, list) else "" if v is None else str(v) for v in (one.record, one.case))
    return (f"{what.object} {what.id}", name, *said, _WHY[one.why].of(lang))
