"""`ruleset case from-record`: a test out of a real customer, the same outcomes and nobody in it."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmrules.authoring.case.anonymise import rounded
from crmrules.authoring.case.names import Names
from crmrules.authoring.case.phrasebook import Phrasebook
from crmrules.authoring.case.uses import Use
from crmrules.cli.main import exit_code
from crmrules.evaluation.normalise import tidy
from crmrules.language.ruleset import Phrases
from crmrules.model.objects import OBJECTS, FieldType
from crmrules.plugins.host import installed
from crmrules.testing.cases import run_cases

from . import case_world as world

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def crm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pulled CRM in which every text field of every record holds a secret, and a ruleset that reads them all."""
    folder = world.make(tmp_path_factory.mktemp("crm"))
    assert exit_code(["pull", "--profile", str(folder), "--quiet"]) == 0
    return folder


@pytest.fixture
def run(crm: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    def command(*arguments: str, code: int = 0, lang: str = "en", text: bool = False) -> Any:
        capsys.readouterr()
        more = ["--profile", str(crm), "--ruleset", str(crm / "rules"), "--as-of", world.AS_OF, "--lang", lang]
        got = exit_code(["ruleset", "case", "from-record", *arguments, *more, *([] if text else ["--format", "json"])])
        said = capsys.readouterr()
        assert got == code, said.err + said.out
        return said.out if text else json.loads(said.out or said.err)

    return command


@pytest.fixture(scope="module")
def plain(crm: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The case of the customer as it is made without further options, and what was said of it."""
    return _made(crm, tmp_path_factory.mktemp("plain"), "--expect")


@pytest.fixture(scope="module")
def blurred(crm: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The same with rounded numbers and the days as they are."""
    return _made(crm, tmp_path_factory.mktemp("blurred"), "--blur", "--expect", "--shift", "0")


def _made(crm: Path, folder: Path, *options: str) -> tuple[Path, Any]:
    said, file = io.StringIO(), folder / "one.yaml"
    more = ["--profile", str(crm), "--ruleset", str(crm / "rules"), "--as-of", world.AS_OF, "--format", "json"]
    with contextlib.redirect_stdout(said):
        assert (
            exit_code(
                ["ruleset", "case", "from-record", "--account", world.ACCOUNT, "--into", str(file), *options, *more]
            )
            == 0
        )
    return file, json.loads(said.getvalue())


def test_the_outcomes_are_those_of_the_record_and_the_case_passes(crm: Path, plain: tuple[Path, Any]) -> None:
    file, made = plain
    assert made["faithful"]
    assert [d["what"]["name"] for d in made["differences"]] == ["podium"]  # ranks all customers
    host = installed()
    report = run_cases(crm / "rules", [file], engine=host.engine("python"), renderer=host.renderer("jinja"))
    assert not report.failures
    kinds = {(e.kind, e.what, e.got) for e in report.expectations}
    assert {
        ("class", "worth", "high"),
        ("class", "grading", "top"),
        ("class", "reach", "boss"),
        ("flag", "decided", "present"),
    } <= kinds
    assert any(e.kind == "role" and e.got == "decider" for e in report.expectations)


@pytest.mark.parametrize("options", ["plain", "blurred"])
def test_no_secret_that_stands_in_a_text_field_is_in_the_case(options: str, request: pytest.FixtureRequest) -> None:
    file, _ = request.getfixturevalue(options)
    written = file.read_text("utf-8").lower()
    assert not [secret for secret in world.SECRETS if secret.lower() in written]
    assert "1380013" not in written  # how every planted number begins
    for id in world.IDS:
        assert not re.search(rf"\b{re.escape(id)}\b", written)


def test_kept_texts_lose_the_names_ids_addresses_and_numbers_of_whom_the_crm_knows(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    run("--account", world.ACCOUNT, "--into", str(file), "--keep-text")
    written = file.read_text("utf-8")
    assert "下周讨论" in written
    for known in (
        "王海燕",
        "王主任",
        "海燕",
        "Robert",
        "Miller",
        "Bob",
        "宏图",
        "刘芳",
        "13800138000",
        "bob@",
        "example.com",
        "X-77",
    ):
        assert known not in written, known


def test_who_is_meant_stays_the_same(plain: tuple[Path, Any]) -> None:
    written = plain[0].read_text("utf-8")
    (name,) = re.findall(r"name: (\w+), title: 采购主任", written)
    assert f"{name[0]}主任" in written  # surname and title, as the talk has it
    assert "拍板" in written  # what the cue finds
    assert "下周讨论" not in written


def test_all_days_move_together(run: Run, tmp_path: Path) -> None:
    made = run("--account", world.ACCOUNT, "--into", str(tmp_path / "a.yaml"), "--shift", "-10")
    assert made["as_of"] == "2026-06-21"
    assert "date: 2026-04-21" in (tmp_path / "a.yaml").read_text("utf-8")  # 2026-05-01 in the CRM


def test_numbers_are_rounded_where_no_threshold_is_crossed(blurred: tuple[Path, Any]) -> None:
    file, made = blurred
    assert made["faithful"]
    assert made["blurred"]["account.annual_revenue"] == 2
    written = file.read_text("utf-8")
    assert "annual_revenue: 7700000" in written
    assert "amount: 1004.5" in written  # 1000 would be under the threshold of 1,003


def test_expectations_may_be_about_one_contact(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    run("--contact", "C-9001", "--into", str(file), "--expect")
    expected = file.read_text("utf-8").partition("contacts:")[2].partition("contacts:")[2]
    assert expected.count("role:") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (("--account", "nobody"), 4, "there is no account 'nobody'"),
        (("--account", world.ACCOUNT, "--contact", "C-other"), 4, "does not belong to the account"),
    ],
)
def test_a_wrong_record_is_told(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, complaint: str
) -> None:
    said = run(*arguments, "--into", str(tmp_path / "a.yaml"), code=code)
    assert complaint in json.dumps(said, ensure_ascii=False)
    assert not (tmp_path / "a.yaml").exists()


def test_a_file_is_never_overwritten(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("mine", "utf-8")
    run("--account", world.ACCOUNT, "--into", str(tmp_path / "a.yaml"), code=4)
    assert (tmp_path / "a.yaml").read_text("utf-8") == "mine"


def test_it_speaks_chinese_too(run: Run, tmp_path: Path) -> None:
    said = run("--account", world.ACCOUNT, "--into", str(tmp_path / "a.yaml"), lang="zh", text=True)
    assert "项结果与原记录相同" in said
    assert "在全部客户中排名" in said


def test_the_world_of_these_tests_has_a_secret_in_every_text_field() -> None:
    texts = [
        (o.name, f.name) for o in OBJECTS.values() for f in o.fields if f.type is FieldType.text and f.name != "id"
    ]
    assert {pair for pair in texts if not OBJECTS[pair[0]].field(pair[1]).refers_to} <= world.PLANTED | world.SPOKEN  # type: ignore[union-attr]


# ---------------------------------------------------------------- laws

_BOOK = Phrasebook(
    Use(words={"我.{0,9}(拍板|说了算)", "{who}.{0,4}点头", r"(?i)\bI (?:decide|approv(?:e|ed))\b.{0,8}now"})
)
_OTHERS = st.text(
    st.characters(categories=["L", "N", "P", "Zs"], exclude_characters="我拍板说了算点头他她们司方本人"), max_size=40
)


@settings(max_examples=200, deadline=None)
@given(_OTHERS, _OTHERS)
def test_only_what_a_pattern_says_is_left_of_a_text(before: str, after: str) -> None:
    text = tidy(f"{before}我{after}拍板")
    left = _BOOK.reduced(text, [])
    assert len(left) == len(text)
    words = {"i", "me", "my", "mine", "myself", "we", "us", "he", "she", "him", "her", "they", "now", "decide"}
    for was, now in zip(re.findall(r"\w+", text), re.findall(r"\w+", left), strict=True):
        if was.isascii() and was.lower() not in words:
            assert not set(now) - set("x0") or not was.isalnum() or "approv" in was.lower()


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 10**12), st.integers(1, 4))
def test_a_rounded_number_has_so_many_digits_and_is_near(number: int, digits: int) -> None:
    rough = rounded(number, digits)
    assert len(str(rough).rstrip("0")) <= digits
    assert abs(rough - number) <= number / 10 ** (digits - 1)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("王李张欧阳海燕明强丽", min_size=2, max_size=4), min_size=1, max_size=8, unique=True))
def test_equal_surnames_stay_equal_and_names_stay_different(people: list[str]) -> None:
    names = Names(Phrases(cues=(), negations=(), honorifics=("主任",), nicknames={}, speech_verbs=()), people)
    given = {person: names.person(person) for person in people}
    assert len(set(given.values())) == len(people)
    for one in people:
        assert given[one] != one
        for other in people:
            if len(one) == len(other) == 3 and "欧" not in one + other:
                assert (one[0] == other[0]) == (given[one][0] == given[other][0])
