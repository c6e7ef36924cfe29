"""A simulated Zoho CRM with its small world, and the plainest client for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from .zoho import ZohoSimulator
from .zoho.client import Client


@pytest.fixture
def sim() -> Iterator[ZohoSimulator]:
    with ZohoSimulator() as sim:
        yield sim


@pytest.fixture
def crm(sim: ZohoSimulator) -> Client:
    return Client(sim)


def refused(reply: requests.Response) -> tuple[int, str, dict[str, Any]]:
    """Status, code and details of a request refused as a whole."""
    body = reply.json()
    assert body["status"] == "error"
    assert body["message"]
    return reply.status_code, body["code"], body["details"]


def one(reply: requests.Response) -> dict[str, Any]:
    """The single answer per record."""
    (answer,) = reply.json()["data"]
    return answer
