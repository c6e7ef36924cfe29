"""Both engines give the same answers: the law that lets either stand in for the other."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from programs import worlds

from crmrules.contracts.engine import Fact
from crmrules.inference import durable_driver, semi_naive
from crmrules.model.program import Program

pytestmark = pytest.mark.skipif(bool(durable_driver.available()), reason="durable_rules does not load here")


@settings(max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(worlds())
def test_durable_rules_and_plain_python_derive_the_same(world: tuple[Program, list[list[Fact]]]) -> None:
    program, accounts = world
    expected = list(semi_naive.compile_program(program).run(enumerate(accounts)))
    assert list(durable_driver.compile_program(program).run(enumerate(accounts))) == expected
