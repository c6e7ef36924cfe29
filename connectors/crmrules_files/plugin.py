"""The hooks of the files connector; everything else is imported when it is opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from crmrules.contracts.connector import ConnectorPlugin, Home
from crmrules.hookspecs import hookimpl
from crmrules_files.config import DEFAULT_MAPPING, GUIDE, QUESTIONS, SETTINGS_SCHEMA

if TYPE_CHECKING:
    from crmrules_files.client import FilesCrm


def open_files(settings: Mapping[str, Any], home: Home) -> FilesCrm:
    """Open the CRM that *settings* name. Raises DataError where it is none."""
    from crmrules_files.client import FilesCrm

    return FilesCrm.open(settings, home.folder)


@hookimpl
def crmrules_connectors() -> Iterator[ConnectorPlugin]:
    """Register the connector ``files``."""
    yield ConnectorPlugin(
        name="files",
        label="CSV, JSON Lines or XLSX files",
        settings_schema=SETTINGS_SCHEMA,
        open=open_files,
        default_mapping=DEFAULT_MAPPING,
        guide=GUIDE,
        questions=QUESTIONS,
    )
