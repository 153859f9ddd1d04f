"""A group whose commands are the modules of a package: the folder is the list, and a module is imported only when needed."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import click


class FolderGroup(click.Group):
    """Each module of `package` that does not begin with ``_`` holds one `command`; a sub-package holds a group."""

    def __init__(self, package: str, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        path = importlib.import_module(self._package).__path__
        return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(path) if not module.name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"{self._package}.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command
