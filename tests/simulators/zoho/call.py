"""One authenticated call, and the shape of the functions that answer it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..server import Request, Response, json_response
from .auth import Grant
from .crm import Crm, seconds
from .errors import Refusal
from .schema import Module

EMPTY = Response(status=204)
UNCHANGED = Response(status=304)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request whose token is good. `args` are the parts of the path that its route names."""

    request: Request
    grant: Grant
    args: Mapping[str, str] = field(default_factory=dict)

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query

    def body(self) -> dict[str, Any]:
        """The JSON object sent, without regard to Content-Type; raises Refusal."""
        try:
            body = self.request.json()
        except ValueError:
            raise Refusal(
                "INVALID_DATA", "the request body is not valid JSON", expected_data_type="jsonobject"
            ) from None
        if not isinstance(body, dict):
            raise Refusal("INVALID_DATA", expected_data_type="jsonobject")
        return body

    def items(self, name: str, most: int, *, too_many: str = "LIMIT_EXCEEDED") -> list[dict[str, Any]]:
        """The list *name* of the body, of 1 to *most* objects; raises Refusal."""
        items = self.body().get(name)
        if items is None:
            raise Refusal("MANDATORY_NOT_FOUND", api_name=name, json_path=f"$.{name}")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items) or not items:
            raise Refusal("INVALID_DATA", api_name=name, json_path=f"$.{name}", expected_data_type="jsonarray")
        if len(items) > most:
            message = "count of records in your request exceeds the limit" if name == "data" else ""
            raise Refusal(too_many, message, api_name=name, json_path=f"$.{name}", maximum_length=most)
        return items

    def required(self, name: str) -> str:
        """A query parameter that must be there; raises Refusal."""
        value = self.query.get(name, "")
        if not value:
            message = "required param is missing" if name == "fields" else ""
            raise Refusal("REQUIRED_PARAM_MISSING", message, param_name=name)
        return value

    def number(self, name: str, default: int, most: int | None = None) -> int:
        """A whole number of 1 or more; raises Refusal."""
        text = self.query.get(name, str(default))
        if not (text.isascii() and text.isdigit()) or int(text) < 1 or (most is not None and int(text) > most):
            limits: dict[str, Any] = (
                {"minimum_value": 1} if most is None else {"minimum_value": 1, "maximum_value": most}
            )
            raise Refusal("INVALID_DATA", param_name=name, expected_data_type="integer", **limits)
        return int(text)

    def time_header(self, name: str) -> int | None:
        """A header with a time and its zone, in seconds since 1970; raises Refusal."""
        text = self.request.headers.get(name)
        try:
            return None if text is None else seconds(text)
        except ValueError:
            raise Refusal("INVALID_DATA", header_name=name, expected_data_type="datetime") from None

    def fields(self, most: int = 50) -> list[str]:
        """The parameter ``fields``; raises Refusal."""
        names = [name.strip() for name in self.required("fields").split(",") if name.strip()]
        if len(names) > most:
            raise Refusal("LIMIT_EXCEEDED", limit=most, param_name="fields")
        return names


Handler = Callable[[Crm, Call], Response]


def module(crm: Crm, name: str) -> Module:
    """The module of this API name; raises Refusal."""
    found = crm.modules.get(name)
    if found is None:
        raise Refusal("INVALID_MODULE", resource_path_index=0)
    return found


def asked_module(crm: Crm, call: Call) -> Module:
    """The module in the parameter ``module`` of a settings call; raises Refusal."""
    found = crm.modules.get(call.required("module"))
    if found is None:
        raise Refusal("INVALID_MODULE", "the given module is not supported for this api", param_name="module")
    return found


def check_permission(crm: Crm, module: str, action: str) -> None:
    """Refuse what the profile may not do: `action` is View, Create, Edit or Delete."""
    if (module, action.lower()) in crm.denied:
        raise Refusal("NO_PERMISSION", permissions=[f"Crm_Implied_{action}_{module}"])


def answers(items: list[dict[str, Any]], *, name: str = "data", good: int = 200, **more: object) -> Response:
    """One answer per record: all good, mixed 207, all refused 400 (412 when a time lock refused them)."""
    bad = [item for item in items if item["status"] == "error"]
    if not bad:
        status = good
    elif len(bad) < len(items):
        status = 207
    else:
        status = 412 if all(item["code"] == "ALREADY_MODIFIED" for item in bad) else 400
    return json_response(status, {name: items, **more})


def success(message: str, **details: object) -> dict[str, Any]:
    return {"code": "SUCCESS", "details": details, "message": message, "status": "success"}
