"""Every error code that the reference names has a meaning and an action, and becomes the right error or receipt."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.zoho.world import opened
from crmrules.contracts.connector import NativeWrite, ReadRequest
from crmrules.errors import ConnectorError, RetryLater
from crmrules.model.changes import Result
from crmrules.model.text import LANGUAGES
from crmrules_zoho.api import Refused, error_of, words_of
from crmrules_zoho.codes import CODES, TOKEN_CODES, meaning_of
from simulators.zoho import ZohoSimulator

REFERENCE = Path(__file__).parents[4] / "shared" / "api" / "zoho-crm-api.md"
# Capitals in the reference that are no error codes: states of jobs, answers that are fine, field types, words.
NOT_CODES = frozenset(
    ["SUCCESS", "ADDED", "QUEUED", "COMPLETED", "FAILURE", "ADDED_SUCCESSFULLY", "IN_PROGRESS", "FIELDS_MAP"]
)  # fmt: skip


def test_the_table_holds_every_code_of_the_reference() -> None:
    if not REFERENCE.exists():
        pytest.skip("the reference is not at hand")
    said = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)(?:\{[^`]*)?`", REFERENCE.read_text(encoding="utf-8")))
    assert {code for code in said if "_" in code} - NOT_CODES <= CODES.keys()
    assert {"invalid_code", "invalid_client", "invalid_client_secret", "access_denied"} == TOKEN_CODES.keys()


@pytest.mark.parametrize("code", sorted(CODES) + sorted(TOKEN_CODES))
def test_each_is_told_in_both_languages_and_what_the_admin_can_mend_has_a_hint(code: str) -> None:
    meaning = CODES.get(code) or TOKEN_CODES[code]
    assert set(meaning.meaning.by_language) == set(LANGUAGES)
    if meaning.action == "stop" and code not in ("NOT_SUBSCRIBED", "LIMIT_REACHED"):
        assert set(meaning.hint.by_language) == set(LANGUAGES)


@pytest.mark.parametrize("code", sorted(CODES))
def test_what_waiting_mends_is_told_apart_from_what_it_does_not(code: str) -> None:
    error = error_of(code, {"message": "m", "details": {"api_name": "Amount"}}, 400, "/x")
    assert isinstance(error, RetryLater) == (CODES[code].action == "retry")
    assert isinstance(error, RetryLater) or (isinstance(error, Refused) and error.code == code)
    assert "Amount" in str(error)
    assert code in str(error)


def test_the_status_says_more_than_the_code() -> None:
    assert isinstance(error_of("LIMIT_EXCEEDED", {}, 429, "/x"), RetryLater)
    assert not isinstance(error_of("LIMIT_EXCEEDED", {}, 400, "/x"), RetryLater)
    assert isinstance(error_of("NEVER_HEARD_OF", {}, 500, "/x"), RetryLater)
    assert meaning_of("NEVER_HEARD_OF", 200).action == "refuse"


def test_several_errors_of_a_record_are_all_told_and_hostile_words_are_cleaned() -> None:
    errors = [{"code": "INVALID_DATA", "details": {"api_name": "A\u202eB"}}, {"code": "RECORD_LOCKED", "details": {}}]
    words = words_of({"code": "MULTIPLE_OR_MULTI_ERRORS", "details": {"errors": errors}})
    assert "INVALID_DATA, api_name AB" in words
    assert "RECORD_LOCKED" in words


@pytest.mark.parametrize(
    "code", ["RECORD_LOCKED", "NOT_APPROVED", "NOT_REVIEWED", "RECORD_IN_BLUEPRINT", "NOT_ALLOWED"]
)
def test_a_record_that_refuses_is_a_receipt_that_says_so_beside_good_ones(
    sim: ZohoSimulator, tmp_path: Path, code: str
) -> None:
    made = [sim.person_creates("Accounts", {"Account_Name": name}) for name in "ab"]
    sim.refuse_writes("Accounts", made[0], code)
    crm = opened(sim, tmp_path)
    writes = [
        NativeWrite(object="Accounts", record_id={"id": id}, kind="field", name="Description", value="x", expected=None)
        for id in made
    ]
    refused, written = crm.write(writes)
    assert (refused.result, written.result) == (Result.refused, Result.written)
    assert code in refused.message
    assert sim.record("Accounts", made[0])["Description"] is None


def test_a_right_that_is_missing_stops_the_read_and_says_which(sim: ZohoSimulator, tmp_path: Path) -> None:
    crm = opened(sim, tmp_path)
    crm.describe()
    sim.deny("Accounts", "view")
    with pytest.raises(ConnectorError, match="NO_PERMISSION") as caught:
        list(crm.read(ReadRequest(object="Accounts", fields=("id",), key=("id",))))
    assert not isinstance(caught.value, RetryLater)
    assert "administrator" in caught.value.problems[0].hint


def test_another_version_is_a_setting_and_one_that_there_is_not_is_named(sim: ZohoSimulator, tmp_path: Path) -> None:
    sim.versions.add("v9")
    assert opened(sim, tmp_path, version="v9").describe()
    with pytest.raises(ConnectorError, match="version") as caught:
        opened(sim, tmp_path / "old", version="v1").describe()
    assert "INVALID_URL_PATTERN" in str(caught.value)
