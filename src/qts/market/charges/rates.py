"""The rates of a segment on a trade date, gathered from the schedule: each component is looked up by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Final

from qts.core import Exchange
from qts.core.errors import BadParameter
from qts.market.charges.orders import ChargeSegment
from qts.market.charges.schedule import Component, RateRow, RateSide, row_on, rows_of

EQUITY_SEGMENTS: Final = (ChargeSegment.EQUITY_DELIVERY, ChargeSegment.EQUITY_INTRADAY)
_EQUITY_EXCHANGES: Final = (Exchange.NSE, Exchange.BSE, Exchange.SIM)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRates:
    """Rates of one exchange's segment on one date.

    Rates are fractions of the side's value, never percents. ``brokerage_cap`` is rupees per order, None where there is none; ``dp_sell``
    is rupees per security and day of a delivery sale, tax included. ``valid_from`` is the last change before the date; ``estimates``
    has one sentence for each component whose rate is an estimate, beginning with the component's name.
    """

    brokerage_fraction: Decimal
    brokerage_cap: Decimal | None
    stt_buy: Decimal
    stt_sell: Decimal
    exchange: Decimal
    ipft: Decimal
    sebi: Decimal
    stamp_buy: Decimal
    stamp_sell: Decimal
    gst: Decimal
    gst_on_sebi: bool
    gst_on_ipft: bool
    dp_sell: Decimal
    valid_from: date
    estimates: tuple[str, ...]


@cache
def rates_on(on: date, exchange: Exchange, segment: ChargeSegment) -> SegmentRates:
    """Return the rates in force on a trade date; ``SIM`` has NSE's.

    Raises
    ------
    BadParameter
        If the schedule has no rows for the exchange's segment.
    """
    listed_on = _charged_as(exchange, segment)
    rows = {part: row_on(part, on, listed_on, segment) for part in Component}
    brokerage, stt, stamp, gst = (_present(rows[part]) for part in (Component.BROKERAGE, Component.STT, Component.STAMP, Component.GST))
    dp = rows[Component.DP]
    return SegmentRates(
        brokerage_fraction=brokerage.fraction,
        brokerage_cap=brokerage.cap,
        stt_buy=_fraction(stt, RateSide.BUY),
        stt_sell=_fraction(stt, RateSide.SELL),
        exchange=_present(rows[Component.EXCHANGE]).fraction,
        ipft=_present(rows[Component.IPFT]).fraction,
        sebi=_present(rows[Component.SEBI]).fraction,
        stamp_buy=_fraction(stamp, RateSide.BUY),
        stamp_sell=_fraction(stamp, RateSide.SELL),
        gst=gst.fraction,
        gst_on_sebi=Component.SEBI in gst.on,
        gst_on_ipft=Component.IPFT in gst.on,
        dp_sell=Decimal(0) if dp is None else dp.amount * (1 + gst.fraction),
        valid_from=max((row.valid_from for row in rows.values() if row is not None and row.valid_from <= on), default=on),
        estimates=tuple(sentence for row in rows.values() if row is not None and (sentence := _estimate(row, on))),
    )


@cache
def regime_starts(exchange: Exchange, start: date, end: date) -> tuple[date, ...]:
    """Return the dates from ``start`` to ``end``, both included, on which a rate of delivery or intraday trades changes.

    Between two of them, and before the first, every rate is constant.

    Raises
    ------
    BadParameter
        If the schedule has no rows for shares of the exchange.
    """
    found: set[date] = set()
    for segment in EQUITY_SEGMENTS:
        listed_on = _charged_as(exchange, segment)
        # A component's first row is also in force before its date, as an estimate: it changes no rate.
        found.update(row.valid_from for part in Component for row in rows_of(part, listed_on, segment)[1:])
    return tuple(sorted(on for on in found if start <= on <= end))


def _charged_as(exchange: Exchange, segment: ChargeSegment) -> Exchange:
    if exchange is Exchange.INDEX:
        hint = "Use percent costs, such as percent:0.0003, or none."
        raise BadParameter("exchange", exchange, "index levels are not traded in India and have no schedule of charges", hint=hint)
    if segment not in EQUITY_SEGMENTS:
        reason = "the schedule has no rows for this segment in this release"
        raise BadParameter("segment", segment, reason, hint=f"It knows {' and '.join(EQUITY_SEGMENTS)} at NSE and BSE.")
    if exchange not in _EQUITY_EXCHANGES:
        hint = f"Segment {segment} is charged at {', '.join(_EQUITY_EXCHANGES)}."
        raise BadParameter("exchange", exchange, f"no {segment} is traded here", hint=hint)
    return Exchange.NSE if exchange is Exchange.SIM else exchange


def _present(row: RateRow | None) -> RateRow:
    if row is None:
        raise LookupError("rates.toml lacks a component of an equity segment")
    return row


def _fraction(row: RateRow, side: RateSide) -> Decimal:
    return row.fraction if row.side in (RateSide.BOTH, side) else Decimal(0)


def _estimate(row: RateRow, on: date) -> str:
    if on < row.valid_from:
        return f"{row.component}: no rate before {row.valid_from} is on record; that one is used"
    return f"{row.component}: {row.estimate}" if row.estimate else ""
