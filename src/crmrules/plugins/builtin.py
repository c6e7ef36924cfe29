"""What crmrules brings itself, registered by the door that every guest uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmrules.contracts.engine import EnginePlugin
from crmrules.contracts.exporter import ExporterPlugin
from crmrules.contracts.renderer import RendererPlugin, Template, Vocabulary
from crmrules.hookspecs import hookimpl
from crmrules.resources import packaged

if TYPE_CHECKING:
    import pyarrow as pa

    from crmrules.contracts.engine import Session
    from crmrules.model.program import Program

    Tables = Mapping[str, Iterator[pa.RecordBatch]]


@hookimpl
def crmrules_engines() -> Iterable[EnginePlugin]:
    yield EnginePlugin(name="durable", compile=_compile_durable, available=_durable_available)
    yield EnginePlugin(name="python", compile=_compile_python, available=lambda: "")


@hookimpl
def crmrules_exporters() -> Iterable[ExporterPlugin]:
    yield ExporterPlugin(name="csv", label="CSV files", settings_schema=_CSV, export=_export_csv)
    yield ExporterPlugin(name="jsonl", label="JSON Lines files", settings_schema=_closed(), export=_export_jsonl)
    yield ExporterPlugin(name="parquet", label="Parquet files", settings_schema=_PARQUET, export=_export_parquet)
    yield ExporterPlugin(name="webhook", label="Web endpoint", settings_schema=_WEBHOOK, export=_export_webhook)


@hookimpl
def crmrules_renderers() -> Iterable[RendererPlugin]:
    yield RendererPlugin(name="jinja", compile=_compile_jinja)


@hookimpl
def crmrules_rulesets() -> Iterable[str]:
    yield str(packaged("rulesets"))


# NOTE: each of these imports when it is called: asking what there is must cost nothing.


def _compile_durable(program: Program) -> Session:
    from crmrules.inference import durable_driver

    return durable_driver.compile_program(program)


def _durable_available() -> str:
    from crmrules.inference import durable_driver

    return durable_driver.available()


def _compile_python(program: Program) -> Session:
    from crmrules.inference.semi_naive import compile_program

    return compile_program(program)


def _compile_jinja(template: str, vocabulary: Vocabulary) -> Template:
    from crmrules.playbook.render import compile_template

    return compile_template(template, vocabulary)


def _export_csv(tables: Tables, destination: str, settings: Mapping[str, Any], base: Path) -> list[str]:
    from crmrules.plugins.exporters.csv_files import export

    return export(tables, destination, settings, base)


def _export_jsonl(tables: Tables, destination: str, settings: Mapping[str, Any], base: Path) -> list[str]:
    from crmrules.plugins.exporters.jsonl_files import export

    return export(tables, destination, settings, base)


def _export_parquet(tables: Tables, destination: str, settings: Mapping[str, Any], base: Path) -> list[str]:
    from crmrules.plugins.exporters.parquet_files import export

    return export(tables, destination, settings, base)


def _export_webhook(tables: Tables, destination: str, settings: Mapping[str, Any], base: Path) -> list[str]:
    from crmrules.plugins.exporters.webhook import export

    return export(tables, destination, settings, base)


def _closed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


_CSV = _closed(
    encoding={"enum": ["utf-8-sig", "utf-8", "gb18030"], "title": "Encoding"},
    delimiter={"enum": [",", ";", "\t"], "title": "Delimiter"},
)
_PARQUET = _closed(compression={"enum": ["zstd", "snappy", "gzip", "none"], "title": "Compression"})
_WEBHOOK = _closed(
    headers={"type": "object", "additionalProperties": {"type": "string"}, "title": "Headers of every call"},
    batch={"type": "integer", "minimum": 1, "maximum": 10000, "title": "Rows per call"},
    timeout={"type": "number", "exclusiveMinimum": 0, "title": "Seconds to wait for an answer"},
    ca_bundle={"type": "string", "title": "File of a private certificate authority"},
    proxy={"type": "string", "title": "Proxy's address"},
)
