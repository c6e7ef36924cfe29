"""The connector's settings: what they may be, and their safe defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from crmrules.contracts.packaged import PackagedMapping
from crmrules.errors import ConnectorError, Problem

CLOUDS: Mapping[str, str] = {
    "main": "https://open.fxiaoke.com",
    "huawei": "https://open-hwcloud.fxiaoke.com",
    "alibaba": "https://open-ale.fxiaoke.com",
    "hong-kong": "https://open-ksc.sharecrm.com",
    "frankfurt": "https://open-hws.fxiaoke.com",
    "north-america": "https://open-na.sharecrm.com",
}


def _option(title: str, description: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "description": description, **more}


def _text(title: str, description: str, **more: Any) -> dict[str, Any]:
    return _option(title, description, type="string", minLength=1, **more)


def _switch(title: str, description: str, default: bool) -> dict[str, Any]:
    return _option(title, description, type="boolean", default=default)


SETTINGS_SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Fxiaoke 纷享销客",
    "type": "object",
    "required": ["app_id", "app_secret", "permanent_code"],
    "additionalProperties": False,
    "properties": {
        "cloud": _option("Cloud", "Where the tenant lives.", enum=list(CLOUDS), default="main"),
        "url": _text("Gateway", "Address of the gateway in place of `cloud`, for a private one.", pattern="^https?://"),
        "auth": _option(
            "Form of login", "headers: the present form; body: the old one, for apps made before it.",
            enum=["headers", "body"], default="headers",
        ),
        "app_id": _text("App id", "AppId of the app, FSAID_..."),
        "app_secret": _text("App secret", "A secret: {env: NAME} or {file: path}."),
        "permanent_code": _text("Permanent code", "A secret: {env: NAME} or {file: path}."),
        "user_id": _text("Employee id", "Employee on whose behalf we act (auth: headers), e.g. \"1000\"; his rights count."),
        "open_user_id": _text("Open user id", "FSUID_... of that employee (auth: body); else found by `mobile`."),
        "mobile": _text("Mobile", "Mobile of that employee (auth: body), by which the open user id is found."),
        "tenant": _text("Tenant", "Enterprise account (ea), where the reply to the login does not name it."),
        "timezone": _text("Time zone", "In which a day begins at midnight.", default="Asia/Shanghai"),
        "objects": _option(
            "Further objects", "Api names of objects that are described too, e.g. my_visit__c.",
            type="array", items={"type": "string"}, default=[],
        ),
        "deletes": _option(
            "Deletions",
            "sweep: besides invalidated records, the ids of all records are read in each run (a call per 100); "
            "tombstones: only invalidated records are noticed, the rest by `pull --full`.",
            enum=["sweep", "tombstones"], default="sweep",
        ),
        "tags": _option(
            "Tags", "field: a multi-select or text field of ours; function: the CRM's own tags by a function to install.",
            enum=["field", "function", "none"], default="field",
        ),
        "tag_field": _text("Field for tags", "Its api name, on every object that is tagged.", default="crmrules_tags__c"),
        "tag_function": _text("Function for tags", "Api name of the function that was installed.", default="crmrules_tag__c"),
        "tag_function_parameter": _option(
            "Its parameter", "Type of the function's parameter `payload`.", enum=["String", "Map"], default="String"
        ),
        "create_tags": _switch("Make tags", "Whether the function may make tags that do not exist yet.", True),
        "sweep_tags": _switch(
            "Read all tags", "With tags: function, read the tags of all records each run: hanging one may not count as a change.", True
        ),
        "notes": _option(
            "Notes", "field: a long text of ours; object: a custom object; record: sales records; none.",
            enum=["field", "object", "record", "none"], default="field",
        ),
        "note_field": _text("Field for notes", "Its api name, on every object that gets notes.", default="crmrules_strategy__c"),
        "note_object": _text("Object for notes", "With notes: object, its api name.", default="crmrules_note__c"),
        "note_fields": _option(
            "Fields of that object", "title, body, author, and per annotated object the field that refers to it.",
            type="object", additionalProperties={"type": "string"}, default={},
        ),
        "note_record": _option(
            "Further fields of a note", "With notes: object or record, fields that the tenant demands, as they are sent.",
            type="object", default={},
        ),
        "update": _option(
            "Update", "partial: only what is sent changes (likely); whole: what is not sent is emptied.",
            enum=["partial", "whole"], default="partial",
        ),
        "empty": _option("Emptying", "What empties a field.", enum=["null", "text"], default="null"),
        "workflows": _switch("Workflows", "Whether our writes start the CRM's workflows.", False),
        "approvals": _switch("Approvals", "Whether our writes start the CRM's approvals.", False),
        "window": _option(
            "Throttle", "At most so many calls in so many seconds, per endpoint; the vendor allows 100 in 20.",
            type="object", additionalProperties=False, required=["calls", "seconds"],
            properties={
                "calls": {"title": "Calls", "type": "integer", "minimum": 1},
                "seconds": {"title": "Seconds", "type": "number", "exclusiveMinimum": 0},
            },
            default={"calls": 80, "seconds": 20},
        ),
        "budget": _option(
            "Budget", "Most calls of one run.", type="object", additionalProperties=False,
            properties={"calls": {"title": "Calls", "type": "integer", "minimum": 1}}, default={},
        ),
        "token_cache": _option(
            "Token cache", "Where the token is kept between runs.", enum=["file", "keyring", "none"], default="file"
        ),
        "timeout": _option("Timeout", "Seconds to wait for an answer.", type="number", exclusiveMinimum=0, default=60),
        "retries": _option("Retries", "How often a busy CRM is asked again.", type="integer", minimum=0, default=4),
        "pause": _option(
            "First pause", "Seconds before asking a busy CRM again; doubles.", type="number", minimum=0, default=1
        ),
        "proxy": _text("Proxy", "URL of a proxy; else the environment's."),
        "ca_bundle": _text("CA bundle", "File of certificates to trust; else the environment's."),
    },
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Checked settings; secrets are not shown."""

    url: str
    auth: Literal["headers", "body"] = "headers"
    app_id: str
    app_secret: str = field(repr=False)
    permanent_code: str = field(repr=False)
    user_id: str = ""
    open_user_id: str = ""
    mobile: str = field(default="", repr=False)
    tenant: str = ""
    timezone: str = "Asia/Shanghai"
    objects: tuple[str, ...] = ()
    deletes: Literal["sweep", "tombstones"] = "sweep"
    tags: Literal["field", "function", "none"] = "field"
    tag_field: str = "crmrules_tags__c"
    tag_function: str = "crmrules_tag__c"
    tag_function_parameter: Literal["String", "Map"] = "String"
    create_tags: bool = True
    sweep_tags: bool = True
    notes: Literal["field", "object", "record", "none"] = "field"
    note_field: str = "crmrules_strategy__c"
    note_object: str = "crmrules_note__c"
    note_fields: Mapping[str, str] = field(default_factory=dict)
    note_record: Mapping[str, Any] = field(default_factory=dict)
    update: Literal["partial", "whole"] = "partial"
    empty: Literal["null", "text"] = "null"
    workflows: bool = False
    approvals: bool = False
    window: Mapping[str, float] = field(default_factory=lambda: {"calls": 80, "seconds": 20})
    budget: int | None = None
    token_cache: Literal["file", "keyring", "none"] = "file"  # noqa: S105 (where, not what)
    timeout: float = 60
    retries: int = 4
    pause: float = 1
    proxy: str = field(default="", repr=False)
    ca_bundle: str = ""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Settings:
        """Return the settings that *given* says. Raises ConnectorError where the form of login lacks its user."""
        said = {k: v for k, v in given.items() if k != "cloud"}
        said["url"] = str(said.get("url") or CLOUDS[given.get("cloud", "main")]).rstrip("/")
        said["objects"] = tuple(said.get("objects", ()))
        said["budget"] = given.get("budget", {}).get("calls")
        result = cls(**said)
        if result.auth == "headers" and not result.user_id:
            raise _missing("user_id", "the id of the employee on whose behalf we act, e.g. 1000")
        if result.auth == "body" and not (result.open_user_id or result.mobile):
            raise _missing("open_user_id", "FSUID_..., or his `mobile`")
        return result

    def note_column(self, name: str) -> str:
        """Return the api name of a field of the notes' own object: title, body, author, or that of an object's reference."""
        return self.note_fields.get(name, _NOTE_FIELDS.get(name, ""))


_NOTE_FIELDS = {
    "title": "name", "body": "body__c", "author": "author__c", "AccountObj": "account_id__c",
    "ContactObj": "contact_id__c", "NewOpportunityObj": "deal_id__c",
}  # fmt: skip


DEFAULT_MAPPING = PackagedMapping("crmrules_fxiaoke")


def _missing(setting: str, expected: str) -> ConnectorError:
    return ConnectorError(Problem("missing-setting", f"the setting {setting} is missing", expected=expected))
