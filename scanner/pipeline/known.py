"""Our own contact data: which of the values found are our own people's, phones' and mailboxes'."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from scanner.redact import Fingerprinter

PHONES = frozenset({"PHONE_NUMBER", "FAX_NUMBER"})


@dataclass(frozen=True)
class KnownValues:
    """Sorted tags of names and phones, and one pattern over e-mail addresses."""

    names: npt.NDArray[np.uint64]
    phones: npt.NDArray[np.uint64]
    emails: str | None

    @classmethod
    def of(cls, fingerprints: Fingerprinter, names: Iterable[int], phones: Iterable[str], emails: Iterable[str]) -> KnownValues:
        tags = sorted({fingerprints.one("PHONE_NUMBER", phone) for phone in phones})
        return cls(np.array(sorted(set(names)), np.uint64), np.array(tags, np.uint64), emails_pattern(emails))

    def mask(self, entity_type: str, values: Any, tags: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Which of these values (a pa.StringArray and its tags) are our own."""
        if entity_type == "PERSON" and len(self.names):
            return np.isin(tags, self.names)
        if entity_type in PHONES and len(self.phones):
            return np.isin(tags, self.phones)
        if entity_type == "EMAIL_ADDRESS" and self.emails:
            plain = pc.utf8_lower(pc.utf8_normalize(values, "NFKC"))
            mine: npt.NDArray[np.bool_] = pc.match_substring_regex(plain, self.emails).to_numpy(zero_copy_only=False)
            return mine
        return np.zeros(len(values), np.bool_)


def emails_pattern(globs: Iterable[str]) -> str | None:
    """One RE2 pattern for globs such as `*@ourcompany.example`; `*` is any run of characters without `@`."""
    parts = [re.escape(glob.lower()).replace(r"\*", "[^@]*") for glob in globs]
    return f"^(?:{'|'.join(parts)})$" if parts else None


def strings(values: Iterable[str]) -> Any:
    return pa.array(list(values), pa.string())
