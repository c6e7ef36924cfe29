"""The plugin host: finds plugins, asks each once what it offers, and keeps the broken ones apart.

Everything comes in by one door, the entry-point group ``crmrules``; what we ship is registered by
:mod:`crmrules.plugins.builtin` exactly as a guest's would be. One broken plugin must not stop the
house: it is reported by ``crmrules plugins`` and whenever something that it may have offered is
asked for. Two plugins that offer one name are an error that names both, raised when that name is
asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

import pluggy

from crmrules import hookspecs
from crmrules.contracts.connector import ConnectorPlugin
from crmrules.contracts.engine import EnginePlugin
from crmrules.contracts.exporter import ExporterPlugin
from crmrules.contracts.renderer import RendererPlugin
from crmrules.errors import Location, PluginError, Problem, did_you_mean

GROUP = "crmrules"
T = TypeVar("T")


@dataclass(frozen=True, order=True, kw_only=True)
class Origin:
    """Where something came from: an entry point of an installed distribution."""

    entry_point: str
    module: str
    distribution: str  # "name version"; '' for an entry point without one

    def __str__(self) -> str:
        return f"{self.entry_point} ({self.module}{', ' + self.distribution if self.distribution else ''})"


@dataclass(frozen=True, kw_only=True)
class Offer(Generic[T]):
    """One thing that a plugin registered."""

    name: str
    item: T
    origin: Origin


@dataclass(frozen=True, kw_only=True)
class Host:
    """Everything that all plugins registered, by kind, and what went wrong on the way."""

    connectors: tuple[Offer[ConnectorPlugin], ...]
    engines: tuple[Offer[EnginePlugin], ...]
    exporters: tuple[Offer[ExporterPlugin], ...]
    renderers: tuple[Offer[RendererPlugin], ...]
    ruleset_folders: tuple[Offer[Path], ...]
    problems: tuple[Problem, ...] = field(default=())  # broken plugins, and names that several offer

    def connector(self, name: str) -> ConnectorPlugin:
        """Return the connector called *name*; raises PluginError."""
        return self._one("connector", self.connectors, name)

    def engine(self, name: str) -> EnginePlugin:
        """Return the inference engine called *name*; raises PluginError."""
        return self._one("engine", self.engines, name)

    def exporter(self, name: str) -> ExporterPlugin:
        """Return the exporter called *name*; raises PluginError."""
        return self._one("exporter", self.exporters, name)

    def renderer(self, name: str) -> RendererPlugin:
        """Return the note renderer called *name*; raises PluginError."""
        return self._one("renderer", self.renderers, name)

    def search_folders(self) -> tuple[Path, ...]:
        """Return the folders in which rulesets are looked up by name."""
        return tuple(offer.item for offer in self.ruleset_folders)

    def _one(self, kind: str, offers: Sequence[Offer[T]], name: str) -> T:
        found = [offer for offer in offers if offer.name == name]
        if len(found) == 1:
            return found[0].item
        if found:
            raise PluginError(_shared_name(kind, found))
        known = sorted({offer.name for offer in offers})
        unknown = Problem(
            "unknown-plugin", f"there is no {kind} called {name!r}",
            expected=", ".join(known), hint=did_you_mean(name, known),
        )  # fmt: skip
        raise PluginError([unknown, *(p for p in self.problems if p.code != "shared-name")])


@lru_cache(maxsize=1)
def installed() -> Host:
    """Return the host of every plugin installed in this Python; plugins are asked once."""
    return load(entry_points(group=GROUP))


def load(points: Iterable[EntryPoint]) -> Host:
    """Import the modules of *points* and ask each for what it offers; never raises for one of them."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    problems: list[Problem] = []
    offers: dict[str, list[Offer[Any]]] = {hook: [] for hook in _KINDS}
    # an editable installation can list the same entry point twice: the set makes it one
    for origin, point in sorted({_origin(point): point for point in points}.items()):
        try:
            module = point.load()
            _register(manager, module, origin)
            mine = [offer for hook in _KINDS for offer in _ask(manager, hook, module, origin)]
        except (Exception, SystemExit) as error:  # whatever a guest does, the house stands
            problems.append(_broken(origin, error))
            continue
        for hook, offer in mine:
            offers[hook].append(offer)
    for hook, (kind, _, _) in _KINDS.items():
        offers[hook].sort(key=lambda offer: (offer.name, offer.origin))
        for name in sorted({offer.name for offer in offers[hook]}):
            same = [offer for offer in offers[hook] if offer.name == name]
            if len(same) > 1:
                problems.append(_shared_name(kind, same))
    return Host(
        connectors=tuple(offers["crmrules_connectors"]),
        engines=tuple(offers["crmrules_engines"]),
        exporters=tuple(offers["crmrules_exporters"]),
        renderers=tuple(offers["crmrules_renderers"]),
        ruleset_folders=tuple(offers["crmrules_rulesets"]),
        problems=tuple(problems),
    )


def _folder_name(folder: Path) -> str:
    return str(folder)


def _record_name(record: Any) -> str:
    return str(record.name)


# hook -> (what it offers, how an item is checked, how it is named)
_KINDS: Mapping[str, tuple[str, type, Callable[[Any], str]]] = {
    "crmrules_connectors": ("connector", ConnectorPlugin, _record_name),
    "crmrules_engines": ("engine", EnginePlugin, _record_name),
    "crmrules_exporters": ("exporter", ExporterPlugin, _record_name),
    "crmrules_renderers": ("renderer", RendererPlugin, _record_name),
    "crmrules_rulesets": ("ruleset folder", str, _folder_name),
}


def _origin(point: EntryPoint) -> Origin:
    distribution = f"{point.dist.name} {point.dist.version}" if point.dist else ""
    return Origin(entry_point=point.name, module=point.value, distribution=distribution)


def _register(manager: pluggy.PluginManager, module: Any, origin: Origin) -> None:
    manager.register(module, name=str(origin))
    callers = manager.get_hookcallers(module) or []
    for caller in callers:
        if not caller.has_spec():
            raise ValueError(f"there is no hook {caller.name!r}; {did_you_mean(caller.name, _KINDS)}".rstrip("; "))
    if not callers:
        raise ValueError("it implements no hook; mark its functions with crmrules.hookspecs.hookimpl")


def _ask(manager: pluggy.PluginManager, hook: str, module: Any, origin: Origin) -> list[tuple[str, Offer[Any]]]:
    _, wanted, name_of = _KINDS[hook]
    others = [plugin for plugin in manager.get_plugins() if plugin is not module]
    found: list[tuple[str, Offer[Any]]] = []
    for answer in manager.subset_hook_caller(hook, others)():
        for item in answer:
            if not isinstance(item, wanted):
                raise TypeError(f"{hook} gave {item!r}, not a {wanted.__name__}")
            thing = Path(item) if isinstance(item, str) else item
            found.append((hook, Offer(name=name_of(thing), item=thing, origin=origin)))
    return found


def _broken(origin: Origin, error: BaseException) -> Problem:
    return Problem(
        "broken-plugin",
        f"plugin {origin} is left out: {type(error).__name__}: {error}",
        Location(origin.module),
        hint=f"update or uninstall {origin.distribution or 'it'}",
    )


def _shared_name(kind: str, offers: Sequence[Offer[Any]]) -> Problem:
    return Problem(
        "shared-name",
        f"the {kind} name {offers[0].name!r} is offered by " + " and by ".join(str(o.origin) for o in offers),
        hint="uninstall all but one",
    )
