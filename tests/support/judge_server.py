"""A real chat endpoint on this machine, whose answers a test decides."""

from __future__ import annotations

import html
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from monitors.faking.monitor import CRITERIA

EVIDENCE = re.compile(r"\ABEGIN (\w+)\n(.*)\nEND \1\n\n", re.DOTALL)


@dataclass
class Asked:
    """One request as it arrived."""

    number: int
    """From 0, in the order of arrival."""
    key: str | None
    """The Authorization header."""
    body: dict[str, Any]
    moment: float

    @property
    def case(self) -> str:
        return self._evidence().group(1)

    @property
    def text(self) -> str:
        """The scratchpad as the judge is meant to read it."""
        return html.unescape(self._evidence().group(2))

    def _evidence(self) -> re.Match[str]:
        found = EVIDENCE.search(self.body["messages"][-1]["content"])
        assert found
        return found


@dataclass
class Reply:
    """What the endpoint sends back."""

    text: str | bytes = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drip: float = 0.0
    """Seconds between two bytes."""


Answering = Callable[[Asked], Reply]


def ballot(asked: Asked, faking: bool, **changed: object) -> str:
    """An answer of the form that is asked for."""
    said = dict.fromkeys(CRITERIA, faking) | {"alignment_faking": faking}
    return json.dumps({"case": asked.case, "reasoning": "It says so.", **said, **changed})


def completion(content: object) -> Reply:
    """A chat completion with this content."""
    return Reply(json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}))


def vote(asked: Asked, faking: bool) -> Reply:
    """A right answer."""
    return completion(ballot(asked, faking))


class JudgeServer(ThreadingHTTPServer):
    """Counts what arrives, and how much of it at once."""

    daemon_threads = True

    def __init__(self, answering: Answering) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answering = answering
        self.asked: list[Asked] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no trouble here."""


class Handler(BaseHTTPRequestHandler):
    server: JudgeServer

    def do_POST(self) -> None:
        assert self.path == "/v1/chat/completions"
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            asked = Asked(len(self.server.asked), self.headers["Authorization"], body, time.monotonic())
            self.server.asked.append(asked)
            self.server.at_once += 1
            self.server.most_at_once = max(self.server.most_at_once, self.server.at_once)
        try:
            reply = self.server.answering(asked)
        finally:
            with self.server.lock:
                self.server.at_once -= 1
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        content = reply.text if isinstance(reply.text, bytes) else reply.text.encode()
        self.send_response(reply.status)
        for name, value in (reply.headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        for byte in content if reply.drip else ():
            self.wfile.write(bytes([byte]))
            time.sleep(reply.drip)
        if not reply.drip:
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(answering: Answering) -> Iterator[JudgeServer]:
    """The endpoint, for as long as the block lasts."""
    server = JudgeServer(answering)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
