"""What `crmrules schedule print` prints is what systemd, cron and Kubernetes read, and holds no secret."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC
from pathlib import Path

import pytest
import yaml

from cli.world import PROFILE, make
from crmrules.app.scheduling import Cron
from crmrules.cli.main import exit_code

ALERTS = "alerts:\n  - {to: {env: ALERT_URL}}\n"


def written(folder: Path, kind: str, *more: str) -> dict[str, str]:
    profile = make(folder)
    profile.write_text(PROFILE + ALERTS, "utf-8")
    said = ("schedule", "print", kind, "--profile", str(profile), "--into", str(folder / "out"), "--quiet", *more)
    assert exit_code([*said]) == 0
    return {file.name: file.read_text("utf-8") for file in (folder / "out").iterdir()}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    folder = tmp_path / "a $HOME of 100%"
    files = written(folder, "systemd", "--at", "23:45")
    assert set(files) == {"crmrules-shop.service", "crmrules-shop.timer"}
    units = [str(folder / "out" / name) for name in sorted(files)]
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert "crmrules-shop" not in checked.stderr, checked.stderr
    subprocess.run(["systemd-analyze", "calendar", "*-*-* 23:45:00"], check=True, capture_output=True)
    timer = files["crmrules-shop.timer"].splitlines()
    assert {"OnCalendar=*-*-* 23:45:00", "Persistent=true", "RandomizedDelaySec=300"} <= set(timer)
    assert "ALERT_URL" in files["crmrules-shop.service"]


def test_the_shell_that_cron_starts_takes_the_line(tmp_path: Path) -> None:
    folder = tmp_path / "100% it's ours"
    (text,) = written(folder, "cron").values()
    line = text.splitlines()[-1]
    Cron(" ".join(line.split()[:5]), UTC)
    command = line.split(maxsplit=5)[5].replace(r"\%", "%")
    subprocess.run(["bash", "-n", "-c", command], check=True)
    assert command.count("100% it") == 2
    assert "ALERT_URL" in text


def test_kubernetes_gets_a_job_that_never_overlaps_with_secrets_by_reference(tmp_path: Path) -> None:
    (text,) = written(tmp_path, "kubernetes", "--at", "3:05").values()
    job = yaml.safe_load(text)
    assert (job["apiVersion"], job["kind"], job["spec"]["schedule"]) == ("batch/v1", "CronJob", "5 3 * * *")
    assert job["spec"]["concurrencyPolicy"] == "Forbid"
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    reference = {"secretKeyRef": {"name": "crmrules-shop", "key": "ALERT_URL"}}
    assert container["env"] == [{"name": "ALERT_URL", "valueFrom": reference}]
    subprocess.run(["sh", "-n", "-c", container["command"][2]], check=True)


def test_no_file_holds_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALERT_URL", "json://user:S3cretValue@localhost/Tok3nTok3n")
    for kind in ("systemd", "cron", "kubernetes"):
        assert not [t for t in written(tmp_path / kind, kind).values() if "S3cretValue" in t or "Tok3n" in t]
    profile = str(tmp_path / "cron" / "crmrules.yaml")
    capsys.readouterr()
    assert exit_code(["schedule", "print", "cron", "--profile", profile, "--format", "json"]) == 0
    assert "crmrules-shop.crontab" in json.loads(capsys.readouterr().out)["files"]
    assert exit_code(["schedule", "print", "cron", "--profile", profile, "--at", "25:00"]) == 2
