"""Where bars are kept: immutable Parquet files and a manifest that says which of them are live."""

from qts.data.storage.admission import Admission
from qts.data.storage.archive import Partition, SeriesCommit
from qts.data.storage.bar_cache import BarCache
from qts.data.storage.coverage import DayCounts
from qts.data.storage.history import Comparison, SeriesChange
from qts.data.storage.parquet_store import ParquetStore
from qts.data.storage.records import FileFinding, FileState, Hole, Quarantine
from qts.data.storage.reserve import Reserve
from qts.data.storage.series import (
    DeleteReport,
    LatestBar,
    PriceBasis,
    Provenance,
    SeriesBars,
    SeriesInfo,
    SeriesKey,
    Snapshot,
    UpsertReport,
)
from qts.data.storage.store import BarStore

__all__ = [
    "Admission",
    "BarCache",
    "BarStore",
    "Comparison",
    "DayCounts",
    "DeleteReport",
    "FileFinding",
    "FileState",
    "Hole",
    "LatestBar",
    "ParquetStore",
    "Partition",
    "PriceBasis",
    "Provenance",
    "Quarantine",
    "Reserve",
    "SeriesBars",
    "SeriesChange",
    "SeriesCommit",
    "SeriesInfo",
    "SeriesKey",
    "Snapshot",
    "UpsertReport",
]
