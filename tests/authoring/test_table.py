"""Rules go to a spreadsheet and come back: with their parameters, their reasons and their comments."""

from __future__ import annotations

import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from crmrules.authoring.table.said import SayingReader, when_data
from crmrules.authoring.table.sheet import write_sheet
from crmrules.authoring.table.source import Sheet, find_class, sheet_from_file, sheet_of
from crmrules.authoring.table.splice import put_back
from crmrules.authoring.yaml_text import comments_of, flow
from crmrules.cli.main import cli
from crmrules.errors import NOWHERE, RulesetError
from crmrules.language.cells import read_cell
from crmrules.language.condition_reader import read_condition
from crmrules.language.conditions import ALWAYS
from crmrules.language.document import parse
from crmrules.language.loader import load_ruleset
from crmrules.language.tables import Row, Table
from crmrules.model.text import Text

CORE = Path(__file__).resolve().parents[2] / "rulesets" / "b2b-core"

CLASSES = """\
# Who is worth what.
tier:
  of: account
  values: {high: {zh: 高, en: High}, low: {zh: 低, en: Low}}
  rules:
    # Agreed with sales in May.
    - id: tier.high
      when: {annual_revenue: {gte: $floor}, created_at: {older_than: $tenure}}   # both, says legal
      then: high
      why: {zh: "=高", en: "+high"}
    - {id: tier.focus, when: {industry: $focus, name: {not_matches: "^test"}}, then: high}

    # Everybody else who is small: "quoted", 中文.
    # A second line.
    - {id: tier.low, when: {annual_revenue: {lt: $floor}, employees: [1, 2]}, then: low}
  otherwise: low   # the cautious guess
either:
  of: account
  values: {a: {zh: 甲, en: A}}
  rules:
    - {id: either.or, when: {any: [{name: x}, {city: y}]}, then: a}
    - {id: either.policy, when: {$basis: revenue, city: z}, then: a}
seg:
  of: account
  values: {best: {zh: 好, en: Best}, rest: {zh: 其余, en: Rest}}
  table:
    inputs: [employees]
    rows:
      # big
      - {id: seg.big, employees: ">= 500", then: best}
      - ["[1..500)", rest]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    here = tmp_path / "client"
    here.mkdir()
    head = """\
        schema: ruleset-v1
        name: client
        version: 1.0.0
        languages: [zh, en]
        parameters: {floor: 1000, tenure: 26w, focus: {value: [bank, school]}, basis: revenue}
    """
    (here / "ruleset.yaml").write_text(dedent(head), encoding="utf-8")
    (here / "classes.yaml").write_text(CLASSES, encoding="utf-8")
    return here


def sheet(folder: Path, name: str) -> Sheet:
    return sheet_of(find_class(load_ruleset(folder), name, ()))


def run(*arguments: str | Path) -> dict[str, object]:
    done = CliRunner().invoke(
        cli, ["ruleset", "table", *map(str, arguments), "--format", "json"], catch_exceptions=False
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def lines(file: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.read_text(encoding="utf-8"))))


def test_a_table_names_policies_and_keeps_comments(folder: Path) -> None:
    found = sheet(folder, "tier")
    assert found.table.inputs == ("annual_revenue", "created_at", "industry", "name", "employees")
    assert [row.cells for row in found.table.rows] == [
        (">= $floor", "older_than($tenure)", "-", "-", "-"),
        ("-", "-", "$focus", 'not(matches("^test"))', "-"),
        ("< $floor", "-", "-", "-", "1, 2"),
    ]
    assert found.comments == (
        "Agreed with sales in May.\nboth, says legal", "", 'Everybody else who is small: "quoted", 中文.\nA second line.'
    )  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "xlsx", "yaml"])
@pytest.mark.parametrize("name", ["tier", "seg"])
def test_there_and_back_changes_not_one_character(folder: Path, tmp_path: Path, name: str, form: str) -> None:
    file = tmp_path / f"out.{form}"
    run(folder, name, "--to", form, "--output", file)
    assert sheet_from_file(file, name, ("zh", "en")).comments == sheet(folder, name).comments
    assert run(folder, name, "--from", file)["file"] == ""
    assert (folder / "classes.yaml").read_text(encoding="utf-8") == CLASSES


def test_a_file_of_the_table_decides_as_the_rules_do(folder: Path) -> None:
    before = load_ruleset(folder).classes["tier"]
    run(folder, "tier", "--output", folder / "tier.csv")
    text = (folder / "classes.yaml").read_text(encoding="utf-8")
    rules = text[text.index("  rules:") : text.index("  otherwise: low")]
    (folder / "classes.yaml").write_text(text.replace(rules, "  table: tier.csv\n"), encoding="utf-8")
    after = load_ruleset(folder).classes["tier"]
    assert [replace(r, at=NOWHERE) for r in after.rules] == [replace(r, at=NOWHERE) for r in before.rules]


def test_an_edited_row_changes_its_rule_and_no_other_line(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "tier.csv"
    run(folder, "tier", "--output", file)
    head, high, focus, low = lines(file)
    low[head.index("annual_revenue")] = "[0..$floor)"
    low[head.index("comment")] = "Changed in June."
    new = ["tier.new", "is missing", "-", "not(bank, school)", "-", "> field(nps, 2)", "low", "", "", "New in June."]
    with file.open("w", encoding="utf-8", newline="") as written:
        csv.writer(written).writerows([head, high, focus, low, new])
    done = run(folder, "tier", "--from", file)
    assert (done["added"], done["changed"], done["removed"]) == (["tier.new"], ["tier.low"], [])
    old = CLASSES.split("\n")
    start = old.index('    # Everybody else who is small: "quoted", 中文.') - 1
    said = (folder / "classes.yaml").read_text(encoding="utf-8").split("\n")
    assert said[:start] == old[:start]
    assert said[start : start + 4] == [
        "    # Changed in June.",
        "    - {id: tier.low, when: {annual_revenue: {gte: 0, lt: $floor}, employees: [1, 2]}, then: low}",
        "    # New in June.",
        "    - {id: tier.new, when: {annual_revenue: {is_missing: true}, industry: {not_in: [bank, school]}, employees: {gt: {field: nps, times: 2}}}, then: low}",
    ]
    assert said[start + 4 :] == old[start + 4 :]


def test_rows_may_move_and_go(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "tier.csv"
    run(folder, "tier", "--output", file)
    head, high, _, low = lines(file)
    with file.open("w", encoding="utf-8", newline="") as written:
        csv.writer(written).writerows([head, low, high])
    done = run(folder, "tier", "--from", file)
    assert (done["removed"], done["moved"]) == (["tier.focus"], True)
    found = sheet(folder, "tier")
    assert [row.id for row in found.table.rows] == ["tier.low", "tier.high"]
    assert found.comments[1] == "Agreed with sales in May.\nboth, says legal"


def test_a_class_that_waits_for_its_rules_takes_them(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "tier.xlsx"
    run(folder, "tier", "--to", "xlsx", "--output", file)
    written = folder / "classes.yaml"
    text = written.read_text("utf-8")
    start, end = text.index("  rules:\n    # Agreed"), text.index("  otherwise: low")
    written.write_text(f"{text[:start]}  rules: []   # from the client\n{text[end:]}", "utf-8")
    assert run(folder, "tier", "--from", file)["added"] == ["tier.high", "tier.focus", "tier.low"]
    assert "  rules:   # from the client\n    # Agreed with sales in May." in written.read_text("utf-8")
    assert written.read_text("utf-8").endswith(text[end:])


def test_a_table_with_another_column_replaces_the_rows(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "seg.xlsx"
    run(folder, "seg", "--to", "xlsx", "--output", file)
    book = load_workbook(file)
    page = book.worksheets[0]
    page.insert_cols(3)
    page["C1"], page["C2"], page["C3"] = "city", "上海", "-"
    book.save(file)
    assert run(folder, "seg", "--from", file)["changed"] == ["seg.big"]
    assert sheet(folder, "seg").table.inputs == ("employees", "city")
    assert sheet(folder, "seg").comments == ("big", "")


def test_what_no_cell_can_say_is_refused_with_every_rule_named(folder: Path) -> None:
    with pytest.raises(RulesetError) as caught:
        sheet(folder, "either")
    assert [p.message for p in caught.value.problems] == [
        "rule 'either.or' tests city, name together; a cell tests one field",
        "rule 'either.policy' tests the parameter $basis itself",
    ]
    assert all(p.at.line for p in caught.value.problems)


def test_a_table_that_does_not_load_writes_nothing(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "tier.csv"
    run(folder, "tier", "--output", file)
    file.write_text(file.read_text(encoding="utf-8").replace("$floor", "$flor"), encoding="utf-8")
    found = load_ruleset(folder)
    source = find_class(found, "tier", ())
    with pytest.raises(RulesetError, match="unknown parameter 'flor'"):
        put_back(source, sheet_from_file(file, "tier", found.languages), ())
    assert (folder / "classes.yaml").read_text(encoding="utf-8") == CLASSES


def test_a_workbook_with_a_formula_is_refused(folder: Path, tmp_path: Path) -> None:
    book = Workbook()
    book.worksheets[0].append(["id", "employees", "then"])
    book.worksheets[0].append(["seg.big", "=1+1", "best"])
    book.save(tmp_path / "f.xlsx")
    with pytest.raises(RulesetError, match="holds a formula"):
        sheet_from_file(tmp_path / "f.xlsx", "seg", ("zh", "en"))


def test_no_cell_is_a_formula_to_a_spreadsheet(folder: Path, tmp_path: Path) -> None:
    run(folder, "tier", "--output", tmp_path / "t.csv")
    cells = [cell for line in lines(tmp_path / "t.csv") for cell in line]
    assert "'=高" in cells
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "@", "\t", "\r") or (cell[:1] == "-" and cell != "-")]
    run(folder, "tier", "--to", "xlsx", "--output", tmp_path / "t.xlsx")
    page = load_workbook(tmp_path / "t.xlsx").worksheets[0]
    assert "=高" in [cell.value for row in page.iter_rows() for cell in row if cell.data_type == "s"]
    assert not [cell for row in page.iter_rows() for cell in row if cell.data_type == "f"]


texts = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\u2028\u2029\x85\ufeff"), min_size=1, max_size=12).map(
    str.strip
).filter(bool)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(texts, texts, st.sampled_from(["csv", "xlsx", "yaml"]))
def test_whatever_a_reason_and_a_comment_say_comes_back(why: str, comment: str, form: str) -> None:
    row = Row(id="r", cells=(">= 4",), then="a", why=Text({"zh": why, "en": why}), score=2.5)
    said = comment.lstrip("#").strip()
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"d.{form}"
        file.write_bytes(write_sheet(Sheet(Table(inputs=("f",), rows=(row,)), (said,)), "d", ("zh", "en"), form))
        again = sheet_from_file(file, "d", ("zh", "en"))
    assert [replace(row, at=NOWHERE, places=()) for row in again.table.rows] == [row]
    assert again.comments == (said,)


def test_a_text_that_a_workbook_can_not_hold_is_refused() -> None:
    row = Row(id="r.bell", cells=(">= 4",), then="a", why=Text({"zh": "\x07", "en": "\x07"}))
    with pytest.raises(RulesetError, match=r"rule 'r\.bell' holds a control character"):
        write_sheet(Sheet(Table(inputs=("f",), rows=(row,)), ("",)), "d", ("zh", "en"), "xlsx")


@pytest.mark.parametrize(
    "cell",
    [
        "4", "= $p", "!= 4", "$p", "a, b", "not(a, b)", "in($p)", "not(in($p))", ">= 4 & != 7", "< 3, > 9", "is missing",
        "is present", 'matches("采购|a,b")', "within(90d)", "older_than($days)", "has(x)", "has(x), has(y)", ">= field(g, 1.5)",
        "= field(g)", "[10..$p]", '"4"', "true", "not(has(x)) & not(>= 4)", "is missing, 0", "not(not(3))",
    ],
)  # fmt: skip
def test_a_cell_and_the_rule_made_of_it_mean_the_same(cell: str) -> None:
    reader = SayingReader(languages=("zh",))
    condition = read_cell(reader, "account", "f", cell, NOWHERE)
    again = read_condition(reader, "account", parse(flow(when_data(condition)), "when.yaml"))
    assert reader.problems == []
    assert condition != ALWAYS
    assert again == condition


def test_a_hash_in_a_text_is_no_comment() -> None:
    found = comments_of('a: "x # no"   # yes\nb: |\n  # no\n# also\nc: d#no\n')
    assert [(c.line, c.text) for c in found] == [(0, "# yes"), (3, "# also")]


@pytest.mark.parametrize("name", ["relationship", "behaviour", "churn_status", "rfm_segment"])
def test_classes_of_the_core_come_back_as_they_are(name: str, tmp_path: Path) -> None:
    folder = tmp_path / CORE.name
    shutil.copytree(CORE, folder, ignore=shutil.ignore_patterns("cases"))
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    run(folder, name, "--output", tmp_path / "t.csv")
    assert run(folder, name, "--from", tmp_path / "t.csv")["file"] == ""
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
