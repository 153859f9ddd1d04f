"""Keyed 64-bit fingerprints of values: equal values meet, and without the key nobody can try out numbers.

The tag is SipHash-2-4 (Aumasson, Bernstein 2012) under a sub-key of the kind's domain, followed by a fixed bijection of 64 bits, as
``pandas.util.hash_array`` computes it. pandas does not promise to keep it so: test_redact.py pins it by test vectors and a reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.redact.key import Key
from scanner.redact.normalise import normalise
from scanner.redact.plain_forms import plain_forms, strings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

REGULATED: frozenset[str] = frozenset(
    {
        "JP_MY_NUMBER",
        "JP_DRIVER_LICENSE",
        "JP_PASSPORT",
        "JP_PENSION_NUMBER",
        "JP_HEALTH_INSURANCE",
        "JP_RESIDENCE_CARD",
        "JP_RESIDENT_RECORD",
        "JP_EMPLOYMENT_INSURANCE",
        "JP_CARE_INSURANCE",
        "PASSPORT",
        "CREDIT_CARD",
    }
)
"""Kinds that are counted and never fingerprinted: even a keyed form of a My Number counts as a My Number in law."""

_DOMAINS = {"PHONE_NUMBER": "phone", "FAX_NUMBER": "phone"}
_COUNTING_DOMAIN = "counting/"
_TEXT_DOMAIN = "text/"


def domain(entity_type: str) -> str:
    """The name under which kinds share fingerprints: a phone number is the same one in a fax column."""
    return _DOMAINS.get(entity_type, entity_type)


class Fingerprinter:
    """Fingerprints under one key; holds no state but keys.

    `many` and `one` are for what is stored, and refuse regulated kinds; `counting` takes every kind under a key that is
    drawn for this process and forgotten with it, so that distinct values can be counted and nothing else.
    """

    def __init__(self, key: Key) -> None:
        self.key_id = key.key_id
        self._key = key
        self._throw_away = Key.random()

    def __repr__(self) -> str:
        return f"Fingerprinter(key_id={self.key_id!r})"

    def many(self, entity_type: str, values: pa.StringArray) -> npt.NDArray[np.uint64]:
        """Fingerprints of `values`, one each, uint64 (a null counts as ""). Raises ValueError for a regulated kind."""
        _refuse_regulated(entity_type)
        return _siphash(plain_forms(entity_type, values), self._key.sub_key(domain(entity_type)))

    def one(self, entity_type: str, value: str) -> int:
        """The fingerprint of one value, equal to that of `many`."""
        _refuse_regulated(entity_type)
        return int(_siphash(strings([normalise(entity_type, value)]), self._key.sub_key(domain(entity_type)))[0])

    def texts(self, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        """Keyed fingerprints of hashes of running text, one each: without the key nobody can tell whether a text he has is among them."""
        digits = hashes.astype(">u8").tobytes().hex()
        return _siphash(strings([digits[at : at + 16] for at in range(0, len(digits), 16)]), self._key.sub_key(_TEXT_DOMAIN))

    def counting(self, entity_type: str, values: pa.StringArray) -> npt.NDArray[np.uint64]:
        """Like `many` for any kind, under this object's throw-away key: only good for telling values apart here and now."""
        return _siphash(plain_forms(entity_type, values), self._throw_away.sub_key(_COUNTING_DOMAIN + domain(entity_type)))


def _refuse_regulated(entity_type: str) -> None:
    if entity_type in REGULATED:
        raise ValueError(f"{entity_type} is regulated: it is counted, never fingerprinted")


def _siphash(values: Any, sub_key: bytes) -> npt.NDArray[np.uint64]:
    """pandas takes the key as text of 16 bytes, so seven bits of each byte are used: a key of 112 bits."""
    import pandas as pd

    hash_key = bytes(byte & 0x7F for byte in sub_key).decode("ascii")
    strings = values.to_numpy(zero_copy_only=False).astype(object, copy=False)
    hashed: npt.NDArray[np.uint64] = pd.util.hash_array(strings, encoding="utf8", hash_key=hash_key, categorize=False)
    return hashed
