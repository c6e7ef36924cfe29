"""Tokens: a refresh token for an hour's access, a grant code for a refresh token."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from crmrules.errors import ConnectorError, Location, Problem, RetryLater
from crmrules.http.session import HttpSettings, Session, json_of
from crmrules.http.tokens import Token
from crmrules.model.text import clean
from crmrules_zoho.codes import TOKEN_CODES
from crmrules_zoho.config import ACCOUNTS, SCOPES

_SHORTEST = 60  # seconds that a token lives at least, whatever is said


def refresh(session: Session, accounts: str, client_id: str, client_secret: str, refresh_token: str) -> Token:
    """Ask once for an access token.

    Raises RetryLater where the server is busy or gives no more tokens, ConnectorError where the
    credentials are wrong.
    """
    said = _ask(
        session, accounts,
        {"grant_type": "refresh_token", "client_id": client_id, "client_secret": client_secret,
         "refresh_token": refresh_token},
    )  # fmt: skip
    domain = str(said.get("api_domain", "")).rstrip("/")
    if not domain:
        raise ConnectorError(_problem(accounts, "bad-answer", "the token's answer names no api_domain"))
    lives = max(_SHORTEST, float(said.get("expires_in", 3600)))
    return Token(
        access=str(said["access_token"]), expires=datetime.now(UTC) + timedelta(seconds=lives),
        extra={"api_domain": domain, "scope": str(said.get("scope", ""))},
    )  # fmt: skip


def exchange(answers: Mapping[str, str], settings: HttpSettings | None = None) -> Mapping[str, str]:
    """Turn the answers to the questions of `init` into settings: the grant code into a refresh token.

    Raises ConnectorError where the code, the client or the data centre is wrong, or where scopes
    are missing that everything needs.
    """
    accounts = answers.get("accounts_url") or ACCOUNTS[answers.get("data_centre") or "us"]
    with Session(settings) as session:
        said = _ask(
            session, accounts,
            {"grant_type": "authorization_code", "client_id": answers["client_id"],
             "client_secret": answers["client_secret"], "code": answers["grant_code"]},
        )  # fmt: skip
    token = str(said.get("refresh_token", ""))
    if not token:
        raise ConnectorError(
            _problem(
                accounts, "no-refresh-token", "the answer holds no refresh token", "generate a new code and try again"
            )
        )
    kept = {key: value for key, value in answers.items() if key != "grant_code" and value}
    return {**kept, "refresh_token": token}


def missing_scopes(granted: str) -> list[str]:
    """Return which of the scopes that we need a token's scope text does not cover; none where it says nothing."""
    have = {scope.strip().lower() for scope in granted.replace(" ", ",").split(",") if scope.strip()}
    return [scope for scope in SCOPES if not _covered(scope.lower(), have)] if have else []


def _covered(scope: str, have: set[str]) -> bool:
    area, _, operation = scope.rpartition(".")
    broader = {scope, f"{area}.all", f"{area}.{operation}"}
    parent = area.rpartition(".")[0]
    return bool(have & broader) or (parent.count(".") >= 1 and f"{parent}.all" in have)


def _ask(session: Session, accounts: str, form: dict[str, str]) -> Mapping[str, Any]:
    response = session.send("POST", f"{accounts}/oauth/v2/token", data=form, check=False, endpoint="token", credits=0)
    said = json_of(response)
    if isinstance(said, dict) and said.get("access_token"):
        return said
    error = str(said.get("error", "")) if isinstance(said, dict) else ""
    detail = clean(str(said.get("error_description", ""))) if isinstance(said, dict) else ""
    known = TOKEN_CODES.get(error.strip().lower().replace(" ", "_"))
    if known and known.action == "retry":
        # Each try makes the block longer.
        raise RetryLater(_problem(accounts, "token-throttled", known.meaning.of("en"), known.hint.of("en")))
    if known:
        code = error.strip().lower().replace("_", "-")
        raise ConnectorError(_problem(accounts, code, known.meaning.of("en"), known.hint.of("en")))
    family = RetryLater if response.status_code >= 429 else ConnectorError
    what = clean(error) or f"status {response.status_code}"
    raise family(_problem(accounts, "no-token", f"no token was given: {what}" + (f", {detail}" if detail else "")))


def _problem(accounts: str, code: str, what: str, hint: str = "") -> Problem:
    return Problem(code, what, Location(f"{accounts}/oauth/v2/token"), hint=hint)
