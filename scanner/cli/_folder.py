"""A group whose commands are the modules of a package: the folder is the list, and a module is imported only when needed."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
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
        if command.callback is not None and not isinstance(command, click.Group) and not hasattr(command.callback, "tells_of_folders"):
            command.callback = _telling(command.callback)
        return command


def _telling(callback: Callable[..., Any]) -> Callable[..., Any]:
    """The same command, which first says on standard error if the store or hold folder that it is given is open to others."""

    @functools.wraps(callback)
    def told(**given: Any) -> Any:
        from scanner.findings.privacy import exposed_in
        from scanner.render.messages import Messages, choose_language
        from scanner.render.visible import visible

        for folder in (given.get("out"), given.get("hold")):
            if isinstance(folder, Path) and not given.get("roots"):  # a scan says it in its summary
                for one in exposed_in(folder):
                    key = "folder_of_another" if one.mode is None else "folder_open"
                    mode = "" if one.mode is None else f"{one.mode:04o}"
                    say = given.get("say") or Messages(choose_language(None))
                    click.echo(say(key, path=visible(str(one.path)), mode=mode, uid=one.uid), err=True)
        return callback(**given)

    told.tells_of_folders = True  # type: ignore[attr-defined]
    return told
