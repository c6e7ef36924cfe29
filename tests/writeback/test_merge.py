"""The laws of the three-way merge, held over all small histories."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from crmrules.model.changes import Verdict
from crmrules.pipeline.merge import merge

value = st.sampled_from([None, "", "high", "low", "medium"])


@given(value, value, value, value)
def test_only_empty_places_and_our_own_values_are_written(
    written: str | None, wanted: str | None, current: str | None, desired: str | None
) -> None:
    if merge(written=written, wanted=wanted, current=current, desired=desired) is Verdict.write:
        assert current is None or current == written


@given(value, value, value)
def test_what_is_as_wanted_needs_nothing(written: str | None, wanted: str | None, both: str | None) -> None:
    assert merge(written=written, wanted=wanted, current=both, desired=both) is Verdict.unchanged


@given(value, value, value, value, value)
def test_after_a_write_there_is_nothing_more_to_write(
    written: str | None, wanted: str | None, current: str | None, desired: str | None, echo: str | None
) -> None:
    """Whatever the CRM made of our value (``echo``; nothing at all is no success), it is not written twice."""
    assume((echo is None) == (desired is None))
    if merge(written=written, wanted=wanted, current=current, desired=desired) is Verdict.write:
        assert merge(written=echo, wanted=desired, current=echo, desired=desired) is Verdict.unchanged


@given(value, value)
def test_where_we_never_wrote_a_value_is_a_persons(current: str | None, desired: str | None) -> None:
    verdict = merge(written=None, wanted=None, current=current, desired=desired)
    if current is None:
        assert verdict is (Verdict.unchanged if desired is None else Verdict.write)
    else:
        assert verdict is (Verdict.unchanged if desired == current else Verdict.keep_human)


def test_who_deletes_our_value_wins_until_the_outcome_is_another() -> None:
    deleted = {"written": "high", "wanted": "high", "current": None}
    assert merge(**deleted, desired="high") is Verdict.keep_human
    assert merge(**deleted, desired="low") is Verdict.write
    assert merge(**deleted, desired=None) is Verdict.unchanged


def test_what_the_crm_made_of_our_value_is_still_ours() -> None:
    assert merge(written="hi", wanted="high", current="hi", desired="high") is Verdict.unchanged
    assert merge(written="hi", wanted="high", current="hi", desired="low") is Verdict.write
    assert merge(written="hi", wanted="high", current="high", desired="low") is Verdict.keep_human
