"""The house: floors, entry points, schemas, packaging, documents, and a quick start."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HEAVY = (
    "duckdb",
    "pyarrow",
    "jinja2",
    "rich",
    "openpyxl",
    "requests",
    "ruamel",
    "jsonschema",
    "re2",
    "durable",
    "sqlalchemy",
)
SOURCES = sorted(file for folder in ("src", "connectors") for file in (ROOT / folder).rglob("*.py"))


def connectors() -> list[str]:
    return sorted(folder.name for folder in (ROOT / "connectors").iterdir() if (folder / "__init__.py").is_file())


def test_the_floors_hold() -> None:
    pytest.importorskip("importlinter", reason="import-linter is not installed (make lint has it)")
    code = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_connector_has_its_entry_point_and_every_connector_package_is_linted() -> None:
    points = PROJECT["project"]["entry-points"]["crmrules"]
    assert {value.partition(".")[0] for value in points.values()} - {"crmrules"} == set(connectors())
    assert set(PROJECT["tool"]["importlinter"]["root_packages"]) == {"crmrules", *connectors()}
    assert set(PROJECT["tool"]["mypy"]["packages"]) == {"crmrules", *connectors()}


def test_the_core_never_names_a_connector() -> None:
    named = re.compile(r"\b(?:import|from)\s+(" + "|".join(connectors()) + r")\b")
    guilty = [file for file in SOURCES if file.is_relative_to(ROOT / "src") and named.search(file.read_text("utf-8"))]
    assert guilty == []


@pytest.mark.parametrize("file", sorted((ROOT / "schemas").glob("*.json")), ids=lambda file: file.name)
def test_schemas_are_valid_and_say_which_they_are(file: Path) -> None:
    schema = json.loads(file.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == file.name
    assert re.fullmatch(r"[a-z]+-v\d+\.schema\.json", file.name)
    assert schema["title"]


def test_all_promised_schemas_exist() -> None:
    names = {file.name.removesuffix(".schema.json") for file in (ROOT / "schemas").glob("*.json")}
    assert names >= {"ruleset-v1", "profile-v1", "mapping-v1", "case-v1", "plan-v1", "outcome-v1"}


def test_help_is_quick_because_it_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from crmrules.cli.main import exit_code\n"
        "assert exit_code(['--help']) == 0\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_the_wheel_holds_every_module_schema_and_ruleset(tmp_path: Path) -> None:
    code = f"from hatchling.build import build_wheel; print(build_wheel({str(tmp_path)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "src", "connectors", "schemas", "rulesets"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if tracked.returncode:
        pytest.skip("this is not a git checkout")
    wanted = {
        re.sub(r"^(?:src|connectors)/", "", re.sub(r"^(schemas|rulesets)/", r"crmrules/\1/", name))
        for name in tracked.stdout.splitlines()
        if (ROOT / name).is_file()
    }
    assert wanted - inside == set()
    assert not [name for name in inside if "__pycache__" in name or name.startswith("tests/")]


def _generator(name: str) -> ModuleType:
    spec = spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_command_line_page_is_fresh() -> None:
    generator = _generator("generate_cli")
    assert generator.PAGE.read_text(encoding="utf-8") == generator.page(), "stale: run `make docs`"


def test_the_architecture_page_names_every_floor_and_only_files_that_exist() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    layers = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    for name in {part.strip().rpartition(".")[2] for layer in layers for part in re.split(r"[|:]", layer)}:
        assert f"`{name}`" in page, f"docs/architecture.md does not tell of {name}"
    for named in re.findall(r"`((?:cli|app|playbook|plugins|evaluation|language|model|schemas|tests)/[\w/.-]*)`", page):
        assert any((ROOT / base / named).exists() for base in ("", "src/crmrules")), named


def test_every_hook_is_in_the_specification_with_an_example() -> None:
    from crmrules import hookspecs

    for name in (name for name in vars(hookspecs) if name.startswith("crmrules_")):
        said = getattr(hookspecs, name).__doc__
        assert "@hookimpl" in said
        assert f"def {name}" in said


def test_every_module_says_what_it_is_for() -> None:
    sources = {file: file.read_text(encoding="utf-8") for file in SOURCES}
    assert [
        file for file, source in sources.items() if source.strip() and not ast.get_docstring(ast.parse(source))
    ] == []
