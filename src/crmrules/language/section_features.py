"""``parameters``, ``requires``, ``sets`` and ``features``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from crmrules.language.condition_reader import read_condition
from crmrules.language.conditions import Scalar
from crmrules.language.document import Node
from crmrules.language.expression_parser import read_expression
from crmrules.language.expressions import Name
from crmrules.language.reading import Reader, days
from crmrules.language.ruleset import (
    Aggregate,
    Aggregation,
    Feature,
    Formula,
    Money,
    Parameter,
    RequiredField,
    Score,
    Subset,
)
from crmrules.language.schema import a, listed
from crmrules.model.objects import OBJECTS, FieldType

AGGREGATIONS: tuple[Aggregation, ...] = get_args(Aggregation)
KINDS = (*AGGREGATIONS, "expr", "score")  # exactly one of them makes a feature
DECIDED = ("account", "contact", "deal")  # subjects that have outcome tables

_NEED_VALUE = {"sum", "mean", "min", "max", "median", "quantile", "distinct", "first", "last", "top", "top_share"}
_MAY_HAVE_VALUE = _NEED_VALUE | {"share", "days_since"}
_ONE_FIELD = {"first", "last", "distinct", "top", "top_share"}
_ANY_TYPE = _ONE_FIELD | {"min", "max", "days_since"}
_NEED_THAT = {"share", "any", "all"}
_NEED_DATE = {"first", "last", "interval_median", "interval_quantile"}
_OF_ITS_VALUE = {"min", "max", "first", "last", "top", "expr"}  # have the type of what they are computed from
_QUANTILES = {"quantile", "interval_quantile"}
_OWN_KEYS = {"currency", "where", "that", "within", "before", "via", "q", "value"}  # of aggregations only


def read_parameters(reader: Reader, section: Node) -> dict[str, Parameter]:
    """Read ``parameters``; durations become days."""
    found = {}
    for name, node in section.items():
        if not isinstance(node.value, dict):
            found[name] = Parameter(name=name, value=_value(node), at=section.where(name))
            continue
        value, by, cases = node.get("value"), node.get("by"), node.get("cases")
        assert value is not None
        if by is not None and isinstance(value.value, (dict, list)):
            reader.complain(
                "wrong-parameter", "a parameter with cases is one value", value.at, "a number, text, true or false"
            )
            continue
        found[name] = Parameter(
            name=name, value=_value(value), unit=_plain(node, "unit"), label=reader.text(node.get("label")),
            by=_plain(node, "by"), cases=_cases(cases) if cases is not None else {}, at=section.where(name),
        )  # fmt: skip
        if by is not None:
            reader.use("account", by)
    return found


def _value(node: Node) -> Scalar | tuple[Scalar, ...] | dict[str, Scalar]:
    if isinstance(node.value, dict):
        return _cases(node)
    return tuple(_scalar(inner) for inner in node) if isinstance(node.value, list) else _scalar(node)


def _cases(node: Node) -> dict[str, Scalar]:
    return {key: _scalar(inner) for key, inner in node.items()}


def _scalar(node: Node) -> Scalar:
    value: Scalar = node.value
    return days(value) if isinstance(value, str) else value


def _plain(node: Node, key: str) -> str:
    inner = node.get(key)
    return str(inner.value) if inner is not None else ""


def read_requires(reader: Reader, section: Node) -> tuple[RequiredField, ...]:
    """Read ``requires``."""
    found = []
    for object, fields in section.items():
        if object not in OBJECTS:
            reader.unknown("object", object, OBJECTS, section.where(object))
            continue
        for name, node in fields.items():
            standard, type = OBJECTS[object].field(name), FieldType(_plain(node, "type"))
            if standard is not None and standard.type is not type:
                reader.complain("wrong-type", f"{object}.{name} is a standard field of type {standard.type}", fields.where(name),
                                standard.type.value)  # fmt: skip
            optional = node.get("optional")
            found.append(RequiredField(
                object=object, field=name, type=type, label=reader.text(node.get("label")),
                optional=optional is None or bool(optional.value), at=fields.where(name),
            ))  # fmt: skip
    return tuple(found)


def read_sets(reader: Reader, section: Node) -> dict[str, Subset]:
    """Read ``sets``; from here on the reader knows which frame each is a part of."""
    found = {}
    for name, node in section.items():
        source = node.get("from")
        assert source is not None
        if name in OBJECTS:
            reader.complain(
                "name-taken", f"'{name}' is an object already", section.where(name), "another name for the set"
            )
            continue
        frame = reader.source(source)[1]
        where = read_condition(reader, frame, node.get("where"))
        found[name] = Subset(name=name, from_=frame, where=where, at=section.where(name))
    reader.sets.update({name: subset.from_ for name, subset in found.items()})
    return found


def read_features(reader: Reader, section: Node) -> dict[str, Feature]:
    """Read ``features``; names are unique over all subjects."""
    found: dict[str, Feature] = {}
    for of, entries in section.items():
        reader.source(Node(of, section.where(of)))
        for name, node in entries.items():
            at = entries.where(name)
            if name in found:
                reader.complain("name-taken", f"the feature '{name}' stands under '{found[name].of}' already", at,
                                "names that are unique over all subjects", f"see {found[name].at}")  # fmt: skip
                continue
            feature = _feature(reader, of, name, node)
            if feature is not None:
                found[name] = replace(feature, at=at)
    return found


def _feature(reader: Reader, of: str, name: str, node: Node) -> Feature | None:
    kinds = [key for key, _ in node.items() if key in KINDS]
    if len(kinds) != 1:
        message = f"'{name}' has {listed(kinds)} at once" if kinds else f"'{name}' does not say how it is computed"
        reader.complain("feature-kind", message, node.at, f"exactly one of {listed(KINDS)}")
        return None
    kind = kinds[0]
    if kind in ("expr", "score"):
        for key, _ in node.items():
            if key in _OWN_KEYS:
                reader.complain(
                    "unused-key", f"'{key}' means nothing beside '{kind}'", node.where(key), "type, unit, label"
                )
    if kind != "expr" and of not in DECIDED:
        reader.complain(
            "wrong-subject", f"{a(of)} can have no '{kind}'", node.at, f"an expr, or one of {listed(DECIDED)}"
        )
        return None
    declared, label = node.get("type"), reader.text(node.get("label"))
    shared: dict[str, Any] = {"name": name, "of": of, "unit": _plain(node, "unit"), "label": label}
    if declared is not None:
        shared["type"] = FieldType(declared.value)
    elif kind in _OF_ITS_VALUE:
        reader.untyped.add(name)
    value = node.value[kind]
    if kind == "expr":
        return Formula(expr=read_expression(reader, of, value, ""), **shared)
    if kind == "score":
        return _score(reader, of, value, shared)
    return _aggregate(reader, kind, node, shared)


def _aggregate(reader: Reader, agg: Any, node: Node, shared: dict[str, Any]) -> Aggregate:
    of: str = shared["of"]
    via = node.get("via")
    windowed = node.get("within") is not None or node.get("before") is not None
    dated = agg in _NEED_DATE or windowed or (agg == "days_since" and node.get("value") is None)
    source, frame = reader.source(node.value[agg], of=of, via=str(via.value) if via else "", dated=dated)
    _check_keys(reader, agg, node)
    value = node.get("value")
    expression = (
        read_expression(reader, frame, value, "" if agg in _ANY_TYPE else "number") if value is not None else None
    )
    if value is not None and agg in _ONE_FIELD and not isinstance(expression, Name):
        reader.complain("wrong-value", f"'{agg}' takes one field", value.at, "a field's name, e.g. value: category")
    q = node.get("q")
    return Aggregate(
        from_=source, agg=agg, value=expression,
        where=read_condition(reader, frame, node.get("where")),
        that=read_condition(reader, frame, that) if (that := node.get("that")) is not None else None,
        within=reader.duration(node.get("within"), frame), before=reader.duration(node.get("before"), frame),
        via=reader.use(frame, via, "text"), quantile=float(reader.number(q, "'q'")) if q is not None else 0.5,
        money=_money(reader, frame, node.get("currency")), **{"type": _default_type(agg), **shared},
    )  # fmt: skip


def _check_keys(reader: Reader, agg: str, node: Node) -> None:
    for key, needed, allowed in (
        ("value", agg in _NEED_VALUE, agg in _MAY_HAVE_VALUE),
        ("that", agg in _NEED_THAT, agg in _NEED_THAT),
        ("q", agg in _QUANTILES, agg in _QUANTILES),
        ("currency", False, agg in _MAY_HAVE_VALUE - {"days_since"}),
    ):
        if needed and node.get(key) is None:
            reader.complain("missing-key", f"'{agg}' needs '{key}'", node.at)
        elif node.get(key) is not None and not allowed:
            reader.complain("unused-key", f"'{key}' means nothing beside '{agg}'", node.where(key))


def _default_type(agg: str) -> FieldType:
    if agg in ("count", "distinct", "days_since"):
        return FieldType.integer
    return FieldType.boolean if agg in ("any", "all") else FieldType.number


def _money(reader: Reader, frame: str, node: Node | None) -> Money | None:
    if node is None:
        return None
    field, into, rates = node.get("field"), node.get("into"), node.get("rates")
    assert into is not None
    assert rates is not None
    currency = reader.scalar(into, "account")
    if not isinstance(currency, str):
        reader.complain(
            "wrong-type", "'into' is not a currency", into.at, "a currency code such as CNY, the same for every row"
        )
        currency = ""
    return Money(field=reader.use(frame, field, "text"), into=currency, rates=_rates(reader, rates))


def _rates(reader: Reader, node: Node) -> Mapping[str, Scalar]:
    if isinstance(node.value, dict):
        return {currency: reader.number(inner, "the rate") for currency, inner in node.items()}
    parameter = reader.parameters.get(str(node.value).removeprefix("$"))
    if parameter is None:
        reader.unknown("parameter", str(node.value).removeprefix("$"), reader.parameters, node.at)
        return {}
    if not isinstance(parameter.value, Mapping):
        reader.complain(
            "wrong-parameter", f"{node.value} is not a mapping", node.at, "a parameter of the form {CNY: 1, USD: 7.2}"
        )
        return {}
    for currency, rate in parameter.value.items():
        if isinstance(rate, bool) or not isinstance(rate, (int, float)):
            reader.complain("wrong-type", f"the rate of {currency} is not a number", parameter.at, "a number")
    return parameter.value


def _score(reader: Reader, of: str, node: Node, shared: dict[str, Any]) -> Score:
    by = str(node.value["by"].value)
    cuts = node.get("cuts")
    bins, needs_bins = node.get("bins"), by in ("quantile", "ntile")
    if (cuts is not None) is not (by == "cuts"):
        reader.complain("score", f"by: {by} {'takes no' if cuts else 'needs'} 'cuts'", node.at)
    if (bins is not None) is not needs_bins:
        reader.complain("score", f"by: {by} {'takes no' if bins else 'needs'} 'bins'", node.at)
    points = reader.many(cuts, of) if cuts is not None else ()
    for point in points:
        if isinstance(point, (bool, str)):
            reader.complain("wrong-type", f"the cut {point} is not a number", cuts.at if cuts else node.at, "numbers")
            points = ()
    if list(points) != sorted(set(points)):
        reader.complain(
            "score", "the cuts do not ascend", cuts.at if cuts else node.at, "each cut larger than the one before"
        )
    offset = node.get("offset")
    type = FieldType.number if by in ("percent_rank", "share_before") else FieldType.integer
    return Score(
        by=by, field=reader.use(of, node.get("of"), "number"), cuts=points,  # type: ignore[arg-type]
        bins=bins.value if bins is not None else 0, offset=reader.number(offset, "'offset'") if offset is not None else 0,
        closed=_plain(node, "closed") or "left", order=_plain(node, "order") or "asc",  # type: ignore[arg-type]
        where=read_condition(reader, of, node.get("where")), minimum=node.value["minimum"].value if node.get("minimum") else 0,
        **{"type": type, **shared},
    )  # fmt: skip
