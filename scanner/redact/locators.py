"""Locators for those who need not see them: shapes that are told apart by a keyed tag.

``営業/山田様.xlsx`` becomes ``○○~3fa2b1c4/○○○.****~90d1e2f7``: the mask of each step, and 32 bits of a keyed hash of it, so that
equal names still meet, and nobody without the key can try names out. Ids, which are bare hashes of locators, are replaced by keyed ones.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from scanner.redact.key import Key
from scanner.redact.mask import mask

_STEP = re.compile(r"(?<!\\)!")
_OF_THE_FORMAT = re.compile(
    r"(?:column|page|slide|sheet|table|block|part|line|row) \d+(?: notes| comments)?"
    r"|name|properties|headers?|footers?|footnotes|endnotes|comments|notes|body|subject"
)
"""Places and columns that the program names by itself, and that tell nothing."""


class LocatorMask:
    """Masks of one key: the same locator always gives the same mask."""

    def __init__(self, key: Key) -> None:
        self._step_key = key.sub_key("locator/step", 32)
        self._id_key = key.sub_key("locator/id", 32)
        self._step = lru_cache(maxsize=65_536)(self._masked_step)

    def path(self, text: str | None) -> str | None:
        """A root or a path, step by step; the blank steps of leading and closing ``/`` stay."""
        return None if text is None else "/".join(map(self._step, text.split("/")))

    def member(self, text: str | None) -> str | None:
        """Steps joined by ``!``; a ``\\!`` within a step is no joint."""
        return None if text is None else "!".join(self.path(step) or "" for step in _STEP.split(text))

    def label(self, text: str | None) -> str | None:
        """A sheet, table, column or owner; what the program named by itself (``page 3``, ``column 2``) stays."""
        return text if text is None or _OF_THE_FORMAT.fullmatch(text) else self._step(text)

    def id(self, text: str | None) -> str | None:
        """32 hex digits, in the place of an id that is a bare hash of locators."""
        if text is None:
            return None
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._id_key, digest_size=16).hexdigest()

    def _masked_step(self, step: str) -> str:
        if not step:
            return step
        tag = hashlib.blake2b(step.encode("utf-8", "surrogatepass"), key=self._step_key, digest_size=4).hexdigest()
        return f"{mask('', step).replace('/', '·')}~{tag}"
