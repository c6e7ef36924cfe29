"""A profile, opened: where its state lies, and the connector, ruleset and engine that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmrules.errors import Location, PluginError, Problem, RulesetError
from crmrules.plugins.host import Host, installed

if TYPE_CHECKING:
    import duckdb

    from crmrules.contracts.connector import Connector, ConnectorPlugin
    from crmrules.contracts.engine import EnginePlugin
    from crmrules.language.mapping import Mapping_
    from crmrules.language.profile import Profile
    from crmrules.language.ruleset import Ruleset
    from crmrules.stores.journal import Journal, Place

RENDERER = "jinja"


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A profile and the plugins that serve it. ``state`` holds everything that we keep."""

    profile: Profile
    state: Path
    host: Host = field(default_factory=installed)

    @property
    def snapshot(self) -> Path:
        return self.state / "snapshot.duckdb"

    @property
    def decision(self) -> Path:
        return self.state / "decision.duckdb"

    @property
    def journal(self) -> Place:
        """Where the journal lies; looks a secret up. Raises RulesetError."""
        from crmrules.language.profile import journal_url

        return journal_url(self.profile) or self.state / "journal.sqlite"

    @property
    def plans(self) -> Path:
        return self.state / "plans"

    def elsewhere(self, state: Path) -> Setup:
        """The same profile with its state in another folder, for a rehearsal."""
        return replace(self, state=state, profile=replace(self.profile, journal=None))


def open_profile(path: Path) -> Setup:
    """Load the profile at *path* (a file, or the folder of a ``crmrules.yaml``). Raises RulesetError."""
    from crmrules.app.alerts import hide_addresses
    from crmrules.language.profile import load_profile
    from crmrules.language.secrets import hide_what_is_at_hand

    profile = load_profile(path)
    hide_what_is_at_hand([profile.settings, profile.export, profile.journal, profile.alerts], profile.folder)
    hide_addresses(profile.alerts)
    return Setup(profile=profile, state=profile.state)


@contextmanager
def opened_journal(setup: Setup, *, read_only: bool = False) -> Iterator[Journal]:
    """Open the profile's journal while the block runs. Raises StoreError, and RulesetError (no such secret)."""
    from crmrules.stores.journal import open_journal

    with open_journal(setup.journal, profile=setup.profile.name, read_only=read_only) as journal:
        yield journal


@contextmanager
def alone(setup: Setup, command: str) -> Iterator[None]:
    """Hold the profile's lock while the block runs: on this machine, and everywhere where machines share a journal.

    Raises StoreError ``run-in-progress``, which says who is at work.
    """
    from crmrules.stores.lock import run_lock

    with run_lock(setup.state, command=command, now=now()):
        place = setup.journal
        if not isinstance(place, str):
            yield
            return
        from crmrules.stores.journal import database_lock

        with database_lock(place, setup.profile.name, command=command):
            yield


@contextmanager
def opened(setup: Setup) -> Iterator[Connector]:
    """Open the profile's CRM while the block runs.

    Raises PluginError (no such connector), RulesetError (settings or secrets are wrong) and ConnectorError.
    """
    from crmrules.contracts.connector import Home
    from crmrules.language.profile import resolved_settings
    from crmrules.redaction import hide

    profile = setup.profile
    plugin = setup.host.connector(profile.connector)
    settings = resolved_settings(profile)
    hide([value for key in secret_settings(plugin) if isinstance(value := settings.get(key), str)])
    check_settings(plugin.settings_schema, settings, Location(str(profile.path)))
    connector = plugin.open(settings, Home(folder=profile.folder, state=setup.state))
    try:
        yield connector
    finally:
        connector.close()


@contextmanager
def connected(setup: Setup) -> Iterator[tuple[Connector, Mapping_]]:
    """Open the profile's CRM, with its mapping, while the block runs. Raises what :func:`opened` does, and
    RulesetError where the mapping is wrong."""
    from crmrules.language.mapping import load_mapping

    default = setup.host.connector(setup.profile.connector).default_mapping
    mapping = load_mapping(setup.profile.mapping, default=default)
    with opened(setup) as connector:
        yield connector, mapping


def deciding_ruleset(setup: Setup) -> Ruleset:
    """Load the ruleset that decides for the profile, with the profile's parameters. Raises RulesetError."""
    profile = setup.profile
    if not profile.rulesets:
        where = Location(str(profile.path))
        raise RulesetError(Problem("no-ruleset", "the profile names no ruleset", where, hint="rulesets: [b2b-core]"))
    folder = find_ruleset(
        profile.rulesets[0], (profile.folder, *setup.host.search_folders()), Location(str(profile.path))
    )
    return with_policy(load_rules(folder, setup.host, profile.parameters), profile)


def load_rules(folder: Path, host: Host, parameters: Mapping[str, object] | None = None) -> Ruleset:
    """Load a ruleset's folder; what it extends is looked up beside it and where plugins say."""
    from crmrules.language.loader import load_ruleset

    return load_ruleset(folder, search=(folder.parent, *host.search_folders()), overrides=parameters or {})


def find_ruleset(name: str, folders: tuple[Path, ...], at: Location) -> Path:
    """Return the folder of the ruleset called *name*, or at the path *name*. Raises RulesetError."""
    from crmrules.errors import did_you_mean

    for folder in folders:
        if (folder / name / "ruleset.yaml").is_file():
            return folder / name
    known = sorted({found.parent.name for folder in folders[1:] for found in folder.glob("*/ruleset.yaml")})
    raise RulesetError(
        Problem(
            "unknown-ruleset", f"there is no ruleset {name!r}", at,
            expected=f"a folder with a ruleset.yaml, or one of: {', '.join(known)}", hint=did_you_mean(name, known),
        )
    )  # fmt: skip


def with_policy(ruleset: Ruleset, profile: Profile) -> Ruleset:
    """Return *ruleset* with the profile's write policy: the role bands that may be written."""
    if profile.bands is None or ruleset.roles is None:
        return ruleset
    unknown = sorted(set(profile.bands) - set(ruleset.roles.bands))
    if unknown:
        known = ", ".join(ruleset.roles.bands)
        raise RulesetError(
            Problem("unknown-band", f"there is no band {unknown[0]!r}", Location(str(profile.path)), expected=known)
        )
    return replace(ruleset, roles=replace(ruleset.roles, write_bands=profile.bands))


def chosen_engine(setup: Setup, name: str = "") -> EnginePlugin:
    """Return the engine called *name*, else the profile's; see :func:`usable_engine`."""
    return usable_engine(setup.host, name or setup.profile.engine)


def usable_engine(host: Host, asked: str = "") -> EnginePlugin:
    """Return the engine that was *asked* for, else durable_rules, else plain Python.

    Raises PluginError where an engine that somebody asked for can't run here.
    """
    engine = host.engine(asked or "durable")
    reason = engine.available()
    if not reason:
        return engine
    if asked:
        raise PluginError(
            Problem("engine-unavailable", f"the engine {asked!r} can't run here: {reason}", hint="use --engine python")
        )
    return host.engine("python")


@contextmanager
def decision(setup: Setup) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the decision read-only, with the snapshot attached, while the block runs.

    Raises StoreError where nothing was pulled or decided yet, or a file can't be opened.
    """
    import duckdb

    from crmrules.errors import StoreError
    from crmrules.stores.snapshot import attach

    if not setup.decision.exists():
        raise StoreError(
            Problem(
                "no-decision", "nothing was decided yet", Location(str(setup.decision)), hint="run `crmrules decide`"
            )
        )
    try:
        con = duckdb.connect(str(setup.decision), read_only=True)
    except duckdb.Error as error:
        said = str(error).splitlines()[0]
        raise StoreError(
            Problem("decision-unreadable", said, Location(str(setup.decision)), hint="run `crmrules decide` again")
        ) from error
    try:
        attach(con, setup.snapshot)
        yield con
    finally:
        con.close()


def secret_settings(plugin: ConnectorPlugin) -> set[str]:
    """Return the names of the settings that hold a secret, also where a profile says it in clear."""
    properties = plugin.settings_schema.get("properties", {})
    return {question.setting for question in plugin.questions if question.secret} | {
        key for key, schema in properties.items() if schema.get("writeOnly")
    }


def check_settings(schema: Mapping[str, Any], settings: Mapping[str, Any], at: Location) -> None:
    """Check a plugin's settings against its schema; raises RulesetError without showing a value.

    A value may be a secret, so messages name its place and what the schema asks for, nothing else.
    """
    from jsonschema import Draft202012Validator

    problems = []
    for error in Draft202012Validator(dict(schema)).iter_errors(dict(settings)):
        place = ".".join(map(str, ("settings", *error.absolute_path)))
        names_only = error.validator in ("required", "additionalProperties")
        message = error.message if names_only else f"must meet {error.validator}: {error.validator_value}"
        problems.append(Problem("bad-settings", f"{place}: {message}", at))
    if problems:
        raise RulesetError(problems)


def now() -> datetime:
    """Return the time for locks and journals; no decision reads it."""
    return datetime.now(UTC)
