"""Every error code that Zoho documents: what it means, what to do, and what that makes of a call or a write.

A code stands for the same in an answer as a whole and in the answer to one record; where the HTTP
status says more (429: busy), the status counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from crmrules.model.text import Text, text

# retry: the same call may work later; renew: the token is used up; stop: nobody but the admin can
# mend it; refuse: this record will never take it; stale: somebody was quicker; page: the paging has
# to be begun anew from where it stands.
Action = Literal["retry", "renew", "stop", "refuse", "stale", "page"]


@dataclass(frozen=True)
class Meaning:
    """What a code means to us."""

    action: Action
    meaning: Text
    hint: Text = Text()


def _m(action: Action, zh: str, en: str, hint_zh: str = "", hint_en: str = "") -> Meaning:
    return Meaning(action, text(zh, en), text(hint_zh, hint_en) if hint_en else Text())


_LATER = ("稍后再运行", "run again later")
_ADMIN = ("请管理员检查接口用户的权限", "have an administrator check what the integration user may do")
_OURS = ("请报告此问题", "please report this")
_SCOPE = (
    "用完整的权限范围重新生成授权码并运行 `crmrules init`",
    "generate a new code with the whole scope and run `crmrules init` again",
)
_MAPPING = ("检查映射与 CRM 中的字段", "check the mapping and the field in the CRM")

CODES: Mapping[str, Meaning] = {
    # the call as a whole
    "INVALID_TOKEN": _m("renew", "访问令牌无效或已过期", "the access token is wrong or has expired"),
    "INVALID_OAUTHTOKEN": _m("renew", "访问令牌无效或已过期", "the access token is wrong or has expired"),
    "AUTHENTICATION_FAILURE": _m("renew", "未带有效的访问令牌", "no good access token came with the call"),
    "OAUTH_SCOPE_MISMATCH": _m("stop", "令牌缺少所需的权限范围", "the token lacks a scope", *_SCOPE),
    "NO_PERMISSION": _m("stop", "接口用户没有此权限", "the integration user may not do that", *_ADMIN),
    "AUTHORIZATION_FAILED": _m("stop", "接口用户未获授权", "the integration user is not authorised", *_ADMIN),
    "INVALID_HOST": _m(
        "stop", "接口地址不属于 Zoho CRM", "the host is not one of the CRM's API",
        "删除状态目录中的令牌文件后重试", "delete the token file in the state folder and try again",
    ),
    "INVALID_URL_PATTERN": _m(
        "stop", "该版本没有此接口", "this version has no such call", "检查设置 version", "check the setting `version`"
    ),
    "INVALID_REQUEST_METHOD": _m("stop", "请求方法不被接受", "the method is not accepted", *_OURS),
    "INVALID_MODULE": _m(
        "stop", "没有此模块,或它不支持该接口", "there is no such module, or it does not take this call", *_MAPPING
    ),
    "REQUIRED_PARAM_MISSING": _m("stop", "缺少必需的参数", "a parameter is missing", *_OURS),
    "AMBIGUITY_DURING_PROCESSING": _m("stop", "参数互相矛盾", "parameters contradict each other", *_OURS),
    "PATTERN_NOT_MATCHED": _m("stop", "参数格式不对", "a parameter has the wrong form", *_OURS),
    "TOO_MANY_REQUESTS": _m(
        "retry", "额度用尽或并发过多", "the credits are used up, or too many calls came at once", *_LATER
    ),
    "RATE_LIMIT_EXCEEDED": _m("retry", "调用过于频繁", "too many calls", *_LATER),
    "INTERNAL_ERROR": _m("retry", "Zoho 内部错误", "an internal error of Zoho", *_LATER),
    "RESOURCE_NOT_FOUND": _m("page", "任务或结果已不存在", "the job or its result is gone", *_LATER),
    # paging and queries
    "EXPIRED_VALUE": _m("page", "分页令牌已过期", "the page token has expired"),
    "TOKEN_BOUND_DATA_MISMATCH": _m("page", "分页令牌属于另一个查询", "the page token belongs to another query"),
    "PAGINATION_LIMIT_EXCEEDED": _m("page", "一个查询最多 100,000 条", "a query gives at most 100,000 records"),
    "DISCRETE_PAGINATION_LIMIT_EXCEEDED": _m("page", "按页码最多 2,000 条", "page numbers reach 2,000 records only"),
    "PAGE_RANGE_EXCEEDED": _m("page", "导出没有这一页", "the export has no such page"),
    "CRITERIA_LIMIT_EXCEEDED": _m("stop", "条件过多", "too many criteria", *_OURS),
    "VALUE_LIMIT_EXCEEDED_IN_CRITERIA": _m("stop", "条件中的值过多", "too many values in a criterion", *_OURS),
    "SYNTAX_ERROR": _m("stop", "查询语法错误", "the query is not well formed", *_OURS),
    "INVALID_QUERY": _m("stop", "查询不被接受", "the query is not accepted", *_MAPPING),
    "LIMIT_EXCEEDED": _m("stop", "超过一次调用的上限", "more than one call may carry", *_OURS),
    # one record
    "INVALID_DATA": _m("refuse", "值不被接受", "the value is not accepted", *_MAPPING),
    "MANDATORY_NOT_FOUND": _m("refuse", "缺少必填字段", "a required field is missing", *_MAPPING),
    "DUPLICATE_DATA": _m("refuse", "与另一条记录重复", "another record has that value already"),
    "MULTIPLE_OR_MULTI_ERRORS": _m("refuse", "有多处错误", "several things are wrong"),
    "DEPENDENT_FIELD_MISSING": _m("refuse", "缺少所依赖的字段", "a field that it depends on is missing", *_MAPPING),
    "DEPENDENT_MISMATCH": _m("refuse", "与所依赖的字段不符", "it does not fit the field that it depends on", *_MAPPING),
    "RECORD_IN_BLUEPRINT": _m(
        "refuse", "该字段由流程蓝图控制", "a blueprint drives this field",
        "把结果写入另一个字段", "write to another field",
    ),
    "RECORD_LOCKED": _m("refuse", "记录已锁定", "the record is locked"),
    "NOT_APPROVED": _m("refuse", "记录正在审批", "the record waits for approval", *_LATER),
    "NOT_REVIEWED": _m("refuse", "记录正在审核", "the record waits for review", *_LATER),
    "NOT_ALLOWED": _m("refuse", "不允许此操作", "that is not allowed", *_ADMIN),
    "ID_ALREADY_CONVERTED": _m("refuse", "线索已转换", "the lead was converted"),
    "ALREADY_MODIFIED": _m("stale", "记录刚被修改", "somebody changed the record meanwhile"),
    "DEPENDENT_SERVICE_ERROR": _m("retry", "Zoho 的另一项服务出错", "another service of Zoho failed", *_LATER),
    "UNABLE_TO_PARSE_DATA_TYPE": _m("refuse", "值的类型不对", "the value has the wrong type", *_MAPPING),
    "EXPECTED_FIELD_MISSING": _m("refuse", "缺少标题或内容", "neither title nor content was given"),
    "DUPLICATE_LINKING_DATA": _m("refuse", "已经关联", "that link exists already"),
    # tags and roles
    "LICENSE_LIMIT_EXCEEDED": _m(
        "refuse", "已达版本允许的标签数", "the edition allows no more tags",
        "删除不用的标签,或升级版本", "delete tags that nobody uses, or upgrade the edition",
    ),
    "MAPPING_MISMATCH": _m("refuse", "同名标签的颜色不同", "a tag of that name has another colour"),
    "LOWER_LIMIT_REACHED": _m("refuse", "最后一个角色不能删除", "the last contact role can't be deleted"),
    # notifications
    "NOT_SUBSCRIBED": _m("stop", "没有此订阅", "there is no such subscription"),
    "LIMIT_REACHED": _m("stop", "订阅数已满", "there may be no more subscriptions"),
}  # fmt: skip

# What the accounts server says instead of a token.
TOKEN_CODES: Mapping[str, Meaning] = {
    "invalid_code": _m(
        "stop", "授权码或刷新令牌无效(已用过、过期、被撤销,或属于另一个客户端)",
        "the code or refresh token is not good: used, expired, revoked, or another client's",
        "重新生成授权码并运行 `crmrules init`", "generate a new code and run `crmrules init` again",
    ),
    "invalid_client": _m(
        "stop", "此数据中心没有这个 Client ID", "this data centre knows no such client id",
        "检查 data_centre(登录网址的结尾)与 client_id", "check `data_centre` (the end of the address you log in at) and `client_id`",
    ),
    "invalid_client_secret": _m(
        "stop", "Client Secret 不对", "the client secret is wrong",
        "从 API 控制台重新复制", "copy it again from the API console",
    ),
    "access_denied": _m(
        "retry", "请求令牌过于频繁", "tokens were asked for too often", "至少等待 10 分钟", "wait for 10 minutes at least"
    ),
}  # fmt: skip


def meaning_of(code: str, status: int) -> Meaning:
    """Return what *code* means in an answer with that HTTP *status*; a code that nobody documents is read by its status."""
    known = CODES.get(code)
    if status == 429:
        return CODES["TOO_MANY_REQUESTS"]
    if known:
        return known
    if status >= 500:
        return CODES["INTERNAL_ERROR"]
    return _m("stop" if status >= 400 else "refuse", f"Zoho 答复 {code}", f"Zoho answered {code}")
