"""Untrusted text made safe to show: control characters become visible, and JSON cannot end the element it lies in."""

from __future__ import annotations

import json
import unicodedata

_SHOWN_AS_THEY_ARE = {"\n", "\t"}
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_HTML_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def visible(text: str) -> str:
    """Text in which every character can be seen.

    A transcript may hold terminal escapes, right-to-left overrides, zero-width or tag characters that would hide what
    a model wrote. C0 controls become their Unicode pictures (escape is `\u241b`), other invisible characters their
    code point in brackets (`\u27e8U+202E\u27e9`). Newlines and tabs stay.
    """
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(map(_visible_character, text))


def _visible_character(character: str) -> str:
    if character in _SHOWN_AS_THEY_ARE or unicodedata.category(character) not in _INVISIBLE:
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"\u27e8U+{code:04X}\u27e9"


def json_for_html(value: object) -> str:
    """Compact ASCII JSON that may stand inside a `<script type="application/json">` element.

    Raises:
        ValueError: the value holds NaN or an infinity, which are no JSON.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character, escape in _HTML_ESCAPES.items():
        text = text.replace(character, escape)
    return text
