"""Tags: made first, then put on five hundred records a call by their id; short where Zoho wants them short.

A tag longer than Zoho takes is written as its beginning and a check sum; which whole name that
stands for is kept in the connector's memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from crmrules.contracts.connector import NativeReceipt, NativeWrite
from crmrules.errors import ConnectorError, CrmrulesError, Problem, RetryLater
from crmrules.model.changes import Result, tag_text, tag_value
from crmrules_zoho.api import Zoho, words_of
from crmrules_zoho.codes import meaning_of
from crmrules_zoho.memory import Memory
from crmrules_zoho.notes import receipt_of

LONGEST = 25  # characters of a tag
_SUM = 4
_AT_ONCE = 500  # records that one call tags
_CREDIT = 50  # records that one credit pays for
# Tags per record and per module, by edition (help page "Tags overview"): used where nothing else tells.
LIMITS: Mapping[str, tuple[int, int]] = {"standard": (5, 20), "professional": (10, 60), "enterprise": (10, 100), "ultimate": (10, 200)}  # fmt: skip

Key = tuple[str, str]  # module, record


@dataclass
class Tags:
    """The tags of the org's modules."""

    zoho: Zoho
    memory: Memory
    _ids: dict[str, dict[str, str]] = field(default_factory=dict)  # module -> name there -> id
    allowed: dict[str, int] = field(default_factory=dict)  # module -> how many it may have, where Zoho says

    def there(self, tag: str) -> str:
        """Return how Zoho has to spell *tag*, and remember it where that is shorter."""
        if "," in tag:
            raise ValueError("a tag with a comma can't be told from two tags in an export")
        if len(tag) <= LONGEST:
            return tag
        short = shortened(tag)
        if self.memory.long_tags().get(short) != tag:
            self.memory.put_short_tag(short, tag)
        return short

    def here(self, names: Iterable[str]) -> list[str]:
        """Return tags of a record as we wrote them."""
        long = self.memory.long_tags()
        return [long.get(name, name) for name in names]

    def known(self, module: str) -> dict[str, str]:
        """Return the tags of *module*: name -> id."""
        if module not in self._ids:
            body = self.zoho.get("/settings/tags", {"module": module}).body or {}
            self._ids[module] = {str(tag["name"]): str(tag["id"]) for tag in body.get("tags", ())}
            allowed = (body.get("info") or {}).get("allowed_count")
            if allowed is not None and str(allowed).isdigit():
                self.allowed[module] = int(allowed)
        return self._ids[module]

    def make(self, module: str, names: Sequence[str]) -> dict[str, str]:
        """Make those of *names* (as Zoho spells them) that there are not; return why some could not be made."""
        missing = [name for name in dict.fromkeys(names) if name not in self.known(module)]
        if not missing:
            return {}
        body = self.zoho.call(
            "POST", "/settings/tags", params={"module": module}, json={"tags": [{"name": name} for name in missing]}
        ).body
        refused: dict[str, str] = {}
        for name, said in zip(missing, body["tags"], strict=True):
            details = said.get("details") or {}
            if said.get("status") == "success" or (said.get("code") == "DUPLICATE_DATA" and "id" in details):
                self._ids[module][name] = str(details["id"])
            else:
                refused[name] = words_of(said)
        return refused

    def write(self, writes: Mapping[int, NativeWrite], stands: Mapping[int, Sequence[str]]) -> dict[int, NativeReceipt]:
        """Take off and put on; *stands* are all tags of the record of each write. Each is answered."""
        receipts: dict[int, NativeReceipt] = {}
        after = {_key(w): set(stands[n]) for n, w in writes.items()}
        off: dict[tuple[str, str], list[int]] = {}  # (module, tag there) -> writes
        on: dict[tuple[str, str], list[int]] = {}
        for number, write in writes.items():
            try:
                if write.expected is not None:
                    off.setdefault((write.object, self.there(tag_text(write.name, write.expected))), []).append(number)
                if write.value is not None:
                    on.setdefault((write.object, self.there(tag_text(write.name, write.value))), []).append(number)
            except ValueError as error:
                receipts[number] = NativeReceipt(result=Result.refused, message=str(error))
        self._make_all(on, receipts)
        # Off before on: a record holds ten tags at most.
        for action, groups in (("remove_tags", off), ("add_tags", on)):
            for (module, tag), numbers in sorted(groups.items()):
                due = [number for number in numbers if number not in receipts]
                for start in range(0, len(due), _AT_ONCE):
                    self._change(
                        action, module, tag, {n: writes[n] for n in due[start : start + _AT_ONCE]}, after, receipts
                    )
        for number, write in writes.items():
            if number not in receipts:
                echo = tag_value(write.name, self.here(after[_key(write)]))
                receipts[number] = NativeReceipt(result=Result.written, echo=echo)
            elif write.expected is not None and tag_value(write.name, self.here(after[_key(write)])) is None:
                # The old one is off, and the new one is not on: the core has to look what came of it.
                receipts[number] = replace(receipts[number], result=Result.unknown)
        return receipts

    def _make_all(self, on: Mapping[tuple[str, str], list[int]], receipts: dict[int, NativeReceipt]) -> None:
        for module in sorted({module for module, _ in on}):
            names = sorted(tag for m, tag in on if m == module)
            try:
                refused = self.make(module, names)
            except CrmrulesError as error:
                missing = [name for name in names if name not in self._ids.get(module, {})]
                refused = dict.fromkeys(missing, str(error))
                later = isinstance(error, RetryLater)
            else:
                later = False
            for name, why in refused.items():
                receipt = NativeReceipt(result=Result.failed if later else Result.refused, message=why)
                receipts.update({number: receipt for number in on[(module, name)] if number not in receipts})

    def _change(
        self, action: str, module: str, tag: str, writes: Mapping[int, NativeWrite], after: dict[Key, set[str]],
        receipts: dict[int, NativeReceipt],
    ) -> None:  # fmt: skip
        ids = list(dict.fromkeys(_key(w)[1] for w in writes.values()))
        named: dict[str, Any] = {"name": tag}
        if tag in self._ids.get(module, {}):
            named["id"] = self._ids[module][tag]
        json: dict[str, Any] = {"tags": [named], "ids": ids}
        if action == "add_tags":
            json["over_write"] = False
        try:
            body = self.zoho.call(
                "POST", f"/{module}/actions/{action}", json=json, credits=-(-len(ids) // _CREDIT), repeatable=True
            ).body
        except CrmrulesError as error:
            receipts.update(dict.fromkeys(writes, receipt_of(error)))
            return
        told = {str((one.get("details") or {}).get("id")): one for one in (body or {}).get("data", ())}
        for number, write in writes.items():
            one = told.get(_key(write)[1])
            if one is None:
                receipts[number] = NativeReceipt(result=Result.unknown, message="this record was not answered")
            elif one.get("status") != "success":
                later = meaning_of(str(one.get("code")), 200).action == "retry"
                receipts[number] = NativeReceipt(
                    result=Result.failed if later else Result.refused, message=words_of(one)
                )
            else:
                details = one["details"]
                after[_key(write)] = {str(t["name"]) for t in details.get("tags") or ()}
                left_out = {str(t.get("name")) for t in details.get("not_added_tags") or () if isinstance(t, dict)}
                if action == "add_tags" and (tag in left_out or tag not in after[_key(write)]):
                    echo = tag_value(write.name, self.here(after[_key(write)]))
                    receipts[number] = NativeReceipt(
                        result=Result.refused, echo=echo, message="the record has as many tags as this edition allows"
                    )


def shortened(tag: str) -> str:
    """Return *tag* in the room that Zoho gives: its beginning, ``~``, and a check sum of all of it."""
    total = hashlib.sha256(tag.encode()).hexdigest()[:_SUM]
    return f"{tag[: LONGEST - _SUM - 1]}~{total}"


def create(tags: Tags, module: str, names: Sequence[str]) -> None:
    """Make tags. Raises ConnectorError with every reason why one could not be made."""
    refused = tags.make(module, [tags.there(name) for name in names])
    if refused:
        raise ConnectorError(
            [Problem("cant-create", f"the tag '{name}' of {module}: {why}") for name, why in refused.items()]
        )


def _key(write: NativeWrite) -> Key:
    return write.object, next(iter(write.record_id.values()))
