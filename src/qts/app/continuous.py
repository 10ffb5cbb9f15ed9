"""One series from the futures on an underlying, contract after contract, each bar with the contract it is of."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from qts.app.bars import BarsAnswer, is_simulated, records
from qts.app.requests import InstrumentText, IntervalName, Request
from qts.app.workspace import Workspace
from qts.core.bars import Bars
from qts.core.clock import session_date_of
from qts.core.errors import BadParameter
from qts.core.instrument import InstrumentId, exchange_of, symbol_of
from qts.core.interval import Interval
from qts.data.storage import PriceBasis, SeriesInfo
from qts.market.continuous import ROLLS, Adjustment, FutureDays, Leg, continuous_legs, parse_roll
from qts.market.listing import DERIVATIVE_EXCHANGES, ContractKind, contract_of
from qts.market.sessions import sessions

_PRICES: Final = ("open", "high", "low", "close")
_MOST_HOLES: Final = 5


def _roll(text: str) -> str:
    parse_roll(text)
    return text.strip().lower()


class ContinuousRequest(Request):
    """A continuous series of futures."""

    underlying: InstrumentText = Field(description="Exchange and underlying, such as NFO:NIFTY.")
    interval: IntervalName = Field(default=Interval.DAY, description="Length of the bars.")
    start: date | None = Field(default=None, alias="from", description="First date in India; from the beginning when absent.")
    end: date | None = Field(default=None, alias="to", description="Last date in India, included; to the end when absent.")
    roll: Annotated[str, AfterValidator(_roll)] = Field(default="last-day", description=f"When to go over to the next contract: {ROLLS}.")
    adjust: Adjustment = Field(default=Adjustment.NONE, description="How jumps at rolls are taken out: none, difference or ratio.")
    as_of: str | None = Field(default=None, description="Snapshot of the store to read; the present one when absent.")


class LegDocument(BaseModel):
    """The days that a contract stands for, and what its prices were multiplied and moved by."""

    model_config = ConfigDict(frozen=True, defer_build=True, populate_by_name=True, serialize_by_alias=True)

    contract: str
    start: str = Field(alias="from")
    end: str = Field(alias="to")
    expiry: str
    expiry_is_estimate: bool
    factor: float
    offset: float


class ContinuousDocument(BaseModel):
    """A continuous series: its legs, oldest first, and its bars, each with its ``contract``."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    underlying: str
    interval: str
    roll: str
    adjust: str
    snapshot: str
    legs: tuple[LegDocument, ...]
    bars: tuple[dict[str, object], ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Future:
    """A stored contract: its bars, their days, and when it ends."""

    info: SeriesInfo
    bars: Bars
    days: tuple[date, ...]
    expiry: date
    is_estimate: bool


def continuous_bars(workspace: Workspace, request: ContinuousRequest) -> ContinuousDocument:
    """Return a series made of the stored raw prices of the futures on an underlying, one after another.

    Adjusted prices are level at each roll and lie on no tick: they are for signals, never for fills.

    Raises
    ------
    BadParameter
        If nothing is stored of its futures, the day of expiry of one is not known, or two cannot be adjusted to each other.
    """
    snapshot = workspace.snapshot_id(request.as_of) or workspace.store.snapshot()
    futures = _futures(workspace, request, snapshot)
    traded = sorted({day for one in futures for day in one.days})
    last = max(one.expiry for one in futures)
    days = [session.date for session in sessions(exchange_of(InstrumentId(request.underlying)), traded[0], last)]
    legs = continuous_legs([_days(one) for one in futures], parse_roll(request.roll), request.adjust, sessions=days)
    bars, contracts = _joined(futures, legs, request)
    if not len(bars):
        hint = f"Its prices are of {traded[0]} to {traded[-1]}."
        raise BadParameter("from", request.start or "", f"no bars of {request.underlying} are in the span", hint=hint)
    simulated = any(is_simulated(one.info) for one in futures)
    answer = BarsAnswer(bars=bars, basis=PriceBasis.RAW, simulated=simulated, snapshot=snapshot, sources=())
    ends = {one.info.key.instrument: one for one in futures}
    used = [leg for leg in legs if leg.instrument in set(contracts)]
    return ContinuousDocument(
        underlying=request.underlying,
        interval=request.interval.value,
        roll=request.roll,
        adjust=request.adjust.value,
        snapshot=snapshot,
        legs=tuple(_leg(leg, ends[leg.instrument]) for leg in used),
        bars=tuple({**record, "contract": contract} for record, contract in zip(records(answer), contracts, strict=True)),
        warnings=tuple(_warnings(used, ends, bars, days=days, request=request)),
    )


def continuous_csv(document: ContinuousDocument) -> bytes:
    """Return the bars as a CSV, with the contract of each in the last column."""
    names = list(document.bars[0])
    table = pa.table({name: pa.array([record[name] for record in document.bars]) for name in names})
    sink = io.BytesIO()
    pa.csv.write_csv(table, sink, pa.csv.WriteOptions(quoting_style="none", quoting_header="none"))
    return sink.getvalue()


def _futures(workspace: Workspace, request: ContinuousRequest, snapshot: str) -> list[_Future]:
    underlying = InstrumentId(request.underlying)
    if exchange_of(underlying) not in DERIVATIVE_EXCHANGES:
        hint = f"Name the exchange of the futures, one of {', '.join(sorted(DERIVATIVE_EXCHANGES))}: NFO:NIFTY."
        raise BadParameter("underlying", underlying, f"{exchange_of(underlying)} lists no futures", hint=hint)
    found = []
    for info in workspace.store.series(as_of=request.as_of):
        key = info.key
        if key.interval is not request.interval or key.basis is not PriceBasis.RAW:
            continue
        if _is_future(key.instrument, underlying):
            found.append(_future(workspace, info, snapshot))
    if not found:
        hint = "`qts catalog` lists what is stored; contracts of one underlying are joined, such as NFO:NIFTY26NOVFUT for NFO:NIFTY."
        raise BadParameter("underlying", underlying, f"no {request.interval} bars of futures on it are stored", hint=hint)
    return found


def _is_future(name: InstrumentId, underlying: InstrumentId) -> bool:
    if exchange_of(name) is not exchange_of(underlying) or not symbol_of(name).startswith(symbol_of(underlying)):
        return False
    try:
        contract = contract_of(name)
    except BadParameter:  # a stored symbol that is none of a contract
        return False
    return contract is not None and contract.kind is ContractKind.FUTURE and contract.underlying == symbol_of(underlying)


def _future(workspace: Workspace, info: SeriesInfo, snapshot: str) -> _Future:
    name = info.key.instrument
    listings = workspace.instruments.listings(name)
    listed = listings[-1].expiry if listings else None
    contract = contract_of(name)
    expiry = listed or (None if contract is None else contract.expiry)
    if expiry is None:
        hint = "Read a dump of instruments that lists it: `qts instruments import FILE`."
        raise BadParameter("underlying", name, "its day of expiry is not on record", hint=hint)
    bars = workspace.store.read(info.key, as_of=snapshot)
    return _Future(
        info=info,
        bars=bars,
        days=tuple(session_date_of(ts) for ts in bars.ts.tolist()),
        expiry=expiry,
        is_estimate=listed is None and contract is not None and contract.expiry_is_estimate,
    )


def _days(one: _Future) -> FutureDays:
    # Of one day the later bar takes the earlier one's place.
    closes = {day: close for day, close in zip(one.days, one.bars.close.tolist(), strict=True) if close == close}  # noqa: PLR0124 - NaN
    interest = {day: oi for day, oi in zip(one.days, one.bars.oi.tolist(), strict=True) if oi == oi}  # noqa: PLR0124 - NaN
    return FutureDays(instrument=one.info.key.instrument, expiry=one.expiry, closes=closes, open_interest=interest)


def _joined(futures: Sequence[_Future], legs: Sequence[Leg], request: ContinuousRequest) -> tuple[Bars, list[str]]:
    by_name = {one.info.key.instrument: one for one in futures}
    parts = []
    contracts: list[str] = []
    for leg in legs:
        one = by_name[leg.instrument]
        first = leg.first if request.start is None else max(leg.first, request.start)
        last = leg.last if request.end is None else min(leg.last, request.end)
        kept = np.array([first <= day <= last for day in one.days], dtype=np.bool_)
        columns = {name: getattr(one.bars, name)[kept] for name in ("ts", *_PRICES, "volume", "oi")}
        for name in _PRICES:
            columns[name] = columns[name] * leg.factor + leg.offset
        parts.append(columns)
        contracts += [str(leg.instrument)] * int(kept.sum())
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    bars = Bars(
        instrument=InstrumentId(request.underlying),
        interval=request.interval,
        ts=whole["ts"],
        open=whole["open"],
        high=whole["high"],
        low=whole["low"],
        close=whole["close"],
        volume=whole["volume"],
        oi=whole["oi"],
    )
    return bars, contracts


def _leg(leg: Leg, future: _Future) -> LegDocument:
    return LegDocument(
        contract=leg.instrument,
        start=leg.first.isoformat(),
        end=leg.last.isoformat(),
        expiry=future.expiry.isoformat(),
        expiry_is_estimate=future.is_estimate,
        factor=leg.factor,
        offset=leg.offset,
    )


def _warnings(
    legs: Sequence[Leg], futures: Mapping[InstrumentId, _Future], bars: Bars, *, days: Sequence[date], request: ContinuousRequest
) -> list[str]:
    found = []
    guessed = [leg.instrument for leg in legs if futures[leg.instrument].is_estimate]
    if guessed:
        found.append(f"The day of expiry of {', '.join(guessed)} is an estimate: no dump of instruments lists it.")
    held = {session_date_of(ts) for ts in bars.ts.tolist()}
    holes = [day for day in days if min(held) <= day <= max(held) and day not in held]
    if holes:
        more = f" and {len(holes) - _MOST_HOLES} more" if len(holes) > _MOST_HOLES else ""
        shown = ", ".join(str(day) for day in holes[:_MOST_HOLES])
        found.append(f"No bar of the contract in turn is stored for {len(holes)} sessions: {shown}{more}.")
    if request.roll == "open-interest":
        rolled = [leg for leg in legs[:-1] if leg.last >= futures[leg.instrument].expiry]
        if rolled:
            named = ", ".join(leg.instrument for leg in rolled)
            found.append(f"Open interest never crossed, or is not stored, for {named}: rolled on the last day.")
    if request.adjust is Adjustment.DIFFERENCE and bool((bars.low <= 0).any()):
        found.append("Adjusted by differences, some old prices are zero or below: use ratios for returns.")
    return found
