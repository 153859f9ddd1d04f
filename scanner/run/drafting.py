"""A first draft of a policy from a short look at a share: names of folders and files, and the header words of a few tables.

The draft approves nothing: candidate stores are commented out, because approving one is for a person to decide.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scanner.model import Entry, Unreadable, path_text
from scanner.policy.globs import quote
from scanner.sources.filesystem import crawl, open_entry, resolve_roots

DEEPEST = 4  # levels of folders that are looked at
MOST_THINGS = 200_000
MOST_BELOW_TOP = 20_000  # below one top folder, so that the first does not use up the whole look
MOST_HEADERS = 300
HEADERS_A_FOLDER = 3
HEADER_BYTES = 4096
DEPARTMENTS_SHOWN = 50
STORES_SHOWN = 30

_CONTACTS = ("PERSON", "ADDRESS", "PHONE_NUMBER", "EMAIL_ADDRESS")


def _spaced(words: str) -> frozenset[str]:
    return frozenset(words.split())


@dataclass(frozen=True, slots=True)
class StoreKind:
    """What folders of one kind are called, and what they usually hold."""

    words: frozenset[str]
    allow: tuple[str, ...]
    purpose: str


STORE_KINDS = (
    StoreKind(
        _spaced("顧客 得意先 会員 取引先 お客様 crm customer customers client clients member members membership"),
        _CONTACTS,
        "orders, delivery, enquiries",
    ),
    StoreKind(
        _spaced("人事 社員 従業員 給与 労務 採用 hr personnel employee employees staff payroll recruiting"),
        (*_CONTACTS, "DATE_OF_BIRTH"),
        "employment",
    ),
    StoreKind(_spaced("仕入先 業者 vendor vendors supplier suppliers"), _CONTACTS, "purchasing"),
)
COPY_WORDS = _spaced(
    "old bak backup backups copy copies tmp temp test archive 旧 コピー バックアップ 退避 控え 一時 過去 複製 テスト アーカイブ"
)
HEADER_WORDS = {
    "names": _spaced("氏名 名前 お名前 担当者 姓 name names fullname firstname lastname surname"),
    "addresses": _spaced("住所 所在地 address addresses street"),
    "phone numbers": _spaced("電話 携帯 tel phone telephone mobile"),
    "e-mails": _spaced("メール mail email e-mail"),
}
EXCLUDES = ("**/.git/**", "**/.DS_Store", "**/Thumbs.db", "**/desktop.ini")
_TABLE_SUFFIXES = (".csv", ".tsv")
_LATIN_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A folder that may be an approved store; `path` is relative to the root, as the `path` column escapes it."""

    path: str
    kind: StoreKind
    seen: tuple[str, ...] = ()  # kinds of columns that tables in it have
    lookalikes: tuple[str, ...] = ()  # neighbours whose names begin alike


@dataclass(slots=True)
class Look:
    """What a short look at a share has seen. Folders are relative to the root, escaped as the `path` column."""

    root: str
    files: int = 0
    folders: list[str] = field(default_factory=list)
    partial: bool = False
    columns: dict[str, Counter[str]] = field(default_factory=dict)  # by folder: kinds of columns in its tables

    @property
    def departments(self) -> list[str]:
        """The top folders, but for hidden ones."""
        return [folder for folder in self.folders if "/" not in folder and not folder.startswith((".", "$", "~"))]

    def candidates(self) -> list[Candidate]:
        """The outermost folders whose names say that they are kept on purpose for people's data, copies left aside."""
        found: list[Candidate] = []
        for folder in self.folders:
            kind = _kind_of(folder)
            if kind is not None and not any(folder.startswith(outer.path + "/") for outer in found):
                found.append(Candidate(folder, kind, self._columns_below(folder), self._lookalikes(folder)))
        return found

    def _columns_below(self, folder: str) -> tuple[str, ...]:
        total: Counter[str] = Counter()
        for inner, columns in self.columns.items():
            if inner == folder or inner.startswith(folder + "/"):
                total.update(columns)
        return tuple(name for name in HEADER_WORDS if total[name])

    def _lookalikes(self, folder: str) -> tuple[str, ...]:
        parent = folder.rpartition("/")[0]
        others = (other for other in self.folders if other != folder and other.startswith(folder) and other.rpartition("/")[0] == parent)
        return tuple(others)[:3]


def look(root: Path) -> Look:
    """A bounded look at the share below `root`: names, and the first line of a few tables. Raises `RootError`."""
    real = resolve_roots([root])[0]
    seen = Look(path_text(os.fsencode(real)))
    prefix = seen.root.rstrip("/") + "/"
    below: Counter[str] = Counter()
    headers_read = 0

    def left_out(path: str, is_dir: bool) -> bool:
        relative = path.removeprefix(prefix)
        below[relative.split("/", 1)[0]] += 1
        if not is_dir:
            return False
        if below[relative.split("/", 1)[0]] > MOST_BELOW_TOP:
            seen.partial = True
            return True
        seen.folders.append(relative)
        return relative.count("/") >= DEEPEST

    for number, entry in enumerate(crawl([real], left_out)):
        if number >= MOST_THINGS:
            seen.partial = True
            break
        if entry.status is None:
            seen.files += 1
            headers_read += headers_read < MOST_HEADERS and _read_header(entry, seen)
    seen.folders.sort()
    return seen


def _read_header(entry: Entry, seen: Look) -> bool:
    """Notes what a table's first line speaks of; True if a file was opened for it."""
    path = entry.location.path
    folder = path.rpartition("/")[0]
    columns = seen.columns.setdefault(folder, Counter())
    if not path.lower().endswith(_TABLE_SUFFIXES) or columns["tables"] >= HEADERS_A_FOLDER:
        return False
    columns["tables"] += 1
    try:
        with open_entry(entry) as stream:
            data = stream.read(HEADER_BYTES)
    except (Unreadable, OSError):
        return True
    words = _words(_first_line(data))
    columns.update(name for name, signs in HEADER_WORDS.items() if _speaks_of(words, signs))
    return True


def _first_line(data: bytes) -> str:
    for encoding in ("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig", "cp932"):
        line = data.decode(encoding, "ignore") if encoding == "utf-16" else _decoded(data.split(b"\n", 1)[0], encoding)
        if line is not None:
            return line.splitlines()[0] if line else ""
    return ""


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _words(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


def _speaks_of(text: str, words: Iterable[str]) -> bool:
    """Latin words count as whole words, Japanese ones anywhere."""
    latin = set(_LATIN_WORD.findall(text))
    return any(word in latin if word.isascii() else word in text for word in words)


def _kind_of(folder: str) -> StoreKind | None:
    steps = [_words(step) for step in folder.split("/")]
    if any(_speaks_of(step, COPY_WORDS) for step in steps):
        return None
    return next((kind for kind in STORE_KINDS if _speaks_of(steps[-1], kind.words)), None)


# --------------------------------------------------------------------------- the draft


def draft_text(seen: Look, policy_file: Path) -> str:
    """The draft as YAML with comments; globs are relative to the policy file's folder where the share lies below it."""
    base = _base(seen.root, policy_file)
    return "\n".join([*_top(seen), *_stores(seen, base), *_departments(seen, base), *_rest(seen, base)]) + "\n"


def _base(root: str, policy_file: Path) -> str:
    folder = path_text(os.fsencode(os.path.realpath(policy_file.parent)))
    if root == folder:
        return ""
    if root.startswith(folder.rstrip("/") + "/"):
        return quote(root.removeprefix(folder.rstrip("/") + "/")) + "/"
    return quote(root).rstrip("/") + "/"


def _text(value: str) -> str:
    """A double-quoted YAML scalar on one line; what is not printable is written out."""
    return json.dumps(value, ensure_ascii=not value.isprintable())


def _shown(value: str) -> str:
    """For a comment: on one line."""
    return _text(value)[1:-1].replace("\\\\", "\\")


def _top(seen: Look) -> Iterator[str]:
    yield f"# Draft of a policy for {_shown(seen.root)}: edit it, then run `strayscan policy check` on it."
    yield "# Nothing is approved yet. Take the # away from a store to approve it; whatever lies outside the stores is stray."
    if seen.partial:
        yield "# The share is large, and only part of it was looked at."
    yield "version: 1"
    yield ""


def _stores(seen: Look, base: str) -> Iterator[str]:
    candidates = seen.candidates()
    yield '# Approved stores: places where these kinds of personal data may live. allow: ["*"] allows every kind.'
    yield "stores:"
    if not candidates:
        yield "#  - name: customer-master"
        yield f"#    paths: [{_text(base + 'crm/**')}]"
        yield "#    owner:                    # who answers for it"
        yield "#    purpose: orders, delivery, enquiries"
        yield "#    allow: [PERSON, ADDRESS, PHONE_NUMBER, EMAIL_ADDRESS]"
        yield "#    retention_days: 1825      # older data is stray"
        yield "#    review_by: 2027-03-31     # overdue is said in the summary"
    for candidate in candidates[:STORES_SHOWN]:
        yield from _store(candidate, base)
    if len(candidates) > STORES_SHOWN:
        yield f"# {len(candidates) - STORES_SHOWN} more folders have such names."
    yield ""


def _store(candidate: Candidate, base: str) -> Iterator[str]:
    if candidate.seen:
        yield f"#  Tables below it have columns for {', '.join(candidate.seen)}."
    for other in candidate.lookalikes:
        yield f"#  {_shown(other)} is named alike and is not covered by this store."
    yield f"#  - name: {_text(candidate.path)}"
    yield f"#    paths: [{_text(base + quote(candidate.path) + '/**')}]"
    yield "#    owner:                    # who answers for it"
    yield f"#    purpose: {candidate.kind.purpose}"
    yield f"#    allow: [{', '.join(candidate.kind.allow)}]"


def _departments(seen: Look, base: str) -> Iterator[str]:
    departments = seen.departments[:DEPARTMENTS_SHOWN]
    yield "# Who answers for which part of the share."
    yield "departments:"
    for name in departments:
        yield f"  - {{name: {_text(name)}, paths: [{_text(base + quote(name) + '/**')}]}}   # manager: ..., contact: ..."
    yield ""


def _rest(seen: Look, base: str) -> Iterator[str]:
    yield "# Not opened; each is a row of its own all the same."
    yield f"exclude: [{', '.join(_text(base + glob) for glob in EXCLUDES)}]"
    yield ""
    yield "# Our own contact data, which may lie anywhere: phones and e-mails (globs); `people` names CSV files of staff."
    yield '# known: {people: ["staff.csv"], phones: ["..."], emails: ["*@ourcompany.example"]}'
    yield ""
    yield "# Objects that cannot be read and need not be: otherwise a scan ends with status 3."
    yield "# excuse:"
    yield f"#  - {{reason: image_only, paths: [{_text(base + 'photos/**')}], why: product pictures, until: 2027-03-31}}"
    yield ""
    yield "# With fewer persons an object is info, not stray; sensitive and regulated kinds always count."
    yield "# report_from: {persons: 1}"
    yield ""
    yield "# Paths and the store they must belong to (null: none); `policy check` tells if an edit changes that."
    yield "# examples:"
    for candidate in seen.candidates()[:3]:
        yield f"#  - {{path: {_text(base + quote(candidate.path) + '/example.csv')}, store: {_text(candidate.path)}}}"
        yield f"#  - {{path: {_text(base + quote(candidate.path) + '-old/example.csv')}, store: null}}"


def write_new(path: Path, text: str) -> None:
    """Writes a file that must not be there yet. Raises OSError, FileExistsError among them."""
    with path.open("x", encoding="utf-8") as stream:
        stream.write(text)
