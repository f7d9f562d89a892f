"""How every figure is drawn: panels, bands with gaps, direct labels, PNG and SVG.

A figure is drawn as two SVGs, wide and narrow for a phone, and as a PNG where the one on disk shows something else. In
the SVGs the colours of the light palette become CSS variables, so that the page decides between light and dark.
"""

from __future__ import annotations

import hashlib
import html
import io
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image, UnidentifiedImageError

from rl.report.figures.palette import MUTED, PALETTE, STYLE

WIDE_PT, NARROW_PT = 600, 260
_POINTS_PER_INCH = 72
_LINE_PT = 11.0
_DIGEST = "goalguard-digest"
_PNG_END = b"IEND\xaeB`\x82"
MOST_MARKERS = 40
"""A line with more points than this is drawn without dots."""


@dataclass(frozen=True, slots=True)
class Line:
    """A curve with its band, in the units it is drawn in; arrays of one length, NaN for a gap."""

    label: str
    colour: str
    steps: np.ndarray
    values: np.ndarray
    lo: np.ndarray | None = None
    hi: np.ndarray | None = None
    dashed: bool = False
    markers: bool = True


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished figure."""

    name: str
    alt: str
    wide: str
    narrow: str
    """SVG elements for the page."""


@dataclass(frozen=True, slots=True)
class Room:
    """Space around every panel for ticks and labels, and above all of them for a legend, in points."""

    left: float = 34.0
    right: float = 16.0
    top: float = 24.0
    bottom: float = 30.0
    above: float = 0.0


def panels(count: int, *, narrow: bool, height: float, room: Room, columns: int = 3) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels: side by side up to `columns`, one above the other where it is narrow.

    `height` is that of a panel's plotting area, in points.
    """
    columns = 1 if narrow else min(columns, count)
    rows = -(-count // columns)
    width = NARROW_PT if narrow else WIDE_PT
    cell_width, cell_height = width / columns, height + room.top + room.bottom
    total = rows * cell_height + room.above
    figure = Figure(figsize=(width / _POINTS_PER_INCH, total / _POINTS_PER_INCH))
    FigureCanvasAgg(figure)
    axes = []
    for index in range(count):
        row, column = divmod(index, columns)
        x, y = column * cell_width + room.left, (rows - row - 1) * cell_height + room.bottom
        plot_width = cell_width - room.left - room.right
        axes.append(figure.add_axes((x / width, y / total, plot_width / width, height / total)))
    return figure, axes


def draw_lines(axes: Axes, lines: Sequence[Line]) -> None:
    """Curves with bands and their names at the right end; lone points between gaps keep their interval as a bar.

    Without any line the panel says that there is nothing to show, as where every rollout was cut off.
    """
    if not lines:
        axes.text(0.5, 0.5, "nothing to show", transform=axes.transAxes, ha="center", va="center")
        return
    for line in lines:
        _draw_line(axes, line)
    step_axis(axes, np.concatenate([line.steps for line in lines]))
    _label_ends(axes, lines)


def _draw_line(axes: Axes, line: Line) -> None:
    marked = line.markers and line.steps.size <= MOST_MARKERS
    lone = _lone_points(line.values)
    axes.plot(
        line.steps,
        line.values,
        color=line.colour,
        linestyle=(0, (4, 2)) if line.dashed else "-",
        marker="o" if marked else None,
        markersize=3.2,
        zorder=3,
        clip_on=False,
    )
    if not marked:
        axes.plot(line.steps[lone], line.values[lone], "o", color=line.colour, markersize=2.5, zorder=3)
    if line.lo is None or line.hi is None:
        return
    axes.fill_between(line.steps, line.lo, line.hi, color=line.colour, alpha=0.13, linewidth=0, zorder=2)
    axes.vlines(line.steps[lone], line.lo[lone], line.hi[lone], color=line.colour, alpha=0.5, linewidth=1.4, zorder=2)


def _lone_points(values: np.ndarray) -> np.ndarray:
    """True where a value has no neighbour to be joined to."""
    known = np.isfinite(values)
    before = np.concatenate([[False], known[:-1]])
    after = np.concatenate([known[1:], [False]])
    return np.asarray(known & ~before & ~after)


def _label_ends(axes: Axes, lines: Sequence[Line]) -> None:
    """Names to the right of the panel at the height of each line's last known value, pushed apart where they meet."""
    bottom, top = axes.get_ylim()
    _, height_pt = size_in_points(axes)
    wanted = []
    for line in lines:
        known = line.values[np.isfinite(line.values)]
        if known.size:
            wanted.append((float((known[-1] - bottom) / (top - bottom)) * height_pt, line))
    wanted.sort(key=lambda pair: pair[0])
    heights = [_LINE_PT * (1 + line.label.count("\n")) for _, line in wanted]
    for centre, (_, line) in zip(spread([y for y, _ in wanted], heights, height_pt), wanted, strict=True):
        axes.annotate(
            line.label,
            (1, centre / height_pt),
            xycoords="axes fraction",
            xytext=(6, 0),
            textcoords="offset points",
            color=line.colour,
            va="center",
            linespacing=1.1,
            fontsize=8.5,
        )


def size_in_points(axes: Axes) -> tuple[float, float]:
    """Width and height of the plotting area."""
    extent = axes.get_window_extent()
    return extent.width / axes.figure.dpi * _POINTS_PER_INCH, extent.height / axes.figure.dpi * _POINTS_PER_INCH


def spread(centres: Sequence[float], heights: Sequence[float], room: float) -> list[float]:
    """Ascending label centres moved as little as a sweep up and a sweep down allow, so that no two labels overlap."""
    placed = list(centres)
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + (heights[i - 1] + heights[i]) / 2)
    ceiling = room + 2
    for i in reversed(range(len(placed))):
        placed[i] = min(placed[i], ceiling - heights[i] / 2)
        ceiling = placed[i] - heights[i] / 2
    return placed


def step_axis(axes: Axes, steps: np.ndarray) -> None:
    """The horizontal axis: a few ticks at whole steps; a single step stands in the middle."""
    axes.set_xlabel("RL step")
    if np.unique(steps).size == 1:
        axes.set_xlim(steps[0] - 0.8, steps[0] + 0.8)
        axes.set_xticks(steps[:1].tolist())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10], integer=True))


def percent_axis(axes: Axes) -> None:
    """0 to 100 with a percent sign at the top only."""
    axes.set_ylim(0, 100)
    axes.set_yticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", "100%"])


def name_rows(axes: Axes, title: str, names: Sequence[str]) -> None:
    """Give a panel a row for each name, at 0, -1, -2 and so on, and a vertical line at zero."""
    axes.set_title(title)
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")
    axes.axvline(0, color=MUTED, linewidth=1)
    axes.set_ylim(0.6 - len(names), 0.6)
    axes.set_yticks([-row for row in range(len(names))], [wrapped(name, 20) for name in names], fontsize=8)


def percent_across(axes: Axes) -> None:
    """Let the horizontal axis go from 0 to 100%."""
    axes.set_xlim(0, 100)
    axes.set_xticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", "100%"])


def wrapped(text: str, width: int) -> str:
    """Text broken into lines of at most `width` characters; a word that is longer is broken after underscores."""
    breakable = re.sub(rf"\S{{{width + 1},}}", lambda word: word[0].replace("_", "_ "), text)
    lines = textwrap.wrap(breakable, width)
    return "\n".join(line.replace("_ ", "_") for line in lines) or text


@dataclass(frozen=True)
class Sketch:
    """A figure as it goes onto the page, and what its PNG is made from."""

    picture: Picture
    figure: Figure
    """The wide one."""
    digest: str
    """Of all that is drawn in it."""

    @cached_property
    def png(self) -> bytes:
        """The wide figure as a PNG that carries the digest."""
        buffer = io.BytesIO()
        with _style():
            self.figure.savefig(buffer, format="png", dpi=160, facecolor="white", metadata={_DIGEST: self.digest})
        return buffer.getvalue()


def finish(name: str, alt: str, draw: Callable[[bool], Figure], folder: Path) -> Picture:
    """Draw wide and narrow; write `folder/<name>.png` and return the SVGs for the page."""
    return keep(sketch(name, alt, draw), folder)


def sketch(name: str, alt: str, draw: Callable[[bool], Figure]) -> Sketch:
    """Draw wide and narrow as SVG."""
    with _style():
        figure = draw(False)
        wide, narrow = _raw_svg(figure), _raw_svg(draw(True))
    picture = Picture(name, alt, _for_page(wide, f"{name}-w", alt), _for_page(narrow, f"{name}-n", alt))
    return Sketch(picture, figure, hashlib.sha256(wide.encode()).hexdigest())


def keep(drawing: Sketch, folder: Path) -> Picture:
    """Write the PNG into `folder`, unless the one that is there shows the same: a PNG costs more than both SVGs."""
    path = folder / f"{drawing.picture.name}.png"
    if _digest_in(path) != drawing.digest:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(drawing.png)
    return drawing.picture


def _digest_in(path: Path) -> str | None:
    """The digest that a whole PNG of ours carries; None for any other file, and where there is none."""
    if not path.is_file() or not path.read_bytes().endswith(_PNG_END):
        return None
    try:
        with Image.open(path) as image:
            return image.info.get(_DIGEST)
    except UnidentifiedImageError:
        return None


@contextmanager
def _style() -> Iterator[None]:
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        # A name may hold letters that matplotlib's font lacks: boxes in the PNG, while the page has the reader's fonts.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def _raw_svg(figure: Figure) -> str:
    buffer = io.StringIO()
    metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    return buffer.getvalue()


def _for_page(text: str, prefix: str, alt: str) -> str:
    """An `<svg>` element with ids of its own, palette colours as CSS variables, and a spoken name."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\1{prefix}-", text)
    text = re.sub(r' (?:width|height)="[\d.]+pt"', "", text, count=2)
    for variable, (light, _) in PALETTE.items():
        text = text.replace(light, f"var(--{variable})")
    return text.replace("<svg ", f'<svg role="img" aria-label="{html.escape(alt)}" ', 1)
