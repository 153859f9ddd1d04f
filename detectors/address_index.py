"""The shipped index of Japanese place names: prefecture, municipality, towns, looked up in any written variant (ヶ/ケ/が, ノ/の, 澤/沢)."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Final

# one-to-one, so that offsets in a folded text are those of the original
_VARIANTS: Final = dict(
    zip(
        "ヶヵガがカのノ之乃ツッっつ髙﨑澤濱嶋嶌邊邉龍瀧廣櫻國圓惠縣區澁渋齋斎曾檜條與萬籠螢鹽燒竈埜塚祗荻莊淵渕壱弐参〇0123456789１２３４５６７８９０靱薮",
        "ケケケケケノノノノツツツツ高崎沢浜島島辺辺竜滝広桜国円恵県区渋渋斉斉曽桧条与万篭蛍塩焼釜野塚祇萩荘淵淵一二三〇〇一二三四五六七八九一二三四五六七八九〇靭藪",
        strict=True,
    )
)
_VARIANT: Final = re.compile(f"[{''.join(_VARIANTS)}]")
_ORDINALS: Final = frozenset("一二三四五六七八九十")


def plain(text: str) -> str:
    """A text with every variant character as the index keys it; same length."""
    return _VARIANT.sub(lambda match: _VARIANTS[match[0]], text)  # three times as quick as str.translate on kanji


class Municipality:
    """One or, where a name is shared (府中市, 北区), several municipalities: the towns known in them."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(names)
        self._towns: frozenset[str] | None = None
        self._longest = 0

    def add(self, other: str) -> None:
        self._names.append(other)

    @property
    def towns(self) -> frozenset[str]:
        """Keys of its towns; split only when first needed."""
        if self._towns is None:
            self._towns = frozenset(name for line in self._names for name in plain(line).split(",") if name)
            self._longest = max(map(len, self._towns), default=0)
        return self._towns

    def town_end(self, keys: str, start: int) -> int:
        """End of the longest of its towns that stands at `start` of the folded text, or `start`."""
        towns = self.towns
        for length in range(min(self._longest, len(keys) - start), 0, -1):
            if keys[start : start + length] in towns:
                return start + length
        return start


class AddressIndex:
    """Prefectures, municipalities and towns."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.prefectures: dict[str, dict[str, Municipality]] = {}
        self.municipalities: dict[str, Municipality] = {}
        self._raw: list[str] = []
        self._all_towns: frozenset[str] | None = None
        for line in lines:
            prefecture, city, towns = line.rstrip("\n").split("\t")
            self._raw.append(towns)
            inside = self.prefectures.setdefault(plain(prefecture), {})
            for name in _short_forms(plain(city)):
                for table in (inside, self.municipalities):
                    if name in table:
                        table[name].add(towns)
                    else:
                        table[name] = Municipality([towns])
        self.prefecture_stems = frozenset(name[:-1] for name in self.prefectures if name != "北海道")
        self.country = Municipality(self._raw)
        self.longest = max(map(len, self.municipalities), default=0)

    @property
    def all_towns(self) -> frozenset[str]:
        """Keys of the towns of the whole country, of two characters or more."""
        if self._all_towns is None:
            self._all_towns = frozenset(name for line in self._raw for name in plain(line).split(",") if len(name) > 1)
        return self._all_towns


def _short_forms(city: str) -> list[str]:
    """`空知郡南幌町` is also written `南幌町`; `横浜市青葉区` also `青葉区` or `横浜市`."""
    forms = [city]
    county = city.find("郡", 1)
    if county > 0 and city[-1] in "町村" and county < len(city) - 2:
        forms.append(city[county + 1 :])
    ward = city.find("市", 1)
    if ward > 0 and city[-1] == "区":
        forms.extend((city[ward + 1 :], city[: ward + 1]))
    return forms


@cache
def load() -> AddressIndex:
    """The shipped index (0.5 MB packed, some 80,000 towns); read once a process, 30 ms."""
    packed = resources.files("detectors.data").joinpath("address_ja.txt.gz").read_bytes()
    return AddressIndex(line for line in gzip.decompress(packed).decode().split("\n") if line)
