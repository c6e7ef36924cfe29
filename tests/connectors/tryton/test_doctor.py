"""What is wrong with a login, a permission, a setting or a write is told with what to do."""

from __future__ import annotations

import contextlib

import pytest

from crmrules.contracts.connector import Check, Home, ReadRequest, WriteTarget
from crmrules.errors import ConnectorError, RetryLater
from crmrules_tryton.client import TrytonCrm
from crmrules_tryton.objects import ACCOUNT, CONTACT, DEAL_CONTACT

from .world import TrytonWorld

_WRITES = (
    WriteTarget(object=ACCOUNT, kind="tag", name="seg.value"),
    WriteTarget(object=DEAL_CONTACT, kind="field", name="role"),
)


def diagnosis(world: TrytonWorld, *targets: WriteTarget, **settings: object) -> list[Check]:
    folder = world._folder / str(len(list(world._folder.iterdir())))
    crm = TrytonCrm.open(world.settings(**settings), Home(folder=folder, state=folder))
    with contextlib.closing(crm):
        checks = list(crm.check(targets))
    for check in checks:
        assert check.message.of("zh")
        assert check.message.of("en")
        assert check.state == "ok" or (check.hint.of("zh") and check.hint.of("en")), check
    return checks


def states(checks: list[Check]) -> dict[str, str]:
    order = ("ok", "warning", "error")
    found: dict[str, str] = {}
    for check in checks:
        found[check.code] = max(found.get(check.code, "ok"), check.state, key=order.index)
    return found


def test_a_good_login_with_persons_is_healthy(world: TrytonWorld) -> None:
    admin = world.server.person()
    acme, li = admin.create("party.party", {"name": "Acme"}, {"name": "Li Lei"})
    (employee,) = admin.create("party.relation.type", {"name": "员工"})
    admin.create("party.relation.all", {"from_": li, "to": acme, "type": employee})
    checks = diagnosis(world, _WRITES[0])
    assert set(states(checks).values()) == {"ok"}
    assert "1 organisations, 1 persons" in [check.message.of("en") for check in checks]


def test_without_relation_types_everybody_would_be_an_organisation(world: TrytonWorld) -> None:
    world.server.person().create("party.relation.type", {"name": "Works at"})
    (persons,) = [check for check in diagnosis(world) if check.code == "persons"]
    assert persons.state == "error"
    assert "Works at" in persons.hint.of("en")
    told = states(diagnosis(world, employment=["Works at"]))
    assert told["persons"] == "warning"  # nobody has it yet


def test_what_tryton_has_no_place_for_is_told_before_it_is_written(world: TrytonWorld) -> None:
    checks = diagnosis(world, *_WRITES)
    (field,) = [check for check in checks if check.code == "field"]
    assert field.state == "error"
    assert "write a tag instead" in field.hint.of("en")


def test_a_missing_permission_is_told(world: TrytonWorld) -> None:
    checks = diagnosis(world, _WRITES[0], login="guest", password="guest-password")
    lacking = {check.message.of("en") for check in checks if check.code == "permission" and check.state == "error"}
    assert lacking == {
        "party.category: no permission to create", "sale.opportunity: no permission to read",
        "sale.sale: no permission to read",
    }  # fmt: skip


def test_a_persons_own_login_is_advised_against(world: TrytonWorld) -> None:
    assert states(diagnosis(world, login="admin", password="admin-password"))["credentials"] == "warning"


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [({"password": "not-the-password"}, "password"), ({"database": "none"}, "database")],
)
def test_a_wrong_login_says_what_to_check(world: TrytonWorld, wrong: dict[str, object], hint: str) -> None:
    checks = diagnosis(world, **wrong)
    assert [(check.code, check.state) for check in checks] == [("credentials", "error")]
    assert hint in checks[0].hint.of("en")
    assert "not-the-password" not in str(checks)
    world.server.sql("DELETE FROM res_user_login_attempt")


def test_a_login_that_tryton_has_throttled_is_left_alone(world: TrytonWorld) -> None:
    world.server.sql("DELETE FROM res_user_login_attempt")
    for _ in range(6):
        world.server.sql(
            "INSERT INTO res_user_login_attempt (login, create_date, create_uid, device_cookie)"
            " VALUES ('crmrules', strftime('%Y-%m-%d %H:%M:%f000', 'now'), 0, NULL)"
        )
    folder = world._folder / "throttled"
    logins = world.logins()
    for _ in range(3):
        crm = TrytonCrm.open(world.settings(), Home(folder=folder, state=folder))
        with contextlib.closing(crm), pytest.raises(RetryLater):
            list(crm.read(ReadRequest(object=CONTACT, fields=("id",), key=("id",))))
    assert world.logins() - logins == 1
    world.server.sql("DELETE FROM res_user_login_attempt")


def test_something_else_at_the_address_is_told(world: TrytonWorld) -> None:
    crm = TrytonCrm.open(
        world.settings(url=world.proxy.url + "/elsewhere/deeper"),
        Home(folder=world._folder, state=world._folder / "else"),
    )
    with contextlib.closing(crm), pytest.raises(ConnectorError, match="no Tryton server"):
        crm.count(ACCOUNT)


def test_a_model_that_is_not_there_is_told(world: TrytonWorld) -> None:
    crm = world.connect(models=["no.such.model"])
    with contextlib.closing(crm), pytest.raises(ConnectorError, match=r"no\.such\.model"):
        list(crm.read(ReadRequest(object="no.such.model", fields=("id",), key=("id",))))
