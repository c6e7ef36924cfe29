"""A secret planted in every place a secret can stand is found in nothing that we keep, print or log.

Real processes run the real commands against a CRM on this machine that repeats, in its refusals,
all that it was sent, plainly, quoted and in base64.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import duckdb
import pytest

from cli import world

HERE = Path(__file__).parent / "chatty"
SECRETS = {
    "environment": "env-s3cret/with+odd=signs",
    "file": "f1le-s3cret-öü秘密",
    "keyring": "r1ng-s3cret<&>\"'",
    "URL": "url-passw0rd",
    "header": "h3ader-s3cret",
    "profile": "wr1tten-in-clear",
    "token": "acc3ss-token-1000.abc",
}


class Echo(BaseHTTPRequestHandler):
    """Gives a token; refuses everything else with all that came in, but the hook only once."""

    heard: list[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        came = f"{self.path} {self.headers} {body.decode('utf-8', 'replace')}"
        type(self).heard.append(came)
        if self.path.startswith("/token"):
            self._say(200, json.dumps({"access_token": SECRETS["token"], "expires_in": 3600}))
            return
        if self.path.startswith("/hook") and sum(heard.startswith("/hook") for heard in type(self).heard) > 1:
            self._say(200, came)
            return
        known = [] if self.path.startswith("/hook") else [*SECRETS.values()]  # the hook is not the CRM
        said = [came, *known, *(f"user:{secret}" for secret in known)]
        echoes = [form for text in said for form in (text, quote(text), base64.b64encode(text.encode()).decode())]
        self._say(400, json.dumps({"code": "REFUSED", "message": "\n".join(echoes[::-1])}))

    def _say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(scope="module")
def crm() -> Iterator[tuple[str, list[str]]]:
    handler = type("Handler", (Echo,), {"heard": []})
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    yield f"127.0.0.1:{httpd.server_port}", handler.heard
    httpd.shutdown()
    httpd.server_close()


PROFILE = """\
connector: chatty
settings:
  path: crm
  mode: {mode}
  url: http://admin:{password}@{host}
  client_secret: {{env: CHATTY_SECRET}}
  key: {{file: key}}
  password: {{keyring: chatty/admin}}
  pin: {pin}
"""
EXPORT = """\
export:
  - exporter: webhook
    to: http://admin:{password}@{host}/hook?key=x
    settings: {{headers: {{Authorization: {{env: HOOK_HEADER}}}}}}
"""
COMMANDS = {  # name -> command line, the profile it takes, its exit code
    "sync": ("sync --as-of 2026-06-30 --lang en", "refuse", 1),
    "plan": ("plan --format json", "refuse", 0),
    "report": ("report report.html", "refuse", 0),
    "export": ("export", "refuse", 5),
    "exported": ("export", "refuse", 0),
    "runs": ("runs --format json", "refuse", 0),
    "refused, as JSON": ("pull --format json", "error", 5),
    "refused": ("pull", "error", 5),
    "bug": ("pull", "bug", 70),
}
RUN = """
import json, logging, sys
from crmrules.cli.main import exit_code
logging.basicConfig(level=logging.DEBUG, filename="debug.log")
for name, (line, profile, code) in json.loads(sys.argv[1]).items():
    print("== " + name, flush=True)
    sys.stderr = sys.stdout
    got = exit_code([*line.split(), "--profile", f"../{profile}.yaml"])
    assert got == code, f"{name}: {got}"
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, crm: tuple[str, list[str]]) -> Path:
    """Run all commands in one process; return the folder of what they left, with what they said in ``said``."""
    root = tmp_path_factory.mktemp("secrets")
    world.make(root)
    (root / "key").write_text(SECRETS["file"] + "\n", encoding="utf-8")
    (root / "key").chmod(0o600)
    for mode in ("refuse", "error", "bug"):
        at = {"host": crm[0], "password": SECRETS["URL"], "pin": SECRETS["profile"], "mode": mode}
        text = world.PROFILE.replace("connector: files\nsettings: {path: crm}\n", PROFILE.format(**at))
        text = text[: text.index("export:")].replace("state: state", "state: left/state") + EXPORT.format(**at)
        (root / f"{mode}.yaml").write_text(text, encoding="utf-8")
    plugin = root / "plugins"
    shutil.copytree(HERE, plugin)
    info = plugin / "chatty-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: chatty\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[crmrules]\nchatty = chatty_crm\n")
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join([str(plugin), *filter(None, sys.path)]),
        "PYTHON_KEYRING_BACKEND": "chatty_keyring.Keyring", "KEPT_IN_THE_KEYRING": SECRETS["keyring"],
        "CHATTY_SECRET": SECRETS["environment"], "HOOK_HEADER": f"Bearer {SECRETS['header']}",
    }  # fmt: skip
    left = root / "left"
    left.mkdir()
    command = [sys.executable, "-c", RUN, json.dumps(COMMANDS)]
    done = subprocess.run(command, cwd=left, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (left / "said").write_text(done.stdout, encoding="utf-8")
    return left


def everything(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and text of every file; of databases also what is in their tables, which may be packed."""
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        yield str(file.relative_to(folder)), file.read_bytes().decode("utf-8", "replace")
        if file.suffix == ".duckdb":
            with duckdb.connect(str(file), read_only=True) as con:
                for table in con.sql("SELECT database_name, schema_name, table_name FROM duckdb_tables()").fetchall():
                    yield f"{file.name} {table}", str(con.table(".".join(f'"{part}"' for part in table)).fetchall())


def forms(secret: str) -> set[str]:
    plain = secret.encode()
    packed = {base64.b64encode(b"x" * n + plain).decode()[4:-4] for n in range(3)}
    return {secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1], *packed}


def test_each_secret_was_in_use(ran: Path, crm: tuple[str, list[str]]) -> None:
    heard = "\n".join(crm[1])
    for place in SECRETS:
        assert any(form in heard for form in forms(SECRETS[place])), place


@pytest.mark.parametrize("place", SECRETS)
def test_no_file_log_output_or_traceback_shows_it(ran: Path, place: str) -> None:
    shown = [(file, form) for file, text in everything(ran) for form in forms(SECRETS[place]) if form in text]
    assert shown == []


def test_where_it_would_have_been_shown_stand_asterisks(ran: Path) -> None:
    texts = dict(everything(ran))
    said = dict(part.split("\n", 1) for part in texts["said"].split("== ")[1:])
    assert list(said) == list(COMMANDS)
    assert "***" in texts["debug.log"]
    assert "this is odd" in texts["debug.log"]
    assert "***" in texts["state/journal.sqlite"]
    for command in ("sync", "export", "refused", "refused, as JSON", "bug"):
        assert "***" in said[command], command
    assert "http-400" in said["export"]
    assert "chatty-refused" in said["refused, as JSON"]
    assert "Traceback" in said["bug"]
    assert "RuntimeError: can't go on with" in said["bug"]
