"""Start a process that applies a plan, and kill it somewhere in the middle."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path


def apply_and_kill(script: str, folder: Path, random_: random.Random) -> None:
    """Run *script*, which prints a line per batch, and send SIGKILL some batches and a moment later.

    Counting batches instead of seconds hits the middle on a slow machine, too.
    """
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
    )
    assert process.stdout is not None
    for _ in range(random_.randint(1, 3)):
        process.stdout.readline()
    time.sleep(random_.uniform(0, 0.02))
    process.send_signal(signal.SIGKILL)
    process.wait()
