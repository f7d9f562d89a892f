"""What a run's page was made from, as one digest that the page carries: by content, so that copies stay up to date."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from pathlib import Path

from rl.report.data.load import MANIFEST, TRANSCRIPTS
from rl.report.data.summary import SUMMARY

_SOURCES = ("*.jsonl", "*.json", "*.yaml", f"{TRANSCRIPTS}/*.jsonl", "checkpoints/*/goalguard.json")
"""What the chapters read. A checkpoint is told by the file that names the hashes of its weights."""
_TIMES = "wall_s"
"""Key of the manifest that is written once more after the page: the report is a stage, and takes its time too."""
_CARRIED = re.compile(rb'<meta name="made-from" content="([0-9a-f]{64})">')
_HEAD_BYTES = 2_000


def source_digest(run_dir: Path) -> str:
    """SHA-256 of a run's files that its page shows, and of the code that makes the page."""
    sources = {path for pattern in _SOURCES for path in run_dir.glob(pattern) if path.is_file()}
    files = sorted(sources - {run_dir / SUMMARY, run_dir / MANIFEST})
    named = [(path.relative_to(run_dir).as_posix(), _hash(path)) for path in files]
    text = json.dumps([_code(), _manifest(run_dir / MANIFEST), named], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_in(page: Path) -> str | None:
    """The digest that a page carries; None where there is no page, or none of ours."""
    if not page.is_file():
        return None
    with page.open("rb") as file:
        match = _CARRIED.search(file.read(_HEAD_BYTES))
    return match[1].decode() if match else None


@cache
def _code() -> list[str]:
    """Hashes of this package's files, of what reads weights for it, and of the monitors' report on every page."""
    from rl.report.pages.validity import SOURCE

    package = Path(__file__).parents[1]
    files = [*sorted(package.rglob("*.py")), *sorted(package.rglob("*.j2")), SOURCE]
    return [_hash(path) for path in files if path.is_file()]


def _manifest(path: Path) -> object:
    """The manifest without the seconds of its stages; its text where it cannot be read."""
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        content = json.loads(text)
    except ValueError:
        return text
    return {key: value for key, value in content.items() if key != _TIMES} if isinstance(content, dict) else text


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
