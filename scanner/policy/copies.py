"""The policy's `copies:`: what counts as a copy of an approved store, and which columns of a store are fingerprinted."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from scanner.config import CopySettings, StoreTracing
from scanner.policy.document import Value, did_you_mean, shown
from scanner.redact import REGULATED

SHORTEST_EXCERPT = 300
"""Normalised characters: below this the fingerprints of a text promise nothing (`scanner.copies.winnow`)."""


def copy_settings(value: Value | None, folder: Path, stores: Collection[str], entity: Callable[[Value], str]) -> CopySettings:
    """The `copies:` block. `folder`: where relative paths start; `stores`: names of the policy's stores; `entity` reads an entity type.
    Raises `PolicyError`."""
    if value is None or value.is_null:
        return CopySettings()
    given = value.fields([item.name for item in fields(CopySettings)])
    readers: dict[str, Callable[[Value], Any]] = {
        "index": lambda item: folder / item.text(),
        "strong": lambda item: tuple(_identifying(kind, entity) for kind in item.text_items()),
        "columns": lambda item: item.whole(2),
        "records": lambda item: item.whole(1),
        "weak_records": lambda item: item.whole(1),
        "within_lines": Value.whole,
        "require": lambda item: tuple(_identifying(kind, entity) for kind in item.text_items(single=True)),
        "never": lambda item: tuple(tuple(_identifying(kind, entity) for kind in group.text_items()) for group in item.items()),
        "texts": Value.truth,
        "text_chars": lambda item: item.whole(SHORTEST_EXCERPT),
        "stores": lambda item: _stores(item, stores),
    }
    return CopySettings(**{name: readers[name](item) for name, item in given.items() if not item.is_null})


def told(settings: CopySettings) -> dict[str, Any]:
    """What of the settings decides a row, as plain data; where the index lies does not."""
    return {name: value for name, value in asdict(settings).items() if name != "index"}


def _stores(value: Value, known: Collection[str]) -> dict[str, StoreTracing]:
    tracing = {}
    for name, block in value.fields().items():
        if name not in known:
            block.fail(f'no store is named "{shown(name)}"' + did_you_mean(name, known))
        given = block.fields([item.name for item in fields(StoreTracing)])
        readers: dict[str, Callable[[Value], Any]] = {
            "trace": Value.truth,
            "keys": lambda item: item.texts(single=True),
            "leave_out": lambda item: item.texts(single=True),
            "records": lambda item: item.whole(1),
            "weak_records": lambda item: item.whole(1),
        }
        tracing[name] = StoreTracing(**{key: readers[key](item) for key, item in given.items() if not item.is_null})
    return tracing


def _identifying(value: Value, entity: Callable[[Value], str]) -> str:
    kind = entity(value)
    if kind in REGULATED:
        value.fail("this kind is regulated: it is never fingerprinted, so no copy can be traced by it")
    return kind
