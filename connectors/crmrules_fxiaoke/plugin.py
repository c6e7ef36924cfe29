"""The hooks of the Fxiaoke connector; everything else is imported when it is opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from crmrules.contracts.connector import ConnectorPlugin, Home
from crmrules.hookspecs import hookimpl
from crmrules_fxiaoke.config import DEFAULT_MAPPING, SETTINGS_SCHEMA
from crmrules_fxiaoke.guide import GUIDE, QUESTIONS

if TYPE_CHECKING:
    from crmrules_fxiaoke.client import FxiaokeCrm


def open_fxiaoke(settings: Mapping[str, Any], home: Home) -> FxiaokeCrm:
    """Open the tenant that *settings* name; nothing is called yet. Raises ConnectorError for settings that clash."""
    from crmrules_fxiaoke.client import FxiaokeCrm

    return FxiaokeCrm.open(settings, home)


@hookimpl
def crmrules_connectors() -> Iterator[ConnectorPlugin]:
    """Register the connector ``fxiaoke``."""
    yield ConnectorPlugin(
        name="fxiaoke",
        label="纷享销客 Fxiaoke (ShareCRM)",
        settings_schema=SETTINGS_SCHEMA,
        open=open_fxiaoke,
        default_mapping=DEFAULT_MAPPING,
        guide=GUIDE,
        questions=QUESTIONS,
    )
