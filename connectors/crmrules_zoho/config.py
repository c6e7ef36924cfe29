"""The connector's settings, what `init` asks, and how to get the credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from crmrules.contracts.connector import Question
from crmrules.contracts.packaged import PackagedMapping
from crmrules.model.text import text

# The API host is never made of a region's name: the token's answer says it (`api_domain`).
ACCOUNTS: Mapping[str, str] = {
    "us": "https://accounts.zoho.com",
    "eu": "https://accounts.zoho.eu",
    "in": "https://accounts.zoho.in",
    "cn": "https://accounts.zoho.com.cn",
    "au": "https://accounts.zoho.com.au",
    "jp": "https://accounts.zoho.jp",
    "ca": "https://accounts.zohocloud.ca",
    "sa": "https://accounts.zoho.sa",
    "uk": "https://accounts.zoho.uk",
}
SCOPES = (
    "ZohoCRM.modules.ALL",
    "ZohoCRM.modules.notes.ALL",
    "ZohoCRM.settings.modules.READ",
    "ZohoCRM.settings.fields.READ",
    "ZohoCRM.settings.tags.ALL",
    "ZohoCRM.coql.READ",
    "ZohoCRM.bulk.READ",
    "ZohoCRM.composite_requests.CUSTOM",
    "ZohoCRM.org.READ",
    "ZohoCRM.users.READ",
)
TRIGGERS = ("workflow", "approval", "blueprint", "pathfinder", "orchestration")
FEATURES = ("assignment_rules", "cadences", "connected_workflows")


def _list_of(*choices: str, default: tuple[str, ...], title: str, description: str) -> dict[str, Any]:
    return {
        "title": title, "description": description, "type": "array", "uniqueItems": True,
        "items": {"enum": list(choices)}, "default": list(default),
    }  # fmt: skip


def _seconds(title: str, default: float) -> dict[str, Any]:
    return {"title": title, "type": "number", "exclusiveMinimum": 0, "default": default}


SETTINGS_SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Zoho CRM",
    "type": "object",
    "required": ["client_id", "client_secret", "refresh_token"],
    "additionalProperties": False,
    "properties": {
        "data_centre": {
            "title": "Data centre",
            "description": "Where the org's accounts live; sandbox and developer editions are told apart by the token.",
            "enum": list(ACCOUNTS),
            "default": "us",
        },
        "accounts_url": {
            "title": "Accounts server",
            "description": "Instead of `data_centre`, for one that is not in its list.",
            "type": "string",
            "pattern": "^https?://[^/]+$",
        },
        "client_id": {"title": "Client id of the self client", "type": "string", "minLength": 1},
        "client_secret": {"title": "Client secret", "type": "string", "minLength": 1, "writeOnly": True},
        "refresh_token": {"title": "Refresh token", "type": "string", "minLength": 1, "writeOnly": True},
        "version": {"title": "API version", "type": "string", "pattern": "^v[0-9]+(\\.[0-9]+)?$", "default": "v8"},
        "trigger": _list_of(
            *TRIGGERS, default=(), title="Automations", description="What our writes may start in the CRM; none is the default."
        ),
        "skip_feature_execution": _list_of(
            *FEATURES, default=FEATURES, title="Features left out", description="What our writes keep from starting."
        ),
        "bulk": {
            "title": "Bulk Read",
            "description": "auto exports in bulk where that costs fewer credits; never always reads lists.",
            "enum": ["auto", "never"],
            "default": "auto",
        },
        "composite": {
            "title": "Composite requests",
            "description": "Ask for the contact roles of five deals in one call.",
            "type": "boolean",
            "default": True,
        },
        "metadata_hours": {
            "title": "Hours that metadata is kept",
            "description": "`doctor`, and a change of the profile's files, read it again at once.",
            "type": "number",
            "minimum": 0,
            "default": 72,
        },
        "tag_sweep_hours": {
            "title": "Hours after which all tags are read again",
            "description": "Zoho does not say whether tagging makes a record a modified one; 0 reads all tags each time.",
            "type": "number",
            "minimum": 0,
            "default": 168,
        },
        "workers": {"title": "Calls at once", "type": "integer", "minimum": 1, "maximum": 25, "default": 3},
        "budget": {
            "title": "What one run may ask of Zoho",
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "calls": {"type": "integer", "minimum": 1},
                "credits": {"type": "number", "exclusiveMinimum": 0},
            },
        },
        "token_cache": {"title": "Where the access token is kept", "enum": ["file", "keyring", "none"], "default": "file"},
        "connect_timeout": _seconds("Seconds to wait for a connection", 10),
        "read_timeout": _seconds("Seconds to wait for an answer", 60),
        "retries": {"title": "Times that a call is repeated", "type": "integer", "minimum": 0, "maximum": 10, "default": 5},
        "first_pause": _seconds("Seconds before the first repeat; doubles with each", 1),
        "longest_pause": _seconds("Seconds of the longest pause", 120),
        "bulk_patience": _seconds("Seconds to wait for a bulk export", 3600),
        "ca_bundle": {"title": "File of a private certificate authority", "type": "string"},
        "proxy": {"title": "Proxy's address", "type": "string"},
    },
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Checked settings."""

    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    data_centre: str = "us"
    accounts_url: str = ""
    version: str = "v8"
    trigger: tuple[str, ...] = ()
    skip_feature_execution: tuple[str, ...] = FEATURES
    bulk: Literal["auto", "never"] = "auto"
    composite: bool = True
    metadata_hours: float = 72
    tag_sweep_hours: float = 168
    workers: int = 3
    budget: Mapping[str, float] = field(default_factory=dict)
    token_cache: Literal["file", "keyring", "none"] = "file"  # noqa: S105 (a place, not a token)
    connect_timeout: float = 10
    read_timeout: float = 60
    retries: int = 5
    first_pause: float = 1
    longest_pause: float = 120
    bulk_patience: float = 3600
    ca_bundle: str = ""
    proxy: str = field(default="", repr=False)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Settings:
        """Return the settings that *given* says."""
        lists = {key: tuple(given[key]) for key in ("trigger", "skip_feature_execution") if key in given}
        return cls(**{**given, **lists})

    @property
    def accounts(self) -> str:
        """The accounts server."""
        return self.accounts_url or ACCOUNTS[self.data_centre]


DEFAULT_MAPPING = PackagedMapping("crmrules_zoho")


QUESTIONS = (
    Question(
        setting="data_centre", choices=tuple(ACCOUNTS), default="us",
        text=text(
            "数据中心(看登录网址:.com 为 us,.eu 为 eu,.com.cn 为 cn ……)",
            "Data centre (the end of the address you log in at: .com is us, .eu is eu, .com.cn is cn, ...)",
        ),
    ),
    Question(setting="client_id", text=text("自有客户端的 Client ID", "Client ID of the self client")),
    Question(setting="client_secret", text=text("Client Secret", "Client Secret"), secret=True),
    Question(
        setting="grant_code", secret=True, lasting=False,
        text=text("刚生成的授权码(几分钟内有效,只能用一次)", "The code just generated (good for minutes, and once)"),
    ),
)  # fmt: skip

_SCOPES = ",".join(SCOPES)
GUIDE = text(
    "1. 用将要作为接口用户的管理员账号打开 API 控制台 https://api-console.zoho.com(其他数据中心换成对应域名)。\n"
    "2. 新建“Self Client”,在“Client Secret”页记下 Client ID 与 Client Secret。\n"
    "3. 在“Generate Code”页粘贴以下权限范围,有效期选 10 分钟,选择正式环境或沙箱的组织,生成授权码:\n"
    f"   {_SCOPES}\n"
    "4. 立即在这里填写;授权码只换取一次刷新令牌,之后不再需要。",
    "1. As the administrator who shall be the integration user, open https://api-console.zoho.com (or your data centre's).\n"
    "2. Create a 'Self Client'; its tab 'Client Secret' shows the client id and secret.\n"
    "3. In the tab 'Generate Code' paste this scope, choose 10 minutes and the org (production or a sandbox):\n"
    f"   {_SCOPES}\n"
    "4. Answer here at once: the code is exchanged for a refresh token, once, and is not needed afterwards.",
)
