"""Addresses of the interfaces: preset objects and custom ones have families of their own."""

from __future__ import annotations

LIST = "/cgi/crm/v2/object/list"
DESCRIBE = "/cgi/crm/v2/object/describe"  # serves both families
FUNCTION = "/cgi/crm/v2/special/function"


def data(object: str, action: str) -> str:
    """Return the address of *action* (query, get, create, update ...) on records of *object*."""
    family = "/cgi/crm/custom/v2/data" if object.endswith("__c") else "/cgi/crm/v2/data"
    return f"{family}/{action}"
