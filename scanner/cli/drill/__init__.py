"""`strayscan drill`: invented records that show whether the scan still sees."""

from scanner.cli._folder import FolderGroup

command = FolderGroup(__name__, name="drill", help="Plant invented records, and see whether scans find, trace and judge them.")
