"""`strayscan hold`: what an approver does with held files."""

from scanner.cli._folder import FolderGroup

command = FolderGroup(__name__, name="hold", help="Look at files that a watch holds, release or reject them, check its log.")
