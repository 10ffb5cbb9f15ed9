"""Rows of the manifest as records and back, each believed only if its seal is right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Row

from qts.core import InstrumentId, Interval
from qts.data.storage.layout import FileGroup
from qts.data.storage.records import Draft, StoredFile
from qts.data.storage.schema import FILE, SERIES
from qts.data.storage.seals import require_equal, seal
from qts.data.storage.series import PriceBasis, SeriesInfo, SeriesKey

_UNSEALED: Final = frozenset({"id", "end_snapshot", "seal"})
_FILE_SEALED: Final = tuple(column.name for column in FILE.c if column.name not in _UNSEALED)
_SERIES_SEALED: Final = tuple(column.name for column in SERIES.c if column.name not in _UNSEALED)


def stored_file(row: Row[Any]) -> StoredFile:
    """Return the record of a row of ``file``.

    Raises
    ------
    DamagedFile
        If it is not what was written.
    """
    held = row._mapping  # noqa: SLF001 - SQLAlchemy's name for the row as a mapping
    require_equal(seal(held[name] for name in _FILE_SEALED), row.seal, f"the record of {row.path}")
    return StoredFile(
        id=row.id,
        label=row.label,
        path=row.path,
        year=row.year,
        n_rows=row.n_rows,
        n_bytes=row.n_bytes,
        sha256=row.sha256,
        content=row.content,
        ts_min=row.ts_min,
        ts_max=row.ts_max,
        layer=row.layer,
        number_min=row.number_min,
        number_max=row.number_max,
        n_over=row.n_over,
        net=row.net,
        begin=row.begin_snapshot,
        end=row.end_snapshot,
        seal=row.seal,
    )


def file_row(draft: Draft, seq: int) -> dict[str, object]:
    """Return a draft as a row of ``file``."""
    dataset = draft.dataset
    layer = seq if draft.layer is None else draft.layer
    group = FileGroup(
        interval=dataset.interval, exchange=dataset.exchange, basis=dataset.basis, instrument=draft.instrument, year=draft.year
    )
    row: dict[str, object] = {
        "label": dataset.hot_label(layer) if layer else group.label,
        "interval": str(dataset.interval),
        "exchange": str(dataset.exchange),
        "basis": str(dataset.basis),
        "instrument_id": draft.number,
        "year": draft.year,
        "path": draft.path,
        "n_rows": draft.n_rows,
        "n_bytes": draft.n_bytes,
        "sha256": draft.sha256,
        "content": str(draft.content),
        "ts_min": draft.ts_min,
        "ts_max": draft.ts_max,
        "layer": layer,
        "number_min": draft.number_min,
        "number_max": draft.number_max,
        "n_over": draft.n_over,
        "net": str(draft.net),
        "begin_snapshot": seq,
    }
    return row | {"seal": seal_of_file(row)}


def seal_of_file(row: Mapping[str, object]) -> str:
    """Return the seal of a row of ``file``."""
    return seal(row[name] for name in _FILE_SEALED)


def series_info(row: Row[Any]) -> SeriesInfo:
    """Return the record of a row of ``series``, joined with its instrument and its sources.

    Raises
    ------
    DamagedFile
        If it is not what was written.
    """
    held = row._mapping  # noqa: SLF001 - SQLAlchemy's name for the row as a mapping
    instrument = InstrumentId(f"{row.exchange}:{row.symbol}")
    found = seal((instrument, *(held[name] for name in _SERIES_SEALED), row.names))
    require_equal(found, row.seal, f"the record of {instrument} {row.interval}")
    return SeriesInfo(
        key=SeriesKey(instrument=instrument, interval=Interval(row.interval), basis=PriceBasis(row.basis)),
        first_ts=row.first_ts,
        last_ts=row.last_ts,
        last_close=row.last_close,
        n_bars=row.n_rows,
        simulated=row.simulated,
        sources=tuple(json.loads(row.names)),
        content=row.content,
    )


def series_row(info: SeriesInfo, number: int, sources: int, seq: int) -> dict[str, object]:
    """Return a record as a row of ``series``."""
    row: dict[str, object] = {
        "instrument_id": number,
        "interval": str(info.key.interval),
        "basis": str(info.key.basis),
        "first_ts": info.first_ts,
        "last_ts": info.last_ts,
        "last_close": info.last_close,
        "n_rows": info.n_bars,
        "simulated": info.simulated,
        "sources_id": sources,
        "content": info.content,
        "begin_snapshot": seq,
    }
    return row | {"seal": seal_of_series(info.key.instrument, row, names_of(info.sources))}


def seal_of_series(instrument: str, row: Mapping[str, object], names: str) -> str:
    """Return the seal of a row of ``series``."""
    return seal((instrument, *(row[name] for name in _SERIES_SEALED), names))


def names_of(sources: tuple[str, ...]) -> str:
    """Return a list of sources as the text under which it is kept."""
    return json.dumps(sources, ensure_ascii=False)
