"""One HTML file about a run: what changed and why, how the classes spread, who buys.

The file is self-contained: style and script are inline, named by their hash in a content
security policy that allows nothing else, so that not even a customer whose name is a script
can make it run code or talk to a network.
"""

from __future__ import annotations

import base64
import hashlib
import os
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import duckdb
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from crmrules.explain.explain_text import MOST_EVIDENCE
from crmrules.explain.reading import Reader, decision_meta
from crmrules.explain.show import short
from crmrules.language.ruleset import RoleModel, Ruleset
from crmrules.model.changes import Plan
from crmrules.model.text import LANGUAGES, Text, text
from crmrules.redaction import redact
from crmrules.report import chart, overview
from crmrules.report.groups import Person, groups
from crmrules.report.page_words import PAGE


def write_report(
    path: Path,
    con: duckdb.DuckDBPyConnection,
    ruleset: Ruleset,
    plan: Plan | None = None,
    *,
    profile: str = "",
    language: str = "zh",
) -> None:
    """Write the report of a decision to *path*, in all languages, opening in *language*.

    *con* has the decision's tables in its default catalog and the snapshot attached as
    ``snapshot``. The same decision and plan give the same bytes. Raises DataError where nothing
    was decided, or by another ruleset. An earlier report at *path* is replaced only when the new one is complete.
    """
    page = render(con, ruleset, plan, profile=profile, language=language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".tmp", delete=False) as file:
        file.write(page)
    Path(file.name).chmod(0o644)
    os.replace(file.name, path)  # noqa: PTH105 - atomic on every platform


def render(con: duckdb.DuckDBPyConnection, ruleset: Ruleset, plan: Plan | None, *, profile: str, language: str) -> str:
    """Return the page; see :func:`write_report`."""
    meta = decision_meta(con, ruleset)
    readers = {code: Reader(con, ruleset, meta["as_of"], code) for code in LANGUAGES}
    reader = readers["en"]
    model = ruleset.roles
    style, script = _asset("report.css"), _asset("report.js")
    return _environment().get_template("report.html.j2").render(
        language=language if language in LANGUAGES else "zh",
        words=PAGE,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        profile=short(profile, 80),
        as_of=meta["as_of"].isoformat(),
        meta=_meta(meta, plan, profile),
        counts=overview.counts(reader),
        plan=plan,
        changes=overview.changes(reader, plan) if plan else (),
        total_changes=len(plan.changes) if plan else 0,
        dissents=overview.dissents(reader, plan) if plan else (),
        total_dissents=len(plan.dissents) if plan else 0,
        distributions=overview.distributions(reader),
        flags=overview.flag_counts(reader),
        groups=groups(readers),
        bands=_steps(model) if model is not None else {},
        most_evidence=MOST_EVIDENCE,
        card_width=chart.WIDTH,
        card_height=chart.HEIGHT,
        unmatched=[(row["text"], row["times"], row["lexicon"]) for row in overview.unmatched(reader)],
        unheard=[(row["type"] or "–", row["texts"], row["unmatched"], row["unattributed"]) for row in overview.unheard(reader)],
        unheard_phrases=[(row["phrase"], row["texts"], row["accounts"]) for row in overview.unheard_phrases(reader)],
        conflicts=[(row["label"], ", ".join(row["rules"]), row["n"]) for row in overview.conflicts(reader)],
        quarantine=[(row["object"], row["reason"], row["n"]) for row in overview.quarantine(reader)],
    )  # fmt: skip


def _meta(meta: dict[str, object], plan: Plan | None, profile: str) -> list[tuple[str, str]]:
    rows = [
        ("profile", short(profile, 80)),
        ("ruleset", str(meta["ruleset"])),
        ("as_of", str(meta["as_of"])),
        ("snapshot", str(meta["snapshot"] or "")),
        ("engine", str(meta["engine"] or "")),
        ("plan", plan.id if plan is not None else ""),
    ]
    return [(key, value) for key, value in rows if value]


def _steps(model: RoleModel) -> dict[str, int]:
    """Return how many of three steps a band lights: the lowest band one, the highest three."""
    ranked = [band for band, _ in sorted(model.bands.items(), key=lambda entry: entry[1])]
    return {band: min(n, 3) for n, band in enumerate(ranked, 1)}


def _foot(person: Person) -> Text:
    """Return the last line of a card: how well we know the person, else when there was contact last."""
    if person.left:
        return PAGE["gone"]
    if person.coverage:
        return person.coverage
    return text(person.last_contact, person.last_contact) if person.last_contact else PAGE["never"]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("crmrules.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=False,
        finalize=_without_secrets,
    )  # fmt: skip
    environment.filters |= {"fit": chart.fit, "foot": _foot, "zip": lambda one, two: zip(one, two, strict=True)}
    return environment


def _without_secrets(value: Any) -> Any:
    return redact(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _asset(name: str) -> str:
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
