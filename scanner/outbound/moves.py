"""Moving a file so that it is never lost, never in two places for long, and never over another: what the gate does between two entries of
its state. Each move can be done again from any point at which the process died (docs/explanation/holding.md tells the steps).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from blake3 import blake3

from scanner.outbound.disk import (
    ASIDE,
    Broken,
    Changed,
    Disk,
    Identity,
    NameTaken,
    Place,
    hash_of,
    missing,
    open_for_writing_elsewhere,
    publish,
)
from scanner.outbound.notes import HELD, note_name, note_text
from scanner.outbound.state import Sent
from scanner.sources.filesystem import open_beneath, open_folder

GATE: Final = b".gate"
STAGING: Final = b".gate/staging"
VALUES: Final = b".gate/values"
HELD_FOLDER: Final = b"held"
RECEIPTS: Final = b"receipts"
CONTENT: Final = b"content"
RECEIPT: Final = b"receipt.json"

REMOVED, GONE, CHANGED = "removed", "gone", "changed"
"""What became of the source: taken away; not there any more; changed since, and left as a new file."""

_SPARE_NAMES: Final = 1_000

GiveBackHook = Callable[[bytes, Identity], None]
"""Told the path and the identity of a file that is about to appear in the transfer folder. Raises NameTaken if it must not, since another
file of that path is on its way through the gate."""


@dataclass(frozen=True, slots=True)
class Folders:
    """The three folders, as paths that stay good when one is renamed (``/proc/self/fd/N``)."""

    outbox: bytes
    release: bytes | None
    hold: bytes

    def staged(self, item: str) -> Place:
        return Place(self.hold, STAGING + b"/" + item.encode())

    def content(self, item: str) -> Place:
        return Place(self.hold, HELD_FOLDER + b"/" + item.encode() + b"/" + CONTENT)

    def receipt(self, item: str) -> Place:
        return Place(self.hold, HELD_FOLDER + b"/" + item.encode() + b"/" + RECEIPT)


@dataclass(frozen=True, slots=True)
class Staged:
    """A private copy of a file. `digest`: BLAKE3 of its bytes."""

    digest: str
    sent: Sent
    identity: Identity  # of the copy


@dataclass(frozen=True, slots=True)
class Moved:
    """How a move ended. `source`: see REMOVED; `note`: path of the note that was left; `name_taken`: see `release`; `receipt`: its
    BLAKE3."""

    source: str = GONE
    note: bytes | None = None
    name_taken: bool = False
    receipt: str | None = None


# --------------------------------------------------------------------------- taking in


def stage(disk: Disk, folders: Folders, path: bytes, seen: Identity, item: str, *, ask_writers: bool = True) -> Staged:
    """A private copy of the file as it was `seen`. Raises Changed if it is not that (or somebody still writes to it), OSError."""
    source = open_beneath(folders.outbox, path)
    try:
        before, attributes = os.fstat(source), _attributes(source)
        if not seen.same_content(before) or (ask_writers and open_for_writing_elsewhere(source)):
            raise Changed
        place = folders.staged(item)
        with disk.folder(place, make=True) as folder:
            digest = disk.copy(source, folder, place.name)
            after = os.fstat(source)
            if Identity.of(before) != Identity.of(after):
                disk.remove(folder, place.name)
                raise Changed
            copy = os.open(place.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            try:
                digest = digest or hash_of(copy)
                identity = Identity.of(os.fstat(copy))
            finally:
                os.close(copy)
    finally:
        os.close(source)
    mode, times = stat.S_IMODE(before.st_mode), (before.st_mtime_ns, before.st_atime_ns)
    sent = Sent(before.st_uid, before.st_gid, mode, *times, before.st_size, None, None, attributes)
    return Staged(digest, sent, identity)


def _attributes(handle: int) -> tuple[str, ...]:
    """Names of extended attributes; labels of a security module are the system's own."""
    try:
        return tuple(sorted(name for name in os.listxattr(handle) if not name.startswith("security.")))
    except OSError:
        return ()


def unstage(disk: Disk, folders: Folders, item: str) -> None:
    place = folders.staged(item)
    with disk.folder(place) as folder:
        disk.remove(folder, place.name)


def take_away(disk: Disk, source: Place, seen: Identity, digest: str, item: str) -> str:
    """Remove the source if it still is what was scanned. It is first given a name of our own, so that a file that is put in its place
    meanwhile is never the one removed."""
    try:
        with disk.folder(source) as folder:
            aside = ASIDE + item.encode()
            if not is_there(folder, aside):
                try:
                    found = os.stat(source.name, dir_fd=folder, follow_symlinks=False)
                except FileNotFoundError:
                    return GONE
                if not seen.same_content(found):
                    return CHANGED
                disk.move_new(folder, source.name, folder, aside)
            if not is_what_was_scanned(folder, aside, seen, digest):
                put_back(disk, folder, aside, source.name, item)
                return CHANGED
            disk.remove(folder, aside)
            disk.sync(folder)
            return REMOVED
    except OSError as error:
        if missing(error):
            return GONE
        raise


def is_what_was_scanned(folder: int, name: bytes, seen: Identity, digest: str) -> bool:
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return False
    try:
        # Times are not enough: a clock tick is long, and whoever writes may set them back.
        unchanged = seen.same_content(os.fstat(handle)) and not open_for_writing_elsewhere(handle)
        return unchanged and hash_of(handle) == digest
    finally:
        os.close(handle)


def put_back(disk: Disk, folder: int, aside: bytes, name: bytes, item: str) -> None:
    """The name may be taken again by now; then both are kept."""
    for candidate in (name, *(note_name(name, f".{number}") for number in range(1, _SPARE_NAMES))):
        with suppress(NameTaken):
            disk.move_new(folder, aside, folder, candidate)
            return
    raise NameTaken


def is_there(folder: int, name: bytes) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


# --------------------------------------------------------------------------- release


def release(disk: Disk, folders: Folders, path: bytes, seen: Identity, sent: Sent, digest: str, item: str) -> Moved:
    """The staged copy appears in the release folder, the source goes, the staged name goes. `name_taken`: nothing was done, since another
    file of that name is there. Raises OSError, Broken, to be done again then; Changed if our copy is gone and the source is not."""
    staged = folders.staged(item)
    assert folders.release is not None, "a gate that only watches releases nothing"
    with disk.folder(staged) as folder:
        if is_there(folder, staged.name):
            _make_public(disk, folder, staged.name, sent)
            try:
                publish(disk, folder, staged.name, Place(folders.release, path), digest, item)
            except NameTaken:
                return Moved(name_taken=True)
        else:  # it died after the last step but the entry, or somebody emptied the staging folder
            _must_be_over(disk, folders, path, digest, item)
        source = take_away(disk, Place(folders.outbox, path), seen, digest, item)
        disk.remove(folder, staged.name)
        disk.sync(folder)
    return Moved(source)


def _make_public(disk: Disk, folder: int, name: bytes, sent: Sent) -> None:
    """The released file is the service's own, with the sender's mode and times; nobody else may write to what was scanned."""
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        disk.dress(handle, (sent.mode & 0o755) | 0o400, (sent.atime_ns, sent.mtime_ns))
        disk.sync(handle)
    finally:
        os.close(handle)


# --------------------------------------------------------------------------- hold


def hold(disk: Disk, folders: Folders, path: bytes, seen: Identity, digest: str, item: str, *, receipt: bytes, ask: str | None) -> Moved:
    """The staged copy moves into the hold folder with its receipt, a note stands in its place, the source goes. Raises OSError, Broken, to
    be done again then; Changed if our copy is gone and the source is not."""
    staged, content = folders.staged(item), folders.content(item)
    with disk.folder(content, make=True) as target, disk.folder(staged) as folder:
        os.fchmod(target, 0o700)
        disk.write(target, RECEIPT, receipt)
        if is_there(folder, staged.name):
            _dress_private(disk, folder, staged.name)
            disk.rename(folder, staged.name, target, CONTENT)
            disk.sync(folder)
        elif not is_there(target, CONTENT):
            _must_be_over(disk, folders, path, digest, item)
            raise Changed
        disk.sync(target)
        _verify(target, CONTENT, digest)
    source = Place(folders.outbox, path)
    note = None
    with suppress(OSError):  # what must not leave is taken away all the same; the gate tries again when it starts
        note = leave_note(disk, source, HELD, item, ask)
    return Moved(take_away(disk, source, seen, digest, item), note, receipt=blake3(receipt).hexdigest())


def _dress_private(disk: Disk, folder: int, name: bytes) -> None:
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        disk.dress(handle, 0o600, None)
    finally:
        os.close(handle)


def _must_be_over(disk: Disk, folders: Folders, path: bytes, digest: str, item: str) -> None:
    """Our copy is gone. That is the end of a release, or somebody emptied our folder: then the source, which may still lie there, is put
    back if need be, and has to be scanned anew. Raises Changed then, OSError."""
    source = Place(folders.outbox, path)
    try:
        with disk.folder(source) as folder:
            aside = ASIDE + item.encode()
            there = is_there(folder, source.name) and not _is_released(folders, path, digest)
            if is_there(folder, aside):
                put_back(disk, folder, aside, source.name, item)
                there = True
    except OSError as error:
        if not missing(error):
            raise
        return
    if there:
        raise Changed


def _is_released(folders: Folders, path: bytes, digest: str) -> bool:
    if folders.release is None:
        return False
    try:
        handle = open_beneath(folders.release, path)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(handle).st_mode) and hash_of(handle) == digest
    finally:
        os.close(handle)


def _verify(folder: int, name: bytes, digest: str) -> None:
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        if hash_of(handle) != digest:
            raise Broken
    finally:
        os.close(handle)


def leave_note(disk: Disk, beside: Place, suffix: str, item: str, ask: str | None) -> bytes | None:
    """The path of a note beside a file, never over anything; None where the folder is gone. Raises OSError."""
    text = note_text(suffix, item, ask)
    try:
        with disk.folder(beside) as folder:
            aside = ASIDE + item.encode() + b".note"
            for number in range(_SPARE_NAMES):
                name = note_name(beside.name, suffix, number)
                if (there := _content(folder, name)) is None:
                    try:
                        disk.write(folder, aside, text, 0o644)
                        disk.move_new(folder, aside, folder, name)
                    except BaseException as error:
                        with suppress(OSError):
                            os.unlink(aside, dir_fd=folder)
                        if isinstance(error, NameTaken):
                            continue
                        raise
                    disk.sync(folder)
                elif there != text:
                    continue
                return beside.sibling(name).path
    except OSError as error:
        if not missing(error):
            raise
    return None


def remove_note(disk: Disk, root: bytes, path: bytes, digest: str) -> None:
    """Remove a note of ours; one that somebody wrote in is his."""
    place = Place(root, path)
    with suppress(OSError), disk.folder(place) as folder:
        text = _content(folder, place.name)
        if text is not None and blake3(text).hexdigest() == digest:
            disk.remove(folder, place.name)


def _content(folder: int, name: bytes) -> bytes | None:
    """The first bytes of what has that name; None if nothing has."""
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError:
        return b""
    try:
        return os.pread(handle, 65_536, 0) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
    finally:
        os.close(handle)


# --------------------------------------------------------------------------- what an approver decides


def send_held(disk: Disk, folders: Folders, path: bytes, sent: Sent, digest: str, item: str) -> Moved:
    """A held file appears in the release folder and leaves the hold folder; its receipt is kept. Raises NameTaken, Broken, OSError."""
    assert folders.release is not None, "there is a release folder where there are held files"
    content = folders.content(item)
    with _held_folder(content) as folder:
        if folder is not None and is_there(folder, CONTENT):
            _verify(folder, CONTENT, digest)
            _make_public(disk, folder, CONTENT, sent)
            publish(disk, folder, CONTENT, Place(folders.release, path), digest, item)
            disk.remove(folder, CONTENT)
            disk.sync(folder)
    keep_receipt(disk, folders, item)
    return Moved()


def give_back(disk: Disk, folders: Folders, path: bytes, sent: Sent, digest: str, item: str, before_it_appears: GiveBackHook) -> bytes:
    """A held file is put where it came from, under the same name or one like it, and leaves the hold folder; the path it has now.

    `before_it_appears` is told path and identity of what is about to appear, so that the gate will not take it for a new file.
    Raises Broken, OSError.
    """
    content, source = folders.content(item), Place(folders.outbox, path)
    place = source
    with _held_folder(content) as folder:
        if folder is not None and is_there(folder, CONTENT):
            handle = os.open(CONTENT, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            try:
                with disk.folder(source, make=True) as target:
                    place = _appear(disk, handle, target, source, sent, digest, item, before_it_appears)
                    disk.sync(target)
            finally:
                os.close(handle)
            disk.remove(folder, CONTENT)
            disk.sync(folder)
    keep_receipt(disk, folders, item)
    return place.path


def _appear(disk: Disk, handle: int, target: int, source: Place, sent: Sent, digest: str, item: str, hook: GiveBackHook) -> Place:
    for number in range(_SPARE_NAMES):
        place = source if number == 0 else source.sibling(note_name(source.name, f".{number}"))
        with suppress(NameTaken):
            if is_there(target, place.name):
                if (identity := _came_back(target, place.name, sent, digest)) is None:
                    continue
                hook(place.path, identity)  # it died after it had appeared
                disk.remove(target, ASIDE + item.encode() + b".back")
            else:
                _put_new(disk, handle, target, place, sent, digest, item, hook)
            return place
    raise NameTaken


def _came_back(folder: int, name: bytes, sent: Sent, digest: str) -> Identity | None:
    """What it is, if it is the file that was sent."""
    try:
        there = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return None
    try:
        found = os.fstat(there)
        same = stat.S_ISREG(found.st_mode) and (found.st_size, found.st_mtime_ns) == (sent.size, sent.mtime_ns)
        return Identity.of(found) if same and hash_of(there) == digest else None
    finally:
        os.close(there)


def _put_new(disk: Disk, handle: int, target: int, place: Place, sent: Sent, digest: str, item: str, hook: GiveBackHook) -> None:
    """Raises NameTaken, also for a name whose file is on its way through the gate; Broken, OSError."""
    aside = ASIDE + item.encode() + b".back"
    try:
        disk.copy(handle, target, aside)
        copy = os.open(aside, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=target)
        try:
            if hash_of(copy) != digest:
                raise Broken
            disk.dress(copy, sent.mode & 0o777, (sent.atime_ns, sent.mtime_ns), (sent.uid, sent.gid))
            disk.sync(copy)
            hook(place.path, Identity.of(os.fstat(copy)))
        finally:
            os.close(copy)
        disk.move_new(target, aside, target, place.name)
    except BaseException:
        with suppress(OSError):
            os.unlink(aside, dir_fd=target)
        raise


def destroy(disk: Disk, folders: Folders, item: str) -> None:
    """Overwrite and remove a held file. On a journalled or copy-on-write file system, on flash memory and in backups, older blocks may
    remain (NIST SP 800-88r1, 4.7): where that must not be, the volume has to be encrypted. Raises OSError."""
    content = folders.content(item)
    with _held_folder(content) as folder:
        if folder is not None and is_there(folder, CONTENT):
            _dress_private(disk, folder, CONTENT)  # its mode may not let us write
            handle = os.open(CONTENT, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            try:
                size = os.fstat(handle).st_size
                disk.overwrite(handle, size)
                disk.sync(handle)
            finally:
                os.close(handle)
            disk.remove(folder, CONTENT)
            disk.sync(folder)
    keep_receipt(disk, folders, item)


def keep_receipt(disk: Disk, folders: Folders, item: str) -> None:
    """The receipt of a file that is held no longer moves to the folder of receipts, and its own folder goes."""
    receipt = folders.receipt(item)
    with _held_folder(receipt) as folder:
        if folder is None:
            return
        kept = Place(folders.hold, RECEIPTS + b"/" + item.encode() + b".json")
        with disk.folder(kept, make=True) as target:
            if is_there(folder, RECEIPT):
                disk.rename(folder, RECEIPT, target, kept.name)
            disk.sync(target)
    parent = Place(folders.hold, HELD_FOLDER + b"/" + item.encode())
    with disk.folder(parent) as above:
        disk.remove_folder(above, parent.name)
        disk.sync(above)


@contextmanager
def _held_folder(place: Place) -> Iterator[int | None]:
    """The folder of a held file, None once it is gone."""
    try:
        handle = open_folder(place.root, place.steps)
    except FileNotFoundError:
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)
