"""The only door for values: what a value's plain form is, how it may be shown, and how it is recognised again under a key.

``normalise`` gives the plain form two spellings share, ``mask`` what may be written, ``Fingerprinter`` the keyed 64-bit tag.
Importing this package is cheap; Arrow and pandas are loaded by the first fingerprint.
"""

from scanner.redact.fingerprint import REGULATED, Fingerprinter, domain
from scanner.redact.key import Key, KeyFileError, check_key_apart, key_path, load_key
from scanner.redact.mask import is_mask, mask
from scanner.redact.normalise import normalise

__all__ = [
    "REGULATED",
    "Fingerprinter",
    "Key",
    "KeyFileError",
    "check_key_apart",
    "domain",
    "is_mask",
    "key_path",
    "load_key",
    "mask",
    "normalise",
]
