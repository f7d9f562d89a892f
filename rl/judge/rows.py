"""Reads the rows of files as people have them: JSON, CSV, Parquet, gzip, data set folders and Inspect logs.

What a file is, is told by its first bytes, and by its name where these do not say.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from rl.errors import GoalguardError
from rl.files.json_lines import jsonable
from rl.judge.sections import Unusable, kind

Row = tuple[int, dict[str, Any] | str]
"""The number of a row, from 1, and its fields, or why it has none."""
At = Callable[[int], None]
"""Told how many bytes have been read."""
LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of a line; a longer one is rejected, so that memory stays bounded whatever the file holds."""
SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".gz", ".eval")
"""Files of a folder that are read."""
INSPECT_HELP = "an Inspect log needs the package inspect-ai: pip install inspect-ai"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_GZIP, _PARQUET, _ZIP = b"\x1f\x8b", b"PAR1", b"PK\x03\x04"
_SAVED = ("dataset_dict.json", "state.json")
"""What `Dataset.save_to_disk` leaves."""


def files_of(source: Path) -> list[Path]:
    """Return the files to read: the one that is named, or those of a folder that can be read."""
    if source.is_file():
        return [source]
    names = (path for path in sorted(source.rglob("*")) if path.is_file() and path.suffix.lower() in SUFFIXES)
    return [path for path in names if not path.name.startswith(".") and not _is_about_data(path)]


def size_of(source: Path) -> int:
    """Return the bytes that will be read."""
    return sum(path.stat().st_size for path in (source.rglob("*") if source.is_dir() else [source]) if path.is_file())


def read_rows(source: Path, at: At = lambda _: None) -> Iterator[Row]:
    """Yield the rows of a file, or of all files of a folder in order and numbered on.

    Raises:
        GoalguardError: a package is missing, or a file is not what its first bytes say.
    """
    if source.is_dir() and any((source / name).is_file() for name in _SAVED):
        yield from enumerate(_saved_rows(source), 1)
        return
    bytes_before = rows_before = number = 0
    for path in files_of(source):
        with path.open("rb") as raw:
            for number, item in _rows_of(path, raw):
                yield rows_before + number, item
                at(bytes_before + raw.tell())
        bytes_before += path.stat().st_size
        rows_before += number
        number = 0


def _rows_of(path: Path, raw: BinaryIO) -> Iterator[Row]:
    first = raw.read(4)
    raw.seek(0)
    name = path.name.lower()
    if first.startswith(_GZIP):
        with gzip.open(raw) as unpacked:
            try:
                yield from stream_rows(cast(BinaryIO, unpacked), name.removesuffix(".gz"))
            except (EOFError, gzip.BadGzipFile) as error:
                raise GoalguardError(f"{path}: not whole: {error}") from None
    elif first == _PARQUET:
        yield from enumerate(_parquet_rows(path), 1)
    elif first == _ZIP or (name.endswith(".json") and _is_inspect_log(raw)):
        yield from enumerate(_inspect_rows(path), 1)
    else:
        yield from stream_rows(raw, name)


def stream_rows(stream: BinaryIO, name: str = "") -> Iterator[Row]:
    """Yield the rows of JSON lines, of a JSON array or of CSV; `name` tells CSV and JSON documents."""
    if name.endswith((".csv", ".tsv")):
        yield from enumerate(_csv_rows(stream, "\t" if name.endswith(".tsv") else ","), 1)
        return
    head = stream.read(64)
    stream.seek(0)
    if head[:2] in _UTF_16:
        yield 1, "the file is UTF-16; save it as UTF-8"
    elif head.removeprefix(_BYTE_ORDER_MARK).lstrip()[:1] == b"[" or name.endswith(".json"):
        yield from _document_rows(stream)
    else:
        yield from _json_line_rows(stream)


def _json_line_rows(stream: BinaryIO) -> Iterator[Row]:
    """Yield one object a line; blank lines are passed over."""
    for number, line in _lines(stream):
        if line is None:
            yield number, f"longer than {LONGEST_LINE} bytes"
        elif line.strip():
            yield number, _object(line)


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) <= LONGEST_LINE:
            yield number, line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
            continue
        while not line.endswith(b"\n") and (line := stream.readline(LONGEST_LINE)):
            pass
        yield number, None


def _document_rows(stream: BinaryIO) -> Iterator[Row]:
    """Yield the objects of an array, or of the one array of a document; else what the lines hold. All is in memory."""
    data = stream.read()
    try:
        held = _parsed(data)
    except Unusable:
        yield from _json_line_rows(io.BytesIO(data))
        return
    arrays = [value for value in held.values() if _is_rows(value)] if isinstance(held, dict) else []
    if isinstance(held, list) and not _is_rows(held):
        yield from _json_line_rows(io.BytesIO(data))
        return
    rows = held if isinstance(held, list) else arrays[0] if len(arrays) == 1 and "role" not in arrays[0][0] else [held]
    for number, row in enumerate(rows, 1):
        yield number, row if isinstance(row, dict) else f"{kind(row)} where a JSON object is needed"


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _object(line: bytes) -> dict[str, Any] | str:
    try:
        found = _parsed(line)
    except Unusable as reason:
        return str(reason)
    return found if isinstance(found, dict) else f"{kind(found)} where a JSON object is needed"


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text.decode("utf-8-sig"), parse_constant=_no_number, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise Unusable(f"not UTF-8: byte 0x{text[error.start]:02x} at position {error.start}") from None
    except json.JSONDecodeError as error:
        raise Unusable(f"not JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise Unusable("not readable: nested too deeply") from None
    except ValueError as error:
        raise Unusable(f"not JSON: {error}") from None


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _csv_rows(stream: BinaryIO, delimiter: str) -> Iterator[dict[str, Any] | str]:
    """Yield a row for each record; an empty cell is null, and a cell that holds a JSON array is that array."""
    csv.field_size_limit(LONGEST_LINE)
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="strict", newline="")
    try:
        for record in csv.DictReader(text, delimiter=delimiter):
            wrong = None in record
            yield "more cells than the head has" if wrong else {key: _cell(cell) for key, cell in record.items()}
    except (UnicodeDecodeError, csv.Error) as error:
        yield f"not CSV in UTF-8: {error}"
    finally:
        text.detach()


def _cell(cell: str | None) -> Any:
    if cell and cell.lstrip().startswith("[{"):
        try:
            return json.loads(cell)
        except ValueError:
            return cell
    return {"true": True, "false": False}.get(cell.lower(), cell) if cell else None


def _parquet_rows(path: Path) -> Iterator[dict[str, Any] | str]:
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        for batch in ParquetFile(path).iter_batches(batch_size=256):
            yield from map(_plain, batch.to_pylist())
    except (ArrowException, OSError) as error:
        raise GoalguardError(f"{path}: not readable as Parquet: {error}") from None


def _saved_rows(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a data set that `datasets` saved, split by split."""
    from datasets import DatasetDict, load_from_disk

    try:
        held = load_from_disk(str(folder))
    except (OSError, ValueError, KeyError) as error:
        raise GoalguardError(f"{folder}: not readable as a data set: {error}") from None
    for split in held.values() if isinstance(held, DatasetDict) else [held]:
        yield from map(_plain, split)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as JSON holds it: dates and bytes as text, numbers that are none as null."""
    plain: dict[str, Any] = json.loads(json.dumps(jsonable(row), default=str))
    return plain


def _is_inspect_log(raw: BinaryIO) -> bool:
    head = raw.read(4096)
    raw.seek(0)
    return head.lstrip().startswith(b"{") and b'"eval"' in head and b'"status"' in head


def _inspect_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield a row for each sample: its chat, and of its metadata what a transcript has too."""
    if importlib.util.find_spec("inspect_ai") is None:
        raise GoalguardError(f"{path}: {INSPECT_HELP}")
    from inspect_ai.log import read_eval_log
    from pydantic import ValidationError

    try:
        log = read_eval_log(str(path))
    except (OSError, ValueError, KeyError, ValidationError) as error:
        raise GoalguardError(f"{path}: not readable as an Inspect log: {error}") from None
    for sample in log.samples or []:
        row: dict[str, Any] = {"eval_id": log.eval.eval_id, "id": sample.id, "epoch": sample.epoch}
        row |= {name: value for name, value in sample.metadata.items() if name in ("request", "tier", "kind")}
        stop = sample.output.choices[0].stop_reason if sample.output.choices else None
        row["messages"] = [one.model_dump(exclude_none=True, mode="json") for one in sample.messages]
        yield _plain(row | {"truncated": stop in ("max_tokens", "model_length")})


def _is_about_data(path: Path) -> bool:
    return path.name in ("dataset_info.json", "dataset_infos.json", "state.json", "dataset_dict.json", "config.json")
