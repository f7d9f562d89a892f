"""`--help` of a Hydra command: its keys with the comments that stand beside them in `conf/`, and what options exist."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from rl.command.streams import accept_every_character

CONF = Path(__file__).resolve().parents[2] / "conf"
WIDTH, COLUMN = 120, 12
FEW = 12
"""A group with more options than this is listed by name alone."""
_KEY = re.compile(r"^(?P<key>[a-z_]+):(?P<value>[^#]*)(?:#\s*(?P<comment>.*))?$")
_NO_KEYS = ("defaults", "hydra")
FOOT = (
    "Keys of an option are written with dots: algo.steps=20. `--cfg job` prints all of them as they would be, behind "
    "any overrides; `--hydra-help` tells what Hydra itself takes, such as -m for a sweep."
)


def answer_help(name: str) -> None:
    """Print the help of a command and leave, if its command line asks for it."""
    if {"--help", "-h"} & set(sys.argv):
        accept_every_character()
        print(format_help(CONF, name))
        sys.exit(0)


def format_help(conf: Path, name: str) -> str:
    """Return the help text of a command: what it does, its keys and its options.

    Args:
        conf: The folder of configurations.
        name: Of the command's root.
    """
    root, base = conf / f"{name}.yaml", conf / "base.yaml"
    roots = [root, base] if base.stem in _loaded(root)["defaults"] else [root]
    groups = {group: chosen for path in reversed(roots) for group, chosen in _groups(path)}
    parts = [
        *textwrap.wrap(_described(root), WIDTH),
        "",
        "keys, what they are unless said otherwise, and what they mean",
    ]
    parts += [line for path in roots for line in _keys(path)]
    for group, chosen in groups.items():
        parts += ["", f"{group}=, {chosen} unless said otherwise", *_options(conf / group)]
    return "\n".join([*parts, "", *textwrap.wrap(FOOT, WIDTH)])


def _described(path: Path) -> str:
    """Return the comment that a file begins with; empty where there is none."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("# @package")]
    return " ".join(line.removeprefix("#").strip() for line in takewhile(lambda line: line.startswith("#"), lines))


def _loaded(path: Path) -> dict[str, Any]:
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict), path
    return loaded


def _groups(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the groups a root chooses from, with its choice."""
    for entry in _loaded(path)["defaults"]:
        for group, chosen in entry.items() if isinstance(entry, dict) else ():
            if not group.startswith("override"):
                yield group, chosen or "none"


def _keys(path: Path) -> Iterator[str]:
    """Yield each key of a root that has a comment, on its line or on the lines before it."""
    values, before = _loaded(path), list[str]()
    for line in path.read_text(encoding="utf-8").splitlines():
        found = _KEY.match(line)
        comment = found and (found["comment"] or " ".join(before))
        if found and comment and found["key"] not in _NO_KEYS:
            yield from _entry(found["key"], _shown(values[found["key"]]), comment)
        before = [*before, line.removeprefix("#").strip()] if line.startswith("#") else []


def _shown(value: Any) -> str:
    if value == "???":
        return "(needed)"
    if isinstance(value, list):
        return f"[{value[0]},...]" if value else "[]"
    return json.dumps(value).strip('"')


def _entry(name: str, value: str, comment: str) -> list[str]:
    start = f"  {name:<{COLUMN}} {value:<{COLUMN}} "
    lines = textwrap.wrap(comment, WIDTH - len(start)) or [""]
    return [start + lines[0], *(" " * len(start) + line for line in lines[1:])]


def _options(folder: Path) -> list[str]:
    """Return the options of a group, each with what its file says first where they are few."""
    files = sorted(folder.glob("*.yaml"))
    if len(files) > FEW:
        names = ", ".join(file.stem for file in files)
        return textwrap.wrap(names, WIDTH, initial_indent="  ", subsequent_indent="  ")
    wide = max(len(file.stem) for file in files)
    return [f"  {file.stem:<{wide}} {_first_sentence(_described(file))}".rstrip() for file in files]


def _first_sentence(text: str) -> str:
    return textwrap.shorten(re.split(r"(?<=\.) ", text)[0], WIDTH - 2 * COLUMN, placeholder=" ...")
