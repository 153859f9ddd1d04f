"""`strayscan policy`: look after the policy file."""

from scanner.cli._folder import FolderGroup

command = FolderGroup(__name__, name="policy", help="Check a policy, and ask it about a path.")
