"""A real Chromium, driven over its debugging pipe: what a page requests, says and looks like."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip


def chromium() -> str | None:
    """Return the path of a Chromium or Chrome, None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


class Page:
    """An open tab; ``events`` holds everything that Chromium reported about it."""

    def __init__(self, into: int, out: int) -> None:
        self._into, self._out, self._left, self._last = into, out, b"", 0
        self._session = ""
        self.events: list[dict[str, Any]] = []

    def start(self) -> Self:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        return self

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._into, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._last:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return dict(answer["result"])
            self.events.append(answer)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            chunk = os.read(self._out, 1 << 20)
            if not chunk:
                raise RuntimeError("Chromium went away")
            self._left += chunk
        first, _, self._left = self._left.partition(b"\0")
        return dict(json.loads(first))

    def open(self, url: str, width: int = 1280, height: int = 1000) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def evaluate(self, script: str) -> Any:
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError(result["exceptionDetails"])
        return result["result"].get("value")

    def screenshot(self) -> bytes:
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def requested(self) -> list[str]:
        return [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]

    def complaints(self) -> list[str]:
        methods = (
            "Runtime.exceptionThrown",
            "Runtime.consoleAPICalled",
            "Log.entryAdded",
            "Page.javascriptDialogOpening",
        )
        return [json.dumps(e["params"]) for e in self.events if e["method"] in methods]


@contextmanager
def browse(binary: str, profile: Path) -> Iterator[Page]:
    """Open a fresh Chromium with an empty profile and one tab."""
    read_in, write_in = os.pipe()
    read_out, write_out = os.pipe()

    def place() -> None:  # Chromium reads its commands from 3 and answers on 4
        os.dup2(os.dup(read_in), 3)
        os.dup2(os.dup(write_out), 4)

    process = subprocess.Popen(
        [binary, *FLAGS, f"--user-data-dir={profile}"], preexec_fn=place, close_fds=False, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(read_in)
    os.close(write_out)
    try:
        yield Page(write_in, read_out).start()
    finally:
        process.kill()
        process.wait()
        os.close(write_in)
        os.close(read_out)
