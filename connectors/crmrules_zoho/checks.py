"""What `doctor` says of a login: credentials, data centre, org, scopes, permissions, quotas, the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

from crmrules.contracts.connector import Check, WriteTarget
from crmrules.errors import ConnectorError, CrmrulesError, RetryLater
from crmrules.model.changes import tag_text
from crmrules.model.text import text
from crmrules_zoho import query
from crmrules_zoho.api import Refused, Zoho
from crmrules_zoho.auth import missing_scopes
from crmrules_zoho.codes import CODES, TOKEN_CODES, meaning_of
from crmrules_zoho.describe import Metadata
from crmrules_zoho.modules import ROLES
from crmrules_zoho.roles import Roles
from crmrules_zoho.tags import LONGEST, Tags

_SKEW = 60  # seconds that two clocks may differ
_FEW = 1_000  # credits left that are worth a warning

State = Literal["ok", "warning", "error"]


def check(zoho: Zoho, metadata: Metadata, tags: Tags, roles: Roles, targets: Sequence[WriteTarget]) -> list[Check]:
    """Return the lines of `doctor`; what is not reached because of an earlier error is left out."""
    found = [_credentials(zoho)]
    if found[0].state == "error":
        return found
    found.append(_org(zoho))
    if found[-1].state == "error":
        return found
    found += _scopes(zoho)
    found += _modules(metadata)
    found += _guarded(lambda: _tag_quota(tags, targets))
    found += _guarded(lambda: _roles(roles, targets))
    found.append(_credits(zoho))
    found.append(_clock(zoho))
    return found


def _credentials(zoho: Zoho) -> Check:
    try:
        token = zoho.tokens.get()
    except CrmrulesError as error:
        problem = error.problems[0]
        known = TOKEN_CODES.get(problem.code.replace("-", "_"))
        if known:
            code = "data-centre" if problem.code == "invalid-client" else "credentials"
            return Check(code=code, state="error", message=known.meaning, hint=known.hint)
        if problem.code.startswith("token-"):
            return Check(code="credentials", state="error", message=TOKEN_CODES["access_denied"].meaning, hint=TOKEN_CODES["access_denied"].hint)  # fmt: skip
        return _failed("credentials", error)
    host = token.extra["api_domain"]
    return _ok("credentials", f"已登录,接口地址 {host}", f"logged in, the API is at {host}")


def _org(zoho: Zoho) -> Check:
    try:
        org = zoho.org()
        zoho.check_org(org)
    except CrmrulesError as error:
        if error.problems[0].code == "other-org":
            return Check(
                code="org", state="error",
                message=text("这些凭据打开的是另一个组织", "these credentials open another org than this profile was made for"),
                hint=text("换回原来组织的凭据,或为新组织新建配置", "use that org's credentials, or make another profile for this one"),
            )  # fmt: skip
        return _failed("org", error)
    name, zone = str(org.get("company_name") or ""), str(org.get("time_zone") or "?")
    return _ok(
        "org",
        f"组织 {name}(zgid {org.get('zgid')},时区 {zone})",
        f"org {name} (zgid {org.get('zgid')}, time zone {zone})",
    )


def _scopes(zoho: Zoho) -> Iterator[Check]:
    """Say which scopes the token lacks: by its own words, else by trying what can be tried without harm."""
    granted = zoho.tokens.get().extra.get("scope", "")
    missing = missing_scopes(granted)
    if not granted:
        tries: dict[str, Callable[[], object]] = {
            "ZohoCRM.settings.modules.READ": lambda: zoho.get("/settings/modules"),
            "ZohoCRM.users.READ": lambda: zoho.get("/users", {"type": "CurrentUser"}),
            "ZohoCRM.settings.tags.ALL": lambda: zoho.get("/settings/tags", {"module": "Accounts"}),
            "ZohoCRM.coql.READ": lambda: query.select(zoho, "select id from Accounts where id is not null", 1),
            "ZohoCRM.modules.ALL": lambda: zoho.get("/Contacts/roles"),
        }
        missing = [scope for scope, attempt in tries.items() if _lacks_scope(attempt)]
    if not missing:
        yield _ok("scope", "权限范围齐全", "the token has every scope")
    for scope in missing:
        light = scope.endswith(("composite_requests.CUSTOM", "coql.READ", "bulk.READ"))
        yield Check(
            code="scope", state="warning" if light else "error",
            message=text(f"令牌缺少权限范围 {scope}", f"the token lacks the scope {scope}"),
            hint=CODES["OAUTH_SCOPE_MISMATCH"].hint,
        )  # fmt: skip


def _lacks_scope(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except Refused as error:
        return error.code == "OAUTH_SCOPE_MISMATCH"
    except RetryLater:
        return False
    return False


def _modules(metadata: Metadata) -> Iterator[Check]:
    try:
        found = metadata.modules
    except CrmrulesError as error:
        yield _failed("modules", error)
        return
    yield _ok("modules", f"可见模块 {len(found)} 个", f"{len(found)} modules can be read")
    for module, code in sorted(metadata.refused.items()):
        yield Check(
            code="permission", state="warning",
            message=text(f"不能查看模块 {module} 的字段({code})", f"the fields of {module} may not be seen ({code})"),
            hint=CODES["NO_PERMISSION"].hint,
        )  # fmt: skip


def _tag_quota(tags: Tags, targets: Sequence[WriteTarget]) -> Iterator[Check]:
    wanted: dict[str, set[str]] = {}
    for target in targets:
        if target.kind == "tag":
            names = {tag_text(target.name, value) for value in target.values} or {target.name}
            wanted.setdefault(target.object, set()).update(names)
    for module, names in sorted(wanted.items()):
        known = tags.known(module)
        new = {tags.there(name) for name in names if "," not in name} - known.keys()
        most = tags.allowed.get(module)
        if most is not None and len(known) + len(new) > most:
            yield Check(
                code="tag-quota", state="error",
                message=text(
                    f"{module} 允许 {most} 个标签,已有 {len(known)} 个,还需要 {len(new)} 个",
                    f"{module} may have {most} tags, has {len(known)}, and needs {len(new)} more",
                ),
                hint=CODES["LICENSE_LIMIT_EXCEEDED"].hint,
            )  # fmt: skip
        else:
            room = "" if most is None else f" / {most}"
            yield _ok(
                "tag-quota", f"{module} 标签 {len(known)}{room},将新建 {len(new)} 个",
                f"{module} has {len(known)}{room} tags, {len(new)} will be made",
            )  # fmt: skip
        if long := sorted(name for name in names if len(name) > LONGEST):
            yield Check(
                code="tag-length", state="warning",
                message=text(
                    f"{module} 有 {len(long)} 个标签超过 {LONGEST} 个字符,将缩写为 {tags.there(long[0])} 这样的形式",
                    f"{len(long)} tags of {module} are longer than {LONGEST} characters and become like {tags.there(long[0])}",
                ),
            )  # fmt: skip


def _roles(roles: Roles, targets: Sequence[WriteTarget]) -> Iterator[Check]:
    wanted = {
        value for target in targets if target.object == ROLES and target.kind == "field" for value in target.values
    }
    if missing := sorted(wanted - roles.names().keys()) if wanted else []:
        names = ", ".join(missing)
        yield Check(
            code="contact-roles", state="warning",
            message=text(f"CRM 中没有这些联系人角色:{names}", f"the CRM has no contact roles {names}"),
            hint=text("让 crmrules 创建,或在设置中新建", "let crmrules make them, or make them in the CRM's setup"),
        )  # fmt: skip


def _credits(zoho: Zoho) -> Check:
    left = zoho.usage.left
    if left is None:
        return _ok("credits", "额度使用未过半", "less than half of the day's credits are used")
    state: State = "warning" if left < _FEW else "ok"
    return Check(code="credits", state=state, message=text(f"剩余额度 {left:g}", f"{left:g} credits are left"))


def _clock(zoho: Zoho) -> Check:
    skew = (datetime.now(UTC) - zoho.now).total_seconds() if zoho.now else 0.0
    if abs(skew) <= _SKEW:
        return _ok("clock", "本机时钟与 Zoho 一致", "this machine's clock agrees with Zoho's")
    return Check(
        code="clock", state="warning",
        message=text(f"本机时钟与 Zoho 相差 {skew:.0f} 秒", f"this machine's clock differs from Zoho's by {skew:.0f} s"),
        hint=text("校准本机时钟(NTP)", "set this machine's clock (NTP)"),
    )  # fmt: skip


def _guarded(make: Callable[[], Iterator[Check]]) -> list[Check]:
    try:
        return list(make())
    except ConnectorError as error:
        return [_failed("permission", error)]


def _failed(code: str, error: CrmrulesError) -> Check:
    problem = error.problems[0]
    if isinstance(error, Refused):
        meaning = meaning_of(error.code, 400)
        return Check(code=code, state="error", message=text(f"{meaning.meaning.of('zh')}({error.code})", problem.message), hint=meaning.hint)  # fmt: skip
    return Check(
        code=code, state="error", message=text(problem.message, problem.message), hint=text(problem.hint, problem.hint)
    )


def _ok(code: str, zh: str, en: str) -> Check:
    return Check(code=code, state="ok", message=text(zh, en))
