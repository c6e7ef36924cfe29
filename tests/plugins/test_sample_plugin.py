"""A stranger's plugin can do what ours do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pyarrow as pa
import pytest

from crmrules.contracts.connector import Connector, Home, NativeWrite, ReadRequest
from crmrules.contracts.renderer import Vocabulary
from crmrules.inference.semi_naive import compile_program
from crmrules.model.changes import Result
from crmrules.model.program import Atom, InferenceRule, Program, Property, Var
from crmrules.plugins.host import GROUP, Host, load

ALLOWED = {"crmrules.hookspecs", "crmrules.contracts", "crmrules.model", "crmrules.errors", "crmrules.http"}


@pytest.fixture
def host(sample_site: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.syspath_prepend(sample_site)
    points = [point for found in distributions(path=[str(sample_site)]) for point in found.entry_points]
    return load([point for point in points if point.group == GROUP])


def test_it_is_found_by_its_entry_point_and_offers_one_of_everything(host: Host) -> None:
    assert host.problems == ()
    assert host.connectors[0].origin.distribution == "crmrules-sample-plugin 0.1.0"
    assert [offer.name for offer in (*host.connectors, *host.engines, *host.exporters, *host.renderers)] == [
        "memory", "naive", "text", "dollar",
    ]  # fmt: skip
    assert (host.search_folders()[0] / "sample-pack" / "ruleset.yaml").is_file()


def test_it_imports_only_what_a_guest_may() -> None:
    source = Path(__file__).parent / "crmrules_sample_plugin" / "src"
    for file in source.rglob("*.py"):
        for module in re.findall(r"^\s*(?:from|import) (crmrules[\w.]*)", file.read_text(), re.MULTILINE):
            assert module.startswith("crmrules_sample") or any(module.startswith(name) for name in ALLOWED), file


def test_its_crm_is_read_and_written(host: Host, tmp_path: Path) -> None:
    records = {"people": [{"id": "1", "name": "李", "tier": None}, {"id": "2", "name": "王", "tier": "low"}]}
    crm = host.connector("memory").open({"records": records}, Home(folder=tmp_path, state=tmp_path))
    assert isinstance(crm, Connector)
    (page,) = crm.read(ReadRequest(object="people", fields=("id", "name"), key=("id",)))
    assert page.rows.to_pylist() == [{"id": "1", "name": "李"}, {"id": "2", "name": "王"}]

    def write(id: str, expected: str | None) -> NativeWrite:
        return NativeWrite(
            object="people", record_id={"id": id}, kind="field", name="tier", value="high", expected=expected
        )

    receipts = crm.write([write("1", None), write("2", None)])
    assert [receipt.result for receipt in receipts] == [Result.written, Result.stale]
    assert crm.current([write("1", None), write("2", None)]) == ["high", "low"]


def test_its_engine_agrees_with_ours_on_a_chain(host: Host) -> None:
    x, y, z = Var("x"), Var("y"), Var("z")
    program = Program(
        facts={
            "reports": (Property(name="a", kind="integer"), Property(name="b", kind="integer")),
            "above": (Property(name="a", kind="integer"), Property(name="b", kind="integer")),
        },
        rules=(
            InferenceRule(
                id="direct", all_=(Atom(fact="reports", bind={"a": x, "b": y}),), none=(), then="above",
                values={"a": y, "b": x},
            ),
            InferenceRule(
                id="chain", none=(), then="above", values={"a": z, "b": x},
                all_=(Atom(fact="above", bind={"a": y, "b": x}), Atom(fact="reports", bind={"a": y, "b": z})),
            ),
        ),
        strata=(("direct", "chain"),),
    )  # fmt: skip
    facts = [(7, [("reports", {"a": n, "b": n + 1}) for n in range(4)])]
    theirs = [
        (account, {str(d.fact) for d in made}) for account, made in host.engine("naive").compile(program).run(facts)
    ]
    ours = [(account, {str(d.fact) for d in made}) for account, made in compile_program(program).run(facts)]
    assert theirs == ours
    assert len(theirs[0][1]) == 10  # every pair of the five


def test_its_exporter_and_renderer_work(host: Host, tmp_path: Path) -> None:
    batch = pa.RecordBatch.from_pylist([{"id": "1", "tier": "high"}])
    (place,) = host.exporter("text").export({"account": iter([batch])}, "out.txt", {}, tmp_path)
    assert Path(place).read_text() == "account: {'id': '1', 'tier': 'high'}\n"
    template = host.renderer("dollar").compile("Call $name", Vocabulary())
    assert template({"name": "$evil"}) == "Call $evil"
    with pytest.raises(ValueError, match="lone"):
        host.renderer("dollar").compile("$ 5", Vocabulary())


def test_the_command_line_lists_it_beside_ours(sample_site: Path) -> None:
    path = f"import sys; sys.path.insert(0, {str(sample_site)!r}); from crmrules.cli.main import run; run()"
    listed = subprocess.run(
        [sys.executable, "-c", path, "plugins", "--format", "json"], capture_output=True, text=True, check=True
    )
    offers = json.loads(listed.stdout)["offers"]
    assert {offer["kind"] for offer in offers if offer["plugin"] == "sample"} == {
        "connector", "engine", "exporter", "renderer", "ruleset",
    }  # fmt: skip
