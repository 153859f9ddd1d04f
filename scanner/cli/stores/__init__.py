"""`strayscan stores`: the index of the approved stores."""

from scanner.cli._folder import FolderGroup

command = FolderGroup(__name__, name="stores", help="Fingerprint the approved stores, so that copies of them can be traced.")
