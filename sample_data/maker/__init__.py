"""Makes the files of the invented company's share, one module a family of formats; `make.py` writes what they make."""

from __future__ import annotations

import importlib
import pkgutil

from .share import Made


def all_files() -> list[Made]:
    """Every file of the share, by path: what each module's `made()` yields."""
    found: list[Made] = []
    for module in pkgutil.iter_modules(__path__):
        made = getattr(importlib.import_module(f"{__name__}.{module.name}"), "made", None)
        found += made() if made else []
    return sorted(found, key=lambda item: item.path)
