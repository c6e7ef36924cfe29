"""What `crmrules doctor` says about a Tryton server, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from crmrules.contracts.connector import Check, WriteTarget
from crmrules.errors import ConnectorError
from crmrules.model.text import Text, text
from crmrules_tryton.api import Api, Fault, Login
from crmrules_tryton.config import Settings
from crmrules_tryton.describe import Models
from crmrules_tryton.objects import CATEGORY, DEAL, PARTY, SALE, source_of
from crmrules_tryton.parties import Parties

_SKEW = 120  # seconds
_KNOWN = (7, 8)  # series that the tests run
_OPTIONAL = {DEAL: text("商机", "opportunities"), SALE: text("订单", "sales")}


class Doctor:
    """Looks the server over; says what is wrong instead of raising."""

    def __init__(self, api: Api, settings: Settings, models: Models, parties: Parties) -> None:
        self._api, self._settings, self._models, self._parties = api, settings, models, parties

    def run(self, targets: Sequence[WriteTarget]) -> list[Check]:
        """Return the lines; the first error of the login ends them."""
        try:
            login = self._api.login
        except ConnectorError as error:
            (problem, *_) = error.problems
            hint = text(
                "请核对 url、database、login、password。", problem.hint or "check url, database, login and password"
            )
            return [Check(code="credentials", state="error", message=_both(problem.message), hint=hint)]
        lines = [_credentials(login, self._settings)]
        for part in (
            self._series(login),
            self._rights(targets),
            self._persons(),
            self._targets(targets),
            self._clock(),
        ):
            try:
                lines += part
            except ConnectorError as error:
                lines.append(Check(code="server", state="error", message=_both(error.problems[0].message)))
        return lines

    def _series(self, login: Login) -> Iterator[Check]:
        known = login.series.split(".")[0] in map(str, _KNOWN)
        yield Check(
            code="server", state="ok" if known else "warning",
            message=text(f"Tryton {login.series}", f"Tryton {login.series}"),
            hint=text("本连接器用 7.0 与 8.2 测试过,其他版本请先用测试库。", "tested with 7.0 and 8.2: try another series on a copy first"),
        )  # fmt: skip

    def _rights(self, targets: Sequence[WriteTarget]) -> Iterator[Check]:
        writes = {source_of(t.object).model for t in targets if t.kind in ("field", "note")}
        tags = any(t.kind == "tag" for t in targets)
        for model in (PARTY, DEAL, SALE, CATEGORY):
            if self._models.fields(model) is None:
                what = _OPTIONAL.get(model, _both(model))
                yield Check(
                    code="module", state="warning",
                    message=text(f"没有模型 {model}:{what.of('zh')}不会被读取", f"there is no model {model}: no {what.of('en')} are read"),
                    hint=text("如需使用,请启用对应模块。", "activate its module if you want them"),
                )  # fmt: skip
                continue
            wanted = ["read", *(["write"] if model in writes or (tags and model == PARTY) else [])]
            wanted += ["create"] if tags and model == CATEGORY else []
            try:
                given = self._api.call("ir.model.access.get_access", [model])[model]
            except Fault as fault:
                yield Check(code="permission", state="warning", message=_both(fault.said))
                continue
            lacking = [right for right in wanted if not given.get(right)]
            yield _permission(model, lacking)

    def _persons(self) -> Iterator[Check]:
        settings = self._settings
        if settings.persons == "relation" and not self._parties.related:
            yield Check(
                code="persons", state="error",
                message=text("业务伙伴之间没有关系:无法区分个人与单位", "parties have no relations: nothing tells persons from organisations"),
                hint=text("请启用模块 party_relationship,或用 persons: category 按分类区分。",
                          "activate the module party_relationship, or tell persons by `persons: category`"),
            )  # fmt: skip
            return
        if settings.persons == "relation":
            found = {
                row["name"] for row in self._api.call("party.relation.type.search_read", [], 0, None, None, ["name"])
            }  # fmt: skip
            used = found & set(settings.employment)
            if not used:
                there = "、".join(sorted(found)[:20])
                yield Check(
                    code="persons", state="error",
                    message=text("没有一个关系类型把个人与单位联系起来,所有业务伙伴都会被当作单位",
                                 "no relation type ties persons to organisations, so every party is taken for an organisation"),
                    hint=text(f"把关系类型写进设置 employment;现有:{there or '无'}",
                              f"name the relation types in the setting `employment`; there are: {there or 'none'}"),
                )  # fmt: skip
                return
        persons, others = (
            int(self._api.call(f"{PARTY}.search_count", domain))
            for domain in (self._parties.persons(), self._parties.organisations())
        )
        yield Check(
            code="persons", state="ok" if persons else "warning",
            message=text(f"单位 {others},个人 {persons}", f"{others} organisations, {persons} persons"),
            hint=text("没有个人:请核对设置 persons、employment、person_category。",
                      "no persons: check the settings persons, employment and person_category"),
        )  # fmt: skip

    def _targets(self, targets: Sequence[WriteTarget]) -> Iterator[Check]:
        for target in targets:
            model = source_of(target.object).model
            if target.kind == "field" and target.name not in (self._models.fields(model) or {}):
                yield Check(
                    code="field", state="error",
                    message=text(f"{target.object} 没有字段 '{target.name}'", f"{target.object} has no field '{target.name}'"),
                    hint=text("没有自有模块,Tryton 就没有自定义字段:请改写成标签(角色写成联系人的标签)。",
                              "Tryton has fields of one's own only by a module: write a tag instead (a role: a tag on the contact)"),
                )  # fmt: skip

    def _clock(self) -> Iterator[Check]:
        told = self._api.clock
        if told is None:
            return
        skew = abs((datetime.now(UTC) - told).total_seconds())
        yield Check(
            code="clock", state="ok" if skew < _SKEW else "warning",
            message=text(f"服务器时钟与本机相差 {skew:.0f} 秒", f"the server's clock differs from ours by {skew:.0f} s"),
            hint=text("请为两边校时(NTP)。", "set both by NTP"),
        )  # fmt: skip


def _credentials(login: Login, settings: Settings) -> Check:
    personal = (
        bool(login.context.get("employee")) or bool(login.context.get("administrator")) or settings.login == "admin"
    )
    return Check(
        code="credentials", state="warning" if personal else "ok",
        message=text(f"已登录为 {settings.login}", f"logged in as {settings.login}")
        if not personal
        else text(f"{settings.login} 是管理员或某位同事的登录", f"{settings.login} is an administrator's or a colleague's login"),
        hint=text("请新建一个专用用户:该用户写的备注会被当作本工具写的。",
                  "make a user for this integration only: notes that this user writes are taken for ours"),
    )  # fmt: skip


def _permission(model: str, lacking: Sequence[str]) -> Check:
    if not lacking:
        return Check(code="permission", state="ok", message=text(f"{model}:权限足够", f"{model}: permitted"))
    rights = ", ".join(lacking)
    return Check(
        code="permission", state="error",
        message=text(f"{model}:缺少权限 {rights}", f"{model}: no permission to {rights}"),
        hint=text("把该用户加入 Sales 与 Party Administration 组。", "add the user to the groups Sales and Party Administration"),
    )  # fmt: skip


def _both(said: str) -> Text:
    return text(said, said)
