"""`strayscan rules`: look after the detection rules."""

from scanner.cli._folder import FolderGroup

command = FolderGroup(__name__, name="rules", help="List the detection rules, and run their own examples.")
