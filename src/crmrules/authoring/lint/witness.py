"""From regions to a row: an example that the interpreter agrees with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice, product

from crmrules.authoring.lint.solving import GaveUp, State
from crmrules.authoring.lint.space import Space
from crmrules.model.objects import FieldType

_STATES = 64  # choices of regions that are tried
_ROWS = 128  # rows that are tried for each of them
_EXAMPLES = 4  # values that are tried for each column

Row = dict[str, object]


def find_row(space: Space, states: Iterator[State], holds: Callable[[Row], bool]) -> Row | None:
    """Return a row out of *states* for which *holds* is true; None where none was found."""
    try:
        for state in islice(states, _STATES):
            for row in islice(_rows(space, state), _ROWS):
                if holds(row):
                    return {path: value for path, value in sorted(row.items()) if value is not None}
    except GaveUp:
        return None
    return None


def _rows(space: Space, state: State) -> Iterator[Row]:
    paths = list(space.paths)
    for values in product(*(_examples(space, path, state) for path in paths)):
        yield dict(zip(paths, values, strict=True))


def _examples(space: Space, path: str, state: State) -> list[object]:
    """Return values of the regions that are left for *path*; missing only where nothing else is left."""
    number = space.paths[path]
    variable, left = space.variables[number], state[number]
    regions = [region for i, region in enumerate(variable.regions) if left >> i & 1]
    found = [region.example for region in regions if region.example is not None]
    if path in space.compared and (type := space.columns[path].type) is not None and type.is_numeric:
        found += [Decimal(n) if type is FieldType.money else n for n in (0, 1, 1000) if _fits(space, path, state, n)]
    return found[:_EXAMPLES] or [None]


def _fits(space: Space, path: str, state: State, value: int) -> bool:
    """A column that is only compared with another one has no regions of its own to keep to."""
    return len(space.variables[space.paths[path]].regions) <= 2 and bool(state[space.paths[path]] & 1)
