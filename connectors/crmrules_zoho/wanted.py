"""What a read request asks for, in Zoho's terms."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

from crmrules.contracts.connector import ReadRequest
from crmrules.errors import ConnectorError, Location, Problem, did_you_mean
from crmrules_zoho.modules import (
    ACCOUNT,
    ACTIVITIES,
    CLOSED_ON,
    CURRENCY,
    DEAL,
    DIRECTION,
    ID,
    MODIFIED,
    OF_ACTIVITY,
    PARTICIPANTS,
    PEOPLE,
    ROLES,
    SE_MODULE,
    STATUS,
    TAG,
    TAGS,
    Module,
)

FIELDS = 50  # that a list, or a query, gives in one call
_BULK_FIELDS = 200  # beyond which nobody has tried
_NEEDS = {
    CURRENCY: ("Currency",),
    STATUS: ("Stage",),
    CLOSED_ON: ("Stage", "Closing_Date"),
    DEAL: ("What_Id", SE_MODULE),
    ACCOUNT: ("What_Id", SE_MODULE, "Who_Id"),
    DIRECTION: ("Call_Type", "Call_Duration_in_seconds", "Call_Duration"),
}


@dataclass(frozen=True)
class Wanted:
    """A module and what of it is wanted."""

    module: Module
    request: ReadRequest

    def __post_init__(self) -> None:
        known = {*self.module.fields, *(f.name for f in self.module.virtual)}
        missing = [name for name in self.request.fields if name not in known]
        if missing:
            raise ConnectorError(
                [
                    Problem(
                        "missing-column", f"'{self.module.api_name}' has no field '{name}', or we may not see it",
                        Location(self.module.api_name), hint=did_you_mean(name, known),
                    )
                    for name in missing
                ]
            )  # fmt: skip

    @cached_property
    def names(self) -> tuple[str, ...]:
        """API names to ask for, without ``id``."""
        found: list[str] = [MODIFIED] if self.module.has_modified else []
        for name in self.request.fields:
            found += _NEEDS.get(name, (name,))
        if self.tags:
            found.append(TAG)
        if self.people:
            found += ["Who_Id", PARTICIPANTS]
            found += [name.removeprefix(OF_ACTIVITY) for name in self.people.fields if name.startswith(OF_ACTIVITY)]
        there = {*self.module.names, SE_MODULE}
        return tuple(name for name in dict.fromkeys(found) if name in there and name != ID)

    @cached_property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """``names`` in groups that one call gives, the modified time in each."""
        if len(self.names) <= FIELDS:
            return (self.names or (ID,),)
        head = (MODIFIED,) if self.module.has_modified else ()
        rest = [name for name in self.names if name not in head]
        size = FIELDS - len(head)
        return tuple((*head, *rest[i : i + size]) for i in range(0, len(rest), size))

    @cached_property
    def tags(self) -> ReadRequest | None:
        return self._child(TAGS) if self.module.has_tags else None

    @cached_property
    def roles(self) -> ReadRequest | None:
        return self._child(ROLES) if self.module.api_name == "Deals" else None

    @cached_property
    def people(self) -> ReadRequest | None:
        return self._child(PEOPLE) if self.module.api_name in ACTIVITIES else None

    @property
    def in_bulk(self) -> bool:
        """Whether a bulk export gives all of it: it does not say of what module an activity's record is."""
        return self.module.in_bulk and not self._polymorphic and len(self.names) < _BULK_FIELDS

    @property
    def in_queries(self) -> bool:
        """Whether COQL is documented to give all of it."""
        return (
            self.module.has_modified
            and self.module.api_name != "Leads"  # a query can't say that converted ones are wanted too
            and not (self.tags or self._polymorphic)
            and len(self.names) < FIELDS
            and all(self.module.in_queries(name) for name in self.names)
        )

    @property
    def digest(self) -> str:
        """Tells this request from others, for what is kept between runs."""
        said = [self.module.api_name, sorted(self.names), str(self.request.since)]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]

    @property
    def _polymorphic(self) -> bool:
        return SE_MODULE in self.names or bool(self.people)

    def _child(self, name: str) -> ReadRequest | None:
        return next((child for child in self.request.children if child.object == name), None)


def needs(virtual: str) -> tuple[str, ...]:
    """Return the fields that a column of ours is made of."""
    return _NEEDS[virtual]
