"""Which call is answered by what, which scopes it needs, what it costs."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..server import Request
from . import coql_run, notes, reading, roles, settings, tagging, writing
from .call import Call, Handler

Price = Callable[[Call], int]


def length(request: Request, name: str) -> int:
    """How many items the list *name* of the body has; 1 when there is none."""
    try:
        items = request.json()[name]
    except (ValueError, KeyError, TypeError):
        return 1
    return len(items) if isinstance(items, list) else 1


def _fixed(credits: int) -> Price:
    return lambda call: credits


def _by_length(name: str, per_credit: int) -> Price:
    return lambda call: max(1, math.ceil(length(call.request, name) / per_credit))


_ONE, _TWO, _FIFTY, _NOTHING = _fixed(1), _fixed(2), _fixed(50), _fixed(0)
_WRITTEN, _TAGGED = _by_length("data", 10), _by_length("ids", 50)


@dataclass(frozen=True, kw_only=True)
class Route:
    """`scopes` must all be held, each names alternatives parted by ``|``; ``{m}`` is the module of the path."""

    name: str
    method: str
    path: re.Pattern[str]
    handler: Handler
    scopes: tuple[str, ...]
    price: Price = _ONE


def _route(
    method: str,
    path: str,
    handler: Any,
    *scopes: str,
    price: Price = _ONE,
    base: str = r"/crm/(?P<version>v\d+(\.\d)?)",
) -> Route:
    """`path` has ``{module}``, ``{id}`` and the like."""
    pattern = re.sub(r"\{(\w+)\}", lambda m: rf"(?P<{m[1]}>{_PARTS.get(m[1], r'[^/]+')})", path)
    bulk = base.startswith("/crm/bulk")
    return Route(
        name=f"{method} {'bulk ' if bulk else ''}{path}",
        method=method,
        path=re.compile(base + pattern + "$"),
        handler=handler,
        scopes=scopes,
        price=price,
    )


_PARTS = {
    "id": r"\d+",
    "deal": r"\d+",
    "contact": r"\d+",
    "action": "add_tags|remove_tags",
    "module": r"(?!settings$|users$|org$|coql$|__)[A-Za-z]\w*",
}
_TAGS = "modules.{m}.WRITE|modules.{m}.CREATE|settings.tags.ALL"
_BULK = r"/crm/bulk/(?P<version>v\d+(\.\d)?)"


def routes(stateful: dict[str, Handler]) -> tuple[Route, ...]:
    """All routes, the special before the general; *stateful* are the handlers that hold tokens or jobs."""
    read = "modules.{m}.READ"
    return (
        _route("GET", "/settings/modules", settings.list_modules, "settings.modules.READ"),
        _route("GET", "/settings/modules/{module}", settings.get_module, "settings.modules.READ"),
        _route("GET", "/settings/fields", settings.list_fields, "settings.fields.READ"),
        _route("POST", "/settings/fields", settings.create_fields, "settings.fields.CREATE"),
        _route("GET", "/settings/fields/{id}", settings.get_field, "settings.fields.READ"),
        _route("GET", "/settings/fields/{id}/pick_list_values", settings.field_choices, "settings.fields.READ"),
        _route("GET", "/settings/layouts", settings.list_layouts, "settings.layouts.READ"),
        _route("GET", "/settings/related_lists", settings.related_lists, "settings.related_lists.READ"),
        _route("GET", "/settings/pipeline", settings.pipelines, "settings.pipeline.READ|settings.layouts.READ"),
        _route("GET", "/settings/tags", tagging.list_tags, "settings.tags.READ"),
        _route("POST", "/settings/tags", tagging.create_tags, "settings.tags.CREATE"),
        _route("GET", "/users", settings.list_users, "users.READ"),
        _route("GET", "/users/{id}", settings.get_user, "users.READ"),
        _route("GET", "/org", settings.organisation, "org.READ"),
        _route("POST", "/coql", coql_run.run, "coql.READ", price=coql_run.price),
        _route("POST", "/__composite_requests", stateful["composite"], price=_NOTHING),
        _route("GET", "/Contacts/roles", roles.list_roles, "modules.contacts.READ", "modules.deals.READ"),
        _route("POST", "/Contacts/roles", roles.change_roles, "modules.contacts.CREATE", "modules.deals.CREATE"),
        _route("PUT", "/Contacts/roles", roles.change_roles, "modules.contacts.UPDATE", "modules.deals.UPDATE"),
        _route("DELETE", "/Contacts/roles", roles.delete_roles, "modules.contacts.DELETE", "modules.deals.DELETE"),
        *(
            _route(
                method,
                f"/Deals/{{deal}}/Contact_Roles{contact}",
                handler,
                f"modules.contacts.{r}",
                f"modules.deals.{r}",
            )
            for method, handler, r in (
                ("GET", roles.deal_roles, "READ"),
                ("PUT", roles.set_deal_roles, "UPDATE"),
                ("DELETE", roles.remove_deal_roles, "UPDATE"),
            )
            for contact in ("", "/{contact}")
        ),
        _route("POST", "/Notes", notes.create_notes, "modules.notes.CREATE", price=_WRITTEN),
        _route("POST", "/{module}/{id}/Notes", notes.create_notes, "modules.notes.CREATE", price=_WRITTEN),
        _route("GET", "/{module}/{id}/Notes", notes.related_notes, "modules.notes.READ"),
        _route("POST", "/{module}/actions/{action}", tagging.change_tags, _TAGS, price=_TAGGED),
        _route("POST", "/{module}/{id}/actions/{action}", tagging.change_tags, _TAGS),
        _route("GET", "/{module}/actions/count", reading.count, read),
        _route("GET", "/{module}/deleted", reading.deleted, read, price=_TWO),
        _route("POST", "/{module}/upsert", writing.upsert, "modules.{m}.CREATE", "modules.{m}.UPDATE", price=_WRITTEN),
        _route("GET", "/{module}", stateful["records"], read),
        _route("POST", "/{module}", writing.create, "modules.{m}.CREATE", price=_WRITTEN),
        _route("PUT", "/{module}", writing.update, "modules.{m}.UPDATE", price=_WRITTEN),
        _route("DELETE", "/{module}", writing.delete, "modules.{m}.DELETE"),
        _route("GET", "/{module}/{id}", reading.get_record, read),
        _route("PUT", "/{module}/{id}", writing.update, "modules.{m}.UPDATE"),
        _route("DELETE", "/{module}/{id}", writing.delete, "modules.{m}.DELETE"),
        _route("POST", "/read", stateful["bulk start"], "bulk.READ", price=_FIFTY, base=_BULK),
        _route("GET", "/read/{id}", stateful["bulk look"], "bulk.READ", base=_BULK),
        _route("GET", "/read/{id}/result", stateful["bulk result"], "bulk.READ", base=_BULK),
    )
