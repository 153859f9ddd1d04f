"""The plain form of a value: spellings of the same phone, name or address become one string, so that they count and match as one.

Every function here is idempotent: the plain form of a plain form is itself (tests/property/test_masking.py).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

from scanner.redact import dates
from scanner.redact.kanji import COMMON_FORMS, number

DASHES = "-‐‑‒–—―⁃−─━ー─﹣－ｰ"
"""Characters people type for a dash between digits; NFKC leaves most of them alone."""

LONGEST = 1_000
"""No phone, name or address is longer; what is gets the plain treatment, whose time is linear."""

_DASH_RUN = re.compile(f"(?<=[0-9])\\s*[{re.escape(DASHES)}]+\\s*(?=[0-9])")
_SPACE = re.compile(r"\s+")
_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]")


def normalise(entity_type: str, value: str) -> str:
    """The plain form of `value` as a value of `entity_type`. Unknown kinds: NFKC, case-folded, blanks squeezed."""
    kind = _KINDS.get(entity_type, _words) if len(value) <= LONGEST else _words
    form = kind(_plain(value))
    for _ in range(3):  # a blank that was left out may have kept an accent from its letter
        if form.isascii() or unicodedata.is_normalized("NFKC", form):
            break
        form = kind(_plain(form))
    return form


def _plain(value: str) -> str:
    """NFKC without invisible characters: soft hyphens, direction marks, variation selectors."""
    return value if value.isascii() else _INVISIBLE.sub("", unicodedata.normalize("NFKC", _INVISIBLE.sub("", value)))


def _dashed(value: str) -> str:
    return _DASH_RUN.sub("-", value)


def _words(value: str) -> str:
    return _SPACE.sub(" ", _folded(value)).strip()


def _folded(value: str) -> str:
    """Case-folded, and stable under it: folding can undo NFKC, so both are applied until nothing moves (Unicode, 3.13 D146)."""
    folded = unicodedata.normalize("NFKC", value.casefold())
    return folded if folded == value else _folded(folded)


# --------------------------------------------------------------------------- e-mail, numbers


def _email(value: str) -> str:
    """Lower case throughout. RFC 5321 lets the local part keep its case; no mail system people use does."""
    return value.strip().lower() if value.isascii() else _folded(value).strip()


_EXTENSION = re.compile(r"(?:内線|ext\.?|extension|x|#)\s*[0-9]+\s*\)?\s*$", re.IGNORECASE)


def _phone(value: str) -> str:
    """Japanese numbers as national digits with the leading 0; others as ``+`` and digits; extensions are left out.

    ``+81``, ``0081`` and ``010-81`` are Japan's own prefix; a leading 0 that a spreadsheet ate comes back to mobiles
    (ten digits from 70, 80, 90) and to nine digits; other ten digits that fit the North American plan get its +1.
    """
    value = _EXTENSION.sub("", value)
    plus = value.lstrip(" \t(").startswith("+")
    digits = "".join(c for c in value if "0" <= c <= "9")
    if not plus:
        for prefix in ("01081", "0081"):
            if digits.startswith(prefix) and len(digits) >= len(prefix) + 9:
                digits, plus = digits[len(prefix) - 2 :], True
                break
    if plus:
        return "0" + digits[2:].lstrip("0") if digits.startswith("81") and len(digits) > 2 else "+" + digits
    if re.fullmatch(r"[789]0[0-9]{8}|[1-9][0-9]{8}", digits):
        return "0" + digits
    if re.fullmatch(r"1?[2-9][0-9]{2}[2-9][0-9]{6}", digits):
        return "+1" + digits[-10:]
    return digits


def _digits(value: str) -> str:
    return "".join(c for c in value if "0" <= c <= "9")


def _letters_and_digits(value: str) -> str:
    """For numbers that carry letters (passport, residence card): upper case, nothing else kept."""
    return "".join(c for c in unicodedata.normalize("NFKC", value).upper() if c.isascii() and c.isalnum())


# --------------------------------------------------------------------------- names

_HONORIFIC = re.compile(r"(?:(?<=.)(?:様|さま|サマ|さん|サン|氏)|(?<=..)殿)+$")
_TITLE = re.compile(r"^(?:(?:mr|mrs|ms|miss|mx|dr|prof|sir)(?:\.\s*|\s+)(?=\S))+")
_NAME_BREAK = re.compile(r"[\s・･.,、，=＝·•]+")
_KANA_ONLY = re.compile(r"[ぁ-ゖァ-ヺーゝゞヽヾ]+")
_HIRAGANA = {c: c + 0x60 for c in (*range(0x3041, 0x3097), 0x309D, 0x309E)}


def _person(value: str) -> str:
    """Blanks, dots and honorifics left out, old forms of kanji in their common form, kana-only names in katakana.

    Names in Latin letters lose case and accents, and their parts are put in alphabetical order, since Japanese
    names in romaji are written both ways round.
    """
    value = _INVISIBLE.sub("", _folded(value)).translate(COMMON_FORMS).strip()
    if not any("\u3040" <= c <= "\u9fff" and c != "・" for c in value):
        return "".join(sorted(_NAME_BREAK.split(_TITLE.sub("", _unaccented(value)))))
    joined = _untrailed("".join(_NAME_BREAK.split(_TITLE.sub("", value))))
    return joined.translate(_HIRAGANA) if _KANA_ONLY.fullmatch(joined) else joined


def _untrailed(value: str) -> str:
    """Without honorifics at the end, as long as something remains (鵜殿 is a surname: 殿 needs two characters before it)."""
    shorter = _HONORIFIC.sub("", value)
    return shorter if shorter == value else _untrailed(shorter)


def _unaccented(value: str) -> str:
    """Composed again afterwards: Hangul syllables come apart in NFKD."""
    if value.isascii():
        return value
    return unicodedata.normalize("NFKC", "".join(c for c in unicodedata.normalize("NFKD", value) if not unicodedata.combining(c)))


# --------------------------------------------------------------------------- addresses

_PREFECTURES = (
    "北海道|東京都|京都府|大阪府|青森県|岩手県|宮城県|秋田県|山形県|福島県|茨城県|栃木県|群馬県|埼玉県|千葉県|神奈川県|新潟県|富山県|石川県|福井県|山梨県|長野県|"
    "岐阜県|静岡県|愛知県|三重県|滋賀県|兵庫県|奈良県|和歌山県|鳥取県|島根県|岡山県|広島県|山口県|徳島県|香川県|愛媛県|高知県|福岡県|佐賀県|長崎県|熊本県|大分県|"
    "宮崎県|鹿児島県|沖縄県"
)
_LEAD = re.compile(rf"^(?:〒?[0-9]{{3}}-?[0-9]{{4}}(?![0-9]))?[\s,、]*(?:日本国?[\s,、]*)?(?:(?:{_PREFECTURES})(?=.*[市区町村郡]))?")
_KANJI_NUMBER = re.compile(r"[〇零一二三四五六七八九十百千壱弐参]+(?=丁目|丁(?!目|町)|番地|番(?!町)|号|[0-9-])")
_KANJI_NUMBER_TAIL = re.compile(r"(?<=[0-9-])[〇零一二三四五六七八九十百千壱弐参]+(?=[0-9-]|$)")
_BLOCK = re.compile(
    r"(?<=[0-9])(?:丁目|番地|丁(?!目|町)|番(?!町)|号(?!室|館|棟|車))(?:の|ノ)?|(?<=[0-9])(?:の|ノ)(?=[0-9])|(?<=[0-9])\s+(?=[0-9])"
)
_BETWEEN_KANJI = re.compile(r"(?<=[\u4e00-\u9fff])[がガヶケヵカのノ之ツッっつ](?=[\u4e00-\u9fff])")
_ONE_LETTER = dict.fromkeys("がガヶケヵカ", "ケ") | dict.fromkeys("のノ之", "ノ") | dict.fromkeys("ツッっつ", "ツ")
_BLANK = re.compile(r"[\s,、。．.]+")
_DASHES_TOGETHER = re.compile(r"-{2,}")
_LOOSE_DASH = re.compile(r"-(?=[^0-9]|$)")
_UNSETTLED = re.compile(r"[丁番号〒の之〇零一二三四五六七八九十百千壱弐参]|[0-9][\sノ]|--")
"""What a second look might still change; addresses that are settled at once, nearly all, are spared it."""


def _address(value: str) -> str:
    """Block numbers as ``1-2-3`` whatever they were written with, prefecture, postal code and blanks left out.

    Spellings that meet: 丁目/番地/号, kanji digits in the block, ヶ/ケ/が, ノ/の, ツ/っ, old forms. Buildings stay.
    """
    value = _dashed(_INVISIBLE.sub("", _folded(value)).translate(COMMON_FORMS))
    while True:
        shorter = _address_once(value)
        if shorter == value or not (_UNSETTLED.search(shorter) or _lead_length(shorter)):
            return shorter
        value = shorter


def _lead_length(value: str) -> int:
    lead = _LEAD.match(value)
    return lead.end() if lead else 0


def _address_once(value: str) -> str:
    value = _LEAD.sub("", value.strip(), count=1)
    value = _KANJI_NUMBER.sub(lambda m: number(m.group()), value)
    value = _DASH_RUN.sub("-", _BLOCK.sub("-", value))
    value = _BLANK.sub("", _KANJI_NUMBER_TAIL.sub(lambda m: number(m.group()), value))
    value = _BETWEEN_KANJI.sub(lambda m: _ONE_LETTER[m.group()], value)
    return _LOOSE_DASH.sub("", _DASHES_TOGETHER.sub("-", value))


def _date(value: str) -> str:
    return dates.iso(_dashed(value))


_KINDS: Mapping[str, Callable[[str], str]] = {
    "EMAIL_ADDRESS": _email,
    "PHONE_NUMBER": _phone,
    "FAX_NUMBER": _phone,
    "JP_POSTAL_CODE": _digits,
    "PERSON": _person,
    "ADDRESS": _address,
    "DATE_OF_BIRTH": _date,
    "CREDIT_CARD": _digits,
    "JP_MY_NUMBER": _digits,
    "JP_DRIVER_LICENSE": _digits,
    "JP_PENSION_NUMBER": _digits,
    "JP_HEALTH_INSURANCE": _digits,
    "JP_RESIDENT_RECORD": _digits,
    "JP_EMPLOYMENT_INSURANCE": _digits,
    "JP_CARE_INSURANCE": _digits,
    "JP_BANK_ACCOUNT": _digits,
    "US_SSN": _digits,
    "JP_PASSPORT": _letters_and_digits,
    "PASSPORT": _letters_and_digits,
    "JP_RESIDENCE_CARD": _letters_and_digits,
}
