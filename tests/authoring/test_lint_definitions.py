"""What the linter says about definitions, texts and money, and how a finding is ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from .lint_world import classes, found, write

RULES = "- {id: a, when: {employees: {gte: 100}}, then: large}"


def messages(folder: Path, code: str) -> list[str]:
    return [one.problem.message for one in found(folder).get(code, [])]


def test_what_nothing_reads_is_unused(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "r",
        more="parameters: {used: 100, idle: 3, told: 5}\n",
        sets="some: {from: order, where: {amount: {gt: 0}}}\nidle_set: {from: order, where: {amount: {lt: 0}}}\n",
        features="""\
account:
  orders_n: {count: some}
  idle_n: {count: some}
  told_n: {count: some}
""",
        classes=classes(
            "- {id: a, when: {orders_n: {gte: $used}}, then: large,"
            ' why: {zh: "{{ told_n }} {{ parameters.told }}", en: "{{ told_n }} {{ parameters.told }}"}}',
            "  otherwise: small\n",
        ),
        inference="""\
facts:
  person: {of: contact, with: {contact: {id: id}}}
  idle_fact: {of: contact, with: {contact: {id: id}}}
  known: {with: {contact: id}}
rules:
  known.all: {all: [{person: {contact: ?c}}], then: {known: {contact: ?c}}}
""",
    )
    assert messages(folder, "unused-parameter") == ["nothing reads the parameter 'idle'"]
    assert messages(folder, "unused-feature") == ["nothing reads the feature 'idle_n'"]
    assert messages(folder, "unused-set") == ["nothing is computed from the set 'idle_set'"]
    assert messages(folder, "unused-fact") == ["nothing reads the fact 'idle_fact'", "nothing reads the fact 'known'"]


def test_a_parameter_that_only_a_table_names_is_used(tmp_path: Path) -> None:
    table = classes(RULES).partition("  rules:")[0] + "  otherwise: small\n  table: grid.csv\n"
    folder = write(tmp_path / "r", more="parameters: {floor: 100}\n", classes=table)
    (folder / "grid.csv").write_text("id,employees,then\na,>= $floor,large\n", "utf-8")
    assert found(folder) == {}


@pytest.mark.parametrize(
    ("feature", "right"),
    [
        ("{sum: order, value: amount}", False),
        ("{mean: order, value: amount * 2}", False),
        ("{sum: order, value: amount - coalesce(refund, 0)}", True),
        ("{sum: order, value: net}", True),
        ("{sum: order, value: amount, where: {refund: {is_missing: true}}}", True),
        ("{sum: deal, value: amount}", True),
        ("{count: order}", True),
    ],
)
def test_money_of_orders_is_summed_without_refunds(tmp_path: Path, feature: str, right: bool) -> None:
    features = f"""\
order:
  net: {{expr: "amount - coalesce(refund, 0)", type: money}}
account:
  total: {feature}
"""
    rules = "- {id: a, when: {total: {gte: 100}}, then: large}"
    folder = write(tmp_path / "r", features=features, classes=classes(rules, "  otherwise: small\n"))
    assert ("ignores-refunds" not in found(folder)) is right


def test_what_people_read_is_there_and_in_its_language(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "r",
        classes="size: {of: account, values: {large: {zh: 大, en: 大}}, copy: industry}\n",
        flags="quiet: {of: account, when: {employees: 0}, label: {zh: This is not at all Chinese, en: Quiet}}\n",
    )
    assert messages(folder, "missing-text") == ["the label of the class 'size' is missing"]
    assert messages(folder, "untranslated") == [
        "the label of the value 'large' of 'size' is Chinese under 'en'",
        "the label of the flag 'quiet' is not Chinese under 'zh'",
    ]


def test_a_name_or_a_quotation_is_no_foreign_language(tmp_path: Path) -> None:
    flags = """\
erp:
  of: account
  when: {employees: 0}
  label: {zh: ERP, en: ERP}
  why: {zh: "说“I sign”", en: "says “我拍板” about {{ name }}"}
"""
    assert found(write(tmp_path / "r", flags=flags)) == {}


def test_a_ruleset_without_a_case_is_told_so(tmp_path: Path) -> None:
    folder = write(tmp_path / "r", classes=classes(RULES, "  otherwise: small\n"))
    assert found(folder) == {}
    (folder / "cases" / "one.yaml").unlink()
    assert list(found(folder)) == ["no-case"]


def test_what_keeps_a_ruleset_from_loading_is_a_finding_at_its_place(tmp_path: Path) -> None:
    folder = write(tmp_path / "r", classes=classes("- {id: a, when: {employes: 1}, then: large}"))
    (one,) = found(folder)["unknown-field"]
    assert one.problem.at.line == 6
    assert "employees" in one.problem.hint


GAP = classes(RULES)


@pytest.mark.parametrize("above", [True, False])
def test_a_finding_is_ignored_with_a_reason_on_its_line_or_above_it(tmp_path: Path, above: bool) -> None:
    comment = "# lint: ignore[gap] small ones are nobody's affair"
    text = f"{comment}\n{GAP}" if above else GAP.replace("size:", f"size:  {comment}", 1)
    (one,) = found(write(tmp_path / "r", classes=text))["gap"]
    assert one.ignored == "small ones are nobody's affair"


def test_an_ignore_needs_a_code_and_a_reason(tmp_path: Path) -> None:
    for number, comment in enumerate(("# lint: ignore[gap]", "# lint: ignore because I say so")):
        said = found(write(tmp_path / str(number), classes=f"{comment}\n{GAP}"))
        assert not said["gap"][0].ignored
        assert said["ignore-without-reason"][0].problem.at.line == 1


def test_an_ignore_that_ignores_nothing_is_a_finding(tmp_path: Path) -> None:
    text = "# lint: ignore[overlap] it was so once\n# lint: ignore[gaps] a typo\n" + GAP
    one, other = found(write(tmp_path / "r", classes=text))["unused-ignore"]
    assert (one.problem.at.line, other.problem.at.line) == (1, 2)
    assert "gap" in other.problem.hint


def test_an_ignore_for_what_only_records_show_may_wait_for_them(tmp_path: Path) -> None:
    text = "# lint: ignore[dead-field] the client will fill it\n" + classes(RULES, "  otherwise: small\n")
    assert found(write(tmp_path / "r", classes=text)) == {}


def test_a_childs_own_doing_is_told_and_not_what_its_parent_says_anyway(tmp_path: Path) -> None:
    playbook = """\
title: {zh: 建议, en: Advice}
blocks: {account: [next]}
sentences:
  bank: {of: account, block: next, when: {industry: bank}, say: {zh: 拜访, en: Visit}}
"""
    rules = """
- {id: a, when: {employees: {gte: $large_from}}, then: large}
- {id: b, when: {employees: {gte: 100}, industry: bank}, then: small}
"""
    more = "parameters: {large_from: 1000, idle: 1}\n"
    parent = write(tmp_path / "parent", more=more, classes=classes(rules), playbook=playbook)
    assert set(found(parent)) == {"gap", "unused-parameter"}
    child = write(
        tmp_path / "child",
        more="extends: [../parent]\n",
        playbook=playbook.replace("bank:", "all:", 1).replace("{industry: bank}", "{industry: {is_present: true}}"),
    )
    assert found(child) == {}
    (child / "ruleset.yaml").write_text(
        (child / "ruleset.yaml").read_text("utf-8") + "parameters: {large_from: 50}\n", "utf-8"
    )
    (one,) = found(child)["unreachable-rule"]
    assert "rule 'b'" in one.problem.message
    assert Path(one.problem.at.file).resolve().is_relative_to(parent.resolve())


def test_a_feature_with_a_label_is_for_people(tmp_path: Path) -> None:
    features = "account:\n  n: {count: order, label: {zh: 订单数, en: Orders}}\n"
    assert found(write(tmp_path / "r", features=features)) == {}
