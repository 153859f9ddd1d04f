"""The approved stores and their index, for a person at a terminal or as JSON."""

from __future__ import annotations

import json
from typing import IO

from scanner.render.messages import Messages
from scanner.render.visible import file_size, visible
from scanner.run.stores import Refreshed, StoreIndexed


def print_stores(stores: Refreshed, stream: IO[str], say: Messages, *, as_json: bool = False, told_read: bool = False) -> None:
    """One paragraph a store."""
    if as_json:
        stream.write(json.dumps(stores.to_json(), ensure_ascii=False) + "\n")
        return
    lines = [line for store in stores.stores for line in _of(store, say)] or [say("stores_none")]
    if told_read:
        lines.append(say("stores_read", count=stores.read))
    lines.append(say("stores_index", folder=visible(str(stores.folder))))
    stream.write("\n".join(lines) + "\n")


def _of(store: StoreIndexed, say: Messages) -> list[str]:
    state, name = store.state, visible(store.state.name)
    if not state.traced:
        return [say("stores_not", name=name, why=visible(state.why or ""))]
    lines = [say("stores_line", name=name, records=state.records, sources=store.sources)]
    lines += [say("stores_owner", owner=visible(state.owner))] if state.owner else []
    lines += [say("stores_columns", columns=visible(", ".join(store.columns)))] if store.columns else []
    lines += [say("stores_bytes", cells=store.cells, size=file_size(store.bytes))]
    lines += [say("stores_updated", moment=store.updated_at.isoformat(timespec="seconds"))] if store.updated_at else []
    lines += [say("stores_unknown", columns=visible(", ".join(store.unknown_columns)))] if store.unknown_columns else []
    lines += [visible(state.why)] if state.why else []
    return [lines[0], *("  " + line for line in lines[1:])]
