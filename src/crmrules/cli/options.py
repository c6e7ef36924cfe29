"""Options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def profile(command: F) -> F:
    """``--profile PATH``"""
    return click.option(
        "--profile", type=click.Path(path_type=Path), default=Path("crmrules.yaml"), show_default="crmrules.yaml",
        help="The profile: a file, or the folder of a crmrules.yaml.",
    )(command)  # fmt: skip


def speech(command: F) -> F:
    """``--lang``, ``--quiet``"""
    command = click.option("--quiet", "-q", is_flag=True, help="Say nothing but errors.")(command)
    return click.option(
        "--lang", type=click.Choice(["zh", "en"]), default=_language, show_default="zh where the locale is Chinese, else en",
        help="Language of the output.",
    )(command)  # fmt: skip


def output(command: F) -> F:
    """``--format``, ``--lang``, ``--quiet``"""
    return click.option(
        "--format", type=click.Choice(["text", "json"]), default="text", show_default=True,
        help="text for people, json for machines.",
    )(speech(command))  # fmt: skip


def as_of(command: F) -> F:
    """``--as-of DATE``: the only clock of a decision."""
    return click.option(
        "--as-of", metavar="DATE", callback=_day, help="Decide as of this day (YYYY-MM-DD).  [default: today]"
    )(command)


def engine(command: F) -> F:
    """``--engine NAME``"""
    return click.option(
        "--engine", default="", help="Inference engine; default the profile's, else durable, else python."
    )(command)


def allow_share(command: F) -> F:
    """``--allow-share SHARE``"""
    return click.option(
        "--allow-share", type=click.FloatRange(0, 1), default=None,
        help="Let this share (0..1) of everything change, where a brake would stop the run.",
    )(command)  # fmt: skip


def limit(command: F) -> F:
    """``--limit N``"""
    return click.option("--limit", type=click.IntRange(1), default=None, help="Write at most this many.")(command)


def _day(ctx: click.Context, param: click.Parameter, value: str | None) -> date:
    if value is None:
        return date.today()
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a day; write it as YYYY-MM-DD") from error


def _language() -> str:
    said = next(filter(None, (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "zh" if said.startswith("zh") else "en"
