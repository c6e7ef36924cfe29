"""Build a Tryton server once: a private environment and a database with its modules, kept outside the repository.

What is built lies in ``$CRMRULES_TEST_CACHE`` (default ``~/.cache/crmrules-tests``), in a folder named by a hash of
everything that it is made of. Processes that need it at once build it once.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

HERE = Path(__file__).parent
MODULES = ("party", "party_relationship", "sale_opportunity")
OWN_MODULE = "crm_fields"
DATABASE = "crm"
SERIES = os.environ.get("CRMRULES_TRYTON", "8.2")

CONFIG = """\
[database]
uri = sqlite://
path = {folder}
[web]
listen = 127.0.0.1:{port}
[session]
timeout = 3600
max_attempt = 4
"""


class NotReachable(Exception):
    """Nothing is built, and the packages can't be fetched."""


@dataclass(frozen=True, kw_only=True)
class Built:
    """A whole environment: the Python that has trytond, and a database to copy."""

    series: str
    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    @property
    def database(self) -> Path:
        return self.folder / "db" / f"{DATABASE}.sqlite"

    def run(self, script: str, *arguments: str, **environment: str) -> None:
        """Run a Python script of the environment. Raises RuntimeError with what it said."""
        done = subprocess.run(
            [str(self.python), script, *arguments], capture_output=True, text=True, env=clean(environment), check=False
        )
        if done.returncode:
            raise RuntimeError(f"{script} failed:\n{done.stderr[-3000:]}")


def build(series: str = SERIES) -> Built:
    """Return the environment of *series*, made first if need be (half a minute of work, once).

    Raises NotReachable where it isn't there and PyPI doesn't answer.
    """
    requirements = [f"trytond{'_' * bool(name)}{name}~={series}.0" for name in ("", *MODULES)]
    sources = [HERE / "tryton_setup.py", *sorted((HERE / "tryton_fields").glob("*.*"))]
    said = [*requirements, sys.version, *(source.read_text("utf-8") for source in sources)]
    digest = hashlib.sha256("\0".join(said).encode()).hexdigest()[:12]
    home = Path(os.environ.get("CRMRULES_TEST_CACHE") or Path.home() / ".cache" / "crmrules-tests")
    home.mkdir(parents=True, exist_ok=True)
    built = Built(series=series, folder=home / f"tryton-{series}-{digest}")
    ready = built.folder / "ready"
    with FileLock(home / f"{built.folder.name}.lock"):
        if not ready.exists():
            shutil.rmtree(built.folder, ignore_errors=True)
            _install(built, requirements)
            _make_database(built)
            ready.touch()
    return built


def clean(more: dict[str, str]) -> dict[str, str]:
    """Return the environment variables of a process that shall see nothing of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TRYTON", "VIRTUAL"))}
    return {**kept, **more}


def _install(built: Built, requirements: list[str]) -> None:
    venv = built.folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(built.python), "install", "--quiet"]
    done = subprocess.run(
        [*pip, "--disable-pip-version-check", *requirements], capture_output=True, text=True, check=False
    )
    if done.returncode:
        shutil.rmtree(built.folder, ignore_errors=True)
        away = "connection" in done.stderr.lower() or "Max retries" in done.stderr
        raise (NotReachable if away else RuntimeError)(f"pip said: {done.stderr[-500:]}")
    (packages,) = venv.glob("lib/python*/site-packages")
    own = packages / "trytond" / "modules" / OWN_MODULE
    shutil.copytree(HERE / "tryton_fields", own, ignore=shutil.ignore_patterns("__pycache__"))
    about = own / "tryton.cfg"
    about.write_text(about.read_text("utf-8").replace("SERIES", built.series), "utf-8")


def _make_database(built: Built) -> None:
    built.database.parent.mkdir()
    built.database.touch()
    config, password = built.folder / "trytond.conf", built.folder / "first-password"
    config.write_text(CONFIG.format(folder=built.database.parent, port=0), "utf-8")
    password.write_text("admin-password", "utf-8")
    modules = [*MODULES, OWN_MODULE]
    admin = ["-c", str(config), "-d", DATABASE, "-u", *modules, "--activate-dependencies", "--email", "a@example.com"]
    built.run(str(built.folder / "venv" / "bin" / "trytond-admin"), *admin, TRYTONPASSFILE=str(password))
    built.run(str(HERE / "tryton_setup.py"), str(config), DATABASE)
