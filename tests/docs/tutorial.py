"""The tutorial as a script: its commands, its edits of files, and what it says they print.

``python -m tests.docs.tutorial`` runs both pages and writes into them what the commands print now.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crmrules.cli.main import exit_code

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = {"en": DOCS / "tutorial.md", "zh": DOCS / "tutorial.zh-CN.md"}
LOCALES = {"en": "C.UTF-8", "zh": "zh_CN.UTF-8"}
_BLOCK = re.compile(r"^```(console|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PLAN = re.compile(r"\b[0-9a-f]{12}\b")  # a plan's id depends on everything that is decided
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(\+00:00|Z)?")
ANYTHING = "…"  # a line of this stands for any lines


@dataclass(frozen=True)
class Step:
    """A command with what it prints, or an edit: ``- old`` becomes ``+ new``, or only ``+ new`` is added at the end."""

    kind: str  # command | edit
    text: str  # the command, or the body of the edit
    shown: str = ""


def steps(page: str) -> list[Step]:
    """Return what *page* tells its reader to do, in order."""
    found = []
    for block in _BLOCK.finditer(page):
        if block[1] == "diff":
            found.append(Step("edit", block[2]))
            continue
        for part in re.split(r"^\$ ", block[2], flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            found.append(Step("command", command, shown))
    return found


def run(page: str, folder: Path, language: str) -> Iterator[tuple[Step, str]]:
    """Do all steps of *page* in *folder*; yield each with what it printed."""
    shutil.copy(DOCS / "tutorial" / "thresholds.xlsx", folder)
    ids: dict[str, str] = {}  # as the page has them -> as they are
    with _inside(folder, LOCALES[language]):
        for step in steps(page):
            if step.kind == "edit":
                _edit(step.text)
                yield step, ""
                continue
            printed = _printed(_with(ids, step.text))
            ids |= dict(zip(_PLAN.findall(step.shown), _PLAN.findall(printed), strict=False))
            yield step, printed


def alike(shown: str, printed: str) -> bool:
    """Whether a command printed what the page shows, ids and times aside."""
    parts = [re.escape(normal(part)) for part in re.split(rf"^\s*{ANYTHING}\s*$\n", shown, flags=re.MULTILINE)]
    return re.fullmatch("(?:.*\n)*?".join(parts), normal(printed)) is not None


def normal(text: str) -> str:
    """Return *text* without what is another one each time."""
    plain = _TIME.sub("<time>", _PLAN.sub("<plan>", text))
    return "".join(f"{line.rstrip()}\n" for line in plain.splitlines())


def _with(ids: dict[str, str], text: str) -> str:
    return _PLAN.sub(lambda plan: ids.get(plan[0], plan[0]), text)


def _printed(command: str) -> str:
    words = shlex.split(command)
    if words[0] == "cp":
        shutil.copytree(words[2], words[3])
        return ""
    assert words[0] == "crmrules", command
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = exit_code(words[1:])
    assert code == 0, f"{command}: {code}\n{printed.getvalue()}"
    return printed.getvalue()


def _edit(body: str) -> None:
    head, *lines = body.splitlines()
    file = Path(head.removeprefix("--- "))
    old = "\n".join(line[1:] for line in lines if line.startswith("-"))
    new = "\n".join(line[1:] for line in lines if line.startswith("+"))
    text = file.read_text("utf-8") if file.exists() else ""
    assert text.count(old) == 1 or not old, f"{file} has not one {old!r}"
    file.write_text(text.replace(old, new) if old else f"{text}{new}\n", "utf-8")


@contextlib.contextmanager
def _inside(folder: Path, locale: str) -> Iterator[None]:
    before, said = Path.cwd(), os.environ.get("LC_ALL")
    os.chdir(folder)
    os.environ["LC_ALL"] = locale
    try:
        yield
    finally:
        os.chdir(before)
        os.environ.pop("LC_ALL")
        if said is not None:
            os.environ["LC_ALL"] = said


def _fill(language: str) -> None:
    """Write into a page what its commands print; what it shows shortened stays where it still holds."""
    rest, done = PAGES[language].read_text("utf-8"), ""
    ids: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for step, printed in list(run(rest, Path(folder), language)):
            if step.kind == "edit":
                continue
            ids |= dict(zip(_PLAN.findall(step.shown), _PLAN.findall(printed), strict=False))
            said = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
            before, _, rest = rest.partition(f"$ {step.text}\n{step.shown}")
            done += f"{before}$ {step.text}\n{step.shown if alike(step.shown, printed) else said}"
    PAGES[language].write_text(_with(ids, done + rest), "utf-8")


if __name__ == "__main__":
    for chosen in sys.argv[1:] or PAGES:
        _fill(chosen)
