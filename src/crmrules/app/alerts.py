"""Alerts: what an admin is told who looks at no log, once, through apprise (e-mail, Slack, WeCom, DingTalk, Feishu ...).

They carry numbers and codes, no customer. The addresses are secrets: apprise puts tokens and passwords into them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args
from urllib.parse import urlsplit

from crmrules.app.kept import keep, kept
from crmrules.app.setup import Setup
from crmrules.errors import CrmrulesError, Location, PluginError, Problem
from crmrules.model.text import Text, text
from crmrules.redaction import hide

if TYPE_CHECKING:
    from crmrules.app.writing import Synced
    from crmrules.contracts.connector import Usage

Kind = Literal["failed", "not_run", "unusual", "quota", "dissent"]
KINDS: tuple[Kind, ...] = get_args(Kind)

AGAIN = timedelta(hours=20)  # the same alert is sent again after this: once a day, also where the day's run is early
_AT_LEAST = 20  # subjects; fewer are never unusual, as with the brakes
_SHARE = 0.3  # of a class's subjects with another value, where the profile's brakes say nothing else
_SENT, _SEEN = "alerts.json", "distribution.json"
_TITLES: Mapping[Kind, Text] = {
    "failed": text("crmrules「{name}」:同步失败", "crmrules {name}: the sync failed"),
    "not_run": text("crmrules「{name}」:没有按时同步", "crmrules {name}: no good sync in time"),
    "unusual": text("crmrules「{name}」:分类分布异常", "crmrules {name}: an unusual distribution"),
    "quota": text("crmrules「{name}」:CRM 接口额度不足", "crmrules {name}: the CRM's quota is near its end"),
    "dissent": text("crmrules「{name}」:人工值与规则不一致", "crmrules {name}: people disagree with the rules"),
}


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One thing to tell. Two alerts of a kind are the same one while ``about`` is the same."""

    kind: Kind
    body: Text
    about: str


def send(
    setup: Setup,
    found: Sequence[Alert],
    now: datetime,
    warn: Callable[[str], None],
    *,
    over: Iterable[Kind] = (),
) -> int:
    """Send to each address of the profile what it wants to hear of and was not told already; return how many.

    Kinds in *over* are past, unless they are among *found*: the next one is told at once. What can't be sent is no
    error: *warn* hears of it, and it is tried again the next time.
    """
    profile = setup.profile
    if not profile.alerts:
        return 0
    file = setup.state / _SENT
    sent: dict[str, dict[str, str]] = kept(file)
    past = set(over) - {alert.kind for alert in found}
    told = {key: said for key, said in sent.items() if key.split()[-1] not in past}
    count = 0
    for place, said in enumerate(_addresses_or_none(setup, warn)):
        for alert in found:
            key = f"{place} {alert.kind}"
            if alert.kind not in said.get("on", KINDS) or not _is_news(told.get(key), alert, now):
                continue
            try:
                _notify(said["to"], alert, profile.name, profile.language, f"alerts[{place}].to")
            except PluginError as error:
                warn(str(error))
                continue
            told[key] = {"about": alert.about, "at": now.isoformat(timespec="seconds")}
            count += 1
    if told != sent:
        keep(file, told)
    return count


def check(setup: Setup) -> None:
    """Raise PluginError where apprise is missing, RulesetError where a secret is or an address is none."""
    if setup.profile.alerts:
        for place, said in enumerate(_addresses(setup)):
            _opened(said["to"], f"alerts[{place}].to")


def failure(kind: Kind, exit_code: int, problems: Sequence[str]) -> Alert:
    """Return the alert for a sync that ended with *exit_code*: codes only, a message may quote a record."""
    codes = " ".join(sorted({problem.partition("]")[0] + "]" for problem in problems}))
    zh, en = f"退出码 {exit_code} {codes}".rstrip(), f"exit code {exit_code} {codes}".rstrip()
    return Alert(
        kind=kind, about=f"{exit_code} {codes}", body=text(f"{zh}\n处理:crmrules status", f"{en}\nsee: crmrules status")
    )  # fmt: skip


def not_run(hours: float | None) -> Alert:
    """Return the alert for a last good sync that is *hours* old; None: there was none."""
    zh, en = ("从未成功同步", "there was no good sync yet") if hours is None else (
        f"上次成功同步在 {hours:.0f} 小时前", f"the last good sync was {hours:.0f} hours ago"
    )  # fmt: skip
    return Alert(kind="not_run", about="", body=text(f"{zh}\n处理:crmrules status", f"{en}\nsee: crmrules status"))


def after_sync(setup: Setup, done: Synced, problems: Sequence[str]) -> list[Alert]:
    """Return what is to be told after a round that came to its end, and remember its distribution for the next one."""
    assert done.applied is not None
    found = []
    report, plan = done.applied.report, done.planned.plan
    if report.exit_code:
        counts = tuple(f"[{result}] {n}" for result, n in sorted(report.counts.items()) if result != "written")
        found.append(failure("failed", report.exit_code, (*problems, *counts)))
    found += _unusual(setup, done.decided.report.classes)
    if _near_the_end(done.pulled.usage):
        left = f"{done.pulled.usage.left:g}"
        found.append(Alert(kind="quota", about="", body=text(f"本期剩余 {left}", f"{left} left in this period")))
    if plan.dissents:
        n = len(plan.dissents)
        about = str(sorted((d.target.object, d.target.record_id, d.target.name) for d in plan.dissents))
        body = text(f"保留了 {n} 处人工值,见 crmrules plan", f"{n} values that people set are kept; see crmrules plan")
        found.append(Alert(kind="dissent", about=_digest(about), body=body))
    return found


def moved(before: Mapping[str, int], after: Mapping[str, int]) -> float:
    """Return how much of a class's distribution lies elsewhere now, 0..1: half the sum of the shares' differences."""
    old, new = sum(before.values()), sum(after.values())
    if not old or not new:
        return 0.0
    return sum(abs(before.get(v, 0) / old - after.get(v, 0) / new) for v in {*before, *after}) / 2


def hide_addresses(said: Iterable[Mapping[str, Any]]) -> None:
    """Let no message show an address that stands in a profile in clear, nor the tokens in it."""
    hide(part for one in said if isinstance(to := one.get("to"), str) for part in _parts(to))


def _parts(address: str) -> list[str]:
    yielded = [address]
    try:
        found = urlsplit(address)
    except ValueError:
        return yielded
    pieces = [
        found.username or "",
        found.password or "",
        *found.path.split("/"),
        *found.query.replace("=", "&").split("&"),
    ]
    if found.scheme.rstrip("s") not in (
        "json",
        "xml",
        "form",
        "http",
        "mailto",
    ):  # there the host is one, elsewhere a token
        pieces.append(found.netloc.rpartition("@")[2])
    return yielded + [piece for piece in pieces if len(piece) >= 8]


def _addresses(setup: Setup) -> list[Any]:
    from crmrules.language.secrets import resolved

    profile = setup.profile
    said: list[Any] = resolved({"alerts": profile.alerts}, "profile", profile.folder, _place(setup))["alerts"]
    hide_addresses(said)
    return said


def _addresses_or_none(setup: Setup, warn: Callable[[str], None]) -> list[Any]:
    try:
        return _addresses(setup)
    except CrmrulesError as error:
        warn(str(error))
        return []


def _opened(address: str, where: str) -> Any:
    import logging

    try:
        import apprise
    except ImportError as error:
        raise PluginError(
            Problem("no-apprise", "alerts need apprise", hint="pip install 'crmrules[alerts]'")
        ) from error
    logger = logging.getLogger("apprise")  # what it says we say ourselves
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    opened = apprise.Apprise()
    if not opened.add(address):
        raise PluginError(
            Problem("bad-alert", f"{where} is no address that apprise knows", hint="https://appriseit.com")
        )
    return opened


def _notify(address: str, alert: Alert, name: str, language: str, where: str) -> None:
    title = _TITLES[alert.kind].of(language).format(name=name)
    opened, why = _opened(address, where), ""
    try:
        arrived = opened.notify(title=title, body=alert.body.of(language))
    except Exception as error:  # a service of apprise's hundred that breaks must not break a sync
        arrived, why = False, f" ({type(error).__name__})"
    if not arrived:
        raise PluginError(Problem("alert-not-sent", f"the alert {alert.kind!r} did not reach {where}{why}"))


def _is_news(before: Mapping[str, str] | None, alert: Alert, now: datetime) -> bool:
    if before is None or before["about"] != alert.about:
        return True
    return now - datetime.fromisoformat(before["at"]) >= AGAIN


def _unusual(setup: Setup, classes: Mapping[str, Mapping[str, int]]) -> list[Alert]:
    file = setup.state / _SEEN
    before: dict[str, dict[str, int]] = kept(file)
    keep(file, classes)
    most = float(setup.profile.brakes.get("share", _SHARE))
    found = {name: moved(before.get(name, {}), values) for name, values in sorted(classes.items())}
    much = {n: s for n, s in found.items() if s > most and s * sum(classes[n].values()) > _AT_LEAST}
    if not much:
        return []
    lines = "\n".join(f"{name}: {share:.0%}" for name, share in much.items())
    body = text(f"与上次同步相比的变化:\n{lines}", f"what lies elsewhere than at the last sync:\n{lines}")
    return [Alert(kind="unusual", about=lines, body=body)]


def _near_the_end(usage: Usage) -> bool:
    """Whether what is left would not do for two more rounds that read as much as this one."""
    return usage.left is not None and usage.left < 2 * max(usage.credits, 1)


def _digest(said: str) -> str:
    import hashlib

    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _place(setup: Setup) -> Location:
    return Location(str(setup.profile.path))
