"""Where the data that comes with crmrules lies: inside the installed package, or beside ``src`` in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent.parent


def packaged(folder: str) -> Path:
    """Return the folder called *folder* (``schemas``, ``rulesets``) that came with this crmrules."""
    inside = _PACKAGE / folder
    return inside if inside.is_dir() else _CHECKOUT / folder
