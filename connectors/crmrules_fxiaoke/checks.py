"""Lines of doctor that only the connector can tell: login, rights, what the tenant lacks, places to write to, clocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Literal

from crmrules.contracts.connector import Check, WriteTarget
from crmrules.errors import ConnectorError, RetryLater
from crmrules.model.changes import tag_text
from crmrules.model.text import Text, text
from crmrules_fxiaoke.api import Api, Refused
from crmrules_fxiaoke.codes import meaning
from crmrules_fxiaoke.config import Settings
from crmrules_fxiaoke.describe import FieldInfo, Metadata
from crmrules_fxiaoke.notes import CONTENT, SALES_RECORD, NoteRecords
from crmrules_fxiaoke.tags import TagFunction
from crmrules_fxiaoke.values import Unfit

_SKEW = 120  # seconds that two clocks may differ
_WHITELIST = text(
    "在开放平台该应用的 IP 白名单中加入本机的出口地址",
    "add this machine's outgoing address to the app's IP whitelist in the open platform",
)
_FIELD = text(
    "修改该字段的设置或权限,或在设置中换一个字段",
    "change the field or the right to it, or name another one in the settings",
)
_RIGHTS = text("给集成用户该对象的读写权限", "let the integration user read and write this object")
_ON = text("如要写入,请改设置,见 README", "to have them written, change the setting, see the README")
_CLOUD = text(
    "核对 cloud(企业所在的云)与 url,以及应用凭证",
    "check `cloud` (where the tenant lives) and `url`, and the app's credentials",
)


def check(
    api: Api, metadata: Metadata, settings: Settings, function: TagFunction, notes: NoteRecords,
    targets: Sequence[WriteTarget],
) -> list[Check]:  # fmt: skip
    """Return the lines; with a login that fails, only that one."""
    login = _asked("credentials", text("登录成功", "the login works"), lambda: _login(api, metadata))
    if login.state == "error":
        return [login]
    lines = [login, *_clock(api), *_lacking(metadata)]
    kinds = {t.kind for t in targets}
    if "tag" in kinds:
        lines += _tags(metadata, settings, function, [t for t in targets if t.kind == "tag"])
    if "note" in kinds:
        lines += _notes(metadata, settings, notes, [t for t in targets if t.kind == "note"])
    return lines


def _login(api: Api, metadata: Metadata) -> None:
    api.login()
    _ = metadata.listed  # the token's rights, the employee, the whitelist and the quota


def _asked(code: str, good: Text, ask: Callable[[], object]) -> Check:
    """Ask, and make a line of whatever comes back."""
    try:
        ask()
    except Refused as refused:
        known = meaning(refused.code)
        problem = refused.problems[0]
        hint = _WHITELIST if "white list" in problem.message else known.hint or _CLOUD
        said = f" ({problem.message})"
        state_code = {30002: "quota", 30003: "quota", 15002: "permission", 15003: "permission"}.get(refused.code, code)
        return Check(
            code="ip-whitelist" if hint is _WHITELIST else state_code, state="error",
            message=text(known.text.of("zh") + said, known.text.of("en") + said), hint=hint,
        )  # fmt: skip
    except ConnectorError as error:
        what = error.problems[0].message
        later = isinstance(error, RetryLater)
        return Check(
            code="unreachable" if later else code, state="error", message=text(f"没有得到回答:{what}", f"no answer: {what}"),
            hint=text("检查网络与代理,稍后再试", "check network and proxy, try again later") if later else _CLOUD,
        )  # fmt: skip
    return Check(code=code, state="ok", message=good)


def _clock(api: Api) -> list[Check]:
    if api.skew is None or abs(api.skew.total_seconds()) <= _SKEW:
        return []
    off = round(api.skew.total_seconds())
    return [
        Check(
            code="clock", state="warning",
            message=text(f"本机时钟与纷享销客相差 {off} 秒", f"the CRM's clock is {off} seconds from this machine's"),
            hint=text("校准本机时钟(NTP)", "set this machine's clock (NTP)"),
        )
    ]  # fmt: skip


def _lacking(metadata: Metadata) -> list[Check]:
    lines = []
    for object, name in metadata.missing():
        what = f"{object}.{name}" if name else object
        lines.append(
            Check(
                code="missing", state="warning",
                message=text(f"租户没有 {what},默认映射中按空值读取", f"the tenant has no {what}; the default mapping reads it as empty"),
                hint=text("如用其他对象或字段,请在 mapping 中改写", "if another object or field serves for it, name it in the mapping"),
            )
        )  # fmt: skip
    return lines


def _tags(
    metadata: Metadata, settings: Settings, function: TagFunction, targets: Sequence[WriteTarget]
) -> Iterator[Check]:
    if settings.tags == "none":
        yield _line("tags", "warning", "设置 tags: none,标签不会写入", "tags are switched off (tags: none)", _ON)
        return
    objects = sorted({t.object for t in targets})
    if settings.tags == "function":
        good = text(f"函数 {settings.tag_function} 可用", f"the function {settings.tag_function} works")
        line = _asked("tag-function", good, lambda: function.read(objects[0], ["0"]))
        hint = text(
            "按 README 安装函数 apl/crmrules_tag__c.groovy", "install apl/crmrules_tag__c.groovy as the README says"
        )
        yield line if line.state == "ok" else Check(code=line.code, state=line.state, message=line.message, hint=hint)
        return
    for object in objects:
        names = [tag_text(t.name, v) for t in targets if t.object == object for v in t.values or ("x" * t.longest,)]
        yield _place(metadata, object, settings.tag_field, "tags", partial(_holds_tags, names))


def _holds_tags(names: Sequence[str], field: FieldInfo) -> None:
    if field.kind == "select_many":
        lacking = [n for n in names if n not in field.labels and n not in field.labels.values()]
        if lacking:
            raise Unfit(f"options are missing / 缺少选项: {', '.join(lacking[:10])}")
    elif field.kind not in ("long_text", "text"):
        raise Unfit(f"it is of type {field.kind}; make it select_many or long_text / 应为多选或多行文本")


def _notes(
    metadata: Metadata, settings: Settings, notes: NoteRecords, targets: Sequence[WriteTarget]
) -> Iterator[Check]:
    objects = sorted({t.object for t in targets})
    longest = max(t.longest for t in targets)
    if settings.notes == "none":
        yield _line("notes", "warning", "设置 notes: none,备注不会写入", "notes are switched off (notes: none)", _ON)
    elif settings.notes == "field":
        for object in objects:
            yield _place(metadata, object, settings.note_field, "notes", partial(_is_long, longest))
    elif settings.notes == "record":
        yield _place(metadata, SALES_RECORD, CONTENT, "notes", partial(_is_long, longest))
    else:
        wanted = ("title", "body", "author", *objects)
        for name in wanted:
            column = settings.note_column(name)
            yield _place(metadata, notes.object, column or f"({name})", "notes", lambda field: None)


def _is_long(longest: int, field: FieldInfo) -> None:
    if field.length and field.length < longest:
        raise Unfit(f"it holds {field.length} characters, notes need {longest} / 长度 {field.length},需要 {longest}")


def _place(metadata: Metadata, object: str, name: str, code: str, fits: Callable[[FieldInfo], None]) -> Check:
    """Return whether a field can be written to, and holds what it has to."""
    try:
        field = metadata.fields(object).get(name)
        if field is None:
            return Check(
                code=code, state="error",
                message=text(f"{object} 没有字段 {name}", f"{object} has no field {name}"),
                hint=text(
                    f"在对象管理中为 {object} 新建字段 {name}(见 README),并授予集成用户读写权限",
                    f"make the field {name} on {object} (see the README) and let the integration user read and write it",
                ),
            )  # fmt: skip
        if not field.writable:
            return _line(code, "error", f"{object}.{name} 只读", f"{object}.{name} is read only", _FIELD)
        fits(field)
    except Unfit as why:
        return _line(code, "error", f"{object}.{name}:{why}", f"{object}.{name}: {why}", _FIELD)
    except ConnectorError as error:
        what = error.problems[0].message
        return _line(code, "error", f"{object} 无法读取:{what}", f"{object} can't be read: {what}", _RIGHTS)
    return _line(code, "ok", f"{object}.{name} 可写", f"{object}.{name} can be written")


def _line(code: str, state: Literal["ok", "warning", "error"], zh: str, en: str, hint: Text = Text()) -> Check:
    return Check(code=code, state=state, message=text(zh, en), hint=hint)
