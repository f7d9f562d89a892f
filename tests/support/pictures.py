"""Blank pictures in place of matplotlib's: rendering them is two thirds of a small run's time, and few tests look."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from rl.report.pages import validity

RENDER = Figure.savefig
_BLANK = '<svg width="4pt" height="4pt" viewBox="0 0 4 4"></svg>'


def save_blank(self: Figure, fname: Any, *, format: str = "png", metadata: Any = None, **_: Any) -> None:
    """Write a picture of the asked format with nothing in it; the figure itself is made as ever."""
    if format == "svg":
        fname.write(_BLANK)
        return
    told = PngInfo()
    for key, text in (metadata or {}).items():
        told.add_text(key, text or "")
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "png", pnginfo=told)
    if hasattr(fname, "write"):
        fname.write(buffer.getvalue())
    else:
        Path(fname).write_bytes(buffer.getvalue())


def forget_drawings() -> None:
    """Have a process draw anew what it draws once for all pages: it may have been drawn blank."""
    validity._calibration.cache_clear()
