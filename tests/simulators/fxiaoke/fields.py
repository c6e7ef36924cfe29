"""Fields and objects as `describe` shows them, and what each type of field takes and gives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .refusals import Refusal

Language = Literal["zh", "en"]
LISTS = frozenset({"select_many", "employee", "employee_many", "department", "what_list"})
NUMBERS = frozenset({"number", "currency", "percentile"})
TIMES = frozenset({"date", "date_time"})
TEXTS = frozenset({"text", "long_text", "email", "phone_number", "url", "auto_number"})
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_MS = 86_400_000
_CHINA = 8 * 3_600_000


@dataclass(frozen=True, kw_only=True)
class FieldDef:
    """A field; labels as (zh, en), options as value -> (zh, en)."""

    name: str
    type: str
    label: tuple[str, str]
    required: bool = False
    read_only: bool = False  # set by the system alone
    length: int = 0
    target: str = ""  # object that a reference points to
    options: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def described(self, language: Language) -> dict[str, Any]:
        """The field's entry in `data.describe.fields`."""
        which = _which(language)
        said: dict[str, Any] = {
            "api_name": self.name,
            "type": self.type,
            "label": self.label[which],
            "is_required": self.required,
            "is_unique": False,
            "is_active": True,
            "is_readonly": self.read_only,
            "define_type": "custom" if self.name.endswith("__c") else "system" if self.read_only else "package",
        }
        if self.length:
            said["max_length"] = self.length
        if self.target:
            said["target_api_name"] = self.target
        if self.options:
            said["options"] = [{"label": label[which], "value": value} for value, label in self.options.items()]
        return said

    def label_of(self, value: str, language: Language) -> str:
        return self.options[value][_which(language)] if value in self.options else value

    def take(self, value: Any) -> Any:
        """The stored form of what was sent; None empties. Raises Refusal for what the type does not hold."""
        if value is None or value == "" or value == []:
            return None
        if self.type in NUMBERS:
            if isinstance(value, bool) or not _NUMBER.fullmatch(str(value)):
                raise self._wrong(value)
            return str(value)
        if self.type in TIMES:
            if isinstance(value, bool) or not isinstance(value, int):
                raise self._wrong(value)
            return (value + _CHINA) // _MS * _MS - _CHINA if self.type == "date" else value
        if self.type == "true_or_false":
            if not isinstance(value, bool):
                raise self._wrong(value)
            return value
        if self.type == "what_list":
            return [self._link(link) for link in value] if isinstance(value, list) else self._refuse(value)
        if self.type in LISTS:
            if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
                raise self._wrong(value)
            return [self._known(v) for v in value]
        if not isinstance(value, str):
            raise self._wrong(value)
        if self.length and len(value) > self.length:
            raise Refusal(32000, f"{self.label[0]}长度不能超过{self.length}")
        return self._known(value)

    def _known(self, value: str) -> str:
        if self.type.startswith("select") and value not in self.options:
            raise Refusal(32000, f"字段[{self.label[0]}]的选项值[{value}]不存在")
        return value

    def _link(self, link: Any) -> dict[str, str]:
        if not isinstance(link, dict) or not {"describe_api_name", "id"} <= link.keys():
            raise self._wrong(link)
        return {"describe_api_name": str(link["describe_api_name"]), "id": str(link["id"])}

    def _refuse(self, value: Any) -> Any:
        raise self._wrong(value)

    def _wrong(self, value: Any) -> Refusal:
        return Refusal(32000, f"字段[{self.name}]的值{value!r}类型错误")


@dataclass(frozen=True, kw_only=True)
class ObjectDef:
    """An object with all its fields, system ones too."""

    name: str
    label: tuple[str, str]
    fields: Mapping[str, FieldDef]

    @property
    def custom(self) -> bool:
        return self.name.endswith("__c")

    def with_fields(self, more: Iterable[FieldDef]) -> ObjectDef:
        return replace(self, fields={**self.fields, **{f.name: f for f in more}})

    def listed(self, language: Language) -> dict[str, Any]:
        """The object's entry in `object/list`."""
        return {
            "describeApiName": self.name,
            "describeDisplayName": self.label[_which(language)],
            "defineType": "custom" if self.custom else "package",
            "isActive": True,
        }


def _which(language: Language) -> int:
    return 0 if language == "zh" else 1
