"""Whether the files are what was written, what is done with those that are not, and which bars have to be fetched again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select

from qts.core import Exchange, InstrumentId, Interval, exchange_of, session_date_of
from qts.core.errors import DamagedFile
from qts.data.storage.drafting import is_content_of
from qts.data.storage.lookup import Span
from qts.data.storage.manifest import Manifest
from qts.data.storage.records import FileFinding, FileState, Hole, Quarantine, StoredFile
from qts.data.storage.schema import FILE, INSTRUMENT
from qts.data.storage.series import PriceBasis, SeriesInfo
from qts.data.storage.vault import Vault, sha256_of

ASIDE: Final = "data/quarantine"
_ALL: Final = Span(start=None, end=None)
_HARMED: Final = frozenset({FileState.DAMAGED, FileState.MISSING})


class Inspector:
    """Looks after the files of one store. A hole is a live file that is not in its place: whoever puts it back has closed the hole."""

    def __init__(self, root: Path, manifest: Manifest, vault: Vault) -> None:
        self._root = root
        self._manifest = manifest
        self._vault = vault

    def inspect(self, *, quick: bool = False) -> tuple[FileFinding, ...]:
        """Return what every file of every snapshot is like, sorted by path; foreign files are listed too.

        Each is read afresh: its size, the hash of its bytes, its number of bars, its span of time and the hash of what it says.
        ``quick`` looks at sizes only.
        """
        files, names = self._recorded()
        findings = {path: self._finding(file, names, quick=quick) for path, file in files.items()}
        found = set(self._vault.found())
        # While we read, a file may have been taken away for good reason, and a new one committed.
        now, _ = self._recorded()
        findings = {path: finding for path, finding in findings.items() if path in now}
        for path in found - findings.keys() - now.keys():
            findings[path] = FileFinding(path=path, state=FileState.FOREIGN, is_live=False)
        return tuple(self._explained(findings[path], files) for path in sorted(findings))

    def set_aside(self, findings: Iterable[FileFinding], *, at: datetime) -> Quarantine:
        """Move damaged files out of the way, so that nobody takes them for bars, and put back those whose bytes are found elsewhere."""
        given = list(findings)
        stamp = f"{at:%Y%m%dT%H%M%S}"
        aside: dict[str, str] = {}
        for finding in given:
            if finding.state is FileState.DAMAGED:
                kept = f"{ASIDE}/{stamp}-{finding.path.removeprefix('data/bars/').replace('/', '_')}"
                (self._root / ASIDE).mkdir(parents=True, exist_ok=True)
                with suppress(FileNotFoundError):  # somebody healed it, or set it aside, at this moment
                    (self._root / finding.path).rename(self._root / kept)
                    aside[finding.path] = kept
        foreign = [finding.path for finding in given if finding.state is FileState.FOREIGN]
        put_back = self._put_back([finding.path for finding in given if finding.state in _HARMED], foreign)
        return Quarantine(aside={path: kept for path, kept in aside.items() if (self._root / kept).exists()}, put_back=put_back)

    def refill(self) -> tuple[Hole, ...]:
        """Return what has to be fetched or imported again, sorted by series; a file that many series share is a hole in all of them."""
        query = (
            select(FILE, INSTRUMENT.c.symbol)
            .outerjoin(INSTRUMENT, FILE.c.instrument_id == INSTRUMENT.c.id)
            .where(FILE.c.end_snapshot.is_(None))
        )
        with self._manifest.reading() as ledger, self._manifest.database.reading() as connection:
            rows = [row for row in connection.execute(query) if not self._is_in_place(row.path, row.n_bytes)]
            infos = ledger.series(None) if rows else ()
        holes: list[Hole] = []
        for row in rows:
            shared = [info for info in infos if _may_be_in(info, row.interval, row.exchange, row.basis)]
            wanted = [info for info in shared if row.symbol is None or info.key.instrument == f"{row.exchange}:{row.symbol}"]
            holes += _holes(row.path, row.ts_min, row.ts_max, wanted)
        return tuple(sorted(holes, key=lambda hole: (hole.key.instrument, str(hole.key.interval), str(hole.key.basis), hole.first)))

    def _recorded(self) -> tuple[Mapping[str, StoredFile], Mapping[int, InstrumentId]]:
        with self._manifest.reading() as ledger:
            # A path may be in several snapshots apart; a row that is live says the most.
            files = sorted(ledger.files(), key=lambda file: file.end is None)
            return {file.path: file for file in files}, ledger.instruments()

    def _finding(self, file: StoredFile, names: Mapping[int, InstrumentId], *, quick: bool) -> FileFinding:
        sound = FileFinding(path=file.path, state=FileState.OK, is_live=file.end is None)
        try:
            self._require_sound(file, names, quick=quick)
        except FileNotFoundError:
            return replace(sound, state=FileState.MISSING, reason="it is missing")
        except DamagedFile as error:
            return replace(sound, state=FileState.DAMAGED, reason=error.reason)
        return sound

    def _require_sound(self, file: StoredFile, names: Mapping[int, InstrumentId], *, quick: bool) -> None:
        path = self._root / file.path
        n_bytes = path.stat().st_size
        if n_bytes != file.n_bytes:
            raise DamagedFile(file.path, f"it has {n_bytes} bytes instead of {file.n_bytes}")
        if quick:
            return
        if sha256_of(path) != file.sha256:
            raise DamagedFile(file.path, "its bytes differ from those that were written")
        rows = self._vault.read(file, number=None, span=_ALL)
        said = (len(rows), int(rows.ts.min()), int(rows.ts.max())) if len(rows) else (0, 0, 0)
        if said != (file.n_rows, file.ts_min, file.ts_max) or not is_content_of(file, rows, names):
            raise DamagedFile(file.path, "its bars are not those that the manifest tells of")

    def _explained(self, finding: FileFinding, files: Mapping[str, StoredFile]) -> FileFinding:
        if finding.state is not FileState.DAMAGED:
            return finding
        path = self._root / finding.path
        with suppress(OSError):
            n_bytes = path.stat().st_size
            alike = [file for file in files.values() if file.n_bytes == n_bytes and file.path != finding.path]
            content = sha256_of(path) if alike else ""
            owner = next((file.path for file in alike if file.sha256 == content), None)
            if owner is not None:
                return replace(finding, reason=f"it holds what belongs in {owner}")
        return finding

    def _put_back(self, lost: Sequence[str], foreign: Sequence[str]) -> tuple[str, ...]:
        if not lost:
            return ()
        files, _ = self._recorded()
        kept = [path.relative_to(self._root).as_posix() for path in sorted((self._root / ASIDE).glob("*")) if path.is_file()]
        put_back: list[str] = []
        for path in lost:
            file = files.get(path)
            source = None if file is None else self._bytes_of(file, [*kept, *foreign])
            if source is not None:
                (self._root / source).rename(self._root / path)
                put_back.append(path)
        return tuple(put_back)

    def _bytes_of(self, file: StoredFile, candidates: Iterable[str]) -> str | None:
        for candidate in candidates:
            path = self._root / candidate
            if path.is_file() and path.stat().st_size == file.n_bytes and sha256_of(path) == file.sha256:
                return candidate
        return None

    def _is_in_place(self, path: str, n_bytes: int) -> bool:
        try:
            return (self._root / path).stat().st_size == n_bytes
        except FileNotFoundError:
            return False


def _may_be_in(info: SeriesInfo, interval: str, exchange: str, basis: str) -> bool:
    return (info.key.interval, exchange_of(info.key.instrument), info.key.basis) == (
        Interval(interval),
        Exchange(exchange),
        PriceBasis(basis),
    )


def _holes(path: str, ts_min: int, ts_max: int, infos: Iterable[SeriesInfo]) -> list[Hole]:
    return [
        Hole(
            key=info.key,
            first=session_date_of(max(ts_min, info.first_ts)),
            last=session_date_of(min(ts_max, info.last_ts)),
            path=path,
        )
        for info in infos
        if info.first_ts <= ts_max and info.last_ts >= ts_min
    ]
