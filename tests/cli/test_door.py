"""The door: usage, errors as words and as JSON, exit codes, and what a terminal must never see."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from crmrules import errors
from crmrules.cli import exits, main
from crmrules.cli.lazy import LazyGroup
from crmrules.cli.output import Output, aligned, plain
from crmrules.cli.words import WORDS
from crmrules.errors import CrmrulesError, Location, Problem, RulesetError
from crmrules.model.text import text


def commands(group: LazyGroup, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command, str]]:
    """Every command below *group*: its path, the command, and the help that the group lists."""
    context = click.Context(group)
    found = []
    for name, (_, listed) in group.lazy.items():
        command = group.get_command(context, name)
        assert command is not None
        found.append(((*path, name), command, listed))
        if isinstance(command, LazyGroup):
            found += commands(command, (*path, name))
    return found


assert isinstance(main.cli, LazyGroup)
COMMANDS = commands(main.cli)


@pytest.mark.parametrize(("path", "command", "listed"), COMMANDS, ids=[" ".join(path) for path, _, _ in COMMANDS])
def test_the_list_of_commands_says_what_each_command_says(
    path: tuple[str, ...], command: click.Command, listed: str
) -> None:
    assert (command.help or "").splitlines()[0] == listed
    assert command.name == path[-1]


@pytest.mark.parametrize(("path", "command", "listed"), COMMANDS, ids=[" ".join(path) for path, _, _ in COMMANDS])
def test_options_mean_the_same_everywhere(path: tuple[str, ...], command: click.Command, listed: str) -> None:
    options = {param.name for param in command.params}
    if isinstance(command, click.Group) or path == ("ruleset", "schema"):
        return
    assert options >= {"format", "lang", "quiet"}
    assert all(param.help for param in command.params if isinstance(param, click.Option))


def test_every_family_of_errors_has_its_own_documented_exit_code() -> None:
    families = [
        family
        for family in vars(errors).values()
        if isinstance(family, type) and issubclass(family, CrmrulesError) and family.__base__ is CrmrulesError
    ]
    codes = [family.exit_code for family in families]
    assert len(set(codes)) == len(codes)
    assert set(codes) <= set(exits.EXIT_CODES)
    assert "Exit codes" in exits.epilog()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "Commands"),
        (["nonsense"], "nonsense"),
        (["pull", "--nonsense"], "nonsense"),
        (["decide", "--as-of", "yesterday"], "YYYY-MM-DD"),
        (["explain", "order", "1"], "order"),
        (["apply"], "PLAN"),
        (["export", "csv"], "TO"),
        (["undo", "0"], "0"),
    ],
)
def test_wrong_use_is_exit_2(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.exit_code(arguments) == 2
    assert complaint in capsys.readouterr().err


def test_a_missing_profile_is_told_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.exit_code(["pull", "--profile", str(tmp_path / "no.yaml")]) == 3
    said = capsys.readouterr()
    assert str(tmp_path / "no.yaml") in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


@pytest.mark.parametrize("spelling", [["--format", "json"], ["--format=json"]])
def test_errors_are_json_where_json_was_asked_for(
    spelling: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.exit_code(["pull", "--profile", str(tmp_path / "no.yaml"), *spelling]) == 3
    said = json.loads(capsys.readouterr().err)
    assert said["exit_code"] == 3
    assert said["problems"][0]["file"] == str(tmp_path / "no.yaml")
    assert main.exit_code(["pull", "--nonsense", *spelling]) == 2
    assert json.loads(capsys.readouterr().err)["problems"][0]["code"] == "usage"


class Failing(click.Command):
    """A command that raises what it is told to."""

    def __init__(self, error: BaseException) -> None:
        super().__init__("failing", callback=self._fail)
        self._error = error

    def _fail(self) -> None:
        raise self._error


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            RulesetError(
                [Problem("b", "\x1b[31mred", Location("x.yaml", 2, 3), "an id", "add one"), Problem("a", "first")]
            ),
            3,
            "x.yaml:2:3: error [b] [31mred\n    expected: an id\n    hint: add one\n2 problems\n",
        ),
        (KeyboardInterrupt(), 130, "interrupted"),
        (click.Abort(), 130, "interrupted"),
        (ZeroDivisionError("x"), 70, "This is a bug in crmrules"),
    ],
)
def test_errors_become_words_and_a_code(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(main.cli, "get_command", lambda context, name: Failing(error))
    assert main.exit_code(["failing"]) == code
    printed = capsys.readouterr().err
    assert said in printed
    assert "\x1b" not in printed
    assert ("Traceback" in printed) == (code == 70)


@pytest.mark.parametrize("arguments", [["ruleset", "schema", "ruleset"], ["--help"]])
def test_a_reader_that_stops_reading_is_no_failure(arguments: list[str]) -> None:
    code = "from crmrules.cli.main import run; run()"
    writer = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.close()
    _, complaints = writer.communicate()
    assert (writer.returncode, complaints) == (0, b"")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["plan", "--help"]])
def test_help_and_version_are_exit_0(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.exit_code(arguments) == 0
    assert "crmrules" in capsys.readouterr().out


HOSTILE = "李\x1b[2J\x07\u202egnp [bold]x[/bold]\nnext"


def test_output_shows_hostile_text_harmlessly(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(format="text", lang="en", quiet=False)
    out.say(HOSTILE)
    out.table("title", ["name", "n"], [(HOSTILE, 1), ("王", 22)])
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert printed.splitlines() == [
        "李[2Jgnp [bold]x[/bold] next", "title", "  name                           n",
        "  李[2Jgnp [bold]x[/bold] next   1", "  王                            22",
    ]  # fmt: skip


def test_on_a_terminal_a_table_is_drawn_and_markup_stays_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", "100")
    Output(format="text", lang="en", quiet=False).table("[b]t[/b]", ["name"], [(HOSTILE,)])
    drawn = terminal.getvalue()
    assert "[bold]x[/bold]" in drawn
    assert "[b]t[/b]" in drawn
    assert "\x1b[2J" not in drawn
    assert "\u202e" not in drawn


def test_quiet_says_nothing_and_json_says_only_json(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = Output(format="text", lang="en", quiet=True)
    quiet.say("x")
    quiet.note("x")
    quiet.table("t", ["a"], [("x",)])
    machine = Output(format="json", lang="en", quiet=False)
    machine.say("x")
    machine.table("t", ["a"], [("x",)])
    machine.json({"名": text("甲", "a"), "place": Path("x")})
    said = capsys.readouterr()
    assert json.loads(said.out) == {"名": {"zh": "甲", "en": "a"}, "place": "x"}
    assert said.err == ""


def test_without_a_terminal_there_is_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with Output(format="text", lang="en", quiet=False).progress() as bars:
        bars.advance("a", 1, 2)
        bars.begin("stage")
    said = capsys.readouterr()
    assert said.out == said.err == ""


def test_columns_are_aligned_though_chinese_characters_are_wide() -> None:
    assert list(aligned([["名称", "n"], ["ab", "12"]], [False, True])) == ["名称   n", "ab    12"]


def test_sets_become_sorted_lists_so_that_output_is_the_same_every_time() -> None:
    assert plain({"x": frozenset({"b", "a", "c"})}) == {"x": ["a", "b", "c"]}


def test_every_word_exists_in_both_languages_with_the_same_blanks() -> None:
    import string

    for key, said in WORDS.items():
        assert set(said.by_language) == {"zh", "en"}, key
        blanks = [
            {name for _, name, _, _ in string.Formatter().parse(one) if name} for one in said.by_language.values()
        ]
        assert blanks[0] == blanks[1], key


def test_every_word_is_used() -> None:
    sources = "".join(file.read_text() for file in Path(main.__file__).parent.rglob("*.py") if file.name != "words.py")
    from crmrules.model.changes import Cause, Result

    by_value = {*(cause.value for cause in Cause), *(result.value for result in Result), "already", "later", "left"}
    assert {key for key in WORDS if f'"{key}"' not in sources and f"'{key}'" not in sources} - by_value == set()
