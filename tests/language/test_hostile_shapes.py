"""Whatever stands in a ruleset's files: it loads or is complained about, there is never a traceback."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from crmrules.errors import RulesetError
from crmrules.language.document import read
from crmrules.language.loader import load_ruleset

EXAMPLE = Path(__file__).resolve().parents[2] / "rulesets" / "b2b-core"
VALUES: list[Any] = [
    None, True, 0, -1, 3.5, "", "x", "$window", "$nix", "?a", [], {}, [1], ["a", "b"], {"x": 1}, [[]], [{}], [None],
    {"gte": {"field": "nps"}}, {"any": []}, {"not": {"nps": 1}}, {"zh": "x"}, "unknown", "account", "role", "9" * 400,
]  # fmt: skip
KEYS = ["x", "of", "when", "then", "count", "any", "$window", "1", "", "a.b"]


@pytest.mark.parametrize("seed", range(12))
def test_a_ruleset_with_anything_anywhere_is_no_crash(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    folder = tmp_path / "broken"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("cases"))
    file = chance.choice(sorted(folder.glob("*.yaml")))
    data = read(file).data
    for _ in range(chance.choice([1, 2, 3])):
        _break(data, chance)
    file.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    with suppress(RulesetError):
        load_ruleset(folder)


def _break(data: Any, chance: random.Random) -> None:
    *above, last = chance.choice(list(_paths(data)))
    for step in above:
        data = data[step]
    how = chance.random()
    if how < 0.2 and isinstance(data, dict):
        del data[last]
    elif how < 0.35 and isinstance(data, dict):
        data[chance.choice(KEYS)] = deepcopy(chance.choice(VALUES))
    else:
        data[last] = deepcopy(chance.choice(VALUES))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every value inside."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, part in inner:
        yield (*path, step)
        yield from _paths(part, (*path, step))
