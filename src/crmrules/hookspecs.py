"""The hooks that a plugin may implement.

A plugin is a module with functions of these names, marked with ``hookimpl`` and named in the
entry-point group ``crmrules``. Hooks are called once, at start-up, and return frozen records;
nothing is ever called per customer. Keep a plugin module light: import the rest when called.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from crmrules.contracts.connector import ConnectorPlugin
    from crmrules.contracts.engine import EnginePlugin
    from crmrules.contracts.exporter import ExporterPlugin
    from crmrules.contracts.renderer import RendererPlugin

PROJECT = "crmrules"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def crmrules_connectors() -> Iterable[ConnectorPlugin]:  # type: ignore[empty-body]
    """Register connections to CRMs.

    ::

        @hookimpl
        def crmrules_connectors():
            from mycrm.client import open_mycrm
            yield ConnectorPlugin(name="mycrm", label="MyCRM", settings_schema={...}, open=open_mycrm)
    """


@hookspec
def crmrules_engines() -> Iterable[EnginePlugin]:  # type: ignore[empty-body]
    """Register inference engines; all engines must give the same answers.

    ::

        @hookimpl
        def crmrules_engines():
            yield EnginePlugin(name="mine", compile=compile_program, available=lambda: "")
    """


@hookspec
def crmrules_exporters() -> Iterable[ExporterPlugin]:  # type: ignore[empty-body]
    """Register places where outcomes can be exported to.

    ::

        @hookimpl
        def crmrules_exporters():
            yield ExporterPlugin(name="csv", label="CSV files", settings_schema={}, export=write_csv)
    """


@hookspec
def crmrules_renderers() -> Iterable[RendererPlugin]:  # type: ignore[empty-body]
    """Register renderers of note templates.

    ::

        @hookimpl
        def crmrules_renderers():
            yield RendererPlugin(name="jinja", compile=compile_template)
    """


@hookspec
def crmrules_rulesets() -> Iterable[str]:  # type: ignore[empty-body]
    """Register folders in which rulesets are looked up by name.

    ::

        @hookimpl
        def crmrules_rulesets():
            yield str(importlib.resources.files("mypack") / "rulesets")
    """
