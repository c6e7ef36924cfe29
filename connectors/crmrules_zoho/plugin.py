"""The hooks of the Zoho connector; everything else is imported when it is opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from crmrules.contracts.connector import ConnectorPlugin, Home
from crmrules.hookspecs import hookimpl
from crmrules_zoho.config import DEFAULT_MAPPING, GUIDE, QUESTIONS, SETTINGS_SCHEMA

if TYPE_CHECKING:
    from crmrules_zoho.client import ZohoCrm


def open_zoho(settings: Mapping[str, Any], home: Home) -> ZohoCrm:
    """Open the org that *settings* name. Nothing is asked of it yet."""
    from crmrules_zoho.client import ZohoCrm

    return ZohoCrm.open(settings, home)


def finish(answers: Mapping[str, str], home: Home) -> Mapping[str, str]:
    """Exchange the grant code for a refresh token. Raises ConnectorError."""
    from crmrules_zoho.auth import exchange

    return exchange(answers)


@hookimpl
def crmrules_connectors() -> Iterator[ConnectorPlugin]:
    """Register the connector ``zoho``."""
    yield ConnectorPlugin(
        name="zoho",
        label="Zoho CRM",
        settings_schema=SETTINGS_SCHEMA,
        open=open_zoho,
        default_mapping=DEFAULT_MAPPING,
        guide=GUIDE,
        questions=QUESTIONS,
        finish=finish,
    )
