"""Where finished runs are kept: a folder of files each, which appears whole or not at all.

``run.json`` is the result document in its canonical spelling, judged as if it were the only trial of its idea: how many trials there
are is the ledger's to know and grows later. The equity curve is in ``equity.parquet``. ``strategy.py`` is the source text that ran.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from qts.app.run_document import RunDocument
from qts.app.run_identity import canonical_json
from qts.core.errors import BadPath, DamagedFile, StoreFull, UnknownRun

DOCUMENT_NAME: Final = "run.json"
SOURCE_NAME: Final = "strategy.py"
CURVES_NAME: Final = "equity.parquet"
EVENTS_NAME: Final = "order_events.parquet"
_TEMPORARY: Final = ".tmp-"


def document_bytes(document: RunDocument) -> bytes:
    """Return the canonical bytes of a run, without its equity curve."""
    return canonical_json(document.model_dump(mode="json", by_alias=True, exclude={"equity"}))


def save_run(folder: Path, document: RunDocument, *, curves: pa.Table, events: pa.Table, source: str) -> bytes:
    """Keep a run and return its document's bytes; a run that is kept already with the same bytes is left alone.

    Raises
    ------
    StoreFull
        If the disk is full; nothing of the run is kept then.
    """
    content = document_bytes(document)
    target = folder / document.run_id
    if _is_kept(target, content):
        return content
    with _new_folder(folder, document.run_id) as fresh:
        _write(fresh / DOCUMENT_NAME, content)
        _write(fresh / SOURCE_NAME, source.encode())
        _write_table(fresh / CURVES_NAME, curves)
        _write_table(fresh / EVENTS_NAME, events)
        _write_table(fresh / "fills.parquet", _rows(document, "fills"))
        _write_table(fresh / "trades.parquet", _rows(document, "trades"))
        _sync(fresh)
        _put(fresh, target)
    return content


def read_document_bytes(folder: Path, run_id: str) -> bytes:
    """Return the stored bytes of a run's document.

    Raises
    ------
    UnknownRun
        If there is no such run.
    """
    if not run_id.isalnum():
        raise UnknownRun(run_id)
    try:
        return (folder / run_id / DOCUMENT_NAME).read_bytes()
    except FileNotFoundError as error:
        raise UnknownRun(run_id) from error


def parse_document(content: bytes, *, path: str) -> RunDocument:
    """Return the document of these bytes.

    Raises
    ------
    DamagedFile
        If they are no result document.
    """
    try:
        return RunDocument.model_validate_json(content)
    except ValidationError as error:
        raise DamagedFile(path, "it is no result document") from error


def read_source(folder: Path, run_id: str) -> str:
    """Return the source text of the strategy that ran."""
    path = folder / run_id / SOURCE_NAME
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DamagedFile(str(path), "it cannot be read") from error


def read_curves(folder: Path, run_id: str) -> pa.Table:
    """Return the curves of a run, one row per bar."""
    return _read_table(folder / run_id / CURVES_NAME)


def read_events(folder: Path, run_id: str) -> pa.Table:
    """Return what became of a run's orders besides their fills, one row each; nothing where none was kept, as by earlier versions."""
    path = folder / run_id / EVENTS_NAME
    return _read_table(path) if path.is_file() else pa.table({})


def _read_table(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DamagedFile(str(path), "it cannot be read") from error


def _is_kept(target: Path, content: bytes) -> bool:
    names = (SOURCE_NAME, CURVES_NAME, EVENTS_NAME, "fills.parquet", "trades.parquet")
    try:
        return (target / DOCUMENT_NAME).read_bytes() == content and all((target / name).is_file() for name in names)
    except OSError:
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
    _sync(target.parent)
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


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
