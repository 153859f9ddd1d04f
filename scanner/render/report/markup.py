"""HTML and SVG that cannot be injected into: text is escaped where it enters, and only this module makes markup.

Names come from hostile shares. `element` escapes every child and every attribute that is not `Markup` already, and writes control and
bidirectional characters out (`visible`), so that a name can neither leave its place nor look like another.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Mapping
from typing import Any, NewType

from scanner.render.visible import visible

Markup = NewType("Markup", str)
"""Text that is HTML already. Made in this module only."""

Child = str | int | None | Iterable["Child"]

_VOID = frozenset({"input", "link", "meta", "rect", "wbr", "circle", "line"})


class _Html(str):
    """What `Markup` is at run time: escaped once, and not again."""

    __slots__ = ()


def element(tag: str, *children: Child, **attributes: str | int | float | bool | None) -> Markup:
    """``<tag ...>children</tag>``. Attribute names lose a trailing ``_`` and have ``-`` for ``_``; None and False leave one out."""
    written = "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in _VOID:
        return _raw(f"<{tag}{written}>" if tag in ("input", "link", "meta", "wbr") else f"<{tag}{written}/>")
    return _raw(f"<{tag}{written}>{fragment(*children)}</{tag}>")


def fragment(*children: Child) -> Markup:
    """Children one after another; strings that are no markup are escaped."""
    return _raw("".join(_child(child) for child in children))


def path(text: str) -> Markup:
    """A path that may break after each of its slashes and exclamation marks."""
    pieces: list[Child] = []
    begin = 0
    for at, char in enumerate(text):
        if char in "/!":
            pieces += [text[begin : at + 1], element("wbr")]
            begin = at + 1
    return fragment(*pieces, text[begin:])


def data(name: str, value: Mapping[str, Any]) -> Markup:
    """A block of JSON for the page's script, with no ``<``, ``>``, ``&`` or line separator that HTML or a script could take for its own."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return _raw(f'<script type="application/json" id="{html.escape(name)}">{text}</script>')


def packed(name: str, rows: str) -> Markup:
    """A block of packed rows: letters, digits, ``+``, ``/`` and ``=`` alone."""
    if not all(char.isascii() and (char.isalnum() or char in "+/=") for char in rows):
        raise ValueError("packed rows are not base64")
    return _raw(f'<script type="text/plain" id="{html.escape(name)}">{rows}</script>')


def own(tag: str, text: str) -> Markup:
    """The page's own style or script, as it lies in this package."""
    if f"</{tag}" in text.lower():
        raise ValueError(f"the page's own {tag} would end itself")
    return _raw(f"<{tag}>{text}</{tag}>")


def page_head(title: str, style: str, script: str | None = None) -> Markup:
    """The head of a page that loads nothing: its policy lets its own style, and its own script if it has one, through by their hashes."""
    policy = [
        "default-src 'none'",
        *([f"script-src {_digest(script)}"] if script is not None else []),
        f"style-src {_digest(style)}",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return fragment(
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content="; ".join(policy)),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="robots", content="noindex, nofollow"),
        element("title", title),
        own("style", style),
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def document(lang: str, head: Markup, body: Markup) -> str:
    return f'<!doctype html>\n<html lang="{html.escape(lang)}">\n<head>\n{head}\n</head>\n<body>\n{body}\n</body>\n</html>\n'


def _raw(text: str) -> Markup:
    return Markup(_Html(text))


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, _Html):
        return str(child)
    if isinstance(child, str):
        return html.escape(visible(child))
    if isinstance(child, int):
        return f"{child:,}"
    return "".join(_child(inner) for inner in child)


def _attribute(name: str, value: str | int | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    shown = name.rstrip("_").replace("_", "-")
    return f" {shown}" if value is True else f' {shown}="{html.escape(visible(str(value)))}"'
