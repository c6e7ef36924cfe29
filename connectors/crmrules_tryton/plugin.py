"""The hooks of the Tryton connector; everything else is imported when it is opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from crmrules.contracts.connector import ConnectorPlugin, Home
from crmrules.hookspecs import hookimpl
from crmrules_tryton.config import DEFAULT_MAPPING, GUIDE, QUESTIONS, SETTINGS_SCHEMA

if TYPE_CHECKING:
    from crmrules_tryton.client import TrytonCrm


def open_tryton(settings: Mapping[str, Any], home: Home) -> TrytonCrm:
    """Open the database that *settings* name. Nothing is asked of it yet."""
    from crmrules_tryton.client import TrytonCrm

    return TrytonCrm.open(settings, home)


@hookimpl
def crmrules_connectors() -> Iterator[ConnectorPlugin]:
    """Register the connector ``tryton``."""
    yield ConnectorPlugin(
        name="tryton",
        label="Tryton",
        settings_schema=SETTINGS_SCHEMA,
        open=open_tryton,
        default_mapping=DEFAULT_MAPPING,
        guide=GUIDE,
        questions=QUESTIONS,
    )
