"""Tags are categories of parties, named in full (``Parent / Child``); one that is missing is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crmrules_tryton.api import Api, Fault
from crmrules_tryton.objects import CATEGORY, MEMBER


class Categories:
    """The categories there are, by name; asked for once, and again where one is missing."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._names: dict[int, str] = {}

    def names(self, ids: Iterable[int]) -> Mapping[int, str]:
        """Return the names of the categories *ids*, and of others."""
        if not set(ids) <= self._names.keys():
            self._load()
        return self._names

    def ids(self, names: Iterable[str], *, make: bool = False) -> Mapping[str, int]:
        """Return the categories called *names*, where they are there or (*make*) can be made.

        Raises Fault where Tryton lets none be made, RetryLater.
        """
        wanted = list(dict.fromkeys(names))
        known = self._by_name()
        if not set(wanted) <= known.keys():
            self._load()
            known = self._by_name()
        missing = [name for name in wanted if name not in known]
        if missing and make:
            self._make(missing)
            known = self._by_name()
        return {name: known[name] for name in wanted if name in known}

    def _make(self, names: list[str]) -> None:
        try:
            made = self._api.change(f"{CATEGORY}.create", [{"name": name} for name in names])
            self._names.update(zip(made, names, strict=True))
        except Fault:
            self._load()  # somebody else may have made it meanwhile
            if not set(names) <= self._by_name().keys():
                raise

    def _by_name(self) -> dict[str, int]:
        return {name: id for id, name in sorted(self._names.items(), reverse=True)}

    def _load(self) -> None:
        rows = self._api.call(f"{CATEGORY}.search_read", [list(MEMBER)], 0, None, [["id", "ASC"]], ["rec_name"])
        self._names = {row["id"]: row["rec_name"] for row in rows}
