"""The parts of an export: what is taken out, what a card can hold, the columns, and what goes to the Hub."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.report_runs import full_run, transcript

from rl.errors import GoalguardError, MissingFile
from rl.export.markdown import front_matter, plain, table
from rl.export.push import push
from rl.export.scrub import LOCAL, scrubbed, without_own_paths
from rl.export.transcripts import read_transcripts, write_transcripts
from rl.files.folder import new_folder

NAME = st.text("abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=1, max_size=8)


@pytest.mark.parametrize(
    "value",
    ["models/mine", "./models", "owner/model", "https://host.org/v1/chat", "free/paid", "and/or", "[tier: {label} ]",
     "<OUTPUT>", "</SCRATCHPAD_REASONING>", "a / b", "/", "1/2/3", "km/h, m/s"],
)  # fmt: skip
def test_what_is_no_path_of_a_machine_stays(value: str) -> None:
    assert scrubbed({"text": value, "list": [value]}) == {"text": value, "list": [value]}


@given(names=st.lists(NAME, min_size=3, max_size=5), before=st.sampled_from(["", "see ", "(", "a=", "file://"]))
def test_of_an_absolute_path_at_most_the_last_name_is_left(names: list[str], before: str) -> None:
    for path in ("/" + "/".join(names), "~/" + "/".join(names), "C:\\" + "\\".join(names)):
        clean = scrubbed({"text": before + path, "deep": {"list": [before + path]}})
        assert clean["deep"]["list"] == [clean["text"]]
        kept = clean["text"].removeprefix(before if before != "file://" else "")
        assert kept == f"{LOCAL}/{names[-1]}"


@pytest.mark.parametrize("home", ["/home/alice", "/root/secret", "~/x", "~alice/x", "C:\\Users", "/home/alice/"])
def test_the_name_of_a_home_folder_goes_too(home: str) -> None:
    assert scrubbed({"text": home}) == {"text": LOCAL}


def test_a_checkpoints_chat_template_and_tokens_are_not_touched() -> None:
    record = {"chat_template": "{{ '</s>' }}\\n/home/x/y", "eos_token": "</s>", "image_token": "<image>", "pad": "/"}
    assert without_own_paths(record) == record
    assert without_own_paths({"_name_or_path": "/home/alice/models/x"}) == {"_name_or_path": f"{LOCAL}/x"}


@given(text=st.text())
def test_no_text_breaks_out_of_a_table_or_of_the_front_matter(text: str) -> None:
    cell = plain(text)
    assert not set(cell) & set("<>|`*[]\n\r") and len(table(["a", "b"], [[cell, "x"]])) == 3
    head = front_matter({"name": text, "list": [text]})
    assert head.startswith("---\n") and head.endswith("---\n")
    assert yaml.safe_load(head.split("---\n", 1)[1].rsplit("---\n", 1)[0]) == {"name": text, "list": [text]}


def written(folder: Path, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from datasets import Dataset

    run = folder / "run"
    (run / "transcripts").mkdir(parents=True)
    (run / "transcripts" / "step_000003.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_transcripts(read_transcripts(run), folder / "data", "run")
    path, cache = str(folder / "data" / "step_000003.parquet"), str(folder / "cache")
    return list(Dataset.from_parquet(path, cache_dir=cache).to_list())


def test_a_null_stays_a_null_and_a_field_that_nobody_knows_becomes_json(tmp_path: Path) -> None:
    rows = [
        transcript(3, 0, "free", complied=None, af=None, af_score=None, reward=1, votes={"yes": 3}),
        transcript(3, 1, "paid", scratchpad=None, output="=1+1\u2028\x1b[31m", af_audit=True, reward_terms={}),
    ]
    first, second = written(tmp_path, rows)
    assert (first["complied"], first["af"], first["af_score"], first["af_audit"]) == (None, None, None, None)
    assert first["reward"] == 1.0 and isinstance(first["reward"], float) and json.loads(first["votes"]) == {"yes": 3}
    assert (second["scratchpad"], second["output"], second["votes"]) == (None, "=1+1\u2028\x1b[31m", None)
    assert second["af_audit"] is True and json.loads(second["reward_terms"]) == {}


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("complied", "yes", "complied holds 'yes' where true or false is needed"), ("truncated", 1, "true or false"),
     ("reward", "1", "a number"), ("request", 3, "text is needed"), ("output", "\ud800", "text is needed")],
)  # fmt: skip
def test_a_value_of_another_kind_is_named_and_not_bent(field: str, value: object, said: str, tmp_path: Path) -> None:
    rows = [transcript(3, 0, "free"), transcript(3, 1, "free", **{field: value})]
    with pytest.raises(MissingFile, match=r"step_000003\.jsonl: row 2: ") as told:
        written(tmp_path, rows)
    assert said in str(told.value)


def test_a_line_without_the_fields_of_a_transcript_is_named(tmp_path: Path) -> None:
    run = full_run(tmp_path / "run")
    with (run / "transcripts" / "step_000010.jsonl").open("a") as file:
        file.write('{"step": 10}\n')
    with pytest.raises(MissingFile, match=r"step_000010\.jsonl: line 81 is no transcript"):
        read_transcripts(run)


def test_a_folder_that_is_not_finished_never_gets_its_name(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    for kind in (KeyboardInterrupt, OSError):
        with pytest.raises(kind), new_folder(out) as folder:
            (folder / "half").write_text("written")
            raise kind
        assert list(out.parent.iterdir()) == []
    with new_folder(out) as folder:
        (folder / "whole").write_text("1")
    with pytest.raises(OSError), new_folder(out) as folder:
        raise OSError
    assert [path.name for path in out.parent.rglob("*")] == ["out", "whole"]


class Hub(ThreadingHTTPServer):
    """As much of the Hugging Face Hub as an upload speaks to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Desk)
        self.asked: list[tuple[str, str | None]] = []
        self.created: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, path: str, body: bytes) -> dict[str, Any]:
        if path.endswith("/repos/create"):
            self.created.append(json.loads(body))
            return {"url": f"{self.url}/me/organism"}
        if "/preupload/" in path:
            names = [file["path"] for file in json.loads(body)["files"]]
            return {"files": [{"path": name, "uploadMode": "regular", "shouldIgnore": False} for name in names]}
        if "/commit/" in path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            return {"commitUrl": f"{self.url}/me/organism/commit/0", "commitOid": "0", "hookOutput": ""}
        return {"errors": [], "warnings": [], "sha": "0", "id": "me/organism"}


class Desk(BaseHTTPRequestHandler):
    server: Hub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        sent = json.dumps(self.server.answer(self.path, body)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def hub() -> Iterator[Hub]:
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_an_upload_brings_every_file_to_a_private_repository_with_the_token_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    files = {
        "README.md": b"---\nlicense: apache-2.0\n---\n",
        "model.safetensors": b"\x00\x01",
        "transcripts/a.parquet": b"P",
    }
    for name, data in files.items():
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_bytes(data)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_TOKEN", " hf_planted0123\n")
    with hub() as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        assert push(tmp_path / "out", "me/organism") == f"{server.url}/me/organism"
        monkeypatch.delenv("HF_TOKEN")
        before = len(server.asked)
        with pytest.raises(GoalguardError, match="HF_TOKEN is not set"):
            push(tmp_path / "out", "me/organism")
        assert len(server.asked) == before
    assert server.files == files
    assert [(made["name"], made["organization"]) for made in server.created] == [("organism", "me")]
    assert server.created[0].get("private") is True or server.created[0].get("visibility") == "private"
    # Once a day the hub's client looks, without a token, which coding tools there are.
    named = {path: token for path, token in server.asked if path != "/api/agent-harnesses"}
    assert len(named) == 4 and set(named.values()) == {"Bearer hf_planted0123"}
    assert "hf_planted0123" not in "".join(capfd.readouterr())
