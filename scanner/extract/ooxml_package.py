"""A zip package of XML parts (Office Open XML and OpenDocument alike), read part by part within the file's limits."""

from __future__ import annotations

import io
import lzma
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self, cast
from urllib.parse import unquote

from scanner.extract.budget import views
from scanner.extract.markup import START, TEXT, events
from scanner.extract.prose import pieces
from scanner.model import Blob, Budget, Extractor, Gap, Item, Reason, Unread, Unreadable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PICTURE_BYTES = 20_000
"""A picture inside a document becomes a member (and so `image_only`) only above this size: logos, bullets and signature
icons are smaller, while a scanned page or a photographed form is larger. Below, a picture is taken as decoration."""

_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".emf", ".wmf", ".webp", ".heic", ".svg", ".jxr", ".wdp")
_EMBEDDED = ("/embeddings/", "/media/", "/Pictures/", "/afchunk", "/altchunk")
_DEVICE_PARTS = ("printersettings", "/fonts/", "/theme/", "thumbnail", "layout-cache", "/activex/", "/webextensions/")
_CONTENTLESS = {
    "[Content_Types].xml", "styles.xml", "stylesWithEffects.xml", "fontTable.xml", "settings.xml", "webSettings.xml", "calcChain.xml",
    "numbering.xml", "presProps.xml", "viewProps.xml", "tableStyles.xml", "theme1.xml", "manifest.xml", "metadata.xml", "manifest.rdf",
    "sheetMetadata.xml", "itemProps1.xml", "app.xml", "core.xml", "custom.xml",
}  # fmt: skip
_TELLING_ATTRIBUTES = {
    "v", "name", "author", "displayName", "userId", "descr", "title", "text", "caption", "initials", "target", "url", "email", "tooltip",
    "sourceFile", "connection", "command", "description", "comment", "value", "alt", "href", "refersTo",
}  # fmt: skip
_FAULTS: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    struct.error,
    NotImplementedError,
    OverflowError,
    ValueError,
    LookupError,
)


@dataclass(frozen=True, slots=True)
class Relationship:
    """One line of a part's ``.rels`` (ECMA-376 part 2): `kind` is the last step of its type, `target` a part name or a URI."""

    id: str
    kind: str
    target: str
    external: bool


class _PartStream(io.RawIOBase):
    """A part's bytes as they are decompressed: counted against the budget, faults of the zip as `Unreadable`."""

    def __init__(self, package: Package, name: str) -> None:
        super().__init__()
        self._package = package
        info = package.info(name)
        self._packed = info.compress_size
        self._size = info.file_size
        self._count = 0
        try:
            self._source = package.archive.open(info)
        except RuntimeError as error:  # zipfile's word for a password; NotImplementedError is one too
            raise Unreadable(Reason.DAMAGED if isinstance(error, NotImplementedError) else Reason.ENCRYPTED) from None
        except _FAULTS:
            raise Unreadable(Reason.DAMAGED) from None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._source.read(len(view))
        except EOFError:
            raise Unreadable(Reason.TRUNCATED) from None
        except _FAULTS:
            raise Unreadable(Reason.DAMAGED) from None
        except OSError as error:
            if error.errno is None:  # bz2's word for damage; one with a number is the disk's
                raise Unreadable(Reason.DAMAGED) from None
            raise
        self._count += len(data)
        self._package.spend(len(data), self._count, self._packed)
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


class Package:
    """The parts of one document. Use as a context manager; raises `Unreadable` where the zip itself is broken or encrypted."""

    def __init__(self, blob: Blob, budget: Budget) -> None:
        self.blob = blob
        self.budget = budget
        self.read: set[str] = set()
        self._total = 0
        self._stream = blob.open()
        self._size = self._stream.seek(0, io.SEEK_END)
        try:
            self.archive = zipfile.ZipFile(self._stream)
            self._infos = {info.filename: info for info in self.archive.infolist() if not info.is_dir()}
        except _FAULTS:
            reason = _broken_because(self._stream)
            self._stream.close()
            raise Unreadable(reason) from None
        self.names = tuple(self._infos)
        if any(info.flag_bits & 1 for info in self._infos.values()):
            self.close()
            raise Unreadable(Reason.ENCRYPTED)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.archive.close()
        self._stream.close()

    def __contains__(self, name: str) -> bool:
        return name in self._infos

    def info(self, name: str) -> zipfile.ZipInfo:
        try:
            return self._infos[name]
        except KeyError:
            raise Unreadable(Reason.DAMAGED) from None

    def spend(self, count: int, part_total: int, packed: int) -> None:
        """Counts output; RATIO if this part, or all parts together (overlapping members), expand beyond the limit."""
        self._total += count
        self.budget.spend_output(count)
        limits = self.budget.limits
        if part_total > limits.ratio_floor and part_total > limits.ratio * max(packed, 1):
            raise Unreadable(Reason.RATIO)
        if self._total > limits.ratio_floor and self._total > limits.ratio * max(self._size, 1):
            raise Unreadable(Reason.RATIO)

    def open(self, name: str) -> BinaryIO:
        """A part's bytes, one way, counted. The part is noted as read."""
        self.read.add(name)
        return cast(BinaryIO, io.BufferedReader(_PartStream(self, name), 64 * 1024))

    def holds(self, name: str, *needles: bytes) -> bool:
        """Whether a part's bytes hold one of `needles` (short, ASCII)."""
        tail = b""
        with self.open(name) as stream:
            while chunk := stream.read(1 << 16):
                window = tail + chunk
                if any(needle in window for needle in needles):
                    return True
                tail = window[-64:]
        return False

    def events(self, name: str, runs: tuple[re.Pattern[str], bytes] | None = None) -> Iterator[tuple[int, str, dict[str, str]]]:
        """A part's markup as `markup.events` gives it."""
        with self.open(name) as stream:
            yield from events(stream, self.budget.limits.markup_depth, runs)

    def relationships(self, part: str) -> list[Relationship]:
        """What a part points to; targets inside the package as part names. A broken list reads as far as it goes."""
        folder, _, name = part.rpartition("/")
        rels = f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"
        found: list[Relationship] = []
        if rels not in self:
            return found
        try:
            for kind, tag, attributes in self.events(rels):
                if kind == START and tag == "Relationship":
                    found.append(_relationship(folder, attributes))
        except Unreadable as error:
            if error.reason is not Reason.DAMAGED:
                raise
        return found

    def member(self, name: str) -> Blob:
        """A part as a member of its own. It is decompressed when opened, and freed with the last reader."""
        self.read.add(name)
        self.budget.enter_member()
        info = self.info(name)
        opener: list[Callable[[], BinaryIO]] = []

        def open_member() -> BinaryIO:
            if not opener:
                with self.open(name) as stream:
                    opener.append(views(self.budget.spool(stream, packed_size=info.compress_size))[1])
            return opener[0]()

        return Blob(self.blob.location.inside(name), info.file_size, open_member)


def _broken_because(stream: BinaryIO) -> Reason:
    """A zip begins well but has no directory at its end: it was cut; anything else is damage."""
    try:
        stream.seek(0)
        begins = stream.read(4) == b"PK\x03\x04"
        size = stream.seek(0, io.SEEK_END)
        stream.seek(max(0, size - 66_000))
        return Reason.TRUNCATED if begins and b"PK\x05\x06" not in stream.read() else Reason.DAMAGED
    except OSError:
        return Reason.IO_ERROR


def _relationship(folder: str, attributes: dict[str, str]) -> Relationship:
    target = attributes.get("Target", "")
    external = attributes.get("TargetMode") == "External"
    if not external:
        target = unquote(target)
        target = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
    return Relationship(attributes.get("Id", ""), attributes.get("Type", "").rpartition("/")[2], target, external)


def guarded(items: Iterator[Item], place: str | None) -> Iterator[Item]:
    """`items`, where a fault in the middle ends them with a `Gap`: what was read before counts. A spent purse is raised on."""
    try:
        yield from items
    except Unreadable as error:
        if error.reason in (Reason.TOO_LARGE, Reason.TOO_MANY_MEMBERS):
            raise
        yield Gap(error.reason, place)


def links(package: Package, part: str, place: str | None) -> Iterator[Item]:
    """Where a part's hyperlinks lead, one a line: ``mailto:`` and ``tel:`` without their scheme, escapes decoded."""
    found = dict.fromkeys(link_text(link.target) for link in package.relationships(part) if link.external)
    yield from pieces("\n".join(found), place)


def link_text(target: str) -> str:
    """A link as a reader would write it: ``mailto:`` and ``tel:`` taken off, percent escapes decoded."""
    for scheme in ("mailto:", "tel:", "sms:", "callto:"):
        if target[: len(scheme)].lower() == scheme:
            target = target[len(scheme) :]
    return unquote(target, errors="replace")


_CORE_LABELS = {"lastModifiedBy": "last modified by", "Manager": "manager", "Company": "company", "HyperlinkBase": "hyperlink base"}
_CORE_NAMES = {"creator", "title", "subject", "description", "keywords", "category", "contentStatus", *_CORE_LABELS}


def properties(package: Package) -> Iterator[Item]:
    """docProps/core.xml, app.xml and custom.xml as lines ``label: value``, place "properties"."""
    lines: list[str] = []
    for name in package.names:
        if name.startswith("docProps/") and name.endswith(".xml"):
            package.read.add(name)
            yield from guarded(_property_lines(package, name, lines), "properties")
    yield from pieces("\n".join(lines), "properties")


def _property_lines(package: Package, name: str, lines: list[str]) -> Iterator[Item]:
    custom = name.endswith("custom.xml")
    label = ""
    value: list[str] = []
    for kind, tag, attributes in package.events(name):
        if kind == TEXT:
            value.append(tag)
        elif kind == START:
            value.clear()
            if custom and tag == "property":
                label = attributes.get("name", "")
        else:
            if (text := "".join(value).strip()) and (custom or tag in _CORE_NAMES):
                lines.append(f"{label if custom else _CORE_LABELS.get(tag, tag)}: {text}")
            value.clear()
    yield from ()


def leftovers(package: Package) -> Iterator[Item]:
    """Everything no walker has read, so that nothing is passed over in silence: embedded files and larger pictures as
    members, other XML parts (pivot caches, data of linked workbooks, custom XML, charts) as text, place the part's name."""
    for name in package.names:
        if name in package.read or name.endswith((".rels", "/")) or any(word in f"/{name.lower()}" for word in _DEVICE_PARTS):
            continue
        if name.rpartition("/")[2] in _CONTENTLESS or name == "mimetype":
            continue
        if name.lower().endswith(_PICTURES):
            if package.info(name).file_size > PICTURE_BYTES:
                yield from _member(package, name)
        elif name.endswith((".xml", ".vml")):
            yield from guarded(part_text(package, name, name), name)
        else:
            yield from _member(package, name)


def _member(package: Package, name: str) -> Iterator[Item]:
    try:
        yield package.member(name)
    except Unreadable as error:
        if error.reason is Reason.TOO_MANY_MEMBERS:
            raise
        yield Unread(package.blob.location.inside(name), error.reason)


def part_text(package: Package, name: str, place: str | None) -> Iterator[Item]:
    """All text of an XML part, an element a line, with those attributes that hold words (all of them in custom XML)."""
    everything = name.startswith("customXml/")
    lines: list[str] = []
    size = 0
    dumb = 0
    fault: Reason | None = None
    try:
        for kind, tag, attributes in package.events(name):
            if tag == "ClientData" and kind != TEXT:
                dumb += 1 if kind == START else -1  # positions of a comment's box, in digits
            if kind == TEXT:
                found = [] if dumb else [tag.strip()]
            elif kind == START:
                found = [value for key, value in attributes.items() if everything or key in _TELLING_ATTRIBUTES]
            else:
                continue
            for text in found:
                if text and not text.startswith(("http://schemas.", "urn:schemas")):
                    lines.append(text)
                    size += len(text)
            if size > 200_000:
                yield from pieces("\n".join(lines), place)
                lines, size = [], 0
    except Unreadable as error:
        fault = error.reason
    yield from pieces("\n".join(lines), place)
    if fault is not None:
        raise Unreadable(fault)


class EncryptedOffice:
    """A password-protected Office document: an OLE file with an `EncryptedPackage` stream ([MS-OFFCRYPTO])."""

    media_types = frozenset({"application/x-ole-encrypted"})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        yield from ()  # a generator, as every extractor
        raise Unreadable(Reason.ENCRYPTED)


EXTRACTORS: tuple[Extractor, ...] = (EncryptedOffice(),)
