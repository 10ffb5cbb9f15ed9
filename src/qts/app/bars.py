"""Bars of one instrument, for programs and people: choosing the price basis, reading the span, exporting with its label."""

from __future__ import annotations

import difflib
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, assert_never

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from qts.app.derived import Recipe, derive_bars, find_recipe, share_of_source
from qts.app.requests import BacktestRequest, BarPrices, BarsRequest
from qts.app.workspace import Workspace
from qts.core.bars import Bars
from qts.core.clock import IST, session_date_of
from qts.core.errors import BadParameter, EmptySpan, UnknownInstrument
from qts.core.instrument import Exchange, InstrumentId, exchange_of
from qts.core.interval import Interval
from qts.data.storage import PriceBasis, SeriesInfo, SeriesKey

SIMULATED_NOTE: Final = "SIMULATED: invented prices, not a real market"
_COLUMNS: Final = ("open", "high", "low", "close", "volume", "oi")
_MADE_OF_ACTIONS: Final = ("adjusted", "total-return")
_IST_OFFSET_MICROS: Final = 19_800_000_000


class NoSuchSeries(EmptySpan):
    """The instrument is stored, but not with bars of this length and price basis, or not in the snapshot asked for."""

    def __init__(self, instrument: str, wanted: str, *, held: Sequence[SeriesKey], as_of: str | None = None) -> None:
        super().__init__(instrument, wanted, start=None, end=None, stored=None)
        self.held = tuple(held)
        stored = ", ".join(f"{key.interval} {key.basis}" for key in held) or "nothing of it"
        place = "" if as_of is None else f" in the snapshot {as_of}"
        self.message = f"{instrument} has no {wanted} bars{place}; stored{' there' if place else ''}: {stored}."
        self.hint = "Choose one of the stored ones with --interval and --prices." if held else ""
        if as_of is not None:
            self.hint = f"{self.hint} `qts series {instrument}` shows which snapshots hold it.".lstrip()
        if wanted.endswith(_MADE_OF_ACTIONS):
            self.hint += " Raw prices are adjusted once their corporate actions are confirmed: `qts actions import FILE`,"
            self.hint += " `qts actions suspected`."
        self.args = (self.message,)


class ExportFormat(StrEnum):
    """How bars leave the store."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class BarsAnswer:
    """Bars with what must be said about them. ``derived`` says how bars that are not stored so were made; empty for stored ones."""

    bars: Bars
    basis: PriceBasis
    simulated: bool
    snapshot: str
    sources: tuple[str, ...]
    derived: str = ""


def read_bars(workspace: Workspace, request: BarsRequest) -> BarsAnswer:
    """Return the bars of a request: those stored, or else made of what is stored.

    Raises
    ------
    UnknownInstrument
        If nothing is stored under the instrument.
    EmptySpan
        If there are no bars of the interval, basis and span.
    BadParameter
        If the dates are turned round, or reach beyond the day that prices are adjusted to.
    """
    request = _settled(workspace, request)
    start, end = instants(request.start, request.end)
    chosen = _choose(workspace, request)
    snapshot = request.as_of or workspace.store.snapshot()
    if isinstance(chosen, Recipe):
        made = derive_bars(workspace, request, chosen)
        return BarsAnswer(
            bars=made.bars,
            basis=made.basis,
            simulated=is_simulated(made.info),
            snapshot=snapshot,
            sources=made.info.sources,
            derived=made.text,
        )
    bars = workspace.store.read(chosen.key, start=start, end=end, as_of=request.as_of)
    return BarsAnswer(bars=bars, basis=chosen.key.basis, simulated=is_simulated(chosen), snapshot=snapshot, sources=chosen.sources)


def estimate_bars(workspace: Workspace, request: BarsRequest) -> int:
    """Return about how many bars a request asks for, without reading one: the series' count times the share of its days."""
    request = _settled(workspace, request)
    chosen = _choose(workspace, request)
    info = chosen.info if isinstance(chosen, Recipe) else chosen
    first, last = session_date_of(info.first_ts), session_date_of(info.last_ts)
    start, end = max(request.start or first, first), min(request.end or last, last)
    n_days = max(0, (end - start).days + 1)
    return math.ceil(info.n_bars * share_of_source(request.interval, info.key.interval) * n_days / ((last - first).days + 1))


def choose_series(workspace: Workspace, instrument: InstrumentId, request: BarsRequest | BacktestRequest) -> SeriesInfo:
    """Return the series to read: of the basis named, or for ``auto`` the adjusted one if it has prices in the span, else the raw one.

    Raises
    ------
    UnknownInstrument
        If nothing at all is stored under the instrument.
    EmptySpan
        If it has no bars of this interval and basis.
    """
    if request.prices == "total-return":
        raise _absent(workspace, instrument, request.interval, request.prices, as_of=request.as_of)
    wanted = [PriceBasis.ADJUSTED, PriceBasis.RAW] if request.prices == "auto" else [PriceBasis(request.prices)]
    keys = [_key(instrument, request.interval, basis) for basis in wanted]
    if request.as_of is None:
        found = [info for key in keys if (info := workspace.store.info(key)) is not None]
    else:
        held = {info.key: info for info in workspace.store.series(as_of=request.as_of)}
        found = [held[key] for key in keys if key in held]
    if found:
        return next((info for info in found if _reaches_into(info, request.start, request.end)), found[0])
    raise _absent(workspace, instrument, request.interval, request.prices, as_of=request.as_of)


def _settled(workspace: Workspace, request: BarsRequest) -> BarsRequest:
    """Return the request with its snapshot by id, and ended on the day it is adjusted to: later prices may be in other shares."""
    if (last := request.adjusted_to) is not None:
        for name, on in (("from", request.start), ("to", request.end)):
            if on is not None and on > last:
                hint = "Prices adjusted to a day are those seen on it, and end with it. Give a later day, or leave it out."
                raise BadParameter(name, on, f"is after {last}, the day that prices are adjusted to", hint=hint)
    return request.model_copy(update={"as_of": workspace.snapshot_id(request.as_of), "end": request.end or last})


def _choose(workspace: Workspace, request: BarsRequest) -> SeriesInfo | Recipe:
    """Return the stored series of a request, or how to make its bars of another one."""
    if request.adjusted_to is not None and request.prices not in _MADE_OF_ACTIONS:
        hint = "Ask for adjusted or total-return prices, or leave the date out."
        raise BadParameter("adjusted_to", request.adjusted_to, f"says nothing of {request.prices} prices", hint=hint)
    if request.adjusted_to is not None and (recipe := find_recipe(workspace, request)) is not None:
        return recipe
    try:
        return choose_series(workspace, InstrumentId(request.instrument), request)
    except NoSuchSeries:
        recipe = find_recipe(workspace, request)
        if recipe is None:
            raise
        return recipe


def _reaches_into(info: SeriesInfo, start: date | None, end: date | None) -> bool:
    first, last = session_date_of(info.first_ts), session_date_of(info.last_ts)
    return (start is None or last >= start) and (end is None or first <= end)


def is_simulated(info: SeriesInfo) -> bool:
    """Return whether prices are invented: stored as such, or of the simulated exchange however they came here."""
    return info.simulated or exchange_of(info.key.instrument) is Exchange.SIM


def instants(start: date | None, end: date | None) -> tuple[datetime | None, datetime | None]:
    """Return the half-open span of instants that covers these dates in India, both included.

    Raises
    ------
    BadParameter
        If the dates are turned round.
    """
    if start is not None and end is not None and end < start:
        raise BadParameter("to", end, f"is before {start}", hint="Turn the two dates round.")
    first = None if start is None else datetime.combine(start, time(), tzinfo=IST)
    last = None if end is None or end == date.max else datetime.combine(end + timedelta(days=1), time(), tzinfo=IST)
    return first, last


def records(answer: BarsAnswer, *, edge: int | None = None) -> list[dict[str, object]]:
    """Return one object per bar, oldest first: ``ts`` in IST, prices, ``volume`` and ``oi`` or None, ``simulated``.

    Bars that are not stored so carry ``derived``, too. With ``edge`` only that many bars from either end.
    """
    bars = answer.bars
    if edge is not None and len(bars) > 2 * edge:
        parts = (replace(answer, bars=bars.window(0, edge)), replace(answer, bars=bars.window(len(bars) - edge, len(bars))))
        return [record for part in parts for record in records(part)]
    columns = [[_plain(value) for value in getattr(bars, name).tolist()] for name in _COLUMNS]
    labels = {"simulated": answer.simulated} | ({"derived": True} if answer.derived else {})
    names = ("ts", *_COLUMNS)
    return [dict(zip(names, row, strict=True)) | labels for row in zip(_stamps(bars), *columns, strict=True)]


def table(answer: BarsAnswer) -> pa.Table:
    """Return the bars as an Arrow table with zoned timestamps, a ``simulated`` column and labels in its metadata."""
    bars = answer.bars
    columns: dict[str, pa.Array] = {"ts": pa.array(bars.ts, pa.int64()).cast(pa.timestamp("us", tz="Asia/Kolkata"))}
    for name in _COLUMNS:
        columns[name] = pa.array(getattr(bars, name), from_pandas=True)
    columns["simulated"] = pa.array(np.full(len(bars), answer.simulated))
    if answer.derived:
        columns["derived"] = pa.array(np.full(len(bars), True))
    labels = {"instrument": bars.instrument, "interval": bars.interval.value, "prices": answer.basis.value, "snapshot": answer.snapshot}
    if answer.simulated:
        labels["label"] = SIMULATED_NOTE
    if answer.derived:
        labels["derived"] = answer.derived
    return pa.table(columns).replace_schema_metadata(labels)


def export(answer: BarsAnswer, kind: ExportFormat) -> bytes:
    """Return the bars as a file's content. Whatever the format, simulated prices carry their label."""
    match kind:
        case ExportFormat.JSON:
            return json.dumps(records(answer), separators=(",", ":"), allow_nan=False).encode() + b"\n"
        case ExportFormat.CSV:
            return _csv(answer)
        case ExportFormat.PARQUET:
            sink = io.BytesIO()
            pa.parquet.write_table(table(answer), sink, compression="zstd")
            return sink.getvalue()
        case _:
            assert_never(kind)


def _key(instrument: InstrumentId, interval: Interval, basis: PriceBasis) -> SeriesKey:
    return SeriesKey(instrument=instrument, interval=interval, basis=basis)


def _absent(
    workspace: Workspace, instrument: InstrumentId, interval: Interval, prices: BarPrices, *, as_of: str | None
) -> UnknownInstrument | EmptySpan:
    now, then = ([info.key for info in workspace.store.series(as_of=state) if info.key.instrument == instrument] for state in (None, as_of))
    if not (now or then):
        return UnknownInstrument(instrument, near=_near(workspace, instrument))
    return NoSuchSeries(instrument, interval.value if prices == "auto" else f"{interval} {prices}", held=then, as_of=as_of)


def _near(workspace: Workspace, instrument: InstrumentId) -> list[str]:
    names = sorted({info.key.instrument for info in workspace.store.series()})
    # Prices stay under the symbol they came with: those of a renamed one are under its other name.
    renamed = [name for name, _, _ in workspace.symbol_changes.names(instrument) if name in names]
    return list(dict.fromkeys([*renamed, *difflib.get_close_matches(instrument, names, n=3)]))[:3]


def _stamps(bars: Bars) -> list[str]:
    local = (bars.ts + _IST_OFFSET_MICROS).view("datetime64[us]")
    return [f"{text}+05:30" for text in np.datetime_as_string(local, unit="s").tolist()]


def _plain(value: float) -> int | float | None:
    if math.isnan(value):
        return None
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _csv(answer: BarsAnswer) -> bytes:
    whole = table(answer).replace_schema_metadata(None)
    whole = whole.set_column(0, "ts", pa.array(_stamps(answer.bars)))
    sink = io.BytesIO()
    pa.csv.write_csv(whole, sink, pa.csv.WriteOptions(quoting_style="none", quoting_header="none"))
    return sink.getvalue()
