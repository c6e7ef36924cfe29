"""Tags: lines of a field of ours (the safe default), or the CRM's own by a function that was installed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crmrules.errors import ConnectorError, Location, Problem
from crmrules.model.changes import tag_text
from crmrules_fxiaoke import paths
from crmrules_fxiaoke.api import Api
from crmrules_fxiaoke.config import Settings
from crmrules_fxiaoke.describe import FieldInfo
from crmrules_fxiaoke.values import Unfit

GROUP = "crmrules"  # of tags that the function makes; it has to exist
AT_ONCE = 100  # records that one run of the function reads: it may call Fx.tag so often
_LINES = ("long_text", "text")


# ------------------------------------------------------------------ as a field


def names_in(field: FieldInfo | None, value: Any) -> list[str]:
    """Return the tags that a field's native *value* holds: labels of its options, or lines (or parts behind ``;``)."""
    if field is None or value in (None, "", []):
        return []
    if isinstance(value, list):
        return [field.labels.get(str(v), str(v)) for v in value]
    parts = str(value).replace("；", ";").replace("\r", "\n").replace("\n", ";").split(";")
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def value_of(field: FieldInfo, names: Sequence[str]) -> Any:
    """Return what is sent so that the field holds *names*. Raises Unfit where it can't."""
    if field.kind == "select_many":
        value_by_label = {label: value for value, label in field.labels.items()}
        lacking = [n for n in names if n not in value_by_label and n not in field.labels]
        if lacking:
            raise Unfit(f"'{field.name}' has no option '{lacking[0]}'; add it, or use a text field")
        return [value_by_label.get(n, n) for n in names]
    if any(";" in n or "\n" in n for n in names):
        raise Unfit(f"a tag with a semicolon or a line break can't stand in '{field.name}'")
    text = ("\n" if field.kind == "long_text" else "; ").join(names)
    if field.length and len(text) > field.length:
        raise Unfit(f"'{field.name}' holds {field.length} characters, the tags need {len(text)}")
    return text


def with_tag(names: Sequence[str], name: str, value: str | None) -> list[str]:
    """Return *names* with the tag *name* at *value*, or with None gone; the place of a replaced one is kept."""
    wanted = None if value is None else tag_text(name, value)
    result: list[str] = []
    for tag in names:
        if not is_of(tag, name):
            result.append(tag)
        elif wanted is not None and wanted not in result:
            result.append(wanted)
    if wanted is not None and wanted not in result:
        result.append(wanted)
    return result


def is_of(tag: str, name: str) -> bool:
    """Whether *tag* says something under *name* (a prefix, or a whole tag)."""
    return tag == name if "=" in name else tag.partition("=")[0] == name


# ------------------------------------------------------------------ by the function


class TagsChanged(Exception):
    """A person changed a tag of ours meanwhile; ``names`` are those that stand there now."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        super().__init__("somebody changed it since")


@dataclass(frozen=True)
class TagFunction:
    """The function as a caller sees it."""

    api: Api
    settings: Settings

    def read(self, object: str, ids: Iterable[str]) -> dict[str, list[str]]:
        """Return the tags of records. Raises Refused, RetryLater, ConnectorError."""
        wanted, found = list(dict.fromkeys(ids)), dict[str, list[str]]()
        for start in range(0, len(wanted), AT_ONCE):
            said = self._run({"op": "read", "object": object, "ids": wanted[start : start + AT_ONCE]}, changes=False)
            tags = said.get("tags")
            if said.get("ok") is not True or not isinstance(tags, dict):
                raise self._failed(said)
            found.update({str(id): [str(n) for n in names] for id, names in tags.items()})
        return found

    def merge(
        self, object: str, id: str, before: Sequence[str], after: Sequence[str], names: Sequence[str]
    ) -> list[str]:
        """Bring the tags under *names* from *before* to *after*; return all that stand there then.

        Raises TagsChanged where other ones stand under them by now, Unfit where a tag can't be made,
        and as :meth:`read` does.
        """
        prefixes = sorted({n.partition("=")[0] for n in names})
        add = [n for n in after if n not in before]
        said = self._run(
            {
                "op": "merge", "object": object, "id": id, "prefixes": prefixes,
                "seen": [t for t in before if t.partition("=")[0] in prefixes],
                "remove": [n for n in before if n not in after], "add": add, "create": self.settings.create_tags,
                "group": GROUP, "api_names": {n: _api_name(n) for n in add},
            },
            changes=True,
        )  # fmt: skip
        if said.get("ok") is True:
            return [str(n) for n in said.get("tags") or ()]
        if said.get("error") == "stale":
            raise TagsChanged([str(n) for n in said.get("tags") or ()])
        if said.get("error") == "unknown-tag":
            raise Unfit(f"there is no tag '{said.get('name')}'; make it in the group '{GROUP}'")
        if said.get("error") == "no-group":
            raise Unfit(f"there is no group '{GROUP}' with a tag in it; make it, for these objects")
        raise self._failed(said)

    def _run(self, payload: Mapping[str, Any], *, changes: bool) -> Mapping[str, Any]:
        kind = self.settings.tag_function_parameter
        value = dict(payload) if kind == "Map" else json.dumps(payload, ensure_ascii=False)
        parameter = {"name": "payload", "type": kind, "value": value}
        body = {"data": {"api_name": self.settings.tag_function, "parameters": [parameter]}}
        call = self.api.write if changes else self.api.read
        found = _result(call(paths.FUNCTION, body))
        if found is None:
            raise ConnectorError(
                Problem(
                    "bad-answer", "the function's answer holds no result of ours", Location(self.settings.tag_function),
                    hint="install the function as it is shipped (apl/crmrules_tag__c.groovy), return type Map",
                )
            )  # fmt: skip
        return found

    def _failed(self, said: Mapping[str, Any]) -> ConnectorError:
        what = f"{said.get('error')}: {said.get('name')}"
        return ConnectorError(
            Problem("tag-function", f"the function failed: {what}", Location(self.settings.tag_function))
        )


def _result(said: Any, depth: int = 0) -> Mapping[str, Any] | None:
    """Return our result, wherever in the answer it stands: that is not documented."""
    if isinstance(said, str) and said[:1] == "{":
        try:
            said = json.loads(said)
        except ValueError:
            return None
    if not isinstance(said, dict) or depth > 4:
        return None
    if isinstance(said.get("ok"), bool):
        return said
    return next((found for value in said.values() if (found := _result(value, depth + 1))), None)


def _api_name(tag: str) -> str:
    return f"tag_{hashlib.sha256(tag.encode()).hexdigest()[:10]}__c"
