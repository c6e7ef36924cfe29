"""What makes systemd, cron or Kubernetes sync every night: files to adapt, secrets by reference only."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from crmrules.app.setup import Setup, open_profile

JITTER = 300  # seconds
SECRET = "crmrules-{name}"  # noqa: S105 - the name of one


def systemd(profile: Path, hour: int, minute: int) -> Mapping[str, str]:
    """Return a service and a timer, by file name. Raises RulesetError."""
    setup = open_profile(profile)
    name, folder = setup.profile.name, setup.profile.folder.resolve()
    secrets = _environment(setup)
    lines = [
        "[Unit]", f"Description=crmrules {name}: sync the CRM", "Wants=network-online.target",
        "After=network-online.target", "", "[Service]", "Type=oneshot", f"WorkingDirectory={_unit(str(folder))}",
        f"ExecStart={_argument(_program())} sync --quiet --profile {_argument(str(setup.profile.path.resolve()))}",
        *([f"# with a line NAME=value for each of: {' '.join(secrets)}; chmod 600",
           f"EnvironmentFile=/etc/crmrules/{name}.env"] if secrets else []),
        "# after SIGTERM the batch in hand is finished", "KillMode=mixed", "TimeoutStopSec=5min",
        "# where it runs as root, name a user: User=crmrules", "NoNewPrivileges=yes", "PrivateTmp=yes",
    ]  # fmt: skip
    timer = [
        "[Unit]", f"Description=crmrules {name}: every night", "", "[Timer]",
        f"OnCalendar=*-*-* {hour:02}:{minute:02}:00", f"RandomizedDelaySec={JITTER}",
        "# once after the machine was off or asleep", "Persistent=true", "", "[Install]", "WantedBy=timers.target",
    ]  # fmt: skip
    return {f"crmrules-{name}.service": _text(lines), f"crmrules-{name}.timer": _text(timer)}


def cron(profile: Path, hour: int, minute: int) -> Mapping[str, str]:
    """Return a crontab for one user. Raises RulesetError."""
    setup = open_profile(profile)
    name, path = setup.profile.name, setup.profile.path.resolve()
    secrets = _environment(setup)
    given = f"set -a; . $HOME/.crmrules-{name}.env; " if secrets else ""
    log = shlex.quote(str(path.parent / f"crmrules-{name}.log"))
    job = f"{given}sleep $((RANDOM % {JITTER})); {shlex.quote(_program())} sync --quiet --profile {shlex.quote(str(path))}"
    lines = [
        f"# crmrules {name}: add it with `crontab -e`",
        "# cron does not make good for nights on which the machine was off; `crmrules status` tells",
        *([f"# $HOME/.crmrules-{name}.env (chmod 600) has a line NAME=value for each of: {' '.join(secrets)}"]
          if secrets else []),
        "SHELL=/bin/bash", f"{minute} {hour} * * * {_percent(f'{job} >> {log} 2>&1')}",
    ]  # fmt: skip
    return {f"crmrules-{name}.crontab": _text(lines)}


def kubernetes(profile: Path, hour: int, minute: int) -> Mapping[str, str]:
    """Return a CronJob, with the profile's folder and state on a volume. Raises RulesetError."""
    import yaml

    from crmrules.app.scheduling import zone

    setup = open_profile(profile)
    name = setup.profile.name
    called = SECRET.format(name=name.lower().replace("_", "-").strip("-"))
    container = {
        "name": "crmrules", "image": "crmrules:latest",
        "command": ["/bin/sh", "-c", f'sleep "$(shuf -i 0-{JITTER} -n 1)"; exec crmrules sync --quiet --profile /crmrules'],
        "env": [
            {"name": variable, "valueFrom": {"secretKeyRef": {"name": called, "key": variable}}}
            for variable in _environment(setup)
        ],
        "volumeMounts": [{"name": "crmrules", "mountPath": "/crmrules"}],
        "securityContext": {"allowPrivilegeEscalation": False},
    }  # fmt: skip
    pod = {
        "restartPolicy": "Never", "terminationGracePeriodSeconds": 300,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "fsGroup": 1000}, "containers": [container],
        "volumes": [{"name": "crmrules", "persistentVolumeClaim": {"claimName": called}}],
    }  # fmt: skip
    spec: dict[str, Any] = {"schedule": f"{minute} {hour} * * *"}
    if "/" in str(zone()):  # Kubernetes knows names such as Asia/Shanghai only
        spec["timeZone"] = str(zone())
    spec |= {
        "concurrencyPolicy": "Forbid", "startingDeadlineSeconds": 3600, "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3, "jobTemplate": {"spec": {"backoffLimit": 0, "template": {"spec": pod}}},
    }  # fmt: skip
    job = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": called}, "spec": spec}
    head = (
        f"# crmrules {name}: `image` is one with crmrules in it; the volume claim {called} holds the profile's folder\n"
        f"# (crmrules.yaml, mapping, state)"
        + (f"; the secret {called} the variables below\n" if container["env"] else "\n")
    )
    return {f"crmrules-{name}.yaml": head + yaml.safe_dump(job, sort_keys=False, width=1000)}


KINDS = {"systemd": systemd, "cron": cron, "kubernetes": kubernetes}


def _environment(setup: Setup) -> list[str]:
    """Return the environment variables that the profile refers to."""
    profile = setup.profile
    return sorted(set(_variables([profile.settings, profile.journal, list(profile.export), list(profile.alerts)])))


def _variables(said: Any) -> Iterator[str]:
    if isinstance(said, Mapping):
        if set(said) == {"env"} and isinstance(said["env"], str):
            yield said["env"]
            return
        said = list(said.values())
    if isinstance(said, list):
        for one in said:
            yield from _variables(one)


def _program() -> str:
    return shutil.which("crmrules") or str(Path(sys.executable).parent / "crmrules")


def _unit(said: str) -> str:
    return said.replace("%", "%%")


def _argument(said: str) -> str:
    """Quote a word of a unit's ExecStart; ``$`` and ``%`` mean something there."""
    plain = _unit(said).replace("$", "$$")
    return plain if plain.replace("/", "").replace("-", "").replace("_", "").replace(".", "").isalnum() else json.dumps(
        plain, ensure_ascii=False
    )  # fmt: skip


def _percent(said: str) -> str:
    return said.replace("%", r"\%")  # else a new line, for cron


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
