"""The contact roles of deals, written: several contacts of one deal in a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crmrules.contracts.connector import NativeReceipt, NativeWrite
from crmrules.errors import CrmrulesError, RetryLater
from crmrules.model.changes import Result
from crmrules_zoho.api import Zoho, words_of
from crmrules_zoho.codes import meaning_of
from crmrules_zoho.notes import receipt_of
from crmrules_zoho.roles import Role, Roles

_BATCH = 100


@dataclass
class Parts:
    """Who plays which part in a deal. Giving a role links the contact to the deal; taking it away removes the link."""

    zoho: Zoho
    roles: Roles
    _known: dict[str, dict[str, str | None]] = field(default_factory=dict)  # deal -> contact -> role

    def look(self, writes: Sequence[NativeWrite]) -> None:
        """Read the roles of the deals of *writes*."""
        for deal, roles in self.roles.of(sorted({_place(w)[0] for w in writes})):
            self._known[deal] = _by_contact(roles)

    def knows(self, write: NativeWrite) -> bool:
        return _place(write)[0] in self._known

    def value(self, write: NativeWrite) -> str | None:
        deal, contact = _place(write)
        return self._known.get(deal, {}).get(contact)

    def forget(self) -> None:
        self._known = {}

    def write(self, writes: Mapping[int, NativeWrite]) -> dict[int, NativeReceipt]:
        """Give and take roles of deals that were looked at and stand as expected. Each is answered."""
        receipts: dict[int, NativeReceipt] = {}
        given: dict[str, dict[int, NativeWrite]] = {}
        for number, write in writes.items():
            deal, contact = _place(write)
            if write.value is None and self.value(write) is None:
                receipts[number] = NativeReceipt(result=Result.written)
            elif write.value is None:
                receipts[number] = self._take(deal, contact)
            else:
                given.setdefault(deal, {})[number] = write
        for deal, part in sorted(given.items()):
            numbers = sorted(part)
            for start in range(0, len(numbers), _BATCH):
                receipts.update(self._give(deal, {n: part[n] for n in numbers[start : start + _BATCH]}))
        self._read_back(writes, receipts)
        return receipts

    def _give(self, deal: str, writes: Mapping[int, NativeWrite]) -> dict[int, NativeReceipt]:
        receipts: dict[int, NativeReceipt] = {}
        data = {}
        try:
            known = self.roles.names()
        except CrmrulesError as error:
            return dict.fromkeys(writes, NativeReceipt(result=Result.failed, message=str(error)))
        for number, write in writes.items():
            if write.value not in known:
                receipts[number] = NativeReceipt(
                    result=Result.refused, message=f"Zoho has no contact role '{write.value}'"
                )
            else:
                data[number] = {"id": _place(write)[1], "Contact_Role": {"id": known[write.value], "name": write.value}}
        if not data:
            return receipts
        try:
            body = self.zoho.call("PUT", f"/Deals/{deal}/Contact_Roles", json={"data": list(data.values())}).body
        except CrmrulesError as error:
            return {**receipts, **dict.fromkeys(data, receipt_of(error))}
        for number, said in zip(data, body["data"], strict=False):
            receipts[number] = _receipt(said)
        return {**dict.fromkeys(data, NativeReceipt(result=Result.unknown, message="not answered")), **receipts}

    def _take(self, deal: str, contact: str) -> NativeReceipt:
        try:
            body = self.zoho.call("DELETE", f"/Deals/{deal}/Contact_Roles/{contact}").body
        except CrmrulesError as error:
            lost = receipt_of(error)
            # One that was answered in vain is gone: the second try finds nothing.
            return (
                NativeReceipt(result=Result.unknown, message=lost.message)
                if not isinstance(error, RetryLater)
                else lost
            )
        return _receipt((body or {}).get("data", [{}])[0])

    def _read_back(self, writes: Mapping[int, NativeWrite], receipts: dict[int, NativeReceipt]) -> None:
        done = {n: w for n, w in writes.items() if receipts[n].result is Result.written}
        if not done:
            return
        try:
            self.look(list(done.values()))
        except CrmrulesError as error:
            receipts.update(dict.fromkeys(done, NativeReceipt(result=Result.unknown, message=str(error))))
            return
        for number, write in done.items():
            receipts[number] = NativeReceipt(result=Result.written, echo=self.value(write))


def _receipt(said: Mapping[str, object]) -> NativeReceipt:
    if said.get("status") == "success":
        return NativeReceipt(result=Result.written)
    later = meaning_of(str(said.get("code")), 200).action == "retry"
    return NativeReceipt(result=Result.failed if later else Result.refused, message=words_of(said))


def _by_contact(roles: Sequence[Role]) -> dict[str, str | None]:
    return dict(roles)


def _place(write: NativeWrite) -> tuple[str, str]:
    """Return deal and contact; the key's columns come in the contract's order."""
    keys = write.record_id
    if "Deal" in keys and "Contact" in keys:
        return keys["Deal"], keys["Contact"]
    deal, contact = keys.values()
    return deal, contact
