"""The byte streams in a path: itself or what gzip and zip pack, unpacked within bounds, decoded to UTF-8."""

from __future__ import annotations

import codecs
import errno
import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from qts.core.errors import BadFile, BadPath

MAX_UNPACKED: Final = 8 << 30
"""Bytes a packed member may unpack to; a year of minute bars of one stock is about 5 MiB."""
MAX_RATIO: Final = 250
"""Unpacked over packed size that no table of prices reaches; it counts beyond ``RATIO_FREE`` bytes only."""
RATIO_FREE: Final = 64 << 20
MAX_MEMBERS: Final = 10_000
BLOCK: Final = 4 << 20

_UNPACK_ERRORS: Final = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError, RuntimeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file to read: ``label`` is what reports call it, ``name`` its own name without ``.gz`` or the folder.

    ``packed_size`` is None where the bytes are not packed; ``problem`` says why the member cannot be read at all.
    """

    label: str
    name: str
    open: Callable[[], BinaryIO]
    packed_size: int | None = None
    path: Path | None = None
    problem: str = ""

    @contextmanager
    def blocks(self) -> Iterator[Iterator[bytes]]:
        """Yield an iterator of unpacked blocks.

        Raises
        ------
        BadFile
            While iterating, if the packing is damaged, cut, locked, or unpacks beyond the bounds.
        BadPath
            If the file may not be read.
        """
        if self.problem:
            raise BadFile(self.label, self.problem, hint="Unpack it yourself and import what is inside.")
        try:
            stream = self.open()
        except OSError as error:
            raise unreadable(self.label, error) from error
        except _UNPACK_ERRORS as error:
            raise BadFile(self.label, f"cannot be unpacked ({error})", hint="Fetch the file again.") from error
        with stream:
            yield _bounded(stream, self)


def members_of(path: Path, label: str) -> list[Member]:
    """Return what a path holds: itself, what a gzip packs, or each file of a zip.

    Raises
    ------
    BadFile
        If it is an archive that cannot be opened.
    BadPath
        If it is absent or may not be read.
    """
    try:
        if not path.is_file() and path.exists():
            # Opening a pipe would wait for whoever writes into it.
            raise BadPath(label, "is no ordinary file", hint="Write what it gives into a file, and import that.")
        with path.open("rb") as file:
            magic = file.read(4)
        size = path.stat().st_size
    except OSError as error:
        raise unreadable(label, error) from error
    if magic[:2] == b"\x1f\x8b":
        name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
        return [Member(label=label, name=name, open=lambda: gzip.open(path, "rb"), packed_size=size)]  # type: ignore[arg-type,return-value]
    if magic in {b"PK\x03\x04", b"PK\x05\x06"}:
        return _zip_members(path, label)
    return [Member(label=label, name=path.name, open=lambda: path.open("rb"), path=path)]


def unreadable(label: str, error: OSError) -> BadPath:
    """Return the error that says in plain words why the system refuses a path."""
    if isinstance(error, FileNotFoundError):
        return BadPath(label, "there is no such file or folder")
    if isinstance(error, PermissionError):
        return BadPath(label, "may not be read", hint="Give yourself permission to read it (chmod u+r).")
    return BadPath(label, f"cannot be read ({error.strerror or error})")


def utf8_blocks(blocks: Iterator[bytes], encoding: str, on_fallback: Callable[[], None]) -> Iterator[bytes]:
    """Yield the text as UTF-8, whatever it came as; ``on_fallback`` is told once when it is read as Latin-1.

    Text said to be UTF-8 that is not is read as Latin-1 from the block on where it breaks: in prices only names can differ.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    pending = b""
    is_latin = False
    for block in blocks:
        if is_latin:
            yield block.decode("latin-1").encode()
            continue
        try:
            text = decoder.decode(block)
        except UnicodeDecodeError:
            on_fallback()
            is_latin = True
            text = (pending + block).decode("latin-1")
        pending = decoder.getstate()[0]
        yield text.encode()
    if not is_latin and pending:
        on_fallback()
        yield pending.decode("latin-1").encode()


def encoding_of(head: bytes) -> str | None:
    """Return the codec of a text by its first bytes, or None if they are no text.

    >>> encoding_of(b"date,open")
    'utf-8-sig'
    >>> encoding_of("date,open".encode("utf-16-le"))
    'utf-16-le'
    """
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\x00" not in head:
        controls = sum(head.count(bytes([code])) for code in range(32) if code not in {9, 10, 12, 13})
        return "utf-8-sig" if controls * 100 <= len(head) else None
    even, odd = head[::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd > half * 0.9 and even == 0:
        return "utf-16-le"
    if even > half * 0.9 and odd == 0:
        return "utf-16-be"
    return None


def _bounded(stream: BinaryIO, member: Member) -> Iterator[bytes]:
    total = 0
    limit = MAX_UNPACKED if member.packed_size is None else min(MAX_UNPACKED, max(RATIO_FREE, member.packed_size * MAX_RATIO))
    while True:
        try:
            block = stream.read(BLOCK)
        except _UNPACK_ERRORS as error:
            raise BadFile(member.label, f"is cut short or damaged ({error})", hint="Fetch the file again.") from error
        except OSError as error:
            if member.packed_size is not None and error.errno == errno.EINVAL:
                raise BadFile(member.label, "is damaged: it points outside itself", hint="Fetch the file again.") from error
            raise unreadable(member.label, error) from error
        if not block:
            return
        total += len(block)
        if member.packed_size is not None and total > limit:
            raise BadFile(
                member.label,
                f"unpacks to more than {limit >> 20} MiB from {member.packed_size} bytes, which no table of prices does",
                hint="If it is genuine, unpack it yourself and import the result.",
            )
        yield block


def _zip_members(path: Path, label: str) -> list[Member]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if _is_content(info.filename)]
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise BadFile(label, f"is a zip that cannot be opened ({error})", hint="Fetch the file again; it may be cut.") from error
    if not infos:
        raise BadFile(label, "is a zip without files", hint="Import the file that it should hold.")
    if len(infos) > MAX_MEMBERS:
        raise BadFile(label, f"is a zip of {len(infos)} files, more than {MAX_MEMBERS}", hint="Unpack it and import the folder.")
    alone = len(infos) == 1
    return [_zip_member(path, info, label if alone else f"{label}/{info.filename}") for info in infos]


def _zip_member(path: Path, info: zipfile.ZipInfo, label: str) -> Member:
    problem = ""
    if info.flag_bits & 0x1:
        problem = "is locked with a password"
    elif info.filename.lower().endswith((".zip", ".gz")):
        problem = "is an archive inside an archive"

    def opened() -> BinaryIO:
        return _ZipStream(path, info.filename)

    name = info.filename.rsplit("/", 1)[-1]
    return Member(label=label, name=name, open=opened, packed_size=max(info.compress_size, 1), problem=problem)


def _is_content(name: str) -> bool:
    last = name.rsplit("/", 1)[-1]
    return bool(last) and not last.startswith(".") and not name.startswith("__MACOSX/")


class _ZipStream(io.BufferedReader):
    """A member's stream that closes its archive too."""

    def __init__(self, path: Path, name: str) -> None:
        self._archive = zipfile.ZipFile(path)
        super().__init__(self._archive.open(name))  # type: ignore[arg-type]

    def close(self) -> None:
        super().close()
        self._archive.close()
