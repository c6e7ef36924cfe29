"""Error codes and the vendor's words for them; every refusal is sent with HTTP 200."""

from __future__ import annotations

MESSAGES: dict[int, str] = {
    -1: "system busy",
    -2: "系统繁忙",
    10006: "the parameter {} is missing or illegal",
    10013: "offset out of range 10000",
    14001: "接口调用次数超过限制",
    15002: "the app has no right to call this interface",
    15003: "应用未购买该接口",
    20012: "currentOpenUserId not found",
    20014: "permanentCode error",
    20015: "permanentCode expired",
    20016: "the cropId,cropAccessToken or authorization is error",  # spelled as the vendor does
    20017: "corpAccessToken为必填项，不能为空",
    20021: "app is stopped",
    20022: "app is not installed",
    30002: "企业接口调用量已用完",
    30003: "企业没有购买接口调用量",
    30004: "call too frequent in a second",
    30007: "department not found",
    30027: "employee not found",
    32000: "参数错误",
    50009: "service timeout",
}


class Refusal(Exception):
    """The CRM says no: an error code, and words that no client may branch on."""

    def __init__(self, code: int, message: str = "") -> None:
        self.code = code
        self.message = message or MESSAGES.get(code, "error")
        super().__init__(f"{code} {self.message}")


def missing(parameter: str) -> Refusal:
    """A parameter is not there, or is of the wrong kind."""
    return Refusal(10006, MESSAGES[10006].format(parameter))
