"""One OpenAI-compatible chat endpoint, asked from several threads: back-off, a shared pause, a deadline, no leaks.

What comes back is an answer or `NoAnswer` with a reason in words. The key is sent in one header and appears in no
message; text that the endpoint sends with an error is cut, and the key is taken out of it.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx

from monitors.judge.prompt import strip_invisible

FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
"""Seconds before the first retry, doubled for each further one up to the longest; up to half is taken off at random."""
LONGEST_PAUSE = 120.0
"""An endpoint that asks for a longer pause than this many seconds is not waited for."""
LARGEST_ANSWER = 1_000_000
"""Bytes read of an answer."""
LONGEST_DETAIL = 120
"""Characters quoted of what an endpoint says about an error."""

_PASSING = {408, 409, 425, 429}
"""Statuses besides 5xx that may be gone at the next attempt."""
_OF_THE_ENDPOINT = {401, 402, 404}
"""Statuses that say something about key, account or address: every other question would get them too."""


@dataclass(frozen=True)
class Endpoint:
    """Whom to ask and how patiently."""

    base_url: str
    """Up to and without `/chat/completions`."""
    model: str
    key: str | None = field(repr=False)
    """None for an endpoint that asks for none."""
    temperature: float
    timeout: float
    """Seconds for one attempt, from the connection to the last byte of the answer."""
    retries: int
    """Further attempts after one that failed for a passing reason."""


class NoAnswer(Exception):
    """A question that stays without an answer; the message is the reason, fit to be shown."""


class _Passing(Exception):
    """A failure that may be gone at the next attempt."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


class JudgeClient:
    """Connections to an endpoint; a context manager, for any number of threads."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Take the endpoint; nothing is sent yet."""
        self._endpoint = endpoint
        headers = {"Accept-Encoding": "identity"}
        if endpoint.key is not None:
            headers["Authorization"] = f"Bearer {endpoint.key}"
        # Threads limit the connections; a pool that did so too would count waiting for it as the endpoint's delay.
        limits = httpx.Limits(max_connections=None)
        self._http = httpx.Client(timeout=endpoint.timeout, headers=headers, limits=limits)
        self._random = random.Random()  # of its own: training draws from the shared one
        self._stopped, self._lock = threading.Event(), threading.Lock()
        self._paused_until = 0.0
        self._refused: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()
        self._http.close()

    def stop(self) -> None:
        """Let every waiting question end without an answer."""
        self._stopped.set()

    def ask(self, messages: Sequence[dict[str, str]]) -> str:
        """Return the text of the model's answer to a chat.

        Raises:
            NoAnswer: If there is none after all attempts, or none can be expected.
        """
        endpoint = self._endpoint
        body = {"model": endpoint.model, "messages": list(messages), "temperature": endpoint.temperature}
        content = json.dumps(body).encode()
        attempt = 0
        while True:
            self._take_turn()
            try:
                return _read_text(self._attempt(content))
            except _Passing as trouble:
                self._pause(trouble, attempt)
                attempt += 1

    def _take_turn(self) -> None:
        """Wait while everybody pauses.

        Raises:
            NoAnswer: If the endpoint has refused another question for a reason that holds for all.
        """
        self._wait_until(0.0)
        while self._paused_until > time.monotonic():
            self._wait_until(self._paused_until)
        if self._refused:
            raise NoAnswer(self._refused)

    def _pause(self, trouble: _Passing, attempt: int) -> None:
        """Wait before the next attempt; everybody waits where the endpoint asked for a pause.

        Raises:
            NoAnswer: If there is no next attempt, or the pause asked for is too long.
        """
        if attempt == self._endpoint.retries:
            raise NoAnswer(str(trouble)) from None
        if trouble.pause is not None and trouble.pause > LONGEST_PAUSE:
            raise NoAnswer(f"{trouble}, with a pause of more than {LONGEST_PAUSE:g} s asked for") from None
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2**attempt) * self._random.uniform(0.5, 1.0)
        if trouble.pause is None:
            self._wait_until(time.monotonic() + delay)
        else:
            with self._lock:
                self._paused_until = max(self._paused_until, time.monotonic() + trouble.pause)
            self._wait_until(self._paused_until + delay)

    def _wait_until(self, moment: float) -> None:
        if self._stopped.wait(max(0.0, moment - time.monotonic())):
            raise NoAnswer("interrupted")

    def _attempt(self, content: bytes) -> bytes:
        deadline = time.monotonic() + self._endpoint.timeout
        url = f"{self._endpoint.base_url.rstrip('/')}/chat/completions"
        headers = {"Content-Type": "application/json"}
        try:
            with self._http.stream("POST", url, content=content, headers=headers) as response:
                body = self._read(response, deadline)
        except httpx.TimeoutException:
            raise _Passing(self._too_slow()) from None
        except httpx.HTTPError as error:
            raise _Passing(f"the connection failed{self._quoted(str(error))}") from None
        self._check(response, body)
        return body

    def _read(self, response: httpx.Response, deadline: float) -> bytes:
        """Return the body; httpx limits the time between two pieces, the deadline that of them all."""
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > LARGEST_ANSWER:
                raise NoAnswer(f"the answer is longer than {LARGEST_ANSWER} bytes")
            if time.monotonic() > deadline:
                raise _Passing(self._too_slow())
        return bytes(body)

    def _too_slow(self) -> str:
        return f"no answer within {self._endpoint.timeout:g} s"

    def _check(self, response: httpx.Response, body: bytes) -> None:
        status = response.status_code
        if status == 200:
            return
        if status in _PASSING or status >= 500:
            raise _Passing(f"HTTP {status}", _read_retry_after(response))
        # What a server says about a key may hold a part of it.
        reason = f"HTTP {status}" if status in (401, 403) else f"HTTP {status}{self._detail(body)}"
        if status in _OF_THE_ENDPOINT:
            self._refused = reason
        raise NoAnswer(reason)

    def _detail(self, body: bytes) -> str:
        try:
            return self._quoted(str(json.loads(body)["error"]["message"]))
        except (ValueError, LookupError, TypeError, RecursionError):
            return ""

    def _quoted(self, text: str) -> str:
        text = text.replace(self._endpoint.key, "[key]") if self._endpoint.key else text
        text = " ".join(strip_invisible(text).split())
        return f" ({text[:LONGEST_DETAIL]})" if text else ""


def _read_retry_after(response: httpx.Response) -> float | None:
    """Return seconds of the Retry-After header, which is a number or a date (RFC 9110, section 10.2.3)."""
    value = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _read_text(body: bytes) -> str:
    """Return the text in a chat completion.

    Raises:
        NoAnswer: If the body is no chat completion, or holds no text.
    """
    try:
        choices: Any = json.loads(body)["choices"]
        text = choices[0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise NoAnswer("the response is not a chat completion") from None
    if not isinstance(text, str):
        raise NoAnswer("the response holds no text")
    return text
