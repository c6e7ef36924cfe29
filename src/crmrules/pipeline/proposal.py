"""A mapping proposed from what the CRM has: the connector's default, narrowed to what is there, and the rest by name.

What is proposed is a text for a person to read and change: every guess carries how full the field
is, and the CRM's own fields that nothing maps stand below as comments, ready to be taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crmrules.contracts.connector import NativeField, NativeObject
from crmrules.model.objects import OBJECTS, Field
from crmrules.pipeline.fill import Fill

Fills = Mapping[str, Mapping[str, Fill]]  # native object -> field -> its fill
# What CRMs and spreadsheets commonly call a field, besides our own name and labels for it.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": ("no", "number", "code", "编号", "编码"),
    "name": ("full name", "subject", "姓名", "名称", "全称"),
    "modified_at": (
        "modified",
        "last modified",
        "modified time",
        "modified on",
        "updated",
        "updated at",
        "最后修改时间",
        "更新时间",
    ),
    "created_at": ("created", "created date", "created time", "created on", "创建时间"),
    "crm_role": ("buying role", "role", "采购角色", "角色"),
    "text": ("description", "content", "notes", "描述", "跟进内容"),
    "deal_id": ("opportunity", "商机编号", "opportunity id"),
    "contact_id": ("联系人编号", "person"),
    "account_id": ("客户编号", "company", "customer"),
    "activity_id": ("活动编号",),
    "demand_type": ("ownership", "企业性质"),
    "annual_revenue": ("revenue", "turnover", "年营收"),
    "region": ("area", "territory", "区域"),
    "closed_on": ("closing date", "close date", "结单日期"),
    "max_overdue_days": ("longest overdue days", "overdue days"),
    "gross_margin_rate": ("gross margin",),
    "organisation": ("company",),
}
_OBJECT_ALIASES: Mapping[str, tuple[str, ...]] = {
    "account": ("customer", "company", "companies", "公司"),
    "contact": ("person", "people"),
    "deal": ("opportunity", "opportunities", "销售机会"),
    "activity_contact": ("participants", "attendees", "参与人"),
    "order": ("sales orders", "销售订单"),
}
_OFFERED = 30  # unmapped fields that are listed per object
_PLAIN = re.compile(r"[A-Za-z_\u4e00-\u9fff][A-Za-z0-9_.\u4e00-\u9fff-]*")


@dataclass(frozen=True, kw_only=True)
class Guess:
    """One canonical field and the native one that is proposed for it; ``said`` is the whole entry of a default."""

    field: str
    native: str
    said: Any


@dataclass(frozen=True, kw_only=True)
class Source:
    """One canonical object and the native one that is proposed for it."""

    object: str
    native: NativeObject
    guesses: tuple[Guess, ...]
    absent: tuple[str, ...] = ()  # fields of the default mapping that this CRM does not have
    personal: tuple[str, ...] = ()  # canonical fields with personal data that could be had: left in the CRM


def propose(described: Sequence[NativeObject], default: Mapping[str, Any]) -> list[Source]:
    """Return the sources of a mapping for the objects in *described*, in the order of the canonical objects."""
    there = {o.name: o for o in described}
    given = default.get("objects", {})
    sources: list[Source] = []
    for name in OBJECTS:
        entries = given[name] if isinstance(given.get(name), list) else [given[name]] if name in given else []
        found = [_from_default(name, e, there[e["from"]]) for e in entries if e["from"] in there]
        if not entries and (native := _by_name(name, described, {e.native.name for e in sources})):
            found = [_from_names(name, native)]
        sources += [s for s in found if set(OBJECTS[name].key) - {"part"} <= {g.field for g in s.guesses}]
    return sources


def _from_default(object: str, entry: Mapping[str, Any], native: NativeObject) -> Source:
    known = {f.name for f in native.fields}
    guesses, absent = [], []
    for field, said in entry["fields"].items():
        name = said if isinstance(said, str) else str(said.get("from", ""))
        if not name or name in known:
            guesses.append(Guess(field=field, native=name, said=said))
        else:
            absent.append(name)
    return _without_personal(Source(object=object, native=native, guesses=tuple(guesses), absent=tuple(absent)))


def _from_names(object: str, native: NativeObject) -> Source:
    taken: set[str] = set()
    guesses = []
    for field in OBJECTS[object].fields:
        found = next((f for f in native.fields if f.name not in taken and _means(object, field, f)), None)
        if found:
            taken.add(found.name)
            guesses.append(Guess(field=field.name, native=found.name, said=found.name))
    return _without_personal(Source(object=object, native=native, guesses=tuple(guesses)))


def _without_personal(source: Source) -> Source:
    personal = {f.name for f in OBJECTS[source.object].fields if f.personal}
    return replace(
        source, guesses=tuple(g for g in source.guesses if g.field not in personal),
        personal=tuple(f"{source.object}.{g.field}" for g in source.guesses if g.field in personal),
    )  # fmt: skip


def _by_name(object: str, described: Sequence[NativeObject], taken: set[str]) -> NativeObject | None:
    wanted = _names_of_object(object)
    return next(
        (o for o in described if o.name not in taken and {_folded(o.name), _folded(o.label)} - {""} & wanted), None
    )


def _names_of_object(object: str) -> set[str]:
    labels = (object, *OBJECTS[object].label.by_language.values(), *_OBJECT_ALIASES.get(object, ()))
    plural = [label + "s" for label in labels] + [label[:-1] + "ies" for label in labels if label.endswith("y")]
    return {_folded(label) for label in (*labels, *plural)}


def _means(object: str, field: Field, native: NativeField) -> bool:
    names = {field.name, *field.label.by_language.values(), *_ALIASES.get(field.name, ())}
    if field.name.endswith("_id"):
        names.add(field.name.removesuffix("_id"))
    own = [object, *OBJECTS[object].label.by_language.values()]
    folded = {_folded(name) for name in names} | {_folded(o + name) for o in own for name in names}
    return bool({_folded(native.name), _folded(native.label)} - {""} & folded)


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def mapping_text(sources: Sequence[Source], fills: Fills, *, timezone: str, heading: Callable[[str], str]) -> str:
    """Return the proposed mapping-v1 document; *heading* gives the comments their language."""
    lines = [f"# {heading('title')}", "schema: mapping-v1", f"timezone: {timezone}", "objects:"]
    by_object: dict[str, list[Source]] = {}
    for source in sources:
        by_object.setdefault(source.object, []).append(source)
    for object, group in by_object.items():
        lines.append(f"  {object}:")
        for source in group:
            lines += _source(source, fills.get(source.native.name, {}), many=len(group) > 1, heading=heading)
    return "\n".join(lines) + "\n"


def _source(source: Source, fills: Mapping[str, Fill], *, many: bool, heading: Callable[[str], str]) -> Iterable[str]:
    first, indent = ("    - ", "      ") if many else ("    ", "    ")
    yield f"{first}from: {_scalar(source.native.name)}"
    yield f"{indent}fields:"
    for guess in source.guesses:
        fill = fills.get(guess.native)
        said = guess.said
        if fill and fill.format and isinstance(said, str) and _has_format(source.object, guess.field, fill.format):
            said = {"from": said, "format": fill.format}
        yield f"{indent}  {guess.field}: {_entry(said)}" + (f"  # {_shown(fill)}" if fill and fill.of else "")
    if source.personal:
        yield f"{indent}  # {heading('personal')}: {', '.join(source.personal)}"
    for name in source.absent:
        yield f"{indent}  # {heading('absent')}: {_comment(name)}"
    mapped = {g.native for g in source.guesses}
    offered = [f for f in source.native.fields if f.custom and f.name not in mapped][:_OFFERED]
    if offered:
        yield f"{indent}# {heading('offer')}"
        yield f"{indent}# custom:"
        for field in offered:
            label = f", label: {_scalar(field.label)}" if field.label else ""
            shown = _shown(fills[field.name]) if field.name in fills else ""
            type = field.type.value if field.type else "text"
            yield f"{indent}#   {_column(field.name)}: {{from: {_scalar(field.name)}, type: {type}{label}}}  {_comment(shown)}"


def _has_format(object: str, field: str, format: str) -> bool:
    known = OBJECTS[object].field(field)
    return known is not None and (known.type.is_temporal if "%" in format else known.type.is_numeric)


def _shown(fill: Fill) -> str:
    return f"{fill.share:.0%}" if fill.share is not None else ""


def _entry(said: Any) -> str:
    if isinstance(said, str):
        return _scalar(said)
    return (
        "{" + ", ".join(f"{_scalar(str(k))}: {_entry(v)}" for k, v in said.items()) + "}"
        if isinstance(said, Mapping)
        else json.dumps(said, ensure_ascii=False)
    )


def _scalar(text: str) -> str:
    """A YAML scalar that can only be this text: plain where nothing can be misread, else a JSON string."""
    if _PLAIN.fullmatch(text) and text.casefold() not in ("true", "false", "null", "yes", "no", "on", "off", "y", "n"):
        return text
    return json.dumps(text, ensure_ascii=False)


def _comment(text: str) -> str:
    return " ".join(text.split())


def _column(name: str) -> str:
    plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower().removesuffix("__c")
    return plain if plain and not plain[0].isdigit() else f"field_{plain}"
