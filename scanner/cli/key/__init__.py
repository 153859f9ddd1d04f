"""`strayscan key`: the key of a findings store."""

from __future__ import annotations

from scanner.cli._folder import FolderGroup

command = FolderGroup("scanner.cli.key", name="key", help="Look after the key of a findings store.")
