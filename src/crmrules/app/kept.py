"""Small JSON files in the state folder, written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever reads half of it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_bytes(content)
    new.replace(path)


def keep(path: Path, said: object) -> None:
    """Write *said* as JSON."""
    write_whole(path, json.dumps(said, ensure_ascii=False, indent=1, sort_keys=True).encode())


def kept(path: Path) -> dict[str, Any]:
    """Read what :func:`keep` wrote; empty where there is nothing, or nothing that can be read."""
    try:
        said = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
