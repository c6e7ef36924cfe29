"""Write the scaffold of a connector; its tests are the contract suite, red until the connector keeps it."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from crmrules.errors import DataError, Location, Problem

TEMPLATE = Path(__file__).resolve().parent / "template"
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def new_connector(name: str, folder: Path) -> tuple[Path, ...]:
    """Write the package ``crmrules-<name>`` into *folder* and return its files.

    Raises DataError where the name can't be a package's, or the package's folder exists.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise DataError(
            Problem("bad-name", f"{name!r} can't be a connector's name", expected="small letters, digits and _, a letter first")
        )  # fmt: skip
    target = folder / f"crmrules-{name.replace('_', '-')}"
    if target.exists():
        raise DataError(
            Problem("exists", "there is something already", Location(str(target)), hint="choose another folder")
        )
    written = []
    for source in sorted(TEMPLATE.rglob("*.txt")):
        if source.is_file():
            path = target / _named(str(source.relative_to(TEMPLATE)).removesuffix(".txt"), name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_named(source.read_text("utf-8"), name), encoding="utf-8")
            written.append(path)
    return tuple(written)


def _named(text: str, name: str) -> str:
    title = name.replace("_", " ").title().replace(" ", "")
    return (
        text.replace("crmrules-mycrm", f"crmrules-{name.replace('_', '-')}")
        .replace("mycrm", name)
        .replace("MyCrm", title)
    )
