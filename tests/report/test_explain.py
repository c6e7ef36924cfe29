"""An explanation says what was decided, from what, by which rule, what spoke against and what would change it."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace

import duckdb
import pytest

from crmrules.errors import DataError
from crmrules.explain.explain import explain, to_json, to_text
from crmrules.explain.explanation import ClassFinding, Explanation

from .ruleset import RULESET
from .world import HOSPITAL, Records, ago, decided


def a_class(explanation: Explanation, name: str) -> ClassFinding:
    return next(c for c in explanation.classes if c.name == name)


@pytest.fixture(scope="module")
def hospital(con: duckdb.DuckDBPyConnection) -> Explanation:
    return explain(con, RULESET, "account", "a1", "en")


class TestClasses:
    def test_the_winning_rule_with_its_place_and_the_values_that_made_it_fire(self, hospital: Explanation) -> None:
        value = a_class(hospital, "value_tier")
        assert (value.value, value.value_label, value.rule) == ("high", "High value", "value.high")
        assert value.at == "rulesets/small/classes.yaml:6:3"
        assert [(r.test, r.actual, r.holds) for r in value.because] == [
            ("Net value in the window ≥ 1,000,000", "2,520,000", True)
        ]
        assert value.why == "2,520,000 in the window"

    def test_rules_that_rank_before_the_winner_are_shown_with_the_leaf_that_failed(self, hospital: Explanation) -> None:
        lifecycle = a_class(hospital, "lifecycle")
        assert lifecycle.value == "active"
        assert [(n.rule, n.outcome, n.failed[0].test, n.failed[0].actual) for n in lifecycle.against] == [
            ("life.lost", "lost", "Days since the last order > 365 days", "15 days"),
            ("life.sleeping", "sleeping", "Days since the last order > 180 days", "15 days"),
        ]

    def test_time_alone_is_told_in_days(self, hospital: Explanation) -> None:
        (flip,) = a_class(hospital, "lifecycle").changes
        assert (flip.days, flip.outcome, flip.rule) == (166, "sleeping", "life.sleeping")

    def test_the_smallest_change_of_a_number_takes_the_rules_below_into_account(self, hospital: Explanation) -> None:
        flips = {(f.field, f.to): f.outcome for f in a_class(hospital, "value_tier").changes}
        assert flips == {("orders_n", "0"): "unknown", ("value_amount", "1000000"): "medium"}

    def test_a_parameter_that_depends_on_a_column_is_bound_to_the_row(self, con: duckdb.DuckDBPyConnection) -> None:
        shop = a_class(explain(con, RULESET, "account", "a3", "en"), "value_tier")
        assert shop.value == "unknown"  # no orders: never low
        logistics = a_class(explain(con, RULESET, "account", "a2", "en"), "value_tier")
        assert [n.failed[0].test for n in logistics.against if n.rule == "value.high"] == [
            "Net value in the window ≥ 1,000,000"
        ]

    def test_a_class_named_like_a_field_reads_the_record(self, con: duckdb.DuckDBPyConnection) -> None:
        demand = a_class(explain(con, RULESET, "account", "a2", "en"), "demand_type")
        assert (demand.value, demand.rule, demand.note) == (
            "enterprise",
            "",
            "no rule fired: Demand of the record was taken",
        )

    def test_unique_rules_that_disagree_are_named(self, con: duckdb.DuckDBPyConnection) -> None:
        fit = a_class(explain(con, RULESET, "account", "a3", "en"), "fit")
        assert (fit.value, fit.note) == ("unknown", "the rules disagree: fit.big, fit.retail")
        assert ("employees", "poor") in {(f.field, f.outcome) for f in fit.changes}

    def test_collected_values_each_have_their_reason(self, con: duckdb.DuckDBPyConnection) -> None:
        interests = a_class(explain(con, RULESET, "account", "a2", "zh"), "interests")
        assert (interests.value, interests.value_label, interests.rule) == ("new", "新客", "int.new")

    def test_the_highest_score_wins_whatever_the_order(self, hospital: Explanation) -> None:
        renewal = a_class(hospital, "renewal")
        assert renewal.value == "far"
        assert [n.rule for n in renewal.against] == ["renew.due"]
        assert {(f.field, f.days, f.outcome) for f in renewal.changes} == {
            ("", 41, "due"), ("contract_end", None, "due"), ("nps", None, "due"),
        }  # fmt: skip

    def test_a_missing_value_is_unknown_and_said_so(self, con: duckdb.DuckDBPyConnection) -> None:
        lifecycle = a_class(explain(con, RULESET, "account", "a3", "zh"), "lifecycle")
        assert lifecycle.against[0].failed[0].actual == "缺失"
        assert lifecycle.against[0].failed[0].holds is None


class TestRoles:
    def test_each_role_stands_on_dated_evidence_with_source_excerpt_weight_and_decay(
        self, con: duckdb.DuckDBPyConnection
    ) -> None:
        (on_deal, in_general) = explain(con, RULESET, "contact", "c3", "zh").roles
        assert (on_deal.deal, on_deal.role, on_deal.band) == ("新药进院", "purchaser", "high")
        position, talk = on_deal.evidence
        assert (position.why, position.weight, position.decayed, position.date) == ("职务:药库采购员", 0.6, 0.6, "")
        assert (talk.source, talk.date, talk.excerpt) == ("activity:t2", ago(40).isoformat(), "孙丽问价格和账期")
        assert talk.decayed == pytest.approx(0.6 * 0.5 ** (40 / 180))
        assert talk.at == "rulesets/small/roles.yaml:24:3"
        assert (in_general.deal_id, in_general.band) == ("", "low")

    def test_contrary_evidence_is_shown_and_keeps_the_role_unknown(self, con: duckdb.DuckDBPyConnection) -> None:
        part = explain(con, RULESET, "contact", "c8", "en").roles[0]
        assert (part.role, [e.item for e in part.against]) == ("unknown", ["talk.not_me"])
        assert part.changes[0] == "0.18 short of “low”"

    def test_the_next_band_names_the_family_that_is_missing(self, con: duckdb.DuckDBPyConnection) -> None:
        part = explain(con, RULESET, "contact", "c6", "en").roles[0]
        assert part.changes == (
            "0.10 short of “medium”",
            "“medium” needs 2 independent families of evidence, there are 1",
            "families without evidence yet: Formal act",
            "evidence of the family “Formal act” worth 0.50 would make the score 0.75 and the band “medium”",
        )

    def test_a_role_set_by_a_person_is_final(self, con: duckdb.DuckDBPyConnection) -> None:
        part = explain(con, RULESET, "contact", "c7", "en").roles[0]
        assert (part.manual, part.role, part.changes) == (True, "decision_maker", ())

    def test_a_guard_is_named(self, con: duckdb.DuckDBPyConnection) -> None:
        patient = explain(con, RULESET, "contact", "c5", "en")
        assert [(g.id, g.effect, g.why) for g in patient.guards] == [("patient", "no_write", "a protected person")]
        assert not any(part.writable for part in patient.roles)

    def test_the_score_is_recomputed_from_the_listed_evidence(self, con: duckdb.DuckDBPyConnection) -> None:
        for contact in ("c1", "c3", "c4", "c6"):
            for part in explain(con, RULESET, "contact", contact, "en").roles:
                if part.score is not None:
                    together = 1.0
                    for item in part.evidence:
                        together *= 1 - item.decayed
                    assert part.score == pytest.approx(
                        min(1 - together, 0.55 if len(part.evidence) == 1 else 1), abs=1e-5
                    )


class TestFlags:
    def test_an_account_shows_its_own_flags_and_those_of_its_deals(self, con: duckdb.DuckDBPyConnection) -> None:
        flags = {f.flag: f for f in explain(con, RULESET, "account", "a2", "en").flags}
        assert set(flags) == {"no_champion", "stale_deal"}
        assert flags["no_champion"].why == "1 open deals, nobody for us"
        assert flags["stale_deal"].object == "deal"
        assert [c.field for c in flags["stale_deal"].changes] == ["created_at"]

    def test_a_deal_shows_its_own(self, con: duckdb.DuckDBPyConnection) -> None:
        assert [f.flag for f in explain(con, RULESET, "deal", "d2", "en").flags] == ["stale_deal"]


class TestText:
    @pytest.mark.parametrize("language", ["zh", "en"])
    @pytest.mark.parametrize(("object", "record"), [("account", "a1"), ("contact", "c9"), ("deal", "d1")])
    def test_it_is_the_same_whatever_the_order_of_the_records(self, object: str, record: str, language: str) -> None:
        turned: Records = {name: list(reversed(records)) for name, records in HOSPITAL.items()}
        texts = [to_text(explain(decided(world), RULESET, object, record, language)) for world in (HOSPITAL, turned)]
        assert texts[0] == texts[1]

    def test_hostile_text_can_not_act_on_a_terminal(self, con: duckdb.DuckDBPyConnection) -> None:
        for object, record in (("account", "a3"), ("contact", "c9")):
            for language in ("zh", "en"):
                text = to_text(explain(con, RULESET, object, record, language))
                assert {unicodedata.category(c) for c in text.replace("\n", "")}.isdisjoint({"Cc", "Cs"})
                assert not set("\u200f\u202e\u2066") & set(text)

    def test_every_line_is_in_the_readers_language(self, con: duckdb.DuckDBPyConnection) -> None:
        english = to_text(explain(con, RULESET, "account", "a2", "en"))
        assert not any("\u4e00" <= c <= "\u9fff" for c in english)

    def test_json_has_everything_and_is_stable(self, hospital: Explanation) -> None:
        found = json.loads(to_json(hospital))
        assert found["ruleset"] == "small@1.0.0"
        assert [c["name"] for c in found["classes"]] == list(RULESET.classes)
        assert to_json(hospital) == to_json(hospital)

    def test_what_it_wants_to_write_and_the_note(self, hospital: Explanation) -> None:
        assert [(w.kind, w.name, w.value) for w in hospital.writes] == [("tag", "seg.value", "high")]
        assert hospital.note == "重点客户江州市第一人民医院,保持高层往来。"


class TestRefusals:
    def test_a_record_that_is_not_there(self, con: duckdb.DuckDBPyConnection) -> None:
        with pytest.raises(DataError, match="there is no account 'nobody'") as raised:
            explain(con, RULESET, "account", "nobody")
        assert raised.value.problems[0].hint

    def test_an_object_that_is_not_decided_about(self, con: duckdb.DuckDBPyConnection) -> None:
        with pytest.raises(DataError, match="'order' can't be explained"):
            explain(con, RULESET, "order", "o1")

    def test_a_ruleset_that_has_changed_since_the_decision(self, con: duckdb.DuckDBPyConnection) -> None:
        changed = replace(RULESET, digest="another", classes={})
        with pytest.raises(DataError, match="has changed since the last decision") as raised:
            explain(con, changed, "account", "a1")
        assert "decide" in raised.value.problems[0].hint

    def test_a_quotation_mark_in_an_id_is_just_an_id(self, con: duckdb.DuckDBPyConnection) -> None:
        with pytest.raises(DataError, match="no contact"):
            explain(con, RULESET, "contact", "x' OR '1'='1")
