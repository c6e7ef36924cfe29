"""The plainest client there can be, for the simulator's own tests."""

from __future__ import annotations

from typing import Any

import requests

from .simulator import ZohoSimulator


class Client:
    """Calls with one access token; nothing is retried, nothing is read into an answer."""

    def __init__(self, sim: ZohoSimulator) -> None:
        self.sim = sim
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Zoho-oauthtoken {sim.accounts.access_token()}"

    def __call__(
        self, method: str, path: str, body: Any = None, *, headers: Any = None, **params: Any
    ) -> requests.Response:
        """`path` is under ``/crm/v8`` unless it begins with ``/crm`` or ``/oauth``."""
        url = self.sim.url + (path if path.startswith(("/crm", "/oauth")) else f"/crm/v8{path}")
        return self.session.request(method, url, json=body, params=params, headers=headers, timeout=20)

    def get(self, path: str, **params: Any) -> requests.Response:
        return self("GET", path, **params)

    def rows(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """The ``data`` of a list; empty for 204 and 304."""
        reply = self.get(path, **params)
        return reply.json()["data"] if reply.content else []

    def coql(self, query: str) -> requests.Response:
        return self("POST", "/coql", {"select_query": query})
