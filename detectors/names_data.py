"""What is known of names: the census lists for English, Sudachi's dictionary and its readings for Japanese."""

from __future__ import annotations

import gzip
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from typing import Any, Final

# Forms of kanji in names that the dictionary lists under the form on the right; one to one, so offsets stay.
_OLD: Final = "髙﨑齋齊斉邉邊濵濱嶋嶌澤櫻廣國眞瀨德藪槗淸靜惠榮壽增曻"
_NEW: Final = "高崎斎斎斎辺辺浜浜島島沢桜広国真瀬徳薮橋清静恵栄寿増昇"
OLD_FORMS: Final = str.maketrans(_OLD, _NEW)
OLD_CHARACTERS: Final = frozenset(_OLD)
_SURROGATES: Final = dict.fromkeys(range(55296, 57344), 65533)

_HIRAGANA: Final = {code: code + 0x60 for code in range(0x3041, 0x3097)}
_SYLLABLES: Final = {
    "ア": "a", "イ": "i", "ウ": "u", "エ": "e", "オ": "o", "カ": "ka", "キ": "ki", "ク": "ku", "ケ": "ke", "コ": "ko",
    "サ": "sa", "シ": "shi", "ス": "su", "セ": "se", "ソ": "so", "タ": "ta", "チ": "chi", "ツ": "tsu", "テ": "te", "ト": "to",
    "ナ": "na", "ニ": "ni", "ヌ": "nu", "ネ": "ne", "ノ": "no", "ハ": "ha", "ヒ": "hi", "フ": "fu", "ヘ": "he", "ホ": "ho",
    "マ": "ma", "ミ": "mi", "ム": "mu", "メ": "me", "モ": "mo", "ヤ": "ya", "ユ": "yu", "ヨ": "yo",
    "ラ": "ra", "リ": "ri", "ル": "ru", "レ": "re", "ロ": "ro", "ワ": "wa", "ヰ": "i", "ヱ": "e", "ヲ": "o", "ン": "n",
    "ガ": "ga", "ギ": "gi", "グ": "gu", "ゲ": "ge", "ゴ": "go", "ザ": "za", "ジ": "ji", "ズ": "zu", "ゼ": "ze", "ゾ": "zo",
    "ダ": "da", "ヂ": "ji", "ヅ": "zu", "デ": "de", "ド": "do", "バ": "ba", "ビ": "bi", "ブ": "bu", "ベ": "be", "ボ": "bo",
    "パ": "pa", "ピ": "pi", "プ": "pu", "ペ": "pe", "ポ": "po", "ヴ": "vu", "ー": "",
    "ァ": "a", "ィ": "i", "ゥ": "u", "ェ": "e", "ォ": "o", "ャ": "ya", "ュ": "yu", "ョ": "yo",
}  # fmt: skip
_GLIDE: Final = re.compile(r"(sh|ch|j)iy([auo])|([kgnhbpmr])iy([auo])")
_ROMAJI_STEPS: Final = tuple(
    (re.compile(old), new)
    for old, new in (
        (r"tch", "cch"), (r"(?<!t)sy", "sh"), (r"ty", "ch"), (r"[zj]y", "j"), (r"si", "shi"), (r"ti", "chi"), (r"tu", "tsu"),
        (r"(?<![sc])hu", "fu"), (r"zi|di", "ji"), (r"dzu|du", "zu"), (r"m(?=[bpm])", "n"), (r"wo$", "o"),
        (r"ou|oo", "o"), (r"uu", "u"), (r"oh(?![aiueoy])", "o"),
    )
)  # fmt: skip


def section_lists(name: str) -> Mapping[str, list[str]]:
    """The `[section]`s of a data file, each a list of lines in the file's order; lines that open with ``#`` are left out."""
    data = gzip.decompress((files("detectors") / "data" / name).read_bytes()).decode()
    found: dict[str, list[str]] = {}
    for line in data.split("\n"):
        if line.startswith("["):
            lines = found.setdefault(line[1:-1], [])
        elif line and not line.startswith("#"):
            lines.append(line)
    return found


def katakana(text: str) -> str:
    """Kana of any kind, half-width too, as full-width katakana."""
    return unicodedata.normalize("NFKC", text).translate(_HIRAGANA)


@lru_cache(16_384)
def romaji_key(word: str) -> str:
    """A Latin spelling brought to one form, whatever its system: Hepburn, Kunrei, macrons, `oh`, doubled or dropped long vowels."""
    plain = "".join(c for c in unicodedata.normalize("NFD", word.lower()) if "a" <= c <= "z")
    for pattern, new in _ROMAJI_STEPS:
        plain = pattern.sub(new, plain)
    return plain


def _romanised(readings: list[str]) -> frozenset[str]:
    """`romaji_key` of katakana readings."""
    text = "\n".join(readings)
    for kana, latin in _SYLLABLES.items():
        text = text.replace(kana, latin)
    text = _GLIDE.sub(lambda m: (m[1] or m[3] + "y") + (m[2] or m[4]), text)
    text = re.sub(r"ッ(?=([a-z]))", r"\1", text)
    for pattern, new in _ROMAJI_STEPS:
        text = re.sub(pattern.pattern, new, text, flags=re.MULTILINE)
    return frozenset(line for line in text.split("\n") if line.isascii() and len(line) > 1)


def word_sections(name: str) -> Mapping[str, frozenset[str]]:
    """The `[section]`s of a plain data file of words, in small letters."""
    found: dict[str, frozenset[str]] = {}
    section = ""
    for line in (files("detectors") / "data" / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line[1:-1]
        elif not line.startswith("#"):
            found[section] = found.get(section, frozenset()) | frozenset(line.lower().split())
    return found


_PLAIN: Final = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ə": "e"})


WORLD: Final = 100_000


def unmarked(low: str) -> str:
    """A Latin word in small letters without the marks on them: szöllősy as szollosy."""
    return "".join(mark for mark in unicodedata.normalize("NFD", low.translate(_PLAIN)) if not unicodedata.combining(mark))


class EnglishNames:
    """Surnames and given names of the US census; ranks count from 1, the most frequent. Names of other countries' lists, of which no
    frequency is known, all have the rank `WORLD`, behind every name of the census."""

    def __init__(self) -> None:
        census, world = section_lists("names_en.txt.gz"), section_lists("names_world.txt.gz")
        self._surname = {**dict.fromkeys(world["surname"], WORLD), **{name: rank for rank, name in enumerate(census["surname"], 1)}}
        self._given = {**dict.fromkeys(world["given"], WORLD), **{name: rank for rank, name in enumerate(census["given"], 1)}}

    def surname_rank(self, word: str) -> int | None:
        return self._rank(self._surname, word)

    def given_rank(self, word: str) -> int | None:
        return self._rank(self._given, word)

    @staticmethod
    def _rank(ranks: Mapping[str, int], word: str) -> int | None:
        """The lists write names without apostrophes and marks; the parts of a double name count for the whole."""
        plain = word.lower().replace("'", "").replace("’", "")
        found = ranks.get(plain)
        if found is None and not plain.isascii():
            plain = unmarked(plain)
            found = ranks.get(plain)
        if found is None and "-" in plain:
            parts = [ranks.get(part) for part in plain.split("-")]
            known = [rank for rank in parts if rank is not None]
            found = max(known) if known and len(known) == len(parts) else None
        return found


class JapaneseNames:
    """What Sudachi's dictionary (sudachidict-core, full spelling) and its readings say of a piece of a name."""

    def __init__(self, dictionary: Any = None) -> None:
        from sudachipy import Dictionary

        self.dictionary = dictionary or Dictionary()
        self._kinds: dict[str, frozenset[str]] = {}
        self._speech_kinds: dict[int, str] = {}
        self._spoken: dict[tuple[str, str], frozenset[str]] = {}

    @cached_property
    def _readings(self) -> Mapping[str, frozenset[str]]:
        return {name: frozenset(lines) for name, lines in section_lists("names_ja.txt.gz").items()}

    @cached_property
    def cities(self) -> frozenset[str]:
        """Prefectures and cities without their last character: what half of the surnames that are places too are better known as."""
        packed = (files("detectors") / "data" / "address_ja.txt.gz").read_bytes()
        rows = [line.split("\t", 2)[:2] for line in gzip.decompress(packed).decode().split("\n") if line]
        found = {prefecture[:-1] for prefecture, _ in rows} | {"北海道"}
        return frozenset(found | {town.partition("市")[0] for _, town in rows if "市" in town[1:]})

    @property
    def surname_readings(self) -> frozenset[str]:
        return self._readings["surname"]

    @property
    def given_readings(self) -> frozenset[str]:
        return self._readings["given"]

    @cached_property
    def _romaji(self) -> Mapping[str, frozenset[str]]:
        return {name: _romanised(lines) for name, lines in section_lists("names_ja.txt.gz").items()}

    def kinds(self, text: str) -> frozenset[str]:
        """What the spelling can be, of `姓`, `名`, `人名` (a whole name), `地名`, `固有` (other proper noun), `他`; empty if not listed."""
        known = self._kinds.get(text)
        if known is None:
            if len(self._kinds) >= 100_000:
                self._kinds.clear()
            kinds = self._speech_kinds
            found = [kinds.get(entry.part_of_speech_id()) or self._entry_kind(entry) for entry in self._entries(text)]
            known = self._kinds[text] = _same(frozenset(found))
        return known

    def _entries(self, text: str) -> Iterable[Any]:
        """The dictionary's entries for a spelling."""
        if not text:
            return ()
        lookup: Callable[[str], Iterable[Any]] = self.dictionary.lookup
        if not OLD_CHARACTERS.isdisjoint(text):
            text = text.translate(OLD_FORMS)
        try:
            return lookup(text)
        except UnicodeEncodeError:  # half of a character
            return lookup(text.translate(_SURROGATES))

    def _entry_kind(self, entry: Any) -> str:
        kind = self._speech_kinds[entry.part_of_speech_id()] = _kind(entry.part_of_speech())
        return kind

    def surname(self, text: str) -> bool:
        """Some surname is spelled so, in kanji or kana."""
        return "姓" in self.kinds(text) or katakana(text) in self._readings["surname"]

    def given(self, text: str) -> bool:
        """Some given name is spelled so, in kanji or kana."""
        return "名" in self.kinds(text) or katakana(text) in self._readings["given"]

    def surname_romaji(self, word: str) -> bool:
        return romaji_key(word) in self._romaji["surname"]

    def given_romaji(self, word: str) -> bool:
        return romaji_key(word) in self._romaji["given"]

    def spoken(self, text: str, kind: str) -> frozenset[str]:
        """How a surname (`姓`) or given name (`名`) of this spelling is read, in katakana; empty if it is not listed."""
        key = (text, kind)
        known = self._spoken.get(key)
        if known is None:
            if len(self._spoken) >= 100_000:
                self._spoken.clear()
            found = self._entries(text)
            known = self._spoken[key] = frozenset([entry.reading_form() for entry in found if _kind(entry.part_of_speech()) == kind])
        return known

    def latin(self, text: str, kind: str) -> frozenset[str]:
        """`spoken` as `romaji_key` writes it."""
        return _romanised(sorted(self.spoken(text, kind)))

    def read(self, kana: str) -> Iterator[tuple[str, str]]:
        """(surname, given name) that a reading written without a blank can be of, in katakana."""
        whole = katakana(kana)
        for cut in range(1, len(whole)):
            if whole[:cut] in self._readings["surname"] and whole[cut:] in self._readings["given"]:
                yield whole[:cut], whole[cut:]

    def splits(self, text: str) -> bool:
        """A surname and a given name written without a blank; words that mean something else as a whole are not."""
        if len(text) < 3 or self.kinds(text) & {"他", "地名", "固有"}:
            return False
        return any(self.surname(text[:cut]) and self.given(text[cut:]) for cut in range(1, len(text)))


@cache
def _same(kinds: frozenset[str]) -> frozenset[str]:
    """One object for equal sets: there are a few dozens."""
    return kinds


def _kind(part_of_speech: tuple[str, ...]) -> str:
    if part_of_speech[2] == "人名":
        return part_of_speech[3] if part_of_speech[3] in ("姓", "名") else "人名"
    if part_of_speech[2] == "地名":
        return "地名"
    return "固有" if part_of_speech[1] == "固有名詞" else "他"
