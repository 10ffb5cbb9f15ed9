"""The files of bars on the disk: written whole or not at all, never changed, and trusted only after their hash was checked."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qts.core.errors import BadPath, DamagedFile, StoreFull
from qts.data.storage.decoded import MOST_BYTES, Decoded
from qts.data.storage.lookup import Span
from qts.data.storage.records import Draft, StoredFile
from qts.data.storage.rows import Part, Rows, gather
from qts.data.storage.whole_files import flush_folder

if TYPE_CHECKING:  # pyarrow is imported when the first file is opened
    import pyarrow as pa

    from qts.data.storage.encoding import Footer

_MOST_FOOTERS: Final = 4_096
_FEW_GROUPS: Final = 4
_NAME_LENGTHS: Final = (8, 16, 64)
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NOT_THE_FILE: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR})
_CHUNK: Final = 1 << 17
_FLUSHERS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where the bytes of a new file are: at ``temporary`` still, or (None) at ``path`` already."""

    path: str
    temporary: str | None
    n_bytes: int
    sha256: str


class Vault:
    """The folder of files. Paths are relative to ``root``; threads may share it. Of what was decoded last it keeps so many bytes."""

    def __init__(self, root: Path, *, decoded_bytes: int = MOST_BYTES) -> None:
        self._root = root
        # path -> (size, mtime, inode) at the time its hash was checked, and its footer
        self._checked: OrderedDict[str, tuple[tuple[int, int, int], Footer]] = OrderedDict()
        self._decoded = Decoded(decoded_bytes)
        self._lock = threading.Lock()

    @property
    def root(self) -> Path:
        """Return the folder of the store."""
        return self._root

    def read(self, file: StoredFile, *, number: int | None, span: Span) -> Rows:
        """Return the bars of one instrument (None: of all) that open in the span.

        Raises
        ------
        DamagedFile
            If the file is missing or is not what was written.
        """
        from qts.data.storage.encoding import decode  # noqa: PLC0415 - pyarrow only when bars are read

        if number is not None:
            return gather(self.parts(file, number=number, span=span), number)
        footer = self.footer(file)
        with _damage(file.path):
            return decode(f"{self._root}/{file.path}", footer, number=None, span=span)

    def parts(self, file: StoredFile, *, number: int, span: Span) -> list[Part]:
        """Return the bars of one instrument that open in the span, in parts that follow one another; what is in them is others' as well.

        Raises
        ------
        DamagedFile
            If the file is missing or is not what was written.
        """
        from qts.data.storage.encoding import cut, decode_groups, pick  # noqa: PLC0415 - pyarrow only when bars are read

        footer = self.footer(file)
        path = f"{self._root}/{file.path}"
        with _damage(file.path):
            groups = footer.groups(number, span)
            # Who reads a lot reads it once.
            if not 0 < len(groups) <= _FEW_GROUPS:
                return [pick(path, footer, number, span)]
            keys = [(file.sha256, group) for group in groups]
            found = self._decoded.rows(keys, lambda places: decode_groups(path, footer, [groups[place] for place in places]))
            return [cut(rows, number, span) for rows in found]

    def footer(self, file: StoredFile) -> Footer:
        """Return the footer of a file whose bytes have been checked, now or, if nobody touched it since, before.

        Raises
        ------
        DamagedFile
            If the file is missing or is not what was written.
        """
        from qts.data.storage.encoding import read_footer  # noqa: PLC0415 - pyarrow only when bars are read

        with _damage(file.path):
            stat = os.stat(f"{self._root}/{file.path}")  # noqa: PTH116 - asked with every read
            signature = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
            with self._lock:
                known = self._checked.get(file.path)
                if known is not None and known[0] == signature:
                    self._checked.move_to_end(file.path)
                    return known[1]
            if stat.st_size != file.n_bytes:
                raise DamagedFile(file.path, f"it has {stat.st_size} bytes instead of {file.n_bytes}")
            path = self._root / file.path
            if sha256_of(path) != file.sha256:
                raise DamagedFile(file.path, "its bytes differ from those that were written")
            footer = read_footer(str(path))
        with self._lock:
            self._checked[file.path] = (signature, footer)
            if len(self._checked) > _MOST_FOOTERS:
                self._checked.popitem(last=False)
        return footer

    def place(self, content: pa.Buffer, *, folder: str, stem: str) -> Placed:
        """Write a file beside its final place, flushed to the disk; nothing is written where its bytes are there already."""
        sha256 = hashlib.sha256(content).hexdigest()
        path = ""
        for length in _NAME_LENGTHS:
            path = f"{folder}/{stem}-{sha256[:length]}.parquet"
            if not os.path.exists(self._at(path)):  # noqa: PTH110 - asked for every file
                break
            if sha256_of(self._root / path) == sha256:
                # Young again: what no snapshot needs is collected by age.
                os.utime(self._root / path)
                return Placed(path=path, temporary=None, n_bytes=content.size, sha256=sha256)
        temporary = f"{folder}/.{stem}-{os.getpid()}-{secrets.token_hex(8)}.tmp"
        self._write(self._at(temporary), content)
        return Placed(path=path, temporary=temporary, n_bytes=content.size, sha256=sha256)

    def settle(self, drafts: Iterable[Draft]) -> None:
        """Give the files their final names and flush the folders, so that a commit may name them."""
        touched: set[str] = set()
        for draft in drafts:
            if draft.temporary is not None:
                os.replace(self._at(draft.temporary), self._at(draft.path))  # noqa: PTH105 - done for every file
                folder = draft.path
                while folder and (folder := folder.rpartition("/")[0]) not in touched:
                    touched.add(folder)
        with ThreadPoolExecutor(max_workers=_FLUSHERS) as pool:
            list(pool.map(flush_folder, map(self._at, sorted(touched))))

    def has_all(self, drafts: Iterable[Draft]) -> bool:
        """Return whether the files stand under their final names: one that was there before may have been collected since."""
        return all(os.path.exists(self._at(draft.path)) for draft in drafts)  # noqa: PTH110 - asked of every file

    def discard(self, drafts: Iterable[Draft]) -> None:
        """Remove what was written for a commit that will not come."""
        for draft in drafts:
            if draft.temporary is not None:
                with suppress(FileNotFoundError):
                    os.unlink(self._at(draft.temporary))  # noqa: PTH108 - done for every file

    def replace(self, content: pa.Buffer, path: str) -> None:
        """Put these bytes in the place of a damaged file."""
        temporary = self._root / f"{path}.{os.getpid()}-{secrets.token_hex(8)}.tmp"
        self._write(str(temporary), content)
        temporary.replace(self._root / path)
        flush_folder(str((self._root / path).parent))

    def found(self) -> Iterator[str]:
        """Yield the paths of all files among the bars, ours or not."""
        for path in sorted((self._root / "data" / "bars").rglob("*")):
            if path.is_file():
                yield path.relative_to(self._root).as_posix()

    def is_in_place(self, file: StoredFile) -> bool:
        """Return whether a file stands where it belongs and has its size; its bytes are not read."""
        try:
            return (self._root / file.path).stat().st_size == file.n_bytes
        except FileNotFoundError:
            return False

    def _at(self, path: str) -> str:
        # A path that is put together as text costs a tenth of one of pathlib's, and a bulk load has thousands of files.
        return f"{self._root}/{path}" if path else str(self._root)

    def _write(self, path: str, content: pa.Buffer) -> None:
        descriptor = _created(path)
        try:
            try:
                rest = memoryview(content)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            with suppress(OSError):
                os.unlink(path)  # noqa: PTH108 - see above
            raise


@contextmanager
def disk_faults(root: Path) -> Iterator[None]:
    """Turn the operating system's errors into ours.

    Raises
    ------
    StoreFull
        If no room is left, or a quota is used up.
    BadPath
        If the system refuses for another reason, such as permissions.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull(str(root)) from error
        raise BadPath(str(error.filename or root), (error.strerror or str(error)).lower()) from error


def sha256_of(path: Path) -> str:
    """Return the hash of a file's bytes."""
    digest = hashlib.sha256()
    # The same little memory again and again: a large piece is new to the process each time, which costs as much as the hash.
    chunk = memoryview(bytearray(_CHUNK))
    with path.open("rb", buffering=0) as file:
        while n_read := file.readinto(chunk):
            digest.update(chunk[:n_read])
    return digest.hexdigest()


@contextmanager
def _damage(path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise DamagedFile(path, "it is missing") from error
    except PermissionError as error:
        raise BadPath(path, "may not be read") from error
    except (OSError, ValueError) as error:  # pyarrow's own errors are these
        if isinstance(error, OSError) and error.errno in _NOT_THE_FILE:
            raise
        raise DamagedFile(path, f"it cannot be read ({error})") from error


def _created(path: str) -> int:
    """Return the descriptor of a new file; its folder is made where there is none."""
    # Read-only: a file that is in a snapshot never changes.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        return os.open(path, flags, 0o444)
    except (FileNotFoundError, NotADirectoryError):
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - as above
        return os.open(path, flags, 0o444)
