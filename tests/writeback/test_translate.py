"""Changes reach the CRM in its own names and spellings, and what stands there is read back as ours."""

from __future__ import annotations

import pytest

from crmrules.language.mapping import FieldMap, Mapping_, ObjectMap
from crmrules.model.changes import Change, Target
from crmrules.model.objects import Field, FieldType
from crmrules.pipeline.translate import Translation, Untranslatable

T = FieldType


def field(name: str, type: FieldType = T.text, **more: object) -> FieldMap:
    return FieldMap(field=Field(name=name, type=type), native=f"N_{name}", **more)  # type: ignore[arg-type]


TRANSLATION = Translation(
    Mapping_(
        sources=(
            ObjectMap(
                object="account",
                native="Accounts",
                fields=(
                    field("id"),
                    field("tier", values={"A": "high", "A+": "high", "B": "low", "n/a": None}),
                    field("score", T.number),
                    field("count", T.integer),
                    field("spend", T.money),
                    field("umsatz", T.money, format="1.234,56"),
                    field("due", T.date, format="%d.%m.%Y"),
                    field("day", T.date),
                    field("vip", T.boolean, values={"是": "true", "否": "false"}),
                    field("status", default="new"),
                ),
            ),
            ObjectMap(
                object="deal_contact",
                native="DealContacts",
                fields=(field("contact_id"), field("deal_id"), field("role")),
            ),
        )
    )
)


def at(name: str, kind: str = "field") -> Target:
    return Target(object="account", record_id="7", kind=kind, name=name)  # type: ignore[arg-type]


def change(target: Target, new: str | None, old: str | None = None) -> Change:
    return Change(id=1, target=target, account_id="7", old=old, new=new, rule="", reason_zh="", reason_en="")


@pytest.mark.parametrize(
    ("name", "ours", "native"),
    [
        ("tier", "high", "A"),
        ("tier", "medium", "medium"),
        ("score", "0.25", "0.25"),
        ("score", "12.0", "12"),
        ("score", "1e-07", "0.0000001"),
        ("count", "1000", "1000"),
        ("spend", "1234.5000", "1234.5"),
        ("spend", "0.0000", "0"),
        ("umsatz", "1234.5600", "1234,56"),
        ("due", "2026-11-21", "21.11.2026"),
        ("day", "2026-11-21", "2026-11-21"),
        ("vip", "true", "是"),
        ("status", "old", "old"),
    ],
)
def test_a_value_goes_out_and_comes_back(name: str, ours: str, native: str) -> None:
    write = TRANSLATION.write(change(at(name), ours))
    assert (write.object, write.record_id, write.name, write.value) == ("Accounts", {"N_id": "7"}, f"N_{name}", native)
    assert TRANSLATION.value(at(name), write.value) == ours


@pytest.mark.parametrize(
    ("name", "native", "ours"),
    [
        ("tier", "A+", "high"),
        ("tier", "n/a", None),
        ("tier", "  ", None),
        ("spend", "1,234.50", "1234.5000"),
        ("umsatz", "1.234,5", "1234.5000"),
        ("count", "3.0", "3"),
        ("vip", "TRUE", "true"),
        ("due", "soon", "soon"),
        ("status", None, "new"),
    ],
)
def test_other_spellings_are_understood(name: str, native: str | None, ours: str | None) -> None:
    assert TRANSLATION.value(at(name), native) == ours


@pytest.mark.parametrize("name", ["tier", "spend", "due", "status"])
def test_empty_goes_out_as_empty(name: str) -> None:
    assert TRANSLATION.write(change(at(name), None, old=None)).value is None


def test_a_tag_and_a_note_go_to_the_record_as_they_are() -> None:
    for kind, name in (("tag", "seg.value"), ("note", "crmrules")):
        write = TRANSLATION.write(change(at(name, kind), "high", old="low"))
        assert (write.object, write.kind, write.name, write.value, write.expected) == (
            "Accounts",
            kind,
            name,
            "high",
            "low",
        )
    assert TRANSLATION.value(at("flag.x", "tag"), "") == ""
    assert TRANSLATION.value(at("crmrules", "note"), "") is None


def test_both_keys_of_a_contact_in_a_deal_get_their_native_names() -> None:
    target = Target(object="deal_contact", record_id="d1|c1", kind="field", name="role")
    assert TRANSLATION.write(change(target, "user")).record_id == {"N_deal_id": "d1", "N_contact_id": "c1"}


@pytest.mark.parametrize(
    ("target", "value", "said"),
    [
        (Target(object="contact", record_id="1", kind="tag", name="x"), "y", "no object 'contact'"),
        (Target(object="account", record_id="1", kind="field", name="nps"), "y", "no field 'account.nps'"),
        (Target(object="deal_contact", record_id="d1", kind="field", name="role"), "y", "no key of deal_contact"),
        (at("tier"), "B", "no value of 'N_tier' is read as 'B'"),
        (at("spend"), "much", "'much' is no money for 'N_spend'"),
        (at("score"), "nan", "'nan' is no number for 'N_score'"),
        (at("score"), "inf", "'inf' is no number for 'N_score'"),
        (at("due"), "soon", "'soon' is no date for 'N_due'"),
        (at("day"), "soon", "'soon' is no date for 'N_day'"),
    ],
)
def test_what_has_no_place_in_the_crm_is_said(target: Target, value: str, said: str) -> None:
    with pytest.raises(Untranslatable, match=said):
        TRANSLATION.write(change(target, value))
