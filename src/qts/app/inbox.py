"""Take in what is new in the watch folder: each content once, nothing half-copied, and every refusal with its reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from qts import __version__
from qts.app.importing import FileDocument, import_files
from qts.app.ingest_document import InboxFile
from qts.app.progress import OnProgress, Progress, ignore_progress
from qts.app.requests import ImportRequest
from qts.app.workspace import Workspace
from qts.core.errors import BadFile, BadParameter, BadPath, QtsError
from qts.data.fetching.taken import TakenFile, TakenFiles
from qts.data.sources.files import SETTLING, FoundFile, LeftFile, content_hash, find_files, look_at

STEP: Final = "Taking in files"
# What is the file's own fault; anything else may go well the next time.
_OF_THE_FILE: Final = frozenset({"BadFile", "NotPrices", "BadParameter", "BadPath"})


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxPorts:
    """How a run may wait, whom it tells how far it has come, and who may stop it between two files."""

    sleep: Callable[[float], object] = time.sleep
    on_progress: OnProgress = ignore_progress
    check: Callable[[], object] = field(default=lambda: None)


def take_in(workspace: Workspace, *, dry_run: bool = False, ports: InboxPorts | None = None) -> tuple[InboxFile, ...]:
    """Import the files of the watch folder that were not read before, or with ``dry_run`` tell which those are.

    A run that is killed in the middle of a file reads it again, which stores nothing twice. Nothing of the folder is changed.

    Raises
    ------
    BadPath
        If the folder is absent, and not the one of the home folder, which is made.
    StoreFull, StoreBusy
        If there is no room, or another process does not let go of the store.
    """
    folder = _folder(workspace)
    return _Run(workspace, folder, dry_run=dry_run, ports=ports or InboxPorts()).all()


def _folder(workspace: Workspace) -> Path:
    folder = workspace.settings.inbox_folder
    if workspace.settings.inbox is None:
        folder.mkdir(exist_ok=True)
    return folder


class _Run:
    """One look into the folder."""

    def __init__(self, workspace: Workspace, folder: Path, *, dry_run: bool, ports: InboxPorts) -> None:
        self._workspace = workspace
        self._folder = folder
        self._is_dry = dry_run
        self._ports = ports
        self._taken = TakenFiles(workspace.control.database, release=__version__)

    def all(self) -> tuple[InboxFile, ...]:
        """Return what became of each file."""
        outcomes: list[InboxFile] = []
        new: list[FoundFile] = []
        for one in find_files(self._folder):
            outcome = self._left(one.path, one.reason) if isinstance(one, LeftFile) else self._known(one)
            if outcome is not None:
                outcomes.append(outcome)
            elif isinstance(one, FoundFile):
                new.append(one)
        steady = self._steady(new)
        for done, file in enumerate(steady):
            self._ports.check()
            self._ports.on_progress(Progress(step=STEP, done=done, total=len(steady), detail=file.path.name))
            outcomes.append(self._one(file))
        unsteady = {file.path for file in new} - {file.path for file in steady}
        outcomes += [self._left(path, "is still being written; the next run looks again") for path in sorted(unsteady)]
        return tuple(outcomes)

    def _steady(self, files: Sequence[FoundFile]) -> list[FoundFile]:
        """Return those of the files that nobody writes to: they did not change for some seconds, for which the fresh ones are awaited."""
        now = self._workspace.clock.now().timestamp()
        if self._is_dry or all(now - file.changed_at >= SETTLING for file in files):
            return list(files)
        self._ports.on_progress(Progress(step="Waiting for files that were changed just now", done=0, total=0))
        self._ports.sleep(SETTLING)
        return [file for file in files if look_at(file.path) == file]

    def _known(self, file: FoundFile) -> InboxFile | None:
        """Return what became of the file before, None where it is to be read."""
        sha256 = self._taken.hash_of(file.path, file.mark)
        before = None if sha256 is None else self._taken.find(sha256)
        return None if before is None else self._as_before(file.path, before)

    def _one(self, file: FoundFile) -> InboxFile:
        try:
            sha256 = content_hash(file.path)
        except BadPath as error:
            return self._left(file.path, error.reason)
        before = self._taken.find(sha256)
        if before is not None:
            if not self._is_dry:
                self._taken.note_path(file.path, file.mark, sha256)
            return self._as_before(file.path, before)
        if self._is_dry:
            return InboxFile(path=self._name(file.path), outcome="new")
        return self._imported(file, sha256)

    def _imported(self, file: FoundFile, sha256: str) -> InboxFile:
        outcome = import_files(self._workspace, ImportRequest(paths=(file.path,)))
        failure = next(iter(outcome.failures), None)
        if failure is not None and not isinstance(failure, (BadFile, BadParameter, BadPath)):
            raise failure
        ours = [part.error.message for part in outcome.document.files if part.error is not None and part.error.kind not in _OF_THE_FILE]
        if ours:
            return self._left(file.path, f"could not be stored: {ours[0]}")
        if look_at(file.path) != file:
            return self._left(file.path, "was changed while it was read; the next run reads it again")
        told = None if failure is None else _said(failure)
        taken = TakenFile(sha256=sha256, name=file.path.name, refused=told)
        self._taken.note(file.path, file.mark, taken, at=self._workspace.clock.now())
        return self._told(file.path, outcome.document.files, failure)

    def _told(self, path: Path, parts: Sequence[FileDocument], error: QtsError | None) -> InboxFile:
        reasons: dict[str, int] = {}
        for part in parts:
            for reason, count in part.reject_counts.items():
                reasons[reason] = reasons.get(reason, 0) + count
        problems = [f"{part.path}: {part.error.message}" for part in parts if part.error is not None and error is None]
        return InboxFile(
            path=self._name(path),
            outcome="taken" if error is None else "refused",
            reason=None if error is None else _said(error),
            hint=None if error is None else error.hint,
            format=_all_of([part.format for part in parts]),
            interval=_all_of([part.interval for part in parts]),
            prices=_all_of([part.prices for part in parts]),
            stored=sum(part.stored for part in parts),
            changed=sum(part.changed for part in parts),
            unchanged=sum(part.unchanged for part in parts),
            rejected_count=sum(part.rejected_count for part in parts),
            reject_counts=reasons,
            instruments=len({name for part in parts for name in part.instruments}),
            first=min((part.first for part in parts if part.first), default=None),
            last=max((part.last for part in parts if part.last), default=None),
            notes=tuple(dict.fromkeys([note for part in parts for note in part.notes] + problems)),
        )

    def _as_before(self, path: Path, before: TakenFile) -> InboxFile:
        if before.refused is not None:
            return InboxFile(path=self._name(path), outcome="refused_before", reason=before.refused)
        told = None if before.name == path.name else f"holds what {before.name} held"
        return InboxFile(path=self._name(path), outcome="known", reason=told)

    def _left(self, path: Path, reason: str) -> InboxFile:
        return InboxFile(path=self._name(path), outcome="left", reason=reason)

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self._folder))


def _said(error: QtsError) -> str:
    """Return what is wrong with a file without its path, which is told beside it."""
    return error.reason if isinstance(error, (BadFile, BadPath)) else error.message


def _all_of(values: Sequence[str | None]) -> str | None:
    found = list(dict.fromkeys(value for value in values if value is not None))
    return ", ".join(found) or None
