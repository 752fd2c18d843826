"""A real Chromium, driven through its DevTools protocol: JSON messages on a pipe, ended by NUL."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

COMMAND = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
)


class Page:
    """A tab. `events` holds what it sent unasked: requests, log entries, exceptions, ..."""

    def __init__(self, to: IO[bytes], back: IO[bytes]) -> None:
        self._to, self._back = to, back
        self._last = 0
        self._session: dict[str, str] = {}
        self.events: list[dict[str, Any]] = []
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        attached = self.do("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.do(f"{domain}.enable")

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol, and return its result."""
        self._last += 1
        call = {"id": self._last, "method": method, "params": parameters, **self._session}
        self._to.write(json.dumps(call).encode() + b"\0")
        while (message := self._read()).get("id") != self._last:
            self.events.append(message)
        assert "error" not in message, (method, message)
        result: dict[str, Any] = message["result"]
        return result

    def open(self, path: Path, width: int = 1200, dark: bool = False) -> None:
        """Show a file in a window `width` pixels wide, and wait until it is loaded."""
        self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.do("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self.do("Page.navigate", url=path.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def ask(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        answer = self.do("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"]["value"]

    def pdf(self) -> bytes:
        """Print the page on A4, and return the PDF."""
        printed = self.do(
            "Page.printToPDF",
            paperWidth=8.27,
            paperHeight=11.69,
            preferCSSPageSize=True,
            printBackground=True,
        )
        return base64.b64decode(printed["data"])

    def _read(self) -> dict[str, Any]:
        text = bytearray()
        while (byte := self._back.read(1)) != b"\0":
            assert byte, "Chromium ended before it answered"
            text += byte
        message: dict[str, Any] = json.loads(text)
        return message


def installed() -> str | None:
    """Return the path of Chromium, or None if it is not installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def chromium(profile: Path) -> Iterator[Page]:
    """Start Chromium with the directory `profile`, new and empty, and open a tab."""
    to, back = profile / "to", profile / "back"
    os.mkfifo(to)
    os.mkfifo(back)
    # The protocol's pipe is file descriptors 3 and 4.
    process = subprocess.Popen(
        [
            *("sh", "-c", 'to=$1 back=$2; shift 2; exec "$@" 3<"$to" 4>"$back"', "sh", to, back),
            *(f"{installed()}", *COMMAND, "--remote-debugging-pipe", f"--user-data-dir={profile}"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with to.open("wb", buffering=0) as writes, back.open("rb") as reads:
            yield Page(writes, reads)
    finally:
        process.kill()
        process.wait()
