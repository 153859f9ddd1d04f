"""What a header cell says about its column, read by token and never by substring: `tel` is a phone, `hotel` is not.

English and Japanese words, romanised ones (`shimei`, `jusho`) and coded names (`tel1`, `ml`, `nm_kana`, `birth_dt`). The last noun of a
compound decides, as in both languages: 会社名 is a company's name, 担当者名 a person's; `email` is an address, `email_flag` is not.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import Final

ANY: Final[frozenset[str]] = frozenset({"*"})


@dataclass(frozen=True, slots=True)
class HeaderMeaning:
    """What the column holds, as far as its header tells.

    `part`: PERSON: full, surname, given, middle, each also with `_kana`; ADDRESS: full, prefecture, city, town, street, building.
    `confidence`: 0 unknown word, 0.5 needs values that agree (`name`), 0.8 and more plain. `index`: the number behind it (住所２ is 2).
    `excludes`: entity types that such a column does not hold, whatever its values look like; ``{"*"}`` is all but an e-mail address.
    `is_free_text`: remarks and the like, anything may stand in its cells.
    """

    entity_type: str | None = None
    part: str = ""
    confidence: float = 0.0
    excludes: frozenset[str] = frozenset()
    is_free_text: bool = False
    index: int | None = None

    @property
    def is_code(self) -> bool:
        return self.excludes == ANY

    def bars(self, entity_type: str) -> bool:
        """The header says that the column holds no such thing."""
        return entity_type in self.excludes or (self.is_code and entity_type != "EMAIL_ADDRESS")


UNKNOWN: Final = HeaderMeaning()


def _read_roles() -> dict[str, str]:
    """word -> role of data/header_words.txt; the first role of a word counts."""
    roles: dict[str, str] = {}
    role = ""
    for line in (files("detectors") / "data" / "header_words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            role = line[1:-1]
        elif not line.startswith("#"):
            for word in line.split():
                roles.setdefault(word.lower(), role)
    return roles


_ROLE: Final = _read_roles()
_PAIRS: Final[dict[tuple[str, ...], str]] = {
    ("e", "mail"): "email", ("zip", "cd"): "zip", ("zip", "code"): "zip", ("postal", "cd"): "zip", ("postal", "code"): "zip",
    ("post", "code"): "zip",
    ("date", "of", "birth"): "dob", ("birth", "date"): "dob", ("birth", "dt"): "dob", ("birth", "day"): "dob", ("birth", "ymd"): "dob",
    ("credit", "card"): "creditcard", ("card", "number"): "creditcard", ("card", "no"): "creditcard", ("cc", "number"): "creditcard",
    ("my", "number"): "mynumber", ("first", "name"): "firstname", ("given", "name"): "firstname", ("last", "name"): "lastname",
    ("family", "name"): "lastname", ("middle", "name"): "middlename", ("middle", "initial"): "middlename", ("full", "name"): "fullname",
    ("passport", "no"): "passport", ("drivers", "license"): "driverslicense", ("driver", "license"): "driverslicense",
    ("bank", "account"): "bankaccount", ("cell", "phone"): "phone", ("mobile", "phone"): "phone", ("street", "address"): "address",
    ("user", "name"): "username", ("file", "name"): "filename", ("part", "no"): "partno", ("email", "address"): "email",
    ("mail", "address"): "email", ("mail", "addr"): "email", ("email", "addr"): "email", ("mail", "adr"): "email",
}  # fmt: skip
_JAPANESE: Final = re.compile(r"[\u3005\u3012\u3040-\u30ff\u3400-\u9fff]+")
_LONGEST: Final = max(len(word) for word in _ROLE if not word.isascii())
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PIECE: Final = re.compile(r"[a-z]+|\d+|[\u3005\u3012\u3040-\u30ff\u3400-\u9fff]+|[^\sa-z\d]")
_BRACKETS: Final = re.compile(r"[(\[【〔（<〈]([^)\]】〕）>〉]*)[)\]】〕）>〉]")
_MAX_HEADER: Final = 60  # longer cells are sentences, not names of columns
_NUMERIC: Final = frozenset({"PHONE_NUMBER", "FAX_NUMBER", "JP_POSTAL_CODE", "JP_MY_NUMBER", "CREDIT_CARD", "JP_BANK_ACCOUNT"})


@lru_cache(maxsize=4096)
def meaning(header: str) -> HeaderMeaning:
    """What a header cell says of its column; `UNKNOWN` if it says nothing."""
    text = unicodedata.normalize("NFKC", header).strip()
    if not text or len(text) > _MAX_HEADER:
        return UNKNOWN
    notes = " ".join(_BRACKETS.findall(text))
    main, index = _roles(_BRACKETS.sub(" ", text))
    extra, _ = _roles(notes)
    found = _compose(main)
    if found is UNKNOWN and not main:
        found = _compose(extra)
    if "kana" in extra and found.entity_type == "PERSON" and not found.part.endswith("_kana"):
        found = _with(found, part=found.part + "_kana")
    if found.entity_type == "PHONE_NUMBER" and "FAX_NUMBER:" in extra:
        found = _with(found, entity_type="FAX_NUMBER")
    return _with(found, index=index) if index is not None and found is not UNKNOWN else found


def _with(found: HeaderMeaning, **changes: object) -> HeaderMeaning:
    return replace(found, **changes)  # type: ignore[arg-type]


def _roles(text: str) -> tuple[list[str], int | None]:
    """The roles of the header's words in order ("?" for an unknown one), and the number it ends in."""
    text = unicodedata.normalize("NFKC", _CAMEL.sub(" ", text)).lower().replace("・", "/")
    pieces = _PIECE.findall(text)
    index = int(pieces[-1]) if pieces and pieces[-1].isdigit() and len(pieces) > 1 and len(pieces[-1]) < 3 else None
    words: list[str] = []
    for piece in pieces:
        if _JAPANESE.fullmatch(piece):
            words += _segment(piece)
        elif piece.isalpha():
            words.append(piece)
        elif piece in "/&,、":
            words.append("/")
    return [_ROLE.get(word, "/" if word == "/" else "?") for word in _paired(words)], index


def _segment(text: str) -> list[str]:
    """Japanese words by longest match from the right, since the head stands there; what is unknown stays one piece."""
    words: list[str] = []
    unknown = ""
    end = len(text)
    while end:
        size = next((n for n in range(min(end, _LONGEST), 0, -1) if text[end - n : end] in _ROLE), 0)
        if size:
            words += [unknown, text[end - size : end]] if unknown else [text[end - size : end]]
            unknown = ""
            end -= size
        else:
            end -= 1
            unknown = text[end] + unknown
    return [*words, *([unknown] if unknown else [])][::-1]


def _paired(words: list[str]) -> list[str]:
    joined: list[str] = []
    at = 0
    while at < len(words):
        size = next((n for n in (3, 2) if tuple(words[at : at + n]) in _PAIRS), 1)
        joined.append(_PAIRS[tuple(words[at : at + size])] if size > 1 else words[at])
        at += size
    return joined


def _compose(roles: list[str]) -> HeaderMeaning:
    """From the right: the head of the compound decides, what stands before it colours it."""
    roles = [role for role in roles if role != "neutral"]
    entities = {role.split(":")[0] for role in roles if ":" in role}
    if "/" in roles:
        roles = [role for role in roles if role != "/"]
        if len(entities) > 1 and entities - {"PHONE_NUMBER", "FAX_NUMBER"}:
            return HeaderMeaning(is_free_text=True, confidence=0.5)
        if entities == {"PHONE_NUMBER", "FAX_NUMBER"}:
            return HeaderMeaning("PHONE_NUMBER", "", 0.9)
    if not roles:
        return UNKNOWN
    head, before = roles[-1], roles[:-1]
    if head == "number" and before and before[-1].split(":")[0] in _NUMBERED:
        head, before = before[-1], before[:-1]
    elif head == "number":  # an unknown word's number may be one that a rule has its own context for
        return UNKNOWN if before and before[-1] == "?" else HeaderMeaning(excludes=ANY, confidence=0.6)
    if ":" in head:
        return _entity(head, before)
    return _plain(head, before)


_NUMBERED: Final = _NUMERIC | {
    "JP_DRIVER_LICENSE", "JP_PASSPORT", "JP_PENSION_NUMBER", "JP_HEALTH_INSURANCE", "JP_RESIDENCE_CARD", "JP_RESIDENT_RECORD",
    "JP_EMPLOYMENT_INSURANCE", "JP_CARE_INSURANCE",
}  # fmt: skip


def _entity(head: str, before: list[str]) -> HeaderMeaning:
    entity, part = head.split(":")
    last = before[-1] if before else ""
    if entity == "ADDRESS" and part == "full" and last == "EMAIL_ADDRESS:":
        return HeaderMeaning("EMAIL_ADDRESS", "", 0.95)
    if entity == "ADDRESS" and last == "code":  # ip, mac, web address
        return HeaderMeaning(excludes=ANY, confidence=0.8)
    if entity == "PERSON" and part in ("surname", "given") and last == "organisation":  # shohin_mei
        return HeaderMeaning(excludes=frozenset({"PERSON"}), confidence=0.7)
    if entity == "PERSON" and "kana" in before and not part.endswith("_kana"):
        part += "_kana"
    if entity == "ADDRESS" and part != "full" and "ADDRESS:full" in before:
        return HeaderMeaning(entity, part, 0.95)
    if entity == "FAX_NUMBER" and "PHONE_NUMBER:" in before:
        return HeaderMeaning("FAX_NUMBER", "", 0.9)
    return HeaderMeaning(entity, part, 0.6 if "?" in before else 0.9)


def _plain(head: str, before: list[str]) -> HeaderMeaning:
    last = next((role for role in reversed(before) if role not in ("number", "code", "middle")), "")
    if head == "free":
        return HeaderMeaning(is_free_text=True, confidence=0.8)
    if head == "contact":
        return HeaderMeaning("PHONE_NUMBER", "", 0.5, is_free_text=True)
    if head == "kana":
        return _kana(before)
    if head == "name":
        return _name(last, before)
    if head in ("first", "last", "middle"):
        return HeaderMeaning("PERSON", {"first": "given", "last": "surname"}.get(head, head), 0.5 if not before else 0.7)
    if head == "birth":
        return HeaderMeaning("DATE_OF_BIRTH", "", 0.8)
    if head == "code":
        return HeaderMeaning(excludes=ANY, confidence=0.8)
    if head == "organisation":
        return HeaderMeaning(excludes=frozenset({"PERSON"}), confidence=0.8)
    if head == "subject" or (head == "place" and last == "subject"):
        person = before and before[-1].startswith("PERSON:")
        return _entity(before[-1], before[:-1]) if person else HeaderMeaning("PERSON", "full", 0.6)
    return UNKNOWN


def _kana(before: list[str]) -> HeaderMeaning:
    """フリガナ alone is a name's; behind another word it is that word's reading."""
    if not before:
        return HeaderMeaning("PERSON", "full_kana", 0.6)
    rest = _compose(before)
    if rest.entity_type == "PERSON":
        part = rest.part if rest.part.endswith("_kana") else rest.part + "_kana"
        return _with(rest, part=part, confidence=max(rest.confidence, 0.6))
    if rest is not UNKNOWN:
        return HeaderMeaning(excludes=frozenset({"PERSON"}), confidence=0.7)
    return HeaderMeaning("PERSON", "full_kana", 0.5)


def _name(last: str, before: list[str]) -> HeaderMeaning:
    if not before:
        return HeaderMeaning("PERSON", "name", 0.5)
    if last == "kana":
        return _with(_kana(before[:-1]), confidence=0.8)
    if last in ("subject", "") or last.startswith("PERSON:"):
        part = last.split(":")[1] if last.startswith("PERSON:") else "full"
        return HeaderMeaning("PERSON", part, 0.9)
    if last in ("first", "last", "middle"):
        return HeaderMeaning("PERSON", {"first": "given", "last": "surname"}.get(last, last), 0.9)
    if last == "place":
        return HeaderMeaning("PERSON", "full", 0.5)
    return HeaderMeaning(excludes=frozenset({"PERSON"}), confidence=0.7 if last == "?" else 0.8)
