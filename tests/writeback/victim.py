"""The process that a campaign kills: it forks a child for each job that it reads, and says how the child ended.

Forking from a warm process makes a kill cost milliseconds; the child shares nothing with the CRM,
which lives in the campaign's own process and is spoken to over HTTP only.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from crmrules.contracts.connector import Home
from crmrules.errors import ConnectorError, PlanError
from crmrules.language.mapping import FieldMap, Mapping_, ObjectMap
from crmrules.model.objects import Field
from crmrules.pipeline.apply import apply_plan
from crmrules.pipeline.brakes import Brakes
from crmrules.pipeline.execute import Surroundings
from crmrules.pipeline.planfile import load_plan
from crmrules.pipeline.resume import resume
from crmrules.pipeline.translate import Translation
from crmrules.pipeline.undo import undo_ours, undo_run
from crmrules.stores.journal import open_journal
from crmrules.stores.lock import run_lock
from crmrules_zoho.client import ZohoCrm

OPEN = Brakes(share=1, tag_share=1, note_share=1)
STOPPED = 3  # the exit code of a child that the CRM stopped
Job = dict[str, Any]


def mapping() -> Mapping_:
    tier = FieldMap(field=Field(name="tier"), native="Tier")
    id = FieldMap(field=Field(name="id"), native="id")
    return Mapping_(sources=(ObjectMap(object="account", native="Accounts", fields=(id, tier)),))


def unsteady(seed: int) -> Callable[[], datetime]:
    """Return a clock that is hours wrong and steps back and forth with each look."""
    random_ = random.Random(seed)
    base = datetime.now(UTC) + timedelta(hours=random_.uniform(-30, 30))
    return lambda: base + timedelta(seconds=random_.uniform(-7_200, 7_200))


@contextmanager
def around(folder: Path, job: Job) -> Iterator[Surroundings]:
    """Open connector and journal as a command does, with small batches so that there are more moments to be killed in."""
    crm = ZohoCrm.open(job["settings"], Home(folder=folder, state=folder / "state"))
    crm.capabilities = replace(crm.capabilities, batch=job["batch"])
    now = unsteady(job["seed"])
    with (
        run_lock(folder / "state", command=job["what"], now=now()),
        open_journal(folder / "state" / "journal.sqlite") as journal,
    ):
        yield Surroundings(connector=crm, translation=Translation(mapping()), journal=journal, now=now)
    crm.close()


def do(job: Job) -> None:
    """Carry out one job: resume, apply, undo, or undo ours. Raises what it meets."""
    folder = Path(job["folder"])
    with around(folder, job) as a:
        if job["what"] == "resume":
            resume(a)
        elif job["what"] == "apply":
            report = apply_plan(load_plan(folder / "plan.json"), a, profile="p", brakes=OPEN)
            if report.error:
                raise report.error
        else:
            try:
                report = undo_run(job["run"], a, profile="p") if job["what"] == "undo" else undo_ours(a, profile="p")
            except PlanError as error:  # it came to its end before
                if error.problems[0].code != "nothing-to-undo":
                    raise
            else:
                if report.error:
                    raise report.error


def serve() -> None:
    """Read jobs, one JSON a line. The child says "over" at its end; on the line "kill" or "wait" its exit code is told."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                do(json.loads(line))
                code = 0
            except ConnectorError:
                code = STOPPED
            except BaseException:
                Path(json.loads(line)["folder"], "failed.txt").write_text(traceback.format_exc(), encoding="utf-8")
            finally:
                print("over", flush=True)
                os._exit(code)
        if sys.stdin.readline() == "kill\n":
            os.kill(pid, signal.SIGKILL)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
