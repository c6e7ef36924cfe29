"""The plugin host: one door for all, and a broken guest does not stop the house."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

from crmrules.errors import PluginError
from crmrules.plugins.host import GROUP, Host, installed, load

GOOD = """
from crmrules.contracts.engine import EnginePlugin
from crmrules.hookspecs import hookimpl

@hookimpl
def crmrules_engines():
    yield EnginePlugin(name={name!r}, compile=print, available=lambda: "")
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Write a plugin's module and return its entry point."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(module: str, source: str) -> EntryPoint:
        (tmp_path / f"{module}.py").write_text(source)
        return EntryPoint(name=module.rpartition("_")[2], value=module, group=GROUP)

    yield make
    for name in [name for name in sys.modules if name.startswith("guest_")]:
        del sys.modules[name]


def test_what_we_ship_comes_in_by_the_entry_points() -> None:
    host = installed()
    assert {offer.name for offer in host.engines} >= {"durable", "python"}
    assert {offer.name for offer in host.exporters} >= {"csv", "jsonl", "parquet", "webhook"}
    assert host.renderer("jinja").name == "jinja"
    assert any((folder / "b2b-core").is_dir() for folder in host.search_folders())
    assert {offer.origin.distribution.split()[0] for offer in host.engines} == {"crmrules"}


def test_without_entry_points_there_is_nothing_not_even_ours() -> None:
    empty = load([])
    assert empty == Host(connectors=(), engines=(), exporters=(), renderers=(), ruleset_folders=())


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("import nowhere_to_be_found", "ModuleNotFoundError"),
        ("def f(:", "SyntaxError"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("x = 1", "implements no hook"),
        (GOOD.format(name="x").replace("crmrules_engines", "crmrules_engine"), "did you mean 'crmrules_engines'"),
        (GOOD.format(name="x").replace("crmrules_engines()", "crmrules_engines(wrong)"), "wrong"),
        (GOOD.format(name="x").replace("yield", "yield 1 #"), "gave 1, not a EnginePlugin"),
        (GOOD.format(name="x") + "    raise OSError('late')", "OSError: late"),
    ],
)
def test_a_broken_plugin_is_left_out_with_all_it_offered_and_the_others_work(
    plugin: object, source: str, complaint: str
) -> None:
    points = [plugin("guest_bad", source), plugin("guest_good", GOOD.format(name="good"))]  # type: ignore[operator]
    host = load(points)
    assert [offer.name for offer in host.engines] == ["good"]
    assert [problem.code for problem in host.problems] == ["broken-plugin"]
    assert complaint in host.problems[0].message
    assert "guest_bad" in host.problems[0].message


def test_two_plugins_with_one_name_are_an_error_that_names_both_when_the_name_is_used(plugin: object) -> None:
    points = [plugin(f"guest_{n}", GOOD.format(name="same")) for n in "ab"]  # type: ignore[operator]
    points.append(plugin("guest_c", GOOD.format(name="other")))  # type: ignore[operator]
    host = load(points)
    assert host.engine("other").name == "other"
    with pytest.raises(PluginError, match=r"guest_a.*guest_b"):
        host.engine("same")
    assert [problem.code for problem in host.problems] == ["shared-name"]


def test_a_name_that_nobody_offers_suggests_the_nearest_and_tells_of_broken_plugins(plugin: object) -> None:
    points = [plugin("guest_bad", "raise RuntimeError('boom')"), plugin("guest_good", GOOD.format(name="durable"))]  # type: ignore[operator]
    with pytest.raises(PluginError) as caught:
        load(points).engine("durabel")
    assert {problem.code for problem in caught.value.problems} == {"unknown-plugin", "broken-plugin"}
    assert "did you mean 'durable'" in str(caught.value)


def test_an_entry_point_that_is_listed_twice_is_one_plugin(plugin: object) -> None:
    point = plugin("guest_good", GOOD.format(name="good"))  # type: ignore[operator]
    assert load([point, point]).engine("good").name == "good"


def test_the_order_of_entry_points_does_not_matter(plugin: object) -> None:
    points = [plugin(f"guest_{n}", GOOD.format(name=n)) for n in "abc"]  # type: ignore[operator]
    assert [o.name for o in load(points).engines] == [o.name for o in load(points[::-1]).engines]


def test_asking_what_there_is_imports_none_of_the_heavy_libraries() -> None:
    heavy = ["duckdb", "pyarrow", "jinja2", "rich", "openpyxl", "requests", "ruamel", "jsonschema", "durable", "re2"]
    code = (
        "import sys; from crmrules.plugins.host import installed; installed(); "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


def test_every_entry_point_of_ours_loads() -> None:
    ours = [point for point in entry_points(group=GROUP) if point.dist and point.dist.name == "crmrules"]
    assert load(ours).problems == ()
