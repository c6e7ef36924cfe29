"""The doctor: does the login work, what is there, how full is it, can we write, and what will it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from crmrules.app.setup import Setup, connected, deciding_ruleset, now, open_profile
from crmrules.contracts.connector import Check, Usage, WriteTarget
from crmrules.errors import ConnectorError, RulesetError
from crmrules.model.text import Text, clean, text

if TYPE_CHECKING:
    from crmrules.contracts.connector import Connector, NativeObject
    from crmrules.language.mapping import Mapping_, ObjectMap
    from crmrules.pipeline.fill import Fill

NIGHTLY = 0.01  # share of the records that change in a day; what the cost of a nightly run is reckoned with
_SKEW = timedelta(minutes=2)  # a pull reads five minutes back


@dataclass(frozen=True, kw_only=True)
class FieldFound:
    """A mapped field and how full it is in a sample."""

    object: str  # canonical
    name: str
    native: str  # Accounts.Industry
    fill: Fill
    untranslated: tuple[str, ...] = ()  # choices of the CRM that the mapping's values leave out


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a run of reading will cost; ``records`` is None where the CRM does not count them cheaply."""

    records: int | None
    first: Usage
    nightly: Usage


@dataclass(frozen=True, kw_only=True)
class Examination:
    """Everything that the doctor found, worst last in no order: as it was looked at."""

    checks: tuple[Check, ...]
    fields: tuple[FieldFound, ...] = ()
    cost: Cost | None = None
    usage: Usage = field(default_factory=Usage)  # of this examination

    @property
    def healthy(self) -> bool:
        return all(check.state != "error" for check in self.checks)


def examine(profile: Path, *, create: bool = False) -> Examination:
    """Examine the profile's CRM; writes nothing, unless *create* lets it make the fields that are missing.

    Raises RulesetError where the profile, its mapping or its ruleset can't be read, PluginError where
    the connector is missing. What the CRM says is a finding, not an error.
    """
    setup = open_profile(profile)
    with connected(setup) as (connector, mapping):
        checks: list[Check] = []
        fields: list[FieldFound] = []
        cost = None
        try:
            described = connector.describe()
            present, found = _present(mapping, described)
            checks += found
            targets = _targets(setup, mapping, described, connector, checks, create=create)
            checks = [*connector.check(targets), *checks]
            fields = _fields(connector, present, described)
            cost = _cost(connector, present, mapping, described)
            if all(check.code != "clock" for check in checks):  # the connector has not told of it itself
                checks += _clock(connector)
        except ConnectorError as error:
            told = list(connector.check())
            if all(check.state != "error" for check in told):  # the connector has no better word for it
                told += [_said(error)]
            checks = told + checks
        return Examination(checks=tuple(checks), fields=tuple(fields), cost=cost, usage=connector.usage())


def _present(mapping: Mapping_, described: Sequence[NativeObject]) -> tuple[list[ObjectMap], list[Check]]:
    """Return the sources whose objects the CRM has, and what is missing."""
    from crmrules.pipeline.readings import check_names

    there = {o.name for o in described}
    try:
        check_names(described, mapping)
    except RulesetError as error:
        found = [
            Check(code=p.code, state="error", message=text(p.message, p.message), hint=text(p.hint, p.hint))
            for p in error.problems
        ]
    else:
        number = sum(len(s.fields) for s in mapping.sources)
        found = [
            Check(
                code="mapping", state="ok",
                message=text(f"映射的 {len(mapping.sources)} 个对象、{number} 个字段都在", f"all {len(mapping.sources)} mapped objects and {number} fields are there"),
            )
        ]  # fmt: skip
    return [source for source in mapping.sources if source.native in there], found


def _targets(
    setup: Setup, mapping: Mapping_, described: Sequence[NativeObject], connector: Connector, checks: list[Check],
    *, create: bool,
) -> list[WriteTarget]:  # fmt: skip
    from crmrules.pipeline.targets import check_targets, write_targets

    if not setup.profile.rulesets:
        return []
    targets, unmapped = write_targets(deciding_ruleset(setup), mapping)
    found, missing = check_targets(targets, described, mapping, connector.capabilities)
    if create and missing:
        made = [_make(connector, target) for target in missing]
        found = [c for c in found if c.code != "write-missing"] + made
    checks += unmapped + found
    if not unmapped and not found:
        checks.append(
            Check(
                code="write", state="ok",
                message=text(f"规则要写入的 {len(targets)} 处都可写", f"all {len(targets)} places that the rules write to can be written"),
            )
        )  # fmt: skip
    return targets


def _make(connector: Connector, target: WriteTarget) -> Check:
    name = f"{target.object}.{target.name}"
    try:
        connector.create(target)
    except ConnectorError as error:
        return _said(error, code="create-failed")
    return Check(code="created", state="ok", message=text(f"已新建 {name}", f"made {name}"))


def _fields(connector: Connector, sources: Sequence[ObjectMap], described: Sequence[NativeObject]) -> list[FieldFound]:
    from crmrules.pipeline.fill import fills
    from crmrules.pipeline.readings import key_of

    objects = {o.name: o for o in described}
    found = []
    for source in sources:
        native = objects[source.native]
        if native.within:
            continue
        there = {f.name: f for f in native.fields}
        mapped = [f for f in source.fields if f.native in there]
        counted = fills(connector, native, [f.native for f in mapped], key_of(source))
        for f in mapped:
            choices = there[f.native].choices if f.values else ()
            found.append(
                FieldFound(
                    object=source.object, name=f.field.name, native=f"{source.native}.{f.native}",
                    fill=counted[f.native], untranslated=tuple(c for c in choices if c not in f.values),
                )
            )  # fmt: skip
    return found


def _cost(
    connector: Connector, sources: Sequence[ObjectMap], mapping: Mapping_, described: Sequence[NativeObject]
) -> Cost:
    from dataclasses import replace
    from datetime import UTC, datetime

    from crmrules.language.mapping import Mapping_
    from crmrules.pipeline.readings import readings

    narrowed = Mapping_(sources=tuple(sources), timezone=mapping.timezone, personal=mapping.personal)
    records, known, first, nightly = 0, True, Usage(), Usage()
    for asked in readings(connector.capabilities, described, narrowed):
        count = connector.count(asked.request.object)
        known = known and count is not None
        records += count or 0
        first += connector.estimate(asked.request, count or 0)
        again = replace(asked.request, since=datetime.now(UTC)) if asked.request.modified_field else asked.request
        changed = max(1, round((count or 0) * NIGHTLY)) if again.since else count or 0
        nightly += connector.estimate(again, changed)
    return Cost(records=records if known else None, first=first, nightly=nightly)


def _clock(connector: Connector) -> list[Check]:
    there, here = connector.clock(), now()
    if there is None or abs(there - here) <= _SKEW:
        return []
    minutes = round((here - there).total_seconds() / 60)
    return [
        Check(
            code="clock", state="warning",
            message=text(f"本机时钟与 CRM 相差 {minutes} 分钟", f"this machine's clock is {minutes} minutes off the CRM's"),
            hint=text("开启时间同步(NTP)", "turn on time synchronisation (NTP)"),
        )
    ]  # fmt: skip


def _said(error: ConnectorError, code: str = "") -> Check:
    problem = error.problems[0]
    message = clean(problem.message)
    hint = Text({"zh": problem.hint, "en": problem.hint}) if problem.hint else Text()
    return Check(code=code or problem.code, state="error", message=text(message, message), hint=hint)
