"""Bars of a lost file that are given again in pieces: kept aside until they are all that it held, and then put in its place.

Nobody reads them before: a file is mended with just what it held, so that every snapshot is what it was, or not at all.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from qts.core import Bars, Bools, InstrumentId
from qts.core.errors import DamagedFile
from qts.data.storage.coverage import Coverage, coverage_of, days_of
from qts.data.storage.drafting import ALWAYS, is_content_of
from qts.data.storage.records import StoredFile
from qts.data.storage.rows import Rows, merge, overlay, picked, rows_of
from qts.data.storage.vault import Vault

FOLDER: Final = "data/quarantine/refill"
_MOST_PIECES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """New bars by instrument number, parted into those that a lost file held bars of the same days of, and the others."""

    inside: Sequence[tuple[int, Bars]]
    outside: Sequence[tuple[int, Bars]]


class Refills:
    """The pieces that wait, a folder for each lost file. Processes may share it: each adds pieces of its own."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def add(self, file: StoredFile, parts: Sequence[tuple[int, Bars]]) -> None:
        """Keep bars of a lost file; of bars with the same instant the ones given last count."""
        pieces = self._pieces(file)
        self._write(file, rows_of(parts), number=_number_of(pieces[-1]) + 1 if pieces else 1)
        if len(pieces) >= _MOST_PIECES:
            whole = self._overlaid(pieces)
            if whole is not None:
                self._write(file, whole, number=_number_of(pieces[-1]))
            for piece in pieces:
                piece.unlink(missing_ok=True)

    def held(self, file: StoredFile) -> Rows | None:
        """Return what waits for a lost file, None where nothing does."""
        return self._overlaid(self._pieces(file))

    def forget(self, file: StoredFile) -> None:
        """Remove what waits for a file."""
        shutil.rmtree(self._folder(file), ignore_errors=True)

    def forget_others(self, lost: Sequence[StoredFile]) -> None:
        """Remove what waits for files that are not lost any more."""
        wanted = {self._folder(file).name for file in lost}
        folder = self._vault.root / FOLDER
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name not in wanted:
                shutil.rmtree(path, ignore_errors=True)

    def mend(self, file: StoredFile, versions: Callable[[str], Sequence[StoredFile]], names: Mapping[int, InstrumentId]) -> bool:
        """Put a lost file in its place again if what waits for it, alone or over an earlier version, is just what it held."""
        from qts.data.storage.encoding import HOT_ROW_GROUP, ROW_GROUP, encode  # noqa: PLC0415 - pyarrow only when bars are written

        held = self.held(file)
        if held is None:
            return False
        for rows in self._candidates(file, held, versions):
            if len(rows) == file.n_rows and is_content_of(file, rows, names):
                self._vault.replace(encode(rows, row_group=HOT_ROW_GROUP if file.is_hot else ROW_GROUP), file.path)
                self.forget(file)
                return True
        return False

    def _candidates(self, file: StoredFile, held: Rows, versions: Callable[[str], Sequence[StoredFile]]) -> Iterator[Rows]:
        yield held
        for version in () if file.is_hot else versions(file.label):
            if version.begin < file.begin:
                with suppress(DamagedFile):
                    yield merge(self._vault.read(version, number=None, span=ALWAYS), held).rows

    def _write(self, file: StoredFile, rows: Rows, *, number: int) -> None:
        from qts.data.storage.encoding import ROW_GROUP, encode  # noqa: PLC0415 - see above

        path = self._folder(file) / f"{number:09d}-{secrets.token_hex(8)}.parquet"
        self._vault.replace(encode(rows, row_group=ROW_GROUP), path.relative_to(self._vault.root).as_posix())

    def _overlaid(self, pieces: Sequence[Path]) -> Rows | None:
        from qts.data.storage.encoding import decode, read_footer  # noqa: PLC0415 - see above

        layers = []
        for piece in pieces:
            try:
                layers.append(decode(str(piece), read_footer(str(piece)), number=None, span=ALWAYS))
            except FileNotFoundError:
                continue  # somebody put the pieces together, or mended the file
            except (OSError, ValueError):  # damaged too: its bars have to be given again
                piece.unlink(missing_ok=True)
        return overlay(layers) if layers else None

    def _pieces(self, file: StoredFile) -> list[Path]:
        return sorted(self._folder(file).glob("*.parquet"))

    def _folder(self, file: StoredFile) -> Path:
        return self._vault.root / FOLDER / file.sha256[:32]


def parted(parts: Sequence[tuple[int, Bars]], coverage: Coverage) -> Given:
    """Return which of the bars are of series and dates that a file held bars of."""
    days = {number: held for number, held, _ in coverage.parts()}
    inside: list[tuple[int, Bars]] = []
    outside: list[tuple[int, Bars]] = []
    for number, bars in parts:
        is_inside: Bools = np.isin(days_of(np.asarray(bars.ts, dtype=np.int64)), days.get(number, ()))
        inside += [(number, picked(bars, is_inside))] if is_inside.any() else []
        outside += [(number, picked(bars, ~is_inside))] if not is_inside.all() else []
    return Given(inside=inside, outside=outside)


def still_lost(coverage: Coverage, held: Rows | None) -> Coverage:
    """Return what of the counts of a lost file does not wait yet; all of it where it waits and is yet not what the file held."""
    if held is None:
        return coverage
    found = coverage_of(held.numbers, held.ts)
    counts = dict(zip(zip(found.numbers.tolist(), found.days.tolist(), strict=True), found.counts.tolist(), strict=True))
    wanted = zip(coverage.numbers.tolist(), coverage.days.tolist(), coverage.counts.tolist(), strict=True)
    is_lost = np.array([counts.get((number, day), 0) < n_bars for number, day, n_bars in wanted], dtype=np.bool_)
    if not is_lost.any():
        return coverage
    return Coverage(numbers=coverage.numbers[is_lost], days=coverage.days[is_lost], counts=coverage.counts[is_lost])


def _number_of(piece: Path) -> int:
    return int(piece.name.partition("-")[0])
