"""On what terms a run's instruments are traded: the products they allow, and their lots, ticks and margins by date."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from qts.app.listed_terms import ListedTerms, listed_part, with_ticks
from qts.app.run_document import MarginPart, TermsPart
from qts.app.run_identity import text_hash
from qts.app.workspace import Workspace
from qts.backtest.terms import IN_FULL, InstrumentTerms, Margin
from qts.backtest.terms import check_product as check_instrument
from qts.core.bars import Bars
from qts.core.clock import instant_of, session_date_of
from qts.core.errors import BadParameter, EmptySpan
from qts.core.instrument import Exchange, InstrumentId, exchange_of
from qts.core.money import rupees_from_float
from qts.core.trading import Product
from qts.data.storage import PriceBasis, SeriesInfo
from qts.market.charges import segment_of, stt_class_of
from qts.market.listing import (
    Contract,
    ContractKind,
    TickFrom,
    contract_of,
    freeze_quantity,
    lot_size,
    margin_estimate,
    tick_schedule,
)

MonthCloses = Mapping[tuple[int, int], Decimal]

# The close of the month before the first bar is looked for this far back.
_LOOK_BACK: Final = timedelta(days=45)
_IST: Final = 19_800_000_000


def check_product(product: Product, names: Sequence[InstrumentId]) -> None:
    """Refuse a product that an instrument is not traded under.

    Raises
    ------
    BadParameter
        If a future or an option is to be delivered (CNC), or a share held as a contract (NRML).
    """
    for name in names:
        check_instrument(product, name)


def month_closes(workspace: Workspace, info: SeriesInfo, bars: Bars, *, as_of: str) -> dict[tuple[int, int], Decimal]:
    """Return the last close of each month of the bars, and of the month before them where it is stored."""
    first = instant_of(int(bars.ts[0]))
    parts = [bars]
    if info.first_ts < int(bars.ts[0]):
        with suppress(EmptySpan):
            parts.insert(0, workspace.store.read(info.key, start=first - _LOOK_BACK, end=first, as_of=as_of))
    closes: dict[tuple[int, int], Decimal] = {}
    for part in parts:
        closes.update(_month_closes(part))
    return closes


def terms_of(
    name: InstrumentId,
    *,
    product: Product,
    span: tuple[date, date],
    closes: MonthCloses | None,
    lot: int | None,
    listed: ListedTerms | None = None,
) -> InstrumentTerms:
    """Return the terms of an instrument over a span of dates.

    Parameters
    ----------
    name : InstrumentId
        What is traded.
    product : Product
        Futures and sold options block the same margin held overnight (NRML) and intraday (MIS); everything else is paid in full.
    span : tuple of date
        The first and the last date of its bars.
    closes : mapping of (year, month) to Decimal or None
        The last close of each month as traded, which the tick goes by; None for prices without ticks.
    lot : int or None
        The lot of a contract whose lot is not on record.
    listed : ListedTerms or None
        What dumps of instruments say of its lot, ticks, price bands and expiry; it goes before the rules.

    Raises
    ------
    BadParameter
        If the symbol is not one of its exchange, or the contract's lot is neither on record nor given.
    """
    contract = _contract(name, listed)
    estimates: list[str] = list(listed.estimates) if listed is not None else []
    is_option = contract is not None and contract.kind is ContractKind.OPTION
    ticks: tuple[TickFrom, ...] = ()
    if closes is not None:
        # An option's own closes say nothing of the slab that its underlying is in.
        ticks = with_ticks(tick_schedule(name, {} if is_option else closes, *span), listed.ticks if listed is not None else (), span[1])
        if any(tick.is_estimate for tick in ticks):
            estimates.append("the tick of a part of the span is an estimate")
    if contract is None:
        is_share = exchange_of(name) is not Exchange.INDEX
        return InstrumentTerms(
            lot=1 if listed is None or listed.lot is None else listed.lot,
            ticks=ticks,
            locks=is_share and closes is not None,
            bands=listed.bands if listed is not None and closes is not None else (),
            stt_class=stt_class_of(name),
            estimates=tuple(estimates),
        )
    long, short, told = _margins(contract, span[0])
    freeze = freeze_quantity(contract, span[1])
    quantity, noted = _lot(name, contract, span[0], lot) if listed is None or listed.lot is None else (listed.lot, [])
    estimates += [*noted, *told, *_of_listing(contract, freeze)]
    return InstrumentTerms(
        lot=quantity,
        freeze=freeze if freeze is None or freeze >= quantity else None,
        ticks=ticks,
        margin_long=long,
        margin_short=short,
        segment=segment_of(exchange_of(name), product, contract.kind.value),
        underlying=contract.underlying,
        expiry=contract.expiry,
        estimates=tuple(estimates),
    )


def run_terms(
    workspace: Workspace,
    series: Sequence[SeriesInfo],
    bars: Sequence[Bars],
    *,
    product: Product,
    lot: int | None,
    ticks: bool | None,
    as_of: str,
    listed: Sequence[ListedTerms | None],
) -> tuple[InstrumentTerms, ...]:
    """Return the terms of a run's instruments; ``ticks`` None takes those whose prices are as traded.

    ``listed`` is what dumps of instruments say of each.

    Raises
    ------
    BadParameter
        If ticks are asked for where prices are adjusted, a lot is missing, or given where no contract needs one.
    """
    adjusted = next((info.key.instrument for info in series if info.key.basis is not PriceBasis.RAW), None)
    if ticks and adjusted is not None:
        hint = "Leave --ticks out, or run on prices as traded: --prices raw."
        raise BadParameter("ticks", "on", f"the prices of {adjusted} are adjusted, which lie on no tick", hint=hint)
    needing = [_needs_lot(info.key.instrument, held, told) for info, held, told in zip(series, bars, listed, strict=True)]
    if lot is not None and not any(needing):
        raise BadParameter("lot", lot, "every instrument's lot is on record", hint="Leave it out.")
    found = []
    for info, held, told in zip(series, bars, listed, strict=True):
        has_ticks = ticks is not False and info.key.basis is PriceBasis.RAW
        closes = month_closes(workspace, info, held, as_of=as_of) if has_ticks else None
        found.append(terms_of(info.key.instrument, product=product, span=bar_span(held), closes=closes, lot=lot, listed=told))
    return tuple(found)


def terms_parts(
    names: Sequence[InstrumentId], terms: Sequence[InstrumentTerms], listed: Sequence[ListedTerms | None]
) -> tuple[TermsPart, ...]:
    """Return the terms of a run's instruments as parts of the document."""
    return tuple(_terms_part(name, one, told) for name, one, told in zip(names, terms, listed, strict=True))


def _terms_part(name: InstrumentId, terms: InstrumentTerms, listed: ListedTerms | None) -> TermsPart:
    return TermsPart(
        instrument=name,
        lot=terms.lot,
        tick=float(terms.ticks[-1].size) if terms.ticks else None,
        freeze=terms.freeze,
        expiry=None if terms.expiry is None else terms.expiry.isoformat(),
        margin_long=MarginPart(fraction=float(terms.margin_long.fraction), rupees=float(terms.margin_long.base)),
        margin_short=MarginPart(fraction=float(terms.margin_short.fraction), rupees=float(terms.margin_short.base)),
        listed=listed_part(listed),
    )


def terms_hash(terms: Sequence[InstrumentTerms], listed: Sequence[ListedTerms | None] = ()) -> str:
    """Return a short hash of everything in the terms, and of what dumps said of them where any did."""
    parts: list[object] = [_said(one) for one in terms]
    if any(listed):
        parts += [None if one is None else _said(one) for one in listed]
    return text_hash(json.dumps(parts, default=str, sort_keys=True))


def _said(terms: InstrumentTerms | ListedTerms) -> dict[str, object]:
    # Without bands a run is what it was before there were any.
    return {name: value for name, value in asdict(terms).items() if name != "bands" or value}


def estimate_warnings(names: Sequence[InstrumentId], terms: Sequence[InstrumentTerms]) -> tuple[str, ...]:
    """Return a sentence for each estimate among the terms, once for all instruments it is of."""
    concerned: dict[str, list[InstrumentId]] = {}
    for name, one in zip(names, terms, strict=True):
        for estimate in one.estimates:
            concerned.setdefault(estimate, []).append(name)
    return tuple(f"{', '.join(named)}: {estimate}." for estimate, named in concerned.items())


def _margins(contract: Contract, on: date) -> tuple[Margin, Margin, list[str]]:
    rate = margin_estimate(contract, on)
    told = [f"what a position blocks is an estimate ({rate.note})"]
    if contract.kind is ContractKind.OPTION and contract.strike is not None:
        part = rate.fraction_short or Decimal(1)
        return IN_FULL, Margin(fraction=Decimal(1), base=contract.strike * part), told
    return Margin(fraction=rate.fraction_long), Margin(fraction=rate.fraction_short or rate.fraction_long), told


def _lot(name: InstrumentId, contract: Contract, on: date, given: int | None) -> tuple[int, list[str]]:
    known = lot_size(contract, on)
    if known is not None:
        return known.quantity, [f"the lot of {known.quantity} is an estimate ({known.note})"] if known.is_estimate else []
    if given is None:
        raise BadParameter("lot", "", f"the lot of {name} is not on record", hint="Give the one of its contract note, such as --lot 500.")
    return given, []


def _of_listing(contract: Contract, freeze: int | None) -> list[str]:
    told = []
    if freeze is not None:
        told.append(f"the largest quantity of one order (freeze), {freeze}, is an estimate: it is fixed anew every month")
    if contract.expiry is None:
        told.append("the day of expiry is not on record: a position is never settled, and stays open at the last bar")
    elif contract.expiry_is_estimate:
        told.append(f"the day of expiry, {contract.expiry}, is an estimate")
    return told


def _contract(name: InstrumentId, listed: ListedTerms | None) -> Contract | None:
    """Return the contract that an instrument is, with the day of expiry that a dump names."""
    contract = contract_of(name)
    if contract is None or listed is None or listed.expiry is None:
        return contract
    return replace(contract, expiry=listed.expiry, expiry_is_estimate=False)


def _needs_lot(name: InstrumentId, bars: Bars, listed: ListedTerms | None) -> bool:
    contract = contract_of(name)
    is_listed = listed is not None and listed.lot is not None
    return contract is not None and not is_listed and lot_size(contract, bar_span(bars)[0]) is None


def bar_span(bars: Bars) -> tuple[date, date]:
    """Return the dates in India of the first and the last bar."""
    return session_date_of(int(bars.ts[0])), session_date_of(int(bars.ts[-1]))


def _month_closes(bars: Bars) -> dict[tuple[int, int], Decimal]:
    known = ~np.isnan(bars.close)
    ts, close = bars.ts[known], bars.close[known]
    months = (ts + _IST).astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    # Of the same month the later close takes the earlier one's place.
    lasts = np.flatnonzero(np.diff(months, append=-1))
    return {(1970 + int(months[i]) // 12, int(months[i]) % 12 + 1): rupees_from_float(float(close[i])) for i in lasts.tolist()}
