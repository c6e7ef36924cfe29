"""The connector's settings, what `init` asks, and how to get the credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from crmrules.contracts.connector import Question
from crmrules.contracts.packaged import PackagedMapping
from crmrules.model.text import text

EMPLOYMENT = ("Employee", "Employee of", "Contact of", "员工", "雇员", "联系人")
REPORTS_TO = ("Reports to", "上级", "汇报给")


def _text(title: str, description: str = "", **more: Any) -> dict[str, Any]:
    return {"title": title, "description": description, "type": "string", "minLength": 1, **more}


def _names(title: str, description: str, default: tuple[str, ...]) -> dict[str, Any]:
    items = {"type": "string", "minLength": 1}
    return {"title": title, "description": description, "type": "array", "items": items, "default": list(default)}


def _seconds(title: str, default: float) -> dict[str, Any]:
    return {"title": title, "type": "number", "exclusiveMinimum": 0, "default": default}


SETTINGS_SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Tryton",
    "type": "object",
    "required": ["url", "database", "login", "password"],
    "additionalProperties": False,
    "properties": {
        "url": _text("Server", "Its address, e.g. https://tryton.example.com", pattern="^https?://"),
        "database": _text("Database", "Name of the database on that server.", pattern="^[^/?#]+$"),
        "login": _text("Login", "Of a user that is nobody's own: what he wrote is taken for ours."),
        "password": _text("Password", "A secret: {env: NAME} or {file: path}."),
        "persons": {
            "title": "What makes a party a person",
            "description": "relation: one of the `employment` relations to another party; category: `person_category`.",
            "enum": ["relation", "category"],
            "default": "relation",
        },
        "person_category": _text("Category of persons", "With persons: category, its full name.", default="Person"),
        "employment": _names(
            "Relations to the organisation",
            "Names of relation types from a person to the organisation; with persons: category, any type is one.",
            EMPLOYMENT,
        ),
        "reports_to": _names("Relations to the superior", "Names of relation types from a person to a person.", REPORTS_TO),
        "models": _names("Further models", "Technical names of models that are described too, e.g. project.work.", ()),
        "page": {"title": "Records per call", "type": "integer", "minimum": 10, "maximum": 10_000, "default": 500},
        "budget": {
            "title": "What one run may ask of the server",
            "type": "object",
            "additionalProperties": False,
            "properties": {"calls": {"title": "Calls", "type": "integer", "minimum": 1}},
        },
        "token_cache": {"title": "Where the session is kept", "enum": ["file", "keyring", "none"], "default": "file"},
        "connect_timeout": _seconds("Seconds to wait for a connection", 10),
        "read_timeout": _seconds("Seconds to wait for an answer", 120),
        "retries": {"title": "Times that a call is repeated", "type": "integer", "minimum": 0, "maximum": 10, "default": 4},
        "first_pause": _seconds("Seconds before the first repeat; doubles with each", 1),
        "longest_pause": _seconds("Seconds of the longest pause", 120),
        "ca_bundle": _text("File of a private certificate authority"),
        "proxy": _text("Proxy's address"),
    },
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Checked settings."""

    url: str
    database: str
    login: str
    password: str = field(repr=False)
    persons: Literal["relation", "category"] = "relation"
    person_category: str = "Person"
    employment: tuple[str, ...] = EMPLOYMENT
    reports_to: tuple[str, ...] = REPORTS_TO
    models: tuple[str, ...] = ()
    page: int = 500
    budget: int | None = None
    token_cache: Literal["file", "keyring", "none"] = "file"  # noqa: S105 (where, not what)
    connect_timeout: float = 10
    read_timeout: float = 120
    retries: int = 4
    first_pause: float = 1
    longest_pause: float = 120
    ca_bundle: str = ""
    proxy: str = field(default="", repr=False)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Settings:
        """Return the settings that *given* says."""
        lists = {name: tuple(given[name]) for name in ("employment", "reports_to", "models") if name in given}
        calls = given.get("budget", {}).get("calls")
        return cls(**{**given, **lists, "budget": calls, "url": str(given["url"]).rstrip("/")})


DEFAULT_MAPPING = PackagedMapping("crmrules_tryton")


QUESTIONS = (
    Question(setting="url", text=text("Tryton 服务器地址(如 https://tryton.example.com)", "Address of the Tryton server (https://tryton.example.com)")),
    Question(setting="database", text=text("数据库名", "Name of the database")),
    Question(setting="login", default="crmrules", text=text("专用集成用户的登录名", "Login of the user made for this integration")),
    Question(setting="password", secret=True, text=text("该用户的密码", "That user's password")),
    Question(
        setting="persons", choices=("relation", "category"), default="relation",
        text=text(
            "怎样区分个人与单位:relation 为与单位有雇佣关系者,category 为带某个分类者",
            "What tells a person from an organisation: relation (employed by another party), category (a party category)",
        ),
    ),
)  # fmt: skip

GUIDE = text(
    """1. 在 Tryton 中新建一个只供集成使用的用户(如 crmrules):管理 > 用户 > 用户。不要用某位同事自己的登录:该用户写的备注会被当作本工具写的。
2. 组:Sales(读商机与订单)、Party Administration(新建标签用的分类)。无需管理员。
3. 关系类型:为"个人 → 单位"设一个类型(如"员工"),并设反向类型;职务可以写成关系类型的名称(如"采购经理"),或由自有模块的字段提供。
4. 密码存入环境变量或只有本人可读的文件。""",
    """1. Make a user for this integration only (e.g. crmrules): Administration > Users > Users. Not a colleague's own login: notes by this user are taken for ours.
2. Groups: Sales (to read opportunities and sales), Party Administration (to make the categories that are our tags). No administrator.
3. Relation types: one from a person to the organisation (e.g. "Employee") with its reverse. A title can be the name of a relation type ("Purchasing manager"), or a field of a module of your own.
4. Keep the password in an environment variable, or in a file that only its owner can read.""",
)
