"""A plan holds exactly what has to change, each with what stands there, and why."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from crmrules.errors import DataError, PlanError
from crmrules.model.changes import Cause, Dissent, Target
from crmrules.pipeline.planfile import load_plan, save_plan

from .world import World, note, short, tag, tier


def test_first_values_are_planned_for_empty_places(world: World) -> None:
    plan = world.plan({tag("a1"): "high", tier("a1"): "high", note("a2"): "Call her."})
    assert [short(c) for c in plan.changes] == [
        ("a1", "tier", None, "high"),
        ("a1", "seg.value", None, "high"),
        ("a2", "crmrules", None, "Call her."),
    ]
    assert {c.cause for c in plan.changes} == {Cause.first}
    assert [c.id for c in plan.changes] == [1, 2, 3]


def test_what_stands_there_already_is_no_change(world: World) -> None:
    world.crm.set_field("客户", "a1", "客户等级", "高")
    world.crm.add_tag("客户", "a1", "seg.value=high")
    assert world.plan({tag("a1"): "high", tier("a1"): "high"}).changes == ()


def test_a_persons_value_is_a_dissent_and_no_change(world: World) -> None:
    world.crm.set_field("客户", "a1", "客户等级", "低")
    plan = world.plan({tier("a1"): "high"})
    assert plan.changes == ()
    assert plan.dissents == (Dissent(target=tier("a1"), account_id="A:a1", human="low", ours="high", rule="rule.tier"),)


def test_a_tag_that_a_person_set_is_left_alone(world: World) -> None:
    world.crm.add_tag("客户", "a1", "seg.value=low")
    world.crm.add_tag("客户", "a2", "VIP")
    plan = world.plan({tag("a1"): "high", tag("a2"): "high"})
    assert [short(c) for c in plan.changes] == [("a2", "seg.value", None, "high")]
    assert [d.human for d in plan.dissents] == ["low"]


def test_a_second_tag_beside_ours_makes_the_place_a_persons(world: World) -> None:
    world.sync({tag("a1"): "high"})
    world.crm.add_tag("客户", "a1", "seg.value=low")
    plan = world.plan({tag("a1"): "medium"})
    assert plan.changes == ()
    assert [d.human for d in plan.dissents] == ["high | low"]


def test_a_prefix_is_a_whole_word(world: World) -> None:
    world.crm.add_tag("客户", "a1", "seg.value2=low")
    assert [short(c) for c in world.plan({tag("a1"): "high"}).changes] == [("a1", "seg.value", None, "high")]


def test_a_bare_tag_is_there_or_not(world: World) -> None:
    world.sync({tag("a1", "flag.no_champion"): ""})
    assert world.crm.tags("客户", "a1") == {"flag.no_champion"}
    assert world.plan({tag("a1", "flag.no_champion"): ""}).changes == ()
    world.sync({})
    assert world.crm.tags("客户", "a1") == set()


def test_several_tags_of_one_prefix_are_places_of_their_own(world: World) -> None:
    world.crm.add_tag("客户", "a1", "flag=by hand")
    flags = {tag("a1", "flag=no_champion"): "", tag("a1", "flag=silent"): ""}
    world.sync(flags)
    assert world.crm.tags("客户", "a1") == {"flag=by hand", "flag=no_champion", "flag=silent"}
    assert world.plan(flags).changes == ()
    world.sync({tag("a1", "flag=silent"): ""})
    assert world.crm.tags("客户", "a1") == {"flag=by hand", "flag=silent"}


def test_a_withdrawn_outcome_takes_our_value_away_and_only_ours(world: World) -> None:
    world.sync({tag("a1"): "high", tag("a2"): "high"})
    world.crm.remove_tag("客户", "a2", "seg.value=high")
    world.crm.add_tag("客户", "a2", "seg.value=low")
    plan = world.plan({})
    assert [(*short(c), c.cause) for c in plan.changes] == [("a1", "seg.value", "high", None, Cause.withdrawn)]
    assert plan.dissents == ()  # we hold no opinion any more
    assert (plan.changes[0].rule, plan.changes[0].account_id) == ("rule.seg.value", "A:a1")


def test_a_persons_value_where_we_say_nothing_is_nothing_to_us(world: World) -> None:
    world.sync({tag("a1"): "high"})
    world.crm.add_tag("客户", "a3", "seg.value=low")
    plan = world.plan({tag("a1"): "high"})
    assert (plan.changes, plan.dissents) == ((), ())


@pytest.mark.parametrize(
    ("meta", "cause"),
    [
        ({"snapshot": "s2", "as_of": "2026-11-22"}, Cause.data),
        ({"as_of": "2026-11-22"}, Cause.time),
        ({"ruleset_digest": "d2", "snapshot": "s2", "as_of": "2026-11-22"}, Cause.rule),
    ],
)
def test_a_change_says_what_brought_it(world: World, meta: dict[str, str], cause: Cause) -> None:
    world.sync({tag("a1"): "high"})
    plan = world.plan({tag("a1"): "low", tag("a2"): "low"}, **meta)
    assert [(c.target.record_id, c.cause) for c in plan.changes] == [("a1", cause), ("a2", Cause.first)]


def test_a_ruleset_in_force_for_long_is_not_blamed(world: World) -> None:
    world.sync({tag("a1"): "high"})
    world.sync({tag("a1"): "high"}, ruleset_digest="d2")
    plan = world.plan({tag("a1"): "low"}, ruleset_digest="d2", snapshot="s9")
    assert [c.cause for c in plan.changes] == [Cause.data]


def test_money_is_compared_as_money(world: World) -> None:
    spend = Target(object="account", record_id="a1", kind="field", name="spend")
    world.crm.set_field("客户", "a1", "消费", "12")
    assert world.plan({spend: "12.00"}).changes == ()
    world.crm.set_field("客户", "a1", "消费", None)
    world.sync({spend: "12.50"})
    assert world.crm.records("客户")["a1"]["消费"] == "12.5"
    assert world.plan({spend: "12.5000"}).changes == ()
    assert [short(c) for c in world.plan({spend: "13"}).changes] == [("a1", "spend", "12.5000", "13.0000")]


def test_a_field_of_a_contact_in_a_deal_is_found_by_both_keys(world: World) -> None:
    world.crm.add_record("商机联系人", "d1|c1")
    role = Target(object="deal_contact", record_id="d1|c1", kind="field", name="role")
    world.sync({role: "decision_maker"})
    assert world.crm.records("商机联系人")["d1|c1"]["角色"] == "决策者"
    assert world.plan({role: "decision_maker"}).changes == ()


def test_what_a_person_has_locked_is_neither_changed_nor_taken_away(world: World) -> None:
    role = Target(object="deal_contact", record_id="d1|c1", kind="field", name="role")
    label = tag("c1", "role", object="contact")
    world.crm.add_record("商机联系人", "d1|c1")
    world.crm.add_record("联系人", "c1")
    other = tag("c1", "stance", object="contact")
    world.sync({role: "user", label: "user", other: "supporter"})
    world.crm.set_field("商机联系人", "d1|c1", "锁定", "true")
    world.crm.set_field("联系人", "c1", "角色锁定", "true")
    for wanted in ({}, {role: "decision_maker", label: "decision_maker"}):
        plan = world.plan(wanted)
        assert [(c.target, c.new) for c in plan.changes] == [(other, None)]
        assert plan.dissents == ()


def test_records_that_are_gone_are_counted_and_not_planned(world: World) -> None:
    plan = world.plan({tag("nobody"): "high", tag("a1"): "high"})
    assert [c.target.record_id for c in plan.changes] == ["a1"]
    assert plan.counts["missing"] == 1


def test_the_order_of_what_is_wanted_does_not_matter(world: World) -> None:
    wanted = {tag("a3"): "low", tier("a1"): "high", tag("a1"): "high", note("a2"): "x"}
    assert world.plan(wanted) == world.plan(dict(reversed(wanted.items())))


def test_everything_wrong_with_the_desired_state_is_said_at_once(world: World) -> None:
    unknown = Target(object="account", record_id="a1", kind="field", name="teir")
    key = Target(object="account", record_id="a1", kind="field", name="id")
    with pytest.raises(DataError) as error:
        world.plan({unknown: "high", key: "x", tag("a1", "a=b"): "c"})
    assert {p.code for p in error.value.problems} == {"unknown-field", "field-not-writable", "tag-name"}


def test_two_values_for_one_place_are_an_error_and_the_same_value_twice_is_one_wish(world: World) -> None:
    con = world.database({tag("a1"): "high"})
    con.execute("INSERT INTO desired SELECT * REPLACE ('rule.b' AS rule) FROM desired")
    from crmrules.pipeline.differences import compared, differences
    from crmrules.stores.journal import open_journal

    with open_journal(world.journal_path, read_only=True) as journal:
        with compared(con, journal):
            assert [(d.desired, d.rule) for d in differences(con)] == [("high", "rule.b")]
        con.execute("INSERT INTO desired SELECT DISTINCT ON (name) * REPLACE ('low' AS value) FROM desired")
        with pytest.raises(DataError) as error, compared(con, journal):
            pass
    assert [p.code for p in error.value.problems] == ["desired-twice"]
    assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'wb_%'").fetchone() == (0,)


class TestFile:
    def test_a_plan_comes_back_from_its_file(self, world: World, tmp_path: Path) -> None:
        world.crm.set_field("客户", "a2", "客户等级", "低")
        plan = world.plan({tag("a1"): "high", tier("a2"): "high", note("a1"): "他说:“好”\n第二行\u2028"})
        save_plan(plan, tmp_path / "plan.json")
        assert load_plan(tmp_path / "plan.json") == plan
        assert plan.dissents

    def test_the_same_plan_gives_the_same_bytes(self, world: World, tmp_path: Path) -> None:
        for name in ("1.json", "2.json"):
            save_plan(world.plan({tag("a1"): "high", note("a1"): "x"}), tmp_path / name)
        assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()

    def test_an_empty_plan_is_a_plan(self, world: World, tmp_path: Path) -> None:
        save_plan(world.plan({}), tmp_path / "plan.json")
        assert load_plan(tmp_path / "plan.json").changes == ()

    def test_a_plan_that_was_edited_is_refused(self, world: World, tmp_path: Path) -> None:
        path = tmp_path / "plan.json"
        save_plan(world.plan({tag("a1"): "high"}), path)
        text = path.read_text(encoding="utf-8")
        assert text.count('"high"') == 1
        path.write_text(text.replace('"high"', '"low"'), encoding="utf-8")
        with pytest.raises(PlanError, match="plan-changed"):
            load_plan(path)

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            ("", "plan-damaged"), ('{"schema": "plan-v1"}', "plan-damaged"), ("[]", "plan-foreign"),
            ('{"schema": "plan-v9"}', "plan-foreign"),
        ],
    )  # fmt: skip
    def test_other_files_are_refused(self, tmp_path: Path, content: str, code: str) -> None:
        (tmp_path / "plan.json").write_text(content, encoding="utf-8")
        with pytest.raises(PlanError, match=code):
            load_plan(tmp_path / "plan.json")

    def test_half_a_plan_and_no_plan_are_refused(self, world: World, tmp_path: Path) -> None:
        path = tmp_path / "plan.json"
        save_plan(world.plan({tag("a1"): "high"}), path)
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(PlanError, match="plan-damaged"):
            load_plan(path)
        with pytest.raises(PlanError, match="plan-not-readable"):
            load_plan(tmp_path / "none.json")

    def test_the_file_is_json_of_the_published_shape(self, world: World, tmp_path: Path) -> None:
        world.crm.set_field("客户", "a2", "客户等级", "低")
        save_plan(world.plan({tag("a1"): "high", tier("a2"): "high"}), tmp_path / "plan.json")
        document = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
        schema = json.loads((Path(__file__).parents[2] / "schemas/plan-v1.schema.json").read_text(encoding="utf-8"))
        jsonschema.validate(document, schema)
        assert document["schema"] == "plan-v1"
        assert document["changes"][0]["target"] == {
            "object": "account", "record_id": "a1", "kind": "tag", "name": "seg.value",
        }  # fmt: skip
