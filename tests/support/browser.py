"""A headless Chromium driven over its debugging pipe: needs nothing but the binary and the standard library."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}

_CUT = """[...document.querySelectorAll("main *")]
  .filter((e) => !e.closest("svg, .table-wrap") && e.getBoundingClientRect().right > 391)
  .map((e) => e.outerHTML.slice(0, 80))"""
_INTERACTIVE = """(() => { window.wanted = [...document.querySelectorAll(
  "a[href]:not(svg *), button, select, input, summary, [tabindex]")]
  .filter((e) => e.checkVisibility() && !e.disabled); window.got = new Set(); return window.wanted.length; })()"""
_FOCUSED = """(() => { const e = document.activeElement; if (e === document.body) return null;
  window.got.add(e); const s = getComputedStyle(e);
  return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 ? "" : e.outerHTML.slice(0, 80); })()"""
_MISSED = "window.wanted.filter((e) => !window.got.has(e)).map((e) => e.outerHTML.slice(0, 80))"


def binary() -> str | None:
    """The path of a Chromium or Chrome; None without one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One tab; every wait ends at the deadline."""

    def __init__(self, read: int, write: int, seconds: float) -> None:
        self._read, self._write, self._deadline = read, write, time.monotonic() + seconds
        self._waiting, self._sent = b"", 0
        self._events: list[dict[str, Any]] = []
        self._session: str | None = None
        tab = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Page"):
            self._ask(f"{domain}.enable")
        self._ask("Emulation.setDeviceMetricsOverride", **PHONE)

    def faults(self, page: Path) -> dict[str, list[str]]:
        """What is wrong with a page at phone width, by kind: errors, cut, unreached, unmarked."""
        self._events.clear()
        self._ask("Page.navigate", url=page.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._events.append(self._message())
        cut = self._value(_CUT)
        if (width := self._value("document.documentElement.scrollWidth")) > PHONE["width"]:
            cut.append(f"the page is {width} pixels wide")
        unmarked = [self._tab() for _ in range(self._value(_INTERACTIVE) + 1)]
        errors = [json.dumps(event["params"]) for event in self._events if _is_error(event)]
        return {
            "errors": errors,
            "cut": cut,
            "unreached": self._value(_MISSED),
            "unmarked": list(filter(None, unmarked)),
        }

    def _tab(self) -> str | None:
        for kind in ("rawKeyDown", "keyUp"):
            self._ask("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        focused: str | None = self._value(_FOCUSED)
        return focused

    def _value(self, expression: str) -> Any:
        found = self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._sent += 1
        session = {"sessionId": self._session} if self._session else {}
        os.write(
            self._write, json.dumps({"id": self._sent, "method": method, "params": params} | session).encode() + b"\0"
        )
        while True:
            message = self._message()
            if message.get("id") == self._sent:
                assert "error" not in message, (method, message)
                answer: dict[str, Any] = message["result"]
                return answer
            self._events.append(message)

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._waiting:
            left = self._deadline - time.monotonic()
            if left <= 0 or not select.select([self._read], [], [], left)[0]:
                raise TimeoutError("the browser took too long")
            part = os.read(self._read, 1 << 20)
            if not part:
                raise EOFError("the browser is gone")
            self._waiting += part
        text, self._waiting = self._waiting.split(b"\0", 1)
        message: dict[str, Any] = json.loads(text)
        return message


def _is_error(event: dict[str, Any]) -> bool:
    """An exception, a complaint of the browser (such as a refused script), or a `console.error`."""
    if event["method"] == "Runtime.consoleAPICalled":
        return event["params"]["type"] in ("error", "warning")
    return event["method"] in ("Runtime.exceptionThrown", "Log.entryAdded")


@contextlib.contextmanager
def browser(chromium: str, profile: Path, seconds: float) -> Iterator[Browser]:
    """A browser with a profile of its own, ended with the block."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", f"--user-data-dir={profile}"]
    # Chromium reads from descriptor 3 and writes to 4.
    place = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
    process = subprocess.Popen(
        ["bash", "-c", place, chromium, *options], pass_fds=(theirs_in, theirs_out), stderr=subprocess.DEVNULL
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        yield Browser(ours_in, ours_out, seconds)
    finally:
        process.kill()
        process.wait(timeout=10)
        os.close(ours_in)
        os.close(ours_out)
