"""Whole series as plain columns in files that are mapped into memory: for runs, which read the same bars again and again.

A file is named by the content of its series, so it is right for every snapshot in which the series is the same, and nothing here is
ever out of date. All of it can be made again: whoever deletes the folder loses a little time.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import re
import secrets
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from qts.core import Bars, micros_of
from qts.core.clock import Clock
from qts.core.errors import StoreFull
from qts.data.storage.contents import Content, content_of_rows
from qts.data.storage.lookup import span_of
from qts.data.storage.reserve import Reserve
from qts.data.storage.rows import VALUES, rows_of
from qts.data.storage.series import SeriesKey
from qts.data.storage.store import BarStore

SHORTEST: Final = 256
_COLUMNS: Final = ("ts", *VALUES)
_HEADER: Final = 512
_MAGIC: Final = "qts bars 1"
# Columns begin at lines of the processor's cache.
_ALIGNED: Final = 8
_WORD: Final = 8
_ID: Final = re.compile(r"[0-9a-f]{16}")
_MOST_OPEN: Final = 4_096
_MOST_KNOWN: Final = 65_536
_TOUCH_AFTER: Final = timedelta(minutes=1)
# What somebody reads now is not dropped for something else, or two who need more than there is room for would rebuild without end.
_IN_USE: Final = timedelta(minutes=10)
_LEFTOVER: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mapped:
    signature: tuple[int, int, int]
    touched_at: datetime
    bars: Bars


class BarCache:
    """Mapped copies of stored series in a folder, the ones used longest ago dropped for new ones. Threads and processes may share it.

    Parameters
    ----------
    folder : Path
        Where the files are; made when the first is written.
    n_bytes : int
        How much room they may take together.
    clock : Clock
        Tells which was used last.
    reserve : Reserve
        How much of the disk is left free: no file is written where less is.
    """

    def __init__(self, folder: Path, *, n_bytes: int, clock: Clock, reserve: Reserve) -> None:
        self._folder = folder
        self._n_bytes = n_bytes
        self._clock = clock
        self._reserve = reserve
        self._open: OrderedDict[str, _Mapped] = OrderedDict()
        self._contents: dict[tuple[SeriesKey, str], tuple[str, int]] = {}
        self._lock = threading.Lock()

    def read(
        self, store: BarStore, key: SeriesKey, *, start: datetime | None = None, end: datetime | None = None, as_of: str | None = None
    ) -> Bars:
        """Return what ``store.read`` returns, bit for bit, as views that cannot be written.

        Raises
        ------
        UnknownInstrument, EmptySpan, DamagedFile, BadParameter
            As the store's own reading does.
        """
        span = span_of(start, end)
        content, n_bars = self._content(store, key, as_of)
        if not content or n_bars < SHORTEST or 2 * _size(n_bars) > self._n_bytes:
            return store.read(key, start=start, end=end, as_of=as_of)
        bars = self._mapped(key, content, n_bars) or self._built(store, key, content, as_of=as_of)
        if bars is None:
            return store.read(key, start=start, end=end, as_of=as_of)
        first = 0 if span.start is None else int(np.searchsorted(bars.ts, span.start))
        stop = len(bars) if span.end is None else int(np.searchsorted(bars.ts, span.end))
        if first >= stop:  # the store knows the words for it
            return store.read(key, start=start, end=end, as_of=as_of)
        return bars.window(first, stop)

    def _content(self, store: BarStore, key: SeriesKey, as_of: str | None) -> tuple[str, int]:
        # What a snapshot holds never changes; names may be given to another.
        is_fixed = as_of is not None and _ID.fullmatch(as_of) is not None
        known = self._contents.get((key, as_of)) if is_fixed and as_of is not None else None
        if known is not None:
            return known
        info = store.info(key, as_of=as_of)
        # Series of the first format have the content of no other kind.
        found = ("", 0) if info is None or len(info.content) != len(str(Content())) else (info.content, info.n_bars)
        if is_fixed and as_of is not None and found[0]:
            if len(self._contents) >= _MOST_KNOWN:
                self._contents.clear()
            self._contents[key, as_of] = found
        return found

    def _mapped(self, key: SeriesKey, content: str, n_bars: int) -> Bars | None:
        path, now = self._path(content), self._clock.now()
        try:
            stat = os.stat(path)  # noqa: PTH116 - half the time of a read would go into Path
        except OSError:
            with self._lock:
                self._open.pop(content, None)
            return None
        signature = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
        known = self._open.get(content)
        if known is not None and known.signature == signature:
            if now - known.touched_at >= _TOUCH_AFTER:
                self._keep(content, known.bars, signature, now)
            return known.bars
        bars = _checked(path, key, content, n_bars)
        if bars is not None:
            self._keep(content, bars, signature, now)
        return bars

    def _keep(self, content: str, bars: Bars, signature: tuple[int, int, int], now: datetime) -> None:
        with suppress(OSError):
            os.utime(self._path(content), ns=(micros_of(now) * 1_000, signature[1]))
        with self._lock:
            self._open[content] = _Mapped(signature=signature, touched_at=now, bars=bars)
            self._open.move_to_end(content)
            if len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)

    def _built(self, store: BarStore, key: SeriesKey, content: str, *, as_of: str | None) -> Bars | None:
        bars = store.read(key, as_of=as_of)
        held = content_of_rows(rows_of([(0, bars)]), {0: key.instrument}, interval=key.interval, basis=key.basis)
        if str(held) != content:  # somebody stored bars between the two looks
            return None
        try:
            self._reserve.require(self._folder.parent)
            self._folder.mkdir(parents=True, exist_ok=True)
            if not self._has_room(_size(len(bars))):
                return None
            self._write(key, content, bars)
        except (OSError, StoreFull):
            return None
        return self._mapped(key, content, len(bars))

    def _write(self, key: SeriesKey, content: str, bars: Bars) -> None:
        columns = _columns(bars)
        temporary = self._folder / f".{content}-{os.getpid()}-{secrets.token_hex(8)}.tmp"
        now = micros_of(self._clock.now()) * 1_000
        try:
            with temporary.open("xb") as file:
                file.write(_header(key, content, len(bars), columns))
                file.write(columns)
            temporary.chmod(0o444)
            os.utime(temporary, ns=(now, now))
            # Not flushed to the disk: after a crash the hash tells.
            temporary.replace(self._path(content))
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _has_room(self, n_bytes: int) -> bool:
        """Drop what was used longest ago until so many bytes fit; return whether they do."""
        now = micros_of(self._clock.now()) * 1_000
        held = []
        for path in self._folder.iterdir():
            with suppress(OSError):
                stat = path.stat()
                if path.suffix == ".tmp":
                    if now - stat.st_mtime_ns > _nanos(_LEFTOVER):
                        path.unlink()
                    continue
                held.append((stat.st_atime_ns, stat.st_size, path))
        n_over = sum(size for _, size, _ in held) + n_bytes - self._n_bytes
        for used_at, size, path in sorted(held):
            if n_over <= 0 or now - used_at < _nanos(_IN_USE):
                break
            path.unlink(missing_ok=True)
            n_over -= size
        return n_over <= 0

    def _path(self, content: str) -> str:
        return f"{self._folder}/{content}.bars"


def _checked(path: str, key: SeriesKey, content: str, n_bars: int) -> Bars | None:
    """Return the bars of a file that is what was written, else remove it."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - see above
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # gone meanwhile, or empty
        _remove(path)
        return None
    whole = memoryview(mapped)
    if len(whole) != _size(n_bars) or bytes(whole[:_HEADER]) != _header(key, content, n_bars, whole[_HEADER:]):
        _remove(path)
        return None
    step = _padded(n_bars) * _WORD
    columns: dict[str, Any] = {
        name: np.frombuffer(mapped, dtype=np.int64 if name == "ts" else np.float64, count=n_bars, offset=_HEADER + i * step)
        for i, name in enumerate(_COLUMNS)
    }
    return Bars(instrument=key.instrument, interval=key.interval, **columns)


def _header(key: SeriesKey, content: str, n_bars: int, columns: bytes | memoryview) -> bytes:
    names = [_MAGIC, str(key.instrument), str(key.interval), str(key.basis), content, n_bars]
    text = json.dumps([*names, hashlib.sha256(columns).hexdigest()]).encode()
    return text.ljust(_HEADER, b"\n")


def _columns(bars: Bars) -> bytes:
    whole = np.zeros((len(_COLUMNS), _padded(len(bars))), dtype=np.int64)
    for row, name in zip(whole, _COLUMNS, strict=True):
        row[: len(bars)] = np.ascontiguousarray(getattr(bars, name)).view(np.int64)
    return whole.tobytes()


def _padded(n_bars: int) -> int:
    return -(-n_bars // _ALIGNED) * _ALIGNED


def _size(n_bars: int) -> int:
    return _HEADER + len(_COLUMNS) * _WORD * _padded(n_bars)


def _nanos(span: timedelta) -> int:
    return int(span / timedelta(microseconds=1)) * 1_000


def _remove(path: str) -> None:
    with suppress(OSError):
        Path(path).unlink(missing_ok=True)
