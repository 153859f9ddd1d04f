"""The installation's key: made on first use, read from its file or the environment, never shown.

Fingerprints of phone numbers are undone in minutes by anyone who has the key, so it lies apart from the findings it protects.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

SIZE = 32  # bytes
VARIABLE = "STRAYSCAN_KEY"
_MAX_FILE = 64 * 1024
_SCRYPT = {"n": 2**15, "r": 8, "p": 1, "maxmem": 64 * 2**20}
_SCRYPT_SALT = b"strayscan/key/1"
"""Fixed, so that the same text gives the same key on every machine; a text worth guessing is therefore a long one."""


class KeyFileError(Exception):
    """The key cannot be had. The message is one sentence for the user and holds paths, never key material."""


@dataclass(frozen=True, slots=True)
class Key:
    """32 secret bytes and the short name they go by. `path`: the file they came from, None if given by text or environment.

    Neither ``repr`` nor ``str`` shows the secret, and it cannot be pickled; a worker is handed `secret` over its pipe.
    """

    secret: bytes = field(repr=False)
    key_id: str
    path: Path | None = field(default=None, compare=False)

    @classmethod
    def from_secret(cls, secret: bytes, path: Path | None = None) -> Key:
        if len(secret) != SIZE:
            raise ValueError(f"a key has {SIZE} bytes")
        return cls(secret, _key_id(secret), path)

    @classmethod
    def from_text(cls, text: str, path: Path | None = None) -> Key:
        """Base64 of exactly 32 bytes is taken as it is, any other text is stretched with scrypt (about 0.1 s)."""
        text = text.strip()
        if not text:
            raise KeyFileError("the key is empty")
        return cls.from_secret(_decoded(text) or _stretched(text), path)

    @classmethod
    def random(cls) -> Key:
        return cls.from_secret(secrets.token_bytes(SIZE))

    def sub_key(self, domain: str, size: int = 16) -> bytes:
        """A key for one purpose: BLAKE2b of the domain's name, keyed with the secret."""
        return hashlib.blake2b(domain.encode(), key=self.secret, digest_size=size, person=b"strayscan/domain").digest()

    def __str__(self) -> str:
        return f"key {self.key_id}"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled")


def _key_id(secret: bytes) -> str:
    """16 hex digits: BLAKE2b under the key, personalised, so that it says which key and helps no one to find it."""
    return hashlib.blake2b(b"", key=secret, digest_size=8, person=b"strayscan/key-id").hexdigest()


def _decoded(text: str) -> bytes | None:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if len(data) == SIZE else None


def _stretched(text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    return hashlib.scrypt(data, salt=_SCRYPT_SALT, n=_SCRYPT["n"], r=_SCRYPT["r"], p=_SCRYPT["p"], maxmem=_SCRYPT["maxmem"], dklen=SIZE)


def key_path(key_file: Path | None = None, environ: Mapping[str, str] = os.environ, config_dir: Path | None = None) -> Path | None:
    """The file `load_key` would read (or make), None where the environment variable gives the key."""
    if key_file is not None:
        return key_file
    if environ.get(VARIABLE):
        return None
    return (config_dir or _user_config(environ) / "strayscan") / "key"


def load_key(key_file: Path | None = None, environ: Mapping[str, str] = os.environ, config_dir: Path | None = None) -> Key:
    """The key: `key_file`, else STRAYSCAN_KEY, else the file ``key`` in `config_dir`, which is made on first use.

    `config_dir` defaults to ``$XDG_CONFIG_HOME/strayscan`` or ``~/.config/strayscan``. Raises `KeyFileError`.
    """
    path = key_path(key_file, environ, config_dir)
    if path is None:
        return Key.from_text(environ[VARIABLE])
    if key_file is None and not path.exists():
        _create(path)
    return _read(path)


def make_key(path: Path) -> Key:
    """A new key in a file that is not there, mode 0600. Raises `KeyFileError`."""
    if path.exists():
        raise KeyFileError(f"there is a file {path} already: a new key is made in a file of its own")
    _create(path)
    return _read(path)


def check_key_apart(path: Path | None, out: Path) -> None:
    """Refuse a key that lies in the findings folder: whoever is given the findings would be given the key with them."""
    if path is not None and path.resolve().is_relative_to(out.resolve()):
        raise KeyFileError(f"the key file {path} lies inside the findings folder {out}: keep it elsewhere, or give another with --key-file")


def _user_config(environ: Mapping[str, str]) -> Path:
    """XDG Base Directory Specification: a relative $XDG_CONFIG_HOME is to be ignored."""
    configured = environ.get("XDG_CONFIG_HOME", "")
    if configured.startswith("/"):
        return Path(configured)
    try:
        return (Path(environ["HOME"]) if environ.get("HOME") else Path.home()) / ".config"
    except RuntimeError:
        raise KeyFileError("there is no home folder to keep the key in: set STRAYSCAN_KEY or give --key-file") from None


def _read(path: Path) -> Key:
    try:
        with path.open("rb") as file:
            _check_private(path, os.fstat(file.fileno()))
            data = file.read(_MAX_FILE + 1)
    except OSError as error:
        raise KeyFileError(f"cannot read the key file {path}: {error.strerror}") from None
    if len(data) > _MAX_FILE:
        raise KeyFileError(f"the key file {path} is larger than {_MAX_FILE} bytes: is it the right file?")
    if not data.strip():
        raise KeyFileError(f"the key file {path} is empty")
    return Key.from_text(data.decode("utf-8", "surrogateescape"), path)


def _check_private(path: Path, found: os.stat_result) -> None:
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        raise KeyFileError(f"the key file {path} can be read or changed by others (mode {mode:04o}): run chmod 600 {path}")
    if found.st_uid not in (os.geteuid(), 0):
        raise KeyFileError(f"the key file {path} belongs to another account (uid {found.st_uid}): use a file of your own")


def _create(path: Path) -> None:
    """Make the key file whole or not at all; of two programs that start at once, one wins and both use its key."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            _write_new(temporary, base64.b64encode(secrets.token_bytes(SIZE)) + b"\n")
            _link(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise KeyFileError(f"cannot make the key file {path}: {error.strerror}; set STRAYSCAN_KEY or give --key-file") from None


def _write_new(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _link(temporary: Path, path: Path) -> None:
    """A hard link, unlike a rename, refuses to replace a key that another program has just made."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links: the exclusive creation is the arbiter there
        try:
            _write_new(path, temporary.read_bytes())
        except FileExistsError:
            return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
