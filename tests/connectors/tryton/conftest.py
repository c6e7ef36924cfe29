"""The server, the proxy before it, and the world that the tests use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.proxy import Proxy, rpc_method
from servers.tryton import Tryton

from .world import TrytonWorld, expire_sessions


@pytest.fixture(scope="session")
def tryton_proxy(tryton_server: Tryton) -> Iterator[Proxy]:
    with Proxy(tryton_server.address, name=rpc_method, expired=expire_sessions(tryton_server)) as proxy:
        yield proxy


@pytest.fixture
def world(tryton: Tryton, tryton_proxy: Proxy, tmp_path: Path) -> TrytonWorld:
    tryton_proxy.faults.clear()
    tryton_proxy.counters.reset()
    return TrytonWorld(tryton, tryton_proxy, tmp_path)
