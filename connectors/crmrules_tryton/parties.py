"""Who is an organisation and who a person, and who belongs where."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from crmrules.errors import ConnectorError, Problem
from crmrules_tryton.api import Api
from crmrules_tryton.config import Settings
from crmrules_tryton.describe import Models
from crmrules_tryton.objects import MEMBER, PARTY
from crmrules_tryton.values import text_of

Domain = list[Any]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a person stands: ids and days as texts."""

    organisation: str | None = None
    relation: str | None = None  # name of the relation type, which may be the title
    superior: str | None = None
    status: str | None = None  # active or left
    left_on: str | None = None

    def columns(self) -> dict[str, str | None]:
        return dict(vars(self))


class Parties:
    """Looks parties up; what was found is remembered while the connection lasts."""

    def __init__(self, api: Api, settings: Settings, models: Models) -> None:
        self._api = api
        self._models = models
        self._settings = settings
        self._kinds: dict[int, str] = {}  # party -> "account", "contact" or '' (inactive, our own, gone)
        self._places: dict[int, Place] = {}

    @property
    def related(self) -> bool:
        """Whether parties have relations: the module party_relationship is activated."""
        return self._models.type_of(PARTY, "relations") != ""

    def persons(self) -> Domain:
        """Return the domain of parties that are persons. Raises ConnectorError where nothing can tell them."""
        return [self._is_person("where"), *self.own_excepted()]

    def organisations(self) -> Domain:
        """Return the domain of parties that are organisations, ours excepted."""
        return [self._is_person("not where"), *self.own_excepted()]

    def kinds(self, ids: Iterable[int]) -> Mapping[int, str]:
        """Return what each of the parties *ids* is: account, contact, or '' where it is none of ours."""
        wanted = sorted({id for id in ids if id not in self._kinds})
        for kind, domain in (("account", self.organisations()), ("contact", self.persons())) if wanted else ():
            found = self._api.call(f"{PARTY}.search", [["id", "in", wanted], *domain], 0, None, [["id", "ASC"]])
            self._kinds.update(dict.fromkeys(found, kind))
        for id in wanted:
            self._kinds.setdefault(id, "")
        return self._kinds

    def places(self, persons: Collection[int]) -> Mapping[int, Place]:
        """Return where each of these persons stands."""
        wanted = sorted({id for id in persons if id not in self._places})
        if wanted:
            fields = ["from_", "to", "type.rec_name", "start_date", "end_date"]
            relations = self._api.call(
                "party.relation.all.search_read",
                [["from_", "in", wanted], list(MEMBER)],
                0,
                None,
                [["id", "ASC"]],
                fields,
            )
            kinds = self.kinds(r["to"] for r in relations)
            for id in wanted:
                self._places[id] = self._place([r for r in relations if r["from_"] == id], kinds)
        return self._places

    def accounts(self, ids: Iterable[int]) -> Mapping[int, str | None]:
        """Return the organisation behind each party: itself, or a person's."""
        asked = set(ids)
        kinds = self.kinds(asked)
        places = self.places({id for id in asked if kinds[id] == "contact"})
        return {
            id: str(id) if kinds[id] == "account" else places[id].organisation if kinds[id] == "contact" else None
            for id in asked
        }

    def _is_person(self, where: str) -> list[Any]:
        settings = self._settings
        if settings.persons == "category":
            return ["categories", where, [["rec_name", "=", settings.person_category], list(MEMBER)]]
        if not self.related:
            raise ConnectorError(
                Problem("no-relations", "Tryton has no relations between parties, which tell who is a person",
                        hint="activate the module party_relationship, or tell persons by `persons: category`")
            )  # fmt: skip
        return ["relations", where, [["type.name", "in", list(settings.employment)], list(MEMBER)]]

    def own_excepted(self) -> Domain:
        """Return the domain of parties that are not the company itself, nor its employees."""
        own = self._api.login.own
        return [["id", "not in", sorted(own)]] if own else []

    def _place(self, relations: Sequence[Mapping[str, Any]], kinds: Mapping[int, str]) -> Place:
        settings, today = self._settings, datetime.now(UTC).date()
        superior = employed = None
        for relation in sorted(relations, key=lambda r: _order(r, today)):
            name = (relation["type."] or {}).get("rec_name", "")
            if name in settings.reports_to:
                if superior is None and kinds[relation["to"]] == "contact" and not _ended(relation, today):
                    superior = str(relation["to"])
            elif (
                employed is None
                and kinds[relation["to"]] == "account"
                and (settings.persons == "category" or name in settings.employment)
            ):
                employed = relation
        if employed is None:
            return Place(superior=superior)
        ended = _ended(employed, today)
        return Place(
            organisation=str(employed["to"]), relation=(employed["type."] or {}).get("rec_name") or None,
            superior=superior, status="left" if ended else "active", left_on=text_of(employed["end_date"]) if ended else None,
        )  # fmt: skip


def _ended(relation: Mapping[str, Any], today: date) -> bool:
    end = text_of(relation["end_date"])
    return end is not None and date.fromisoformat(end) < today


def _order(relation: Mapping[str, Any], today: date) -> tuple[bool, int, int]:
    """Sort what holds now first, then what began last, then what was entered first."""
    start = text_of(relation["start_date"])
    return _ended(relation, today), -(date.fromisoformat(start).toordinal() if start else 0), relation["id"]
