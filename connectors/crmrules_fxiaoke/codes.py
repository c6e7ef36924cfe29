"""The CRM's error codes as data: what each means, and what is to be done about it.

From the reference of the open API; -1 and -2 are said to be "busy". A code that is not in the table
is taken as a refusal of this one call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from crmrules.model.text import Text, text

Action = Literal[
    "retry",  # nothing was done; the same call works a little later
    "unsure",  # it may have been done; reads are repeated, writes are looked up
    "token",  # a new token, once
    "tomorrow",  # nothing works before midnight
    "stop",  # an administrator has to do something; no other call will work
    "fix",  # this call will never work
]


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a code means, and what a person can do."""

    action: Action
    text: Text
    hint: Text = Text()


def _m(action: Action, zh: str, en: str, hint_zh: str = "", hint_en: str = "") -> Meaning:
    return Meaning(action=action, text=text(zh, en), hint=text(hint_zh, hint_en) if hint_en else Text())


_CREDENTIALS = (
    "在开放平台核对应用的 appId、appSecret 和永久授权码,并核对企业所在的云(cloud)",
    "compare app id, secret and permanent code with the open platform, and check `cloud`",
)
_APP = (
    "核对应用是否启用,企业是否打开开发者模式",
    "see that the app is active and that the tenant has developer mode switched on",
)
_FORM = (
    "核对 auth(headers 或 body)是否是该应用支持的登录方式",
    "check that `auth` (headers or body) is the form this app takes",
)

CODES: Mapping[int, Meaning] = {
    -1: _m("retry", "系统繁忙", "the CRM is busy"),
    -2: _m("retry", "系统繁忙", "the CRM is busy"),
    10006: _m("fix", "参数缺失或不合法", "a parameter is missing or illegal", *_CREDENTIALS),
    10013: _m("fix", "分页偏移超过 10000", "the offset is beyond 10,000"),
    14001: _m("retry", "调用次数超过限制", "too many calls in the window"),
    15002: _m("stop", "应用没有该接口的权限", "the app has no right to this interface",
              "在开放平台为应用开通该接口;企业须打开开发者模式", "grant the app this interface in the open platform; the tenant needs developer mode"),
    15003: _m("stop", "应用未购买该接口", "the app has not bought this interface",
              "联系纷享销客开通接口", "ask the vendor for the interface"),
    20012: _m("stop", "找不到 openUserId", "the open user id is unknown",
              "核对 open_user_id 或 mobile", "check `open_user_id` or `mobile`"),
    20014: _m("stop", "永久授权码错误", "the permanent code is wrong", *_CREDENTIALS),
    20015: _m("stop", "永久授权码错误", "the permanent code is wrong", *_CREDENTIALS),
    20016: _m("token", "令牌错误或已失效", "the token is wrong or over", *_FORM),
    20017: _m("stop", "没有带登录信息", "the login was not understood", *_FORM),
    20021: _m("stop", "应用不可用", "the app can't be used", *_APP),
    20022: _m("stop", "应用不可用", "the app can't be used", *_APP),
    30002: _m("tomorrow", "当天的接口调用量已用完", "the day's calls are used up",
              "北京时间零点恢复;或加购调用量包", "they come back at midnight in China; or buy a further package"),
    30003: _m("stop", "没有购买接口调用量", "no package of calls was bought",
              "联系纷享销客购买调用量包", "buy a package of calls from the vendor"),
    30004: _m("retry", "每秒调用过于频繁", "too many calls in a second"),
    30007: _m("stop", "部门不存在", "the department does not exist"),
    30027: _m("stop", "员工不存在", "the employee does not exist", "核对 user_id", "check `user_id`"),
    32000: _m("fix", "参数错误", "the CRM refuses the values"),
    50009: _m("unsure", "服务超时", "the CRM took too long"),
}  # fmt: skip

OK = 0
THROTTLED = frozenset({14001, 30004})
UNKNOWN = _m("fix", "未知错误", "the CRM refuses the call")


def meaning(code: int) -> Meaning:
    """Return what *code* means."""
    return CODES.get(code, UNKNOWN)
