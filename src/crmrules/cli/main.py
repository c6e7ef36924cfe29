"""The door: the group of commands, and the one place where expected errors become words and a code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from itertools import pairwise

import click

from crmrules import __version__
from crmrules.cli.exits import epilog
from crmrules.cli.lazy import LazyGroup
from crmrules.errors import CrmrulesError, Problem
from crmrules.model.text import clean
from crmrules.redaction import forget, redact

BUG = 70
INTERRUPTED = 130

COMMANDS = {
    "demo": ("demo", "Run everything once on a sample CRM in files, and take it back."),
    "init": ("init", "Connect a CRM: write a profile and a mapping, and examine both."),
    "doctor": ("doctor", "Examine the connection: login, permissions, fields, where rules write to, costs."),
    "pull": ("pull", "Read what changed in the CRM into the snapshot."),
    "decide": ("decide", "Classify customers and infer buying roles."),
    "plan": ("plan", "List every change that would be written to the CRM."),
    "apply": ("apply", "Write a plan to the CRM."),
    "undo": ("undo", "Take back what a run wrote."),
    "runs": ("runs", "List what was pulled and written, or show one run."),
    "sync": ("sync", "Pull, decide, plan and apply in one go."),
    "schedule": ("schedule", "Sync every night."),
    "status": ("status", "Tell when it last ran, who is at work, and what needs a person."),
    "explain": ("explain", "Tell why a record got what it got."),
    "report": ("report", "Write one offline HTML page about the last decision."),
    "export": ("export", "Hand outcomes to files or a web endpoint."),
    "ruleset": ("ruleset", "Start, check, test and show rulesets."),
    "connector": ("connector", "Write connectors for other CRMs."),
    "plugins": ("plugins", "List connectors, engines, exporters, renderers and rulesets."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS, epilog=epilog(), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="crmrules")
def cli() -> None:
    """Classify customers and infer buying roles inside the CRM you already have.

    Everything is decided by rulesets, explained, planned before it is written, and undoable.
    """


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with a documented code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(exit_code(given))


def exit_code(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code; expected errors are printed, bugs keep their traceback."""
    as_json = _wants_json(arguments)
    forget()
    try:
        with cli.make_context("crmrules", list(arguments)) as context:
            result = cli.invoke(context)
        sys.stdout.flush()
    except CrmrulesError as error:
        _print_problems(error.problems, error.exit_code, as_json)
        return error.exit_code
    except click.exceptions.Exit as error:  # --help and --version
        return error.exit_code
    except click.ClickException as error:
        if as_json:
            _print_problems([Problem("usage", error.format_message())], error.exit_code, as_json)
        else:
            error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:  # nobody reads any more (`| head`): what is left goes nowhere, and that is no failure
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:
        import traceback

        click.echo(redact(traceback.format_exc()), err=True, nl=False)
        click.echo(f"\nThis is a bug in crmrules {__version__}; please report it with the lines above.", err=True)
        return BUG
    return result if isinstance(result, int) else 0


def _print_problems(problems: Sequence[Problem], code: int, as_json: bool) -> None:
    if as_json:
        found = [
            {
                "code": p.code, "severity": p.severity, "message": p.message, "file": p.at.file, "line": p.at.line,
                "column": p.at.column, "expected": p.expected, "hint": p.hint,
            }
            for p in problems
        ]  # fmt: skip
        click.echo(json.dumps({"exit_code": code, "problems": found}, ensure_ascii=False, indent=1), err=True)
        return
    for problem in problems:
        for line in str(problem).split("\n"):
            click.echo(clean(line), err=True)
    if len(problems) > 1:
        click.echo(f"{len(problems)} problems", err=True)


def _wants_json(arguments: Sequence[str]) -> bool:
    """Whether ``--format json`` was said: an error may come before options are parsed."""
    return "--format=json" in arguments or ("--format", "json") in pairwise(arguments)
