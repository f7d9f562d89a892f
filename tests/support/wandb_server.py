"""The least of a wandb server that wandb itself takes for one: it keeps what runs send, by run id."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fields = dict[str, Any]
OWNER = {"id": "owner", "name": "someone"}
ALWAYS: dict[str, Fields] = {
    "Viewer": {"viewer": {"id": "owner", "entity": "someone", "username": "someone", "flags": "{}"}},
    "ServerFeaturesQuery": {"serverInfo": {"features": []}},
    "ArtifactType": {"project": {"artifact": None}},
}


@dataclass
class Received:
    """A run as the server knows it."""

    start: Fields = field(default_factory=dict)
    """What the run last said of itself: group, job type, tags, and the config as JSON."""
    history: dict[int, Fields] = field(default_factory=dict)
    """Rows by line: wandb says at which line its rows go, so that it can write over earlier ones."""
    summary: Fields = field(default_factory=dict)
    exit_codes: list[int] = field(default_factory=list)

    @property
    def rows(self) -> list[Fields]:
        return [self.history[line] for line in sorted(self.history)]

    @property
    def config(self) -> Fields:
        return {key: item["value"] for key, item in json.loads(self.start["config"]).items()}

    def take(self, files: dict[str, Fields] | None = None, exitcode: int | None = None, **_: object) -> None:
        """Keep what one request of the file stream says."""
        if part := (files or {}).get("wandb-history.jsonl"):
            self.history |= dict(enumerate(map(json.loads, part["content"]), start=part["offset"]))
        if part := (files or {}).get("wandb-summary.json"):
            self.summary = json.loads(part["content"][-1])
        self.exit_codes += [] if exitcode is None else [exitcode]


class WandbServer(ThreadingHTTPServer):
    """Runs by id, artifacts by number, uploads by path; `unanswered` names what was asked in vain."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.runs: dict[str, Received] = {}
        self.artifacts: list[Fields] = []
        self.committed: list[str] = []
        self.uploads: dict[str, bytes] = {}
        self.said: list[bytes] = []
        """Every request as it came."""
        self.unanswered: list[str] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def upload_url(self, *path: str) -> str:
        return "/".join((self.url, "upload", *path))

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up, as a killed one does, is no trouble; anything else is a question not understood."""
        if not isinstance(error := sys.exception(), ConnectionError):
            self.unanswered.append(repr(error))


class Handler(BaseHTTPRequestHandler):
    server: WandbServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._send({})

    def do_PUT(self) -> None:
        body = self._body()
        with self.server.lock:
            self.server.uploads[self.path.removeprefix("/upload/")] = body
        self._send({})

    def do_POST(self) -> None:
        body, stream = self._body(), re.fullmatch(r"/files/[^/]+/[^/]+/([^/]+)/file_stream", self.path)
        reply: Fields = {}  # to wandb's figures of its own use as well
        with self.server.lock:
            if self.path == "/graphql":
                reply = answer(self.server, **json.loads(body))
            elif stream:
                self.server.runs[stream.group(1)].take(**json.loads(body))
        self._send(reply)

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.said.append(body)
        return body

    def _send(self, reply: Fields) -> None:
        content = b"" if self.command == "HEAD" else json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def answer(server: WandbServer, query: str, variables: Fields | None = None, **_: object) -> Fields:
    """The reply to one GraphQL request, by the name of its operation."""
    found = re.search(r"(?:query|mutation)\s+(\w+)", query)
    name = found.group(1) if found else query
    if name in ANSWERS:
        return {"data": ANSWERS[name](server, variables or {})}
    if name not in ALWAYS:
        server.unanswered.append(name)
    return {"data": ALWAYS.get(name)}


def upsert(server: WandbServer, asked: Fields) -> Fields:
    run = server.runs.setdefault(asked["name"], Received())
    run.start |= {key: value for key, value in asked.items() if value is not None}
    return {"upsertBucket": {"bucket": bucket(asked["name"], run)}}


def resume_status(server: WandbServer, asked: Fields) -> Fields:
    run = server.runs.get(asked["name"])
    return {"model": {**OWNER, "entity": OWNER, "bucket": run and bucket(asked["name"], run)}}


def bucket(name: str, run: Received) -> Fields:
    """A run in the words of the server: what is not a number or a name is JSON within JSON."""
    return {
        "id": f"id-{name}", "name": name, "displayName": run.start.get("displayName"),
        "project": {"id": "project", "name": run.start["project"], "entity": OWNER},
        "config": run.start["config"], "wandbConfig": json.dumps(run.config["_wandb"]),
        "tags": run.start.get("tags"), "summaryMetrics": json.dumps(run.summary),
        "historyLineCount": len(run.history), "eventsLineCount": 0, "logLineCount": 0,
        "historyTail": json.dumps([json.dumps(row) for row in run.rows[-1:]]), "eventsTail": "[]",
    }  # fmt: skip


def run_files(server: WandbServer, asked: Fields) -> Fields:
    files = [{"name": name, "uploadUrl": server.upload_url(asked["run"], name)} for name in asked["files"]]
    return {"createRunFiles": {"runID": f"id-{asked['run']}", "uploadHeaders": [], "files": files}}


def artifact(server: WandbServer, asked: Fields) -> Fields:
    server.artifacts.append(asked["input"])
    made = {"id": str(len(server.artifacts) - 1), "state": "PENDING", "artifactSequence": {"latestArtifact": None}}
    return {"createArtifact": {"artifact": made}}


def artifact_files(server: WandbServer, asked: Fields) -> Fields:
    edges = [{"node": one | {"artifact": {"id": one["artifactID"]}, "uploadHeaders": [],
                             "uploadUrl": server.upload_url("artifacts", one["artifactID"], one["name"])}}
             for one in asked["input"]["artifactFiles"]]  # fmt: skip
    return {"createArtifactFiles": {"files": {"edges": edges}}}


def artifact_manifest(server: WandbServer, asked: Fields) -> Fields:
    url = server.upload_url("artifacts", asked["artifactID"], "manifest") if asked["includeUpload"] else None
    file: Fields = {"id": "file", "uploadUrl": url, "uploadHeaders": []}
    return {"createArtifactManifest": {"artifactManifest": {"id": "manifest", "file": file}}}


def commit(server: WandbServer, asked: Fields) -> Fields:
    server.committed.append(asked["artifactID"])
    return {"commitArtifact": {"artifact": {"id": asked["artifactID"], "digest": ""}}}


ANSWERS: dict[str, Callable[[WandbServer, Fields], Fields]] = {
    "UpsertBucket": upsert, "RunResumeStatus": resume_status, "CreateRunFiles": run_files, "CreateArtifact": artifact,
    "CreateArtifactFiles": artifact_files, "CreateArtifactManifest": artifact_manifest, "CommitArtifact": commit,
}  # fmt: skip


@contextmanager
def serving() -> Iterator[WandbServer]:
    """The server, for as long as the block lasts."""
    server = WandbServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
