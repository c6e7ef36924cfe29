"""What a consultant waits for: `ruleset diff` and `ruleset lint` of b2b-core on the records of 100,000 customers.

``python -m benchmarks.authoring`` prints its part of the table. Each line is one run of the command as a user runs
it, from start to exit, in a process of its own; the snapshot was pulled before.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import duckdb
import yaml

from benchmarks.child import BenchmarkFailed
from benchmarks.company import AS_OF, make_snapshot
from benchmarks.table import Line, draw
from crmrules.model.objects import OBJECTS

CUSTOMERS, LIMIT = 100_000, 10.0  # limit in seconds
DATA = Path(__file__).parent / "data" / "authoring"
TALK = (
    "asked about price and payment terms", "I will take this to the board for approval", "this is not my area", "我负责审批",
    "我们院长说了算", "discussed the roadmap",
)  # fmt: skip
_HEAD = "schema: ruleset-v1\nname: {name}\nversion: 1.0.0\nlabel: {{zh: 改动, en: Changed}}\nlanguages: [zh, en]\nextends: [b2b-core]\n"
# pack -> section -> what it changes
CHANGES = {
    "threshold": {"ruleset": "parameters: {value_high_min: 2000, value_medium_min: 500}\n"},
    "weight": {"roles": "evidence: {title.top_general: {gives: {decision_maker: 0.45, approver: 0.4}}}\n"},
}


def run(customers: int = CUSTOMERS, repeats: int = 3) -> list[Line]:
    """Measure each command *repeats* times, in turns; the median counts."""
    folder = make_world(customers)
    commands = {
        "diff, another threshold": ("diff", "b2b-core", str(folder / "threshold")),
        "diff, another weight of a role": ("diff", "b2b-core", str(folder / "weight")),
        "lint with records": ("lint", "b2b-core"),
    }
    taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            taken[name].append(_timed(["ruleset", *command, "--profile", str(folder), "--as-of", AS_OF.isoformat()]))
    lines = []
    for name, runs in taken.items():
        wall, cpu, peak = (median(run[place] for run in runs) for place in range(3))
        figure = f"{wall:.1f} s ({cpu:.1f} cpu-s), {peak:,.0f} MB"
        lines.append(
            Line(
                benchmark=f"b2b-core on {customers:,} customers", what=name, figure=figure, target=f"< {LIMIT:.0f} s",
                met=wall < LIMIT,
            )
        )  # fmt: skip
    return lines


def make_world(customers: int) -> Path:
    """Write (once) a profile with a pulled snapshot of *customers*, and the packs that change b2b-core."""
    folder = DATA / str(customers)
    snapshot = folder / "state" / "snapshot.duckdb"
    if not snapshot.exists():
        snapshot.parent.mkdir(parents=True, exist_ok=True)
        unfinished = snapshot.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        make_snapshot(unfinished, customers)
        _talk(unfinished, customers)
        unfinished.rename(snapshot)
    objects = {
        name: {"from": name, "fields": {field.name: field.name for field in object.fields}}
        for name, object in OBJECTS.items()
    }
    profile = {
        "schema": "profile-v1", "name": "company", "connector": "files", "settings": {"path": "crm"}, "rulesets": ["b2b-core"],
        "language": "en", "state": "state", "mapping": {"schema": "mapping-v1", "objects": objects},
    }  # fmt: skip
    (folder / "crmrules.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    for name, sections in CHANGES.items():
        pack = folder / name
        pack.mkdir(exist_ok=True)
        head = _HEAD.format(name=name) + sections.get("ruleset", "")
        for section, text in {**sections, "ruleset": head}.items():
            (pack / f"{section}.yaml").write_text(text, encoding="utf-8")
    return folder


def _talk(path: Path, customers: int) -> None:
    """Add what roles are made of: deals, conversations and who took part, one conversation for each contact."""
    con = duckdb.connect()
    con.execute(f"ATTACH '{path}' AS snapshot")
    texts = "[" + ", ".join(f"'{text}'" for text in TALK) + "]"
    con.execute(
        f"""INSERT INTO snapshot.deal BY NAME SELECT printf('D%06d', i) AS id,
        printf('A%07d', (hash(i, 'd') % {customers})::BIGINT) AS account_id, 'Deal ' || i AS name,
        1000 * (hash(i, 'a') % 900)::BIGINT AS amount, (['open', 'open', 'won', 'lost'])[1 + (hash(i, 's') % 4)::BIGINT] AS status,
        (['evaluation', 'negotiation'])[1 + (hash(i, 'g') % 2)::BIGINT] AS stage,
        DATE '{AS_OF}' - (hash(i, 'c') % 400)::INTEGER AS created_at FROM range({customers * 3 // 10}) r(i)"""
    )
    con.execute(
        f"""INSERT INTO snapshot.activity BY NAME SELECT printf('T%07d', i) AS id, c.account_id,
        DATE '{AS_OF}' - (hash(i, 't') % 300)::INTEGER AS date, (['meeting', 'call', 'email'])[1 + (hash(i, 'y') % 3)::BIGINT] AS type,
        (['in', 'out', 'both'])[1 + (hash(i, 'z') % 3)::BIGINT] AS direction,
        ({texts})[1 + (hash(i, 'x') % {len(TALK)})::BIGINT] || ' ' || (i % 5000) AS text
        FROM range({customers}) r(i) JOIN snapshot.contact c ON c.id = printf('C%07d', i)"""
    )
    con.execute(
        f"""INSERT INTO snapshot.activity_contact BY NAME SELECT printf('T%07d', i) AS activity_id,
        printf('C%07d', i) AS contact_id, 'participant' AS part FROM range({customers}) r(i)"""
    )
    con.execute("INSERT INTO snapshot.meta VALUES ('content', 'made')")
    con.close()


def _timed(arguments: list[str]) -> tuple[float, float, float]:
    """Return wall seconds, processor seconds and peak memory in MB of one run."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    program = "import sys; from crmrules.cli.main import run; sys.argv[0] = 'crmrules'; run()"
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        raise BenchmarkFailed(f"{' '.join(arguments)}: {done.stderr.strip()[-4000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, after.ru_maxrss / 1024


if __name__ == "__main__":
    print(draw(run(int(sys.argv[1]) if len(sys.argv) > 1 else CUSTOMERS, repeats=int((sys.argv[2:] or ["3"])[0]))))
