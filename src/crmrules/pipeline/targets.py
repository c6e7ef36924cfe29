"""Where a ruleset writes to, and whether the CRM can take it: asked before the first plan, not found out in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from crmrules.contracts.connector import Capabilities, Check, NativeField, NativeObject, WriteTarget
from crmrules.errors import did_you_mean
from crmrules.language.mapping import FieldMap, Mapping_
from crmrules.language.ruleset import Ruleset, Write
from crmrules.model.changes import tag_text
from crmrules.model.objects import FieldType
from crmrules.model.text import Text, text

_VALUE = "{value}"
_NOTE_LENGTH = 4_000  # characters; the longest note of the packs is about a third of it


def write_targets(ruleset: Ruleset, mapping: Mapping_) -> tuple[list[WriteTarget], list[Check]]:
    """Return every place that *ruleset* writes to in the CRM's names, and what the mapping has no place for."""
    targets: dict[tuple[str, str, str], WriteTarget] = {}
    checks = []
    for rule in ruleset.write:
        object = rule.object
        there = mapping.object(object)
        if there is None:
            checks.append(_unmapped(rule.id, object))
            continue
        values = _values(ruleset, rule)
        if rule.to == "field":
            field = there.field(rule.name)
            if field is None or not field.native:
                checks.append(_unmapped(rule.id, f"{object}.{rule.name}"))
                continue
            native, missing = _native_values(field, values)
            if missing:
                checks.append(_untranslated(f"{there.native}.{field.native}", missing))
            found = [_target(there.native, "field", field.native, native, field.field.type, field.field.label)]
        elif rule.to == "tag":
            found = [_target(there.native, "tag", name, suffixes) for name, suffixes in _tags(rule.name, values)]
        else:
            found = [replace(_target(there.native, "note", rule.name, ()), longest=_NOTE_LENGTH)]
        for target in found:
            targets.setdefault((target.object, target.kind, target.name), target)
    return [targets[key] for key in sorted(targets)], checks


def check_targets(
    targets: Sequence[WriteTarget], described: Sequence[NativeObject], mapping: Mapping_, capabilities: Capabilities
) -> tuple[list[Check], list[WriteTarget]]:
    """Check that each place exists, is writable, and takes the type, the values and the length that will be written.

    Returns the findings, and the targets that are missing (fields that could be made).
    """
    fields = {o.name: {f.name: f for f in o.fields} for o in described}
    taggable = _taggable(described, mapping)
    checks: list[Check] = []
    missing: list[WriteTarget] = []
    for target in targets:
        name = f"{target.object}.{target.name}"
        if target.kind == "tag":
            if capabilities.tags == "none" or (taggable and target.object not in taggable):
                checks.append(_error("write-tag", f"{target.object} 不能打标签", f"{target.object} can't be tagged",
                                     "改用字段,或去掉这条写入规则", "write to a field instead, or drop the write rule"))  # fmt: skip
        elif target.kind == "note":
            if capabilities.notes == "none":
                checks.append(_error("write-note", "这个 CRM 不能写备注", "this CRM takes no notes",
                                     "改写到长文本字段", "write to a long text field instead"))  # fmt: skip
        elif (there := fields.get(target.object, {}).get(target.name)) is None:
            missing.append(target)
            hint = did_you_mean(target.name, fields.get(target.object, {}))
            checks.append(_error("write-missing", f"字段 {name} 不存在", f"there is no field {name}",
                                 "在 CRM 中新建,或改映射" + ("(crmrules doctor --create 可以代建)" if capabilities.creates_fields else ""),
                                 hint or ("`crmrules doctor --create` makes it" if capabilities.creates_fields else "make it in the CRM, or change the mapping")))  # fmt: skip
        else:
            checks += _check_field(target, there, name)
    return checks, missing


def _check_field(target: WriteTarget, there: NativeField, name: str) -> Iterable[Check]:
    if not there.writable:
        yield _error("write-read-only", f"字段 {name} 不可写", f"the field {name} can't be written",
                     "检查字段权限,或改用其他字段", "check the field's permission, or map another one")  # fmt: skip
    if there.type is not None and not _fits(target.type, there.type):
        yield _error("write-type", f"字段 {name} 的类型是 {there.type},要写入 {target.type}",
                     f"the field {name} is {there.type}, and {target.type} will be written",
                     "映射到类型相符的字段", "map a field of that type")  # fmt: skip
    if there.choices and (unknown := [v for v in target.values if v not in there.choices]):
        listed = ", ".join(unknown[:6]) + (" ..." if len(unknown) > 6 else "")
        yield _error("write-choice", f"字段 {name} 的选项里没有:{listed}", f"the list of {name} has no: {listed}",
                     "在 CRM 中添加这些选项,或在映射的 values 中翻译", "add them in the CRM, or translate them under `values`")  # fmt: skip
    if there.length is not None and target.longest > there.length:
        yield _error("write-length", f"字段 {name} 最多 {there.length} 字,要写入 {target.longest} 字",
                     f"the field {name} takes {there.length} characters, and {target.longest} will be written",
                     "换一个更长的字段", "map a longer field")  # fmt: skip


def _fits(ours: FieldType, theirs: FieldType) -> bool:
    return ours is theirs or theirs in (FieldType.text, FieldType.list) or (ours.is_numeric and theirs.is_numeric)


def _taggable(described: Sequence[NativeObject], mapping: Mapping_) -> set[str]:
    tag = mapping.object("tag")
    return {parent for o in described if tag and o.name == tag.native for parent in o.within}


def _values(ruleset: Ruleset, rule: Write) -> tuple[str, ...]:
    """Return every value that the outcome can have, () where that is open."""
    kind, _, name = rule.outcome.partition(".")
    if kind == "class":
        return tuple(v for v in ruleset.classes[name].values if v not in rule.skip)
    if kind in ("flag", "flags"):
        return (name,) if name else tuple(f for f, flag in ruleset.flags.items() if flag.of == rule.of)
    if kind == "role":
        return (name,) if name else tuple(ruleset.roles.roles) if ruleset.roles else ()
    if kind == "stance" and ruleset.roles:
        return tuple(s for s in ruleset.roles.stance.order if s not in rule.skip)
    return ()


def _tags(template: str, values: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return (prefix, suffixes) of the tags that *template* makes: one that changes its value, or one per value."""
    prefix, equals, suffix = template.partition("=")
    if equals:
        return [(prefix, tuple(suffix.replace(_VALUE, value) for value in values))]
    return [(prefix.replace(_VALUE, value), ("",)) for value in values] if _VALUE in prefix else [(prefix, ("",))]


def _target(
    object: str, kind: str, name: str, values: Sequence[str], type: FieldType = FieldType.text, label: Text = Text()
) -> WriteTarget:
    shown = [tag_text(name, value) for value in values] if kind == "tag" else list(values)
    return WriteTarget(
        object=object, kind=kind, name=name, type=type, values=tuple(values), label=label,  # type: ignore[arg-type]
        longest=max(map(len, shown), default=0),
    )  # fmt: skip


def _native_values(field: FieldMap, values: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    natives = {value: field.to_native(value) for value in values}
    missing = [v for v, n in natives.items() if n is None or field.to_canonical(n) != v]
    return tuple(n for v, n in natives.items() if n is not None and v not in missing), missing


def _unmapped(rule: str, what: str) -> Check:
    return _error("write-unmapped", f"写入规则 {rule}:映射里没有 {what}", f"write rule {rule}: the mapping has no {what}",
                  "在映射中补上,或去掉这条写入规则", "add it to the mapping, or drop the write rule")  # fmt: skip


def _untranslated(name: str, values: Sequence[str]) -> Check:
    listed = ", ".join(values)
    return _error("write-untranslated", f"{name}:没有哪个值读作 {listed}", f"no value of {name} is read as: {listed}",
                  "在映射的 values 中补上", "add them under `values` of the mapping")  # fmt: skip


def _error(code: str, zh: str, en: str, hint_zh: str, hint_en: str) -> Check:
    return Check(code=code, state="error", message=text(zh, en), hint=text(hint_zh, hint_en))
