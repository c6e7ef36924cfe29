"""Calls of Zoho's own SDK against a server of ours, run alone because the SDK's state is global to its process.

``python sdk_driver.py URL CLIENT_ID CLIENT_SECRET REFRESH_TOKEN FOLDER`` reads a job (ids) from standard input as
JSON and prints what each call gave as one JSON object.
"""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zohocrmsdk.src.com.zoho.api.authenticator import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore
from zohocrmsdk.src.com.zoho.crm.api import (
    HeaderMap,
    Initializer,
    ParameterMap,
    SDKConfig,
    bulk_read,
    coql,
    deal_contact_roles,
    notes,
    tags,
)
from zohocrmsdk.src.com.zoho.crm.api import record as records
from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.header import Header
from zohocrmsdk.src.com.zoho.crm.api.modules import MinifiedModule
from zohocrmsdk.src.com.zoho.crm.api.notes.parent_id import ParentId
from zohocrmsdk.src.com.zoho.crm.api.record import GetRecordsHeader, GetRecordsParam, Record, RecordOperations
from zohocrmsdk.src.com.zoho.crm.api.util import Choice


class String(str):
    """A text that the SDK's converter knows by the name of its class."""


def begin(url: str, client_id: str, client_secret: str, refresh_token: str, folder: str) -> None:
    """Point the SDK at *url*; its caches lie in *folder*."""
    Initializer.initialize(
        environment=DataCenter.Environment(url, f"{url}/oauth/v2/token", url),
        token=OAuthToken(
            client_id=client_id, client_secret=client_secret, refresh_token=refresh_token, find_user=False
        ),
        store=FileStore(f"{folder}/tokens"),
        sdk_config=SDKConfig(
            auto_refresh_fields=False,
            pick_list_validation=True,
            connect_timeout=5,
            read_timeout=20,
            update_api_domain=True,  # so that the api_domain of the token is what is called
        ),
        resource_path=folder,
    )


def read(module: str, *, since: datetime | None = None, **params: Any) -> Any:
    asked, headers = ParameterMap(), HeaderMap()
    for name, value in params.items():
        asked.add(getattr(GetRecordsParam, name), value)
    if since is not None:
        headers.add(GetRecordsHeader.if_modified_since, since)
    return plain(RecordOperations(module).get_records(asked, headers))


def write(module: str, action: str, *values: dict[str, Any], checks: list[str] | None = None) -> Any:
    """`action` is create, update or upsert; no automation is triggered."""
    body = records.BodyWrapper()
    body.set_data([_record(one) for one in values])
    body.set_trigger([])
    if checks:
        body.set_duplicate_check_fields(checks)
    return plain(getattr(RecordOperations(module), f"{action}_records")(body, HeaderMap()))


def update_unless_modified(module: str, values: dict[str, Any], until: str) -> Any:
    headers = HeaderMap()
    headers.add(Header("If-Unmodified-Since"), String(until))
    body = records.BodyWrapper()
    body.set_data([_record(values)])
    return plain(RecordOperations(module).update_records(body, headers))


def note(module: str, id: int, title: str, content: str) -> Any:
    parent, owner, one, body = ParentId(), MinifiedModule(), notes.Note(), notes.BodyWrapper()
    owner.set_api_name(module)
    parent.set_id(id)
    parent.set_module(owner)
    one.set_note_title(title)
    one.set_note_content(content)
    one.set_parent_id(parent)
    body.set_data([one])
    body.set_trigger([])
    return plain(notes.NotesOperations().create_notes(body))


def make_tags(module: str, *names: str) -> Any:
    asked, body = ParameterMap(), tags.BodyWrapper()
    asked.add(tags.CreateTagsParam.module, module)
    body.set_tags([_tag(name=name) for name in names])
    return plain(tags.TagsOperations().create_tags(body, asked))


def change_tags(module: str, ids: list[int], tag: str, *, add: bool) -> Any:
    operations = tags.TagsOperations()
    body = tags.NewTagRequestWrapper() if add else tags.ExistingTagRequestWrapper()
    body.set_tags([_tag(name=tag) if add else _existing(tag)])
    body.set_ids(ids)
    if add:
        body.set_over_write(False)
        return plain(operations.add_tags_to_multiple_records(module, body, ParameterMap()))
    return plain(operations.remove_tags_from_multiple_records(module, body, ParameterMap()))


def query(text: str) -> Any:
    body = coql.BodyWrapper()
    body.set_select_query(text)
    return plain(coql.CoqlOperations().get_records(body))


def bulk(module: str, fields: list[str], folder: str) -> Any:
    """Start a job, look until it is done, fetch and unpack it."""
    operations, body, asked, of = (
        bulk_read.BulkReadOperations(),
        bulk_read.BodyWrapper(),
        bulk_read.Query(),
        MinifiedModule(),
    )
    of.set_api_name(module)
    asked.set_module(of)
    asked.set_fields(fields)
    body.set_query(asked)
    id = operations.create_bulk_read_job(body).get_object().get_data()[0].get_details()["id"]
    states: list[str] = []
    while not states or states[-1] != "COMPLETED":
        job = operations.get_bulk_read_job_details(int(id)).get_object().get_data()[0]
        states.append(value(job.get_state()))
    stream = operations.download_result(int(id)).get_object().get_file()
    packed = Path(folder) / "result.zip"
    packed.write_bytes(b"".join(stream.get_stream()))
    with zipfile.ZipFile(packed) as opened:
        (name,) = opened.namelist()
        text = opened.read(name).decode()
    return {
        "states": states,
        "count": job.get_result().get_count(),
        "file": stream.get_name(),
        "lines": text.splitlines(),
    }


def roles(deal: int) -> Any:
    asked = ParameterMap()
    asked.add(deal_contact_roles.GetAssociatedContactRolesParam.fields, "Full_Name")
    return plain(deal_contact_roles.DealContactRolesOperations().get_associated_contact_roles(deal, asked))


def set_role(deal: int, contact: int, role: str, role_id: int) -> Any:
    body, data, played = deal_contact_roles.BodyWrapper(), deal_contact_roles.Data(), deal_contact_roles.ContactRole()
    played.set_name(role)
    played.set_id(role_id)
    data.set_contact_role(played)
    body.set_data([data])
    return plain(deal_contact_roles.DealContactRolesOperations().associate_contact_role_to_deal(contact, deal, body))


def deleted(module: str) -> Any:
    return plain(RecordOperations(module).get_deleted_records(ParameterMap(), HeaderMap()))


def plain(reply: Any) -> Any:
    """Status and content of an answer as JSON can hold them; None where the SDK gives nothing."""
    if reply is None:
        return None
    found: dict[str, Any] = {"status": reply.get_status_code()}
    content = reply.get_object()
    if content is None:
        return found
    if hasattr(content, "get_code"):
        return found | _answer(content)
    for name in ("data", "tags", "success_count"):
        if hasattr(content, f"get_{name}"):
            part = getattr(content, f"get_{name}")()
            found[name] = [_item(one) for one in part] if isinstance(part, list) else value(part)
    info = content.get_info() if hasattr(content, "get_info") else None
    if info is not None and hasattr(info, "get_more_records"):
        found["more"] = info.get_more_records()
        found["token"] = info.get_next_page_token() if hasattr(info, "get_next_page_token") else None
    return found


def _item(one: Any) -> Any:
    if hasattr(one, "get_code"):
        return _answer(one)
    if hasattr(one, "get_key_values"):
        return {name: value(part) for name, part in one.get_key_values().items()}
    found = {}
    for name in ("id", "display_name", "type", "name"):
        if hasattr(one, f"get_{name}"):
            found[name] = value(getattr(one, f"get_{name}")())
    return found


def _answer(one: Any) -> dict[str, Any]:
    details = one.get_details() if hasattr(one, "get_details") else None
    shown = {key: value(part) for key, part in details.items()} if isinstance(details, dict) else value(details)
    more = {"action": value(one.get_action())} if hasattr(one, "get_action") else {}
    return {"code": value(one.get_code()), "message": value(one.get_message()), "details": shown, **more}


def value(one: Any) -> Any:
    """A value of the SDK as JSON can hold it."""
    if isinstance(one, Choice):
        return one.get_value()
    if isinstance(one, datetime):
        return one.astimezone(UTC).isoformat()
    if isinstance(one, list):
        return [value(part) for part in one]
    if isinstance(one, dict):
        return {key: value(part) for key, part in one.items()}
    if hasattr(one, "get_key_values"):
        return {name: value(part) for name, part in one.get_key_values().items()}
    if hasattr(one, "get_name"):
        return {"name": value(one.get_name()), "id": str(one.get_id())}
    return one if one is None or isinstance(one, (str, int, float, bool)) else str(one)


def _record(values: dict[str, Any]) -> Record:
    one = Record()
    for name, part in values.items():
        if name == "id":
            one.set_id(int(part))
        elif isinstance(part, dict):
            linked = Record()
            linked.set_id(int(part["id"]))
            one.add_key_value(name, linked)
        else:
            one.add_key_value(name, Choice(part) if name in ("Stage", "Industry") else part)
    return one


def _tag(*, name: str) -> tags.Tag:
    one = tags.Tag()
    one.set_name(name)
    return one


def _existing(name: str) -> tags.ExistingTag:
    one = tags.ExistingTag()
    one.set_name(name)
    return one


def main() -> None:
    url, client_id, client_secret, refresh_token, folder = sys.argv[1:]
    begin(url, client_id, client_secret, refresh_token, folder)
    job = json.load(sys.stdin)
    account, deal, contact = int(job["account"]), int(job["deal"]), int(job["contact"])
    names = "Account_Name,Industry,Tag,Owner,Modified_Time"
    calls: dict[str, Callable[[], Any]] = {
        "accounts": lambda: read("Accounts", fields=names, per_page=5, sort_by="id", sort_order="asc"),
        "no such page": lambda: read("Accounts", fields="id", page=10, per_page=200),
        "unchanged": lambda: read("Accounts", fields="id", since=datetime(2100, 1, 1, tzinfo=UTC)),
        "too far": lambda: read("Accounts", fields="id", page=11, per_page=200),
        "no such module": lambda: query("select id from Nonsense where id > 1"),
        "update": lambda: write("Accounts", "update", {"id": account, "Industry": "医院", "Employees": 1300}, {"id": 1, "Employees": 1}),
        "refused": lambda: write("Accounts", "update", {"id": account, "Phone": "x" * 31}),
        "create": lambda: write("Contacts", "create", {"Last_Name": "新人", "Account_Name": {"id": account}}),
        "upsert": lambda: write("Contacts", "upsert", {"Last_Name": "邓玲", "Email": "deng@hz.example"}, checks=["Email"]),
        "too late": lambda: update_unless_modified("Accounts", {"id": account, "Employees": 1}, "2020-01-01T00:00:00+00:00"),
        "tags made": lambda: make_tags("Accounts", "cr:high", "VIP"),
        "tags added": lambda: change_tags("Accounts", [account], "cr:high", add=True),
        "tags removed": lambda: change_tags("Accounts", [account], "VIP", add=False),
        "note": lambda: note("Deals", deal, "[crmrules]", "第一\n行 😀"),
        "coql": lambda: query("select Last_Name, Account_Name from Contacts where Last_Name = '林俊杰' limit 2"),
        "bulk": lambda: bulk("Accounts", ["id", "Account_Name", "Tag"], folder),
        "roles": lambda: roles(deal),
        "role set": lambda: set_role(deal, contact, job["role"], int(job["role_id"])),
        "deleted": lambda: deleted("Contacts"),
    }  # fmt: skip
    json.dump({name: call() for name, call in calls.items()}, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()
