"""A short fault campaign; the long one is ``python -m benchmarks fault_campaign``."""

from __future__ import annotations

from pathlib import Path

from connectors.zoho.world import SCOPES, opened
from crmrules.contracts.connector import NativeWrite
from crmrules.model.changes import Result
from simulators.zoho import ZohoSimulator

from .campaign import Campaign


def test_kills_at_random_moments_break_no_law(tmp_path: Path) -> None:
    with Campaign(tmp_path, seed=7, accounts=3, latency=0.005) as campaign:
        campaign.go(kills=8)
    assert campaign.counts["kills"] >= 8
    assert campaign.counts["writes in doubt"], "no kill came between a write and its receipt"


def test_a_tag_taken_off_while_the_new_one_can_not_be_put_on_is_in_doubt(tmp_path: Path) -> None:
    with ZohoSimulator(world=False, scopes=SCOPES) as sim:
        id = sim.person_creates("Accounts", {"Account_Name": "a"})
        sim.person_tags("Accounts", id, "seg.value=high")
        crm = opened(sim, tmp_path)
        write = NativeWrite(
            object="Accounts", record_id={"id": id}, kind="tag", name="seg.value", value="low", expected="high"
        )
        crm.current([write])
        sim.fault("429-no-retry-after", "actions/add_tags", times=100)
        [receipt] = crm.write([write])
        crm.close()
    assert receipt.result is Result.unknown
    assert sim.tags("Accounts", id) == set()


def test_a_note_deleted_and_made_anew_behind_our_back_is_not_doubled(tmp_path: Path) -> None:
    with ZohoSimulator(world=False, scopes=SCOPES) as sim:
        id = sim.person_creates("Accounts", {"Account_Name": "a"})
        note = NativeWrite(
            object="Accounts", record_id={"id": id}, kind="note", name="crmrules", value="b", expected=None
        )
        crm = opened(sim, tmp_path)
        crm.current([note])
        crm.write([note])
        sim.person_deletes("Notes", sim.notes("Accounts", id)[0]["id"])
        sim.person_notes("Accounts", id, "[crmrules]", "theirs")
        assert crm.current([note]) == ["theirs"]
        crm.close()
