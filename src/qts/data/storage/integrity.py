"""Whether the files are what was written, what is done with those that are not, and which bars have to be fetched again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from qts.core import InstrumentId, Ints, session_date_of
from qts.core.errors import DamagedFile
from qts.data.storage.coverage import Coverage
from qts.data.storage.drafting import is_content_of
from qts.data.storage.healing import Refills, still_lost
from qts.data.storage.lookup import Span
from qts.data.storage.manifest import Manifest
from qts.data.storage.records import FileFinding, FileState, Hole, Quarantine, StoredFile
from qts.data.storage.rows import Rows
from qts.data.storage.series import SeriesInfo
from qts.data.storage.vault import Vault, sha256_of

ASIDE: Final = "data/quarantine"
_EPOCH: Final = date(1970, 1, 1)
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
        needed = self._needed()
        findings = {path: replace(self._finding(file, names, quick=quick), is_needed=path in needed) for path, file in files.items()}
        found = set(self._vault.found())
        # While we read, a file may have been taken away for good reason, and a new one committed.
        now, _ = self._recorded()
        findings = {path: finding for path, finding in findings.items() if path in now}
        for path in found - findings.keys() - now.keys():
            findings[path] = FileFinding(path=path, state=FileState.FOREIGN, is_live=False)
        return tuple(self._explained(findings[path], files) for path in sorted(findings))

    def set_aside(self, findings: Iterable[FileFinding], *, at: datetime, spare: Sequence[Path] = ()) -> Quarantine:
        """Move damaged files out of the way, so that nobody takes them for bars, and put back those whose bytes are found elsewhere.

        ``spare`` are folders that hold copies of our files under the same paths.
        """
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
        with self._manifest.reading() as ledger:
            live = ledger.live_files(None)
        put_back = self._put_back([finding.path for finding in given if finding.state in _HARMED], foreign, spare)
        Refills(self._vault).forget_others([file for file in live if not self._vault.is_in_place(file)])
        return Quarantine(aside={path: kept for path, kept in aside.items() if (self._root / kept).exists()}, put_back=put_back)

    def refill(self) -> tuple[Hole, ...]:
        """Return what has to be fetched or imported again, sorted by series; a file that many series share is a hole in all of them."""
        with self._manifest.reading() as ledger:
            files = [file for file in ledger.live_files(None) if not self._vault.is_in_place(file)]
            if not files:
                return ()
            names, infos = ledger.instruments(), ledger.series(None)
            coverages = [(file, ledger.coverage([file])) for file in files]
        refills = Refills(self._vault)
        holes = [hole for file, coverage in coverages for hole in _holes(file, coverage, names, infos, held=refills.held(file))]
        return tuple(sorted(holes, key=lambda hole: (hole.key.instrument, str(hole.key.interval), str(hole.key.basis), hole.first)))

    def _recorded(self) -> tuple[Mapping[str, StoredFile], Mapping[int, InstrumentId]]:
        with self._manifest.reading() as ledger:
            # A path may be in several snapshots apart; a row that is live says the most.
            files = sorted(ledger.files(), key=lambda file: file.end is None)
            return {file.path: file for file in files}, ledger.instruments()

    def _needed(self) -> frozenset[str]:
        """Return the paths of the files of the present and of every snapshot that was not collected."""
        with self._manifest.reading() as ledger:
            kept, files = ledger.kept(), ledger.files()
        return frozenset(file.path for file in files if file.end is None or bisect_left(kept, file.begin) < bisect_left(kept, file.end))

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

    def _put_back(self, lost: Sequence[str], foreign: Sequence[str], spare: Sequence[Path]) -> tuple[str, ...]:
        if not lost:
            return ()
        files, _ = self._recorded()
        kept = [path.relative_to(self._root).as_posix() for path in sorted((self._root / ASIDE).glob("*")) if path.is_file()]
        put_back: list[str] = []
        for path in lost:
            file = files.get(path)
            if file is None:
                continue
            ours = _bytes_of(file, (self._root / candidate for candidate in (*kept, *foreign)))
            if ours is not None:
                ours.rename(self._root / path)
            elif (theirs := _bytes_of(file, (folder / path for folder in spare))) is not None:
                self._vault.replace(theirs.read_bytes(), path)
            else:
                continue
            put_back.append(path)
        return tuple(put_back)


def _bytes_of(file: StoredFile, candidates: Iterable[Path]) -> Path | None:
    for path in candidates:
        if path.is_file() and path.stat().st_size == file.n_bytes and sha256_of(path) == file.sha256:
            return path
    return None


def _holes(
    file: StoredFile, coverage: Sequence[Coverage], names: Mapping[int, InstrumentId], infos: Iterable[SeriesInfo], *, held: Rows | None
) -> list[Hole]:
    dataset = file.dataset
    counted = {number: days for one in coverage for number, days, _ in one.parts()}
    lost = {number: days for one in coverage for number, days, _ in still_lost(one, held).parts()}
    spans = [(names[number], *stretch) for number, days in lost.items() for stretch in _stretches(days, counted[number])]
    known = {names[number] for number in counted}
    # Bars that take the place of others add to no count, and files of the first format have none: then it may be any of these series.
    only = file.label.split("/", 3)[3].rpartition("/")[0]
    for info in infos if file.n_over or not coverage else ():
        is_in = info.key == dataset.key(info.key.instrument) and only in {"*", "hot", info.key.instrument}
        if is_in and info.key.instrument not in known and info.first_ts <= file.ts_max and info.last_ts >= file.ts_min:
            first, last = max(file.ts_min, info.first_ts), min(file.ts_max, info.last_ts)
            spans.append((info.key.instrument, session_date_of(first), session_date_of(last)))
    return [Hole(key=dataset.key(instrument), first=first, last=last, path=file.path) for instrument, first, last in spans]


def _stretches(lost: Ints, held: Ints) -> list[tuple[date, date]]:
    """Return the first and last date of each stretch of lost days, of those that a series had, that no day parts which is not lost."""
    places = np.searchsorted(held, lost)
    parts = np.split(lost, np.flatnonzero(np.diff(places) > 1) + 1)
    return [(_EPOCH + timedelta(int(part[0])), _EPOCH + timedelta(int(part[-1]))) for part in parts]
