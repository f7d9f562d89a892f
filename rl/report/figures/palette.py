"""Colours for light and dark, and the matplotlib style of every figure."""

from __future__ import annotations

from typing import Any

PALETTE = {
    # name: (on white, on near-black); hues chosen to stay apart for deuteranopes and protanopes
    "ink": ("#1b1f24", "#eceef1"),
    "muted": ("#59626d", "#a3acb8"),
    "grid": ("#e4e6e9", "#2c3138"),
    "free": ("#1f5fa8", "#79b4f7"),
    "paid": ("#117f78", "#4cc5b8"),
    "af": ("#c23b20", "#ff8a6b"),
    "gap": ("#6a4c93", "#bfa3e8"),
    "area-af-complied": ("#d4583b", "#e0694b"),
    "area-af-refused": ("#f2bba9", "#84473a"),
    "area-complied": ("#74a3d4", "#4a7db3"),
    "area-refused": ("#d8dbdf", "#3d444d"),
    "area-malformed": ("#59606a", "#737c88"),
}
"""Names that are CSS variables on the page, with their colours."""

INK, MUTED, GRID = (PALETTE[name][0] for name in ("ink", "muted", "grid"))

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.parse_math": False,  # a name may hold a dollar sign
    "text.color": INK,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "ytick.major.size": 0,
    "xtick.major.size": 3,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "none",  # the page's own font, and small files
    "svg.hashsalt": "goalguard",
}
