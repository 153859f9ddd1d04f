"""What is asked for: a person's name, phone, e-mail address and address; and the fingerprints of all their writing forms."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

import phonenumbers
import yaml

from scanner.find import names, places
from scanner.redact import Fingerprinter, normalise

NAME, PHONE, EMAIL, ADDRESS = "name", "phone", "email", "address"
KINDS: Final = {NAME: "PERSON", PHONE: "PHONE_NUMBER", EMAIL: "EMAIL_ADDRESS", ADDRESS: "ADDRESS"}
STRONG, MEDIUM, WEAK = "strong", "medium", "weak"
STRENGTHS: Final = (STRONG, MEDIUM, WEAK)
"""`strong`: this person; `medium`: this person or one who shares the number or house; `weak`: somebody of this name."""

MOST_BYTES = 1 << 16  # of a query
_MOBILE: Final = re.compile(r"0[6-9]0\d{8}")  # 060, 070, 080, 090 and eight digits (Ministry of Internal Affairs, numbering plan)
_ROLES: Final = frozenset(
    (
        *("info", "contact", "support", "sales", "office", "admin", "webmaster", "postmaster", "mail", "help", "service", "press"),
        *("soumu", "somu", "keiri", "jinji", "eigyo", "saiyo", "kouhou", "koho", "toiawase", "inquiry", "recruit", "order", "shop"),
        *("noreply", "no-reply"),
    )
)
"""Mailboxes of an office rather than a person (RFC 2142, and usual names in Japan)."""


class QueryError(Exception):
    """What is asked cannot be looked for. The message is one sentence and holds nothing of the query."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of the person asked for; at least one must be given. Never shown."""

    name: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)

    @property
    def given(self) -> tuple[str, ...]:
        return tuple(one.name for one in fields(self) if getattr(self, one.name) is not None)

    def check(self) -> None:
        """Raises `QueryError` if nothing can be looked for."""
        if not self.given:
            raise QueryError("nothing to look for: give a name, phone, e-mail address or address")
        for kind in self.given:
            plain = normalise(KINDS[kind], getattr(self, kind))
            if not _usable(kind, plain):
                raise QueryError(_NOT_USABLE[kind])


_NOT_USABLE: Final = {
    NAME: "the name is empty, or holds no letter",
    PHONE: "the phone number has fewer than nine digits: give it with its area code",
    EMAIL: "the e-mail address is none: it has no @",
    ADDRESS: "the address has no house number: a town alone would find everybody who lives there",
}


def _usable(kind: str, plain: str) -> bool:
    match kind:
        case "name":
            return any(char.isalpha() for char in plain)
        case "phone":
            return sum(char.isdigit() for char in plain) >= 9
        case "email":
            return bool(re.search(r".@.", plain))
        case _:
            return places.is_whole(plain)


@dataclass(frozen=True, slots=True)
class Term:
    """One writing form of something asked for. `alone`: what a hit is worth with nothing beside it, None if it is worth nothing."""

    kind: str  # name, phone, email, address
    fingerprint: int
    form: str  # how it was come by: exact, variant, reading, latin, middle, kanji
    alone: str | None


def terms(person: Subject, fingerprints: Fingerprinter) -> list[Term]:
    """Fingerprints of all writing forms that are looked for everywhere, the given ones first."""
    person.check()
    found: dict[tuple[str, int], Term] = {}
    for kind, plain, form, alone in _plain_forms(person):
        tag = fingerprints.one(KINDS[kind], plain)
        found.setdefault((kind, tag), Term(kind, tag, form, alone))
    return list(found.values())


def kanji_terms(person: Subject, fingerprints: Fingerprinter) -> list[Term]:
    """Fingerprints of the kanji that a name given in kana or Latin letters may be written with; good only beside something else."""
    import pyarrow as pa

    spelled = list(names.Names().kanji(person.name)) if person.name is not None else []
    tags = fingerprints.many("PERSON", pa.array(spelled, pa.string())).tolist() if spelled else []
    return [Term(NAME, tag, names.KANJI, None) for tag in tags]


def _plain_forms(person: Subject) -> Iterable[tuple[str, str, str, str]]:
    if person.name is not None:
        for plain, form in names.Names().forms(person.name).items():
            yield NAME, plain, form, WEAK
    if person.phone is not None:
        for number, plain in enumerate(phone_forms(person.phone)):
            yield PHONE, plain, names.VARIANT if number else names.EXACT, STRONG if _MOBILE.fullmatch(plain) else MEDIUM
    if person.email is not None:
        plain = normalise("EMAIL_ADDRESS", person.email)
        yield EMAIL, plain, names.EXACT, MEDIUM if re.split(r"[@+]", plain)[0] in _ROLES else STRONG
    if person.address is not None:
        for number, plain in enumerate(places.forms(person.address)):
            if places.is_whole(plain):
                yield ADDRESS, plain, names.VARIANT if number else names.EXACT, MEDIUM


def phone_forms(phone: str) -> list[str]:
    """Plain forms of a number: Japan's are one; another country's also as they are dialled there."""
    plain = normalise("PHONE_NUMBER", phone)
    if not plain.startswith("+"):
        return [plain]
    try:
        parsed = phonenumbers.parse(plain)
    except phonenumbers.NumberParseException:
        return [plain]
    national = "".join(c for c in phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL) if c.isdigit())
    return list(dict.fromkeys((plain, normalise("PHONE_NUMBER", national))))


# --------------------------------------------------------------------------- from a file


def read_person(data: bytes) -> Subject:
    """A person from YAML or JSON: keys name, phone, email, address, each with text. Raises `QueryError`, which quotes nothing."""
    if len(data) > MOST_BYTES:
        raise QueryError("the query is larger than 64 kB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise QueryError("the query is not UTF-8") from None
    told = _parsed(text)
    if not isinstance(told, Mapping) or not told:
        raise QueryError("the query is not a list of `key: value` lines, with the keys name, phone, email, address")
    known = {one.name for one in fields(Subject)}
    if any(key not in known for key in told):
        raise QueryError("the query has a key other than name, phone, email, address")
    wrong = [key for key, value in told.items() if not isinstance(value, str)]
    if wrong:
        raise QueryError(f"{wrong[0]} in the query is not text (a number is put in quotes)")
    return Subject(**{key: value.strip() for key, value in told.items() if value.strip()})


def _parsed(text: str) -> Any:
    """JSON is YAML, but for a phone number no quotes are asked: every scalar is taken as text."""
    try:
        if text.lstrip().startswith("{"):
            return json.loads(text)
        return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  # builds text, lists and maps only
    except (ValueError, yaml.YAMLError, RecursionError):
        raise QueryError("the query is neither YAML nor JSON") from None
