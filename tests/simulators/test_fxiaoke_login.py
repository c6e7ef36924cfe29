"""The simulated Fxiaoke: both forms of login, and how often it may be asked."""

# ruff: noqa: F811 (fixtures)
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from .fxiaoke import FxiaokeSim
from .fxiaoke.caller import NOON, Caller, caller, code, ids, sim  # noqa: F401
from .fxiaoke.world import seed


class TestLogin:
    def test_the_same_token_for_6600_seconds_then_a_new_one_while_both_are_good(self, sim: FxiaokeSim) -> None:
        seed(sim)
        first = Caller(sim).login()
        sim.clock.advance(6599)
        assert Caller(sim).login().headers == first.headers
        sim.clock.advance(2)
        second = Caller(sim).login()
        assert second.headers != first.headers
        assert code(first.query()) == code(second.query()) == 0
        sim.clock.advance(600)
        assert (code(first.query()), code(second.query())) == (20016, 0)

    def test_ten_token_calls_a_minute_and_never_two_at_once(self, sim: FxiaokeSim) -> None:
        for _ in range(10):
            Caller(sim).login()
        with pytest.raises(KeyError):
            Caller(sim).login()
        sim.clock.advance(61)
        sim.latency = 0.8
        with ThreadPoolExecutor(2) as pool:
            codes = sorted(pool.map(lambda _: code(Caller(sim).raw("/oauth2.0/token", _body(sim))), range(2)))
        assert codes == [0, 14001]

    @pytest.mark.parametrize(
        ("change", "wanted"),
        [
            ({"appSecret": "x"}, 10006),
            ({"appSecret": ""}, 10006),
            ({"permanentCode": "x"}, 20014),
            ({"grantType": "x"}, 10006),
        ],
    )
    def test_wrong_credentials(self, sim: FxiaokeSim, change: dict[str, str], wanted: int) -> None:
        assert code(Caller(sim).raw("/oauth2.0/token", {**_body(sim), **change})) == wanted

    def test_no_token_a_false_one_and_both_forms_at_once(self, sim: FxiaokeSim, ids: dict[str, str]) -> None:
        nobody = Caller(sim)
        assert code(nobody.query()) == 20017
        nobody.headers = {"authorization": "Bearer false", "x-fs-ea": "demo2026", "x-fs-userid": "1000"}
        said = nobody.query()
        assert (code(said), said["errorMessage"]) == (20016, "the cropId,cropAccessToken or authorization is error")
        mixed = Caller(sim).login()
        mixed.fields = Caller(sim, old=True).login().fields
        assert code(mixed.query()) == 20016

    def test_a_stranger_among_the_users(self, sim: FxiaokeSim, ids: dict[str, str]) -> None:
        new, old = Caller(sim).login(), Caller(sim, old=True).login()
        new.headers["x-fs-userid"] = "9"
        old.fields["currentOpenUserId"] = "FSUID_9"
        assert (code(new.query()), code(old.query())) == (30027, 20012)

    def test_the_open_user_id_by_mobile(self, sim: FxiaokeSim, ids: dict[str, str]) -> None:
        caller = Caller(sim, old=True).login()
        said = caller.raw("/cgi/user/getByMobile", {**caller.fields, "mobile": "13800000001"})
        assert said["empList"] == [{"openUserId": "FSUID_1001"}]

    def test_a_form_that_is_not_offered_and_an_address_that_is_not_listed(self, sim: FxiaokeSim) -> None:
        seed(sim)
        caller = Caller(sim).login()
        sim.switches.header_auth = False
        assert code(caller.query()) == 20017
        sim.whitelist.clear()
        assert "is not in the ip white list" in caller.query()["errorMessage"]


class TestLimits:
    @pytest.mark.parametrize("refusal", [14001, 30004])
    def test_a_hundred_calls_in_twenty_seconds_per_endpoint(self, sim: FxiaokeSim, refusal: int) -> None:
        sim.switches.throttle_code = refusal  # type: ignore[assignment]
        caller = Caller(sim).login()
        assert {code(caller.call("v2/object/list")) for _ in range(100)} == {0}
        assert code(caller.call("v2/object/list")) == refusal
        assert code(caller.query()) == 0
        sim.clock.advance(21)
        assert code(caller.call("v2/object/list")) == 0

    def test_the_day_ends_at_midnight_in_china(self, sim: FxiaokeSim) -> None:
        sim.meter.limits.daily = 2
        caller = Caller(sim).login()
        assert [code(caller.query()) for _ in range(3)] == [0, 0, 30002]
        sim.clock.set(NOON + timedelta(hours=12, seconds=1))
        caller.login()
        assert code(caller.query()) == 0
        sim.meter.limits.daily = None
        assert code(caller.query()) == 30003

    def test_any_refusal_can_be_planned(self, sim: FxiaokeSim, caller: Caller) -> None:
        sim.refuse(50009, "query", times=2, after=1)
        assert [code(caller.query()) for _ in range(4)] == [0, 50009, 50009, 0]


def _body(sim: FxiaokeSim) -> dict[str, str]:
    app = sim.app
    return {
        "appId": app.app_id,
        "appSecret": app.app_secret,
        "permanentCode": app.permanent_code,
        "grantType": "app_secret",
    }
