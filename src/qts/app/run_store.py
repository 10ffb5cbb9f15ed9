"""Where finished runs are kept: a folder of files each, which appears whole or not at all.

``run.json`` is the result document in its canonical spelling, judged as if it were the only trial of its idea: how many trials there
are is the ledger's to know and grows later. The equity curve is in ``equity.parquet``. ``strategy.py`` is the source text that ran.
``files.json`` lists the hashes of the others.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from qts.app.run_document import RunDocument
from qts.app.run_files import (
    CURVES_NAME,
    DOCUMENT_NAME,
    EVENTS_NAME,
    LIST_NAME,
    NAMES,
    SOURCE_NAME,
    RunState,
    damaged_run,
    harms,
    list_files,
    read_list,
    seal_of,
)
from qts.app.run_identity import canonical_json
from qts.core.errors import BadPath, DamagedFile, StoreFull, UnknownRun
from qts.data.storage.whole_files import flush_folder

_TEMPORARY: Final = ".tmp-"


def document_bytes(document: RunDocument) -> bytes:
    """Return the canonical bytes of a run, without its equity curve."""
    return canonical_json(document.model_dump(mode="json", by_alias=True, exclude={"equity"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRun:
    """A run that is kept: the bytes of its document, and the seal of its files, which the control database is to hold."""

    content: bytes
    seal: str


def save_run(folder: Path, document: RunDocument, *, curves: pa.Table, events: pa.Table, source: str) -> SavedRun:
    """Keep a run; one that is kept already, with the same bytes and whole, is left alone.

    Raises
    ------
    StoreFull
        If the disk is full; nothing of the run is kept then.
    """
    content = document_bytes(document)
    target = folder / document.run_id
    if _is_kept(target, document.run_id, content):
        return SavedRun(content=content, seal=seal_of((target / LIST_NAME).read_bytes()))
    with _new_folder(folder, document.run_id) as fresh:
        _write(fresh / DOCUMENT_NAME, content)
        _write(fresh / SOURCE_NAME, source.encode())
        _write_table(fresh / CURVES_NAME, curves)
        _write_table(fresh / EVENTS_NAME, events)
        _write_table(fresh / "fills.parquet", _rows(document, "fills"))
        _write_table(fresh / "trades.parquet", _rows(document, "trades"))
        listed = list_files(fresh, document.run_id)
        _write(fresh / LIST_NAME, listed)
        flush_folder(fresh)
        _put(fresh, target)
    return SavedRun(content=content, seal=seal_of(listed))


class KeptRun:
    """A kept run, each file of which is believed only if it is what was written.

    Parameters
    ----------
    folder : Path
        Where runs are kept.
    run_id : str
        The run.
    seal : str, optional
        What the control database says of its files; None where it says nothing.

    Raises
    ------
    UnknownRun
        If there is no such run.
    """

    def __init__(self, folder: Path, run_id: str, *, seal: str | None) -> None:
        if not run_id.isalnum() or not (folder / run_id).is_dir():
            raise UnknownRun(run_id)
        self._folder = folder / run_id
        self._run_id = run_id
        self._seal = seal

    def state(self) -> RunState:
        """Return whether there are hashes, and whether all files have them; every byte is read."""
        if any(True for _ in harms(self._folder, self._run_id, self._seal)):
            return RunState.DAMAGED
        return RunState.SOUND if (self._folder / LIST_NAME).exists() else RunState.UNHASHED

    def document_bytes(self) -> bytes:
        """Return the bytes of the document.

        Raises
        ------
        DamagedFile
            If they are not what was written; so do the next four.
        """
        return self._checked(DOCUMENT_NAME)

    def document(self) -> RunDocument:
        """Return the document."""
        return self.parsed(self._checked(DOCUMENT_NAME))

    def parsed(self, content: bytes) -> RunDocument:
        """Return what the bytes of a document of this run say."""
        try:
            document = RunDocument.model_validate_json(content)
        except ValidationError as error:
            raise damaged_run(self._run_id, DOCUMENT_NAME, "it is no result document") from error
        if document.run_id != self._run_id:
            raise damaged_run(self._run_id, DOCUMENT_NAME, f"it holds run {document.run_id}")
        return document

    def source(self) -> str:
        """Return the source text of the strategy that ran."""
        return self.decoded(self._checked(SOURCE_NAME))

    def decoded(self, content: bytes) -> str:
        """Return the text that the bytes of a source are."""
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise damaged_run(self._run_id, SOURCE_NAME, "it cannot be read") from error

    def curves(self) -> pa.Table:
        """Return the curves, one row per bar."""
        return self._table(CURVES_NAME)

    def events(self) -> pa.Table:
        """Return what became of the orders besides their fills, one row each; nothing where none was kept, as by earlier releases."""
        listed = read_list(self._folder, self._run_id, self._seal)
        is_listed = listed is not None and EVENTS_NAME in listed.files
        return self._table(EVENTS_NAME) if is_listed or (self._folder / EVENTS_NAME).is_file() else pa.table({})

    def as_found(self, name: str) -> bytes:
        """Return the bytes of a file as they are, right or wrong."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError as error:
            raise damaged_run(self._run_id, name, "it is missing") from error
        except OSError as error:
            raise damaged_run(self._run_id, name, "it cannot be read") from error

    def _checked(self, name: str) -> bytes:
        listed = read_list(self._folder, self._run_id, self._seal)
        content = self.as_found(name)
        reason = "" if listed is None else listed.harm(name, content)
        if reason:
            raise damaged_run(self._run_id, name, reason)
        return content

    def _table(self, name: str) -> pa.Table:
        content = self._checked(name)
        try:
            return pq.read_table(pa.BufferReader(content))
        except (OSError, pa.ArrowException) as error:
            raise damaged_run(self._run_id, name, "it cannot be read") from error


def _is_kept(target: Path, run_id: str, content: bytes) -> bool:
    try:
        listed = read_list(target, run_id, None)
        return (
            listed is not None
            and listed.files.keys() == set(NAMES)
            and (target / DOCUMENT_NAME).read_bytes() == content
            and not any(True for _ in harms(target, run_id, None))
        )
    except (OSError, DamagedFile):
        return False


@contextmanager
def _new_folder(folder: Path, run_id: str) -> Iterator[Path]:
    fresh = folder / f"{_TEMPORARY}{os.getpid()}-{run_id}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        yield fresh
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StoreFull(str(folder)) from error
        raise BadPath(str(folder), (error.strerror or str(error)).lower(), hint="Check the folder's permissions.") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what a killed process left behind."""
    for left in folder.glob(f"{_TEMPORARY}*"):
        owner = left.name.removeprefix(_TEMPORARY).partition("-")[0]
        if owner.isdigit() and not _is_running(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _put(fresh: Path, target: Path) -> None:
    old = fresh.with_name(fresh.name + "-old")
    with suppress(FileNotFoundError):
        target.rename(old)
    try:
        fresh.rename(target)
    except OSError as error:
        # Another process was as quick with the same run: its bytes are ours.
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise
    flush_folder(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _write_table(path: Path, table: pa.Table) -> None:
    with path.open("wb") as file:
        pq.write_table(table, file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())


def _rows(document: RunDocument, part: str) -> pa.Table:
    rows = [_flat(row.model_dump(mode="json", by_alias=True)) for row in getattr(document, part)]
    labels = {"run_id": document.run_id, "simulated": str(document.simulated).lower()}
    return pa.Table.from_pylist(rows, schema=_FILLS if part == "fills" else _TRADES).replace_schema_metadata(labels)


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    charges = row.get("charges", {})
    return {**row, **{f"charges_{name}": value for name, value in charges.items()}}


_TEXT: Final = pa.string()
_NUMBER: Final = pa.float64()
_CHARGES: Final = [(f"charges_{name}", _NUMBER) for name in ("brokerage", "stt", "exchange", "ipft", "sebi", "stamp", "gst", "dp", "total")]
_FILLS: Final = pa.schema(
    [
        ("at", _TEXT), ("instrument", _TEXT), ("side", _TEXT), ("quantity", _NUMBER), ("price", _NUMBER), ("reference_price", _NUMBER),
        ("slippage", _NUMBER), ("order", _TEXT), ("reason", _TEXT), *_CHARGES,
    ]
)  # fmt: skip
_TRADES: Final = pa.schema(
    [
        ("instrument", _TEXT), ("direction", _TEXT), ("quantity", _NUMBER), ("entry_at", _TEXT), ("entry_price", _NUMBER),
        ("exit_at", _TEXT), ("exit_price", _NUMBER), ("gross_pnl", _NUMBER), ("costs", _NUMBER), ("net_pnl", _NUMBER),
        ("return", _NUMBER), ("bars_held", pa.int64()), ("mae", _NUMBER), ("mfe", _NUMBER), ("exit_reason", _TEXT), ("open", pa.bool_()),
    ]
)  # fmt: skip
