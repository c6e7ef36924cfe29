"""The hooks; everything else is imported when it is called."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from crmrules.contracts.connector import ConnectorPlugin
from crmrules.contracts.engine import EnginePlugin
from crmrules.contracts.exporter import ExporterPlugin
from crmrules.contracts.renderer import RendererPlugin
from crmrules.hookspecs import hookimpl


@hookimpl
def crmrules_connectors() -> Iterable[ConnectorPlugin]:
    from crmrules_sample.memory import SETTINGS, open_memory

    yield ConnectorPlugin(name="memory", label="In memory", settings_schema=SETTINGS, open=open_memory)


@hookimpl
def crmrules_engines() -> Iterable[EnginePlugin]:
    from crmrules_sample.naive import NaiveSession

    yield EnginePlugin(name="naive", compile=NaiveSession, available=lambda: "")


@hookimpl
def crmrules_exporters() -> Iterable[ExporterPlugin]:
    from crmrules_sample.text import export

    yield ExporterPlugin(name="text", label="Text lines", settings_schema={"type": "object"}, export=export)


@hookimpl
def crmrules_renderers() -> Iterable[RendererPlugin]:
    from crmrules_sample.dollar import DollarTemplate

    yield RendererPlugin(name="dollar", compile=DollarTemplate)


@hookimpl
def crmrules_rulesets() -> Iterable[str]:
    yield str(Path(__file__).parent / "rulesets")
