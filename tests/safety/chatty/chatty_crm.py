"""A connector that wants every kind of secret, to a CRM whose answers repeat whatever it was sent.

The records are those of the files connector. It is as careless as somebody else's may be: it logs
its settings, and with ``mode: bug`` it fails with all of them in the exception's message.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from crmrules.contracts.connector import (
    Connector,
    ConnectorPlugin,
    Home,
    NativeObject,
    NativeReceipt,
    NativeWrite,
    Page,
    ReadRequest,
)
from crmrules.errors import ConnectorError, Problem
from crmrules.hookspecs import hookimpl
from crmrules.http.session import AuthorisedSession, HttpSettings, Session, json_of
from crmrules.http.tokens import Token, TokenSource, open_cache
from crmrules.model.changes import Result

_LOG = logging.getLogger("chatty")


class Chatty(Connector):
    def __init__(self, settings: Mapping[str, Any], home: Home) -> None:
        from crmrules_files.client import FilesCrm

        self._files = FilesCrm.open({"path": settings["path"]}, home.folder)
        self.capabilities = self._files.capabilities
        self._settings = settings
        self._session = Session(HttpSettings(retries=0))
        cache = open_cache(home.state, settings["client_secret"])
        self._tokens = TokenSource(cache=cache, name="chatty", fetch=self._fetch)
        self._calls = AuthorisedSession(
            self._session, self._tokens, lambda token: {"Authorization": f"Bearer {token.access}"}, lambda _: False
        )
        _LOG.debug("opened with %r", dict(settings))

    def describe(self) -> Sequence[NativeObject]:
        return self._files.describe()

    def read(self, request: ReadRequest) -> Iterator[Page]:
        if self._settings["mode"] == "bug":
            try:
                raise RuntimeError(f"can't go on with {self._settings} and {self._tokens.get().access}")
            except RuntimeError:
                _LOG.exception("this is odd")
                raise
        if self._settings["mode"] == "error":
            raise ConnectorError(Problem("chatty-refused", self._ask("read", check=False).json()["message"]))
        return self._files.read(request)

    def ids(self, object: str, key: tuple[str, ...]) -> Iterator[Any]:
        return self._files.ids(object, key)

    def current(self, wanted: Sequence[NativeWrite]) -> Sequence[str | None]:
        return self._files.current(wanted)

    def write(self, writes: Sequence[NativeWrite]) -> Sequence[NativeReceipt]:
        try:
            self._ask("write")
        except ConnectorError as error:
            refused = error
        answer = self._ask("write", check=False).text
        return [NativeReceipt(result=Result.refused, message=f"{answer} / {refused}") for _ in writes]

    def close(self) -> None:
        self._session.close()

    def _ask(self, what: str, check: bool = True) -> Any:
        return self._calls.send(
            "POST", f"{self._settings['url']}/{what}", params={"key": self._settings["key"]},
            headers={"X-Password": self._settings["password"]}, json=dict(self._settings), check=check,
        )  # fmt: skip

    def _fetch(self) -> Token:
        said = json_of(self._session.send("POST", f"{self._settings['url']}/token", data=self._settings, check=False))
        if "access_token" not in said:
            raise ConnectorError(Problem("token-refused", str(said)))
        return Token(access=said["access_token"], expires=datetime.now(UTC) + timedelta(hours=1))


@hookimpl
def crmrules_connectors() -> Iterator[ConnectorPlugin]:
    required = ["path", "url", "client_secret", "key", "password", "mode"]
    schema = {"type": "object", "required": required, "properties": {"pin": {"writeOnly": True}}}
    yield ConnectorPlugin(name="chatty", label="Chatty CRM", settings_schema=schema, open=Chatty)
