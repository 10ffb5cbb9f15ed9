"""The dated schedule of charges as the numbers the fills loop reads: one row of rates per instrument and regime."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from qts.backtest.settlement import CONTRACT_SEGMENTS, end_fill
from qts.backtest.terms import PLAIN, InstrumentTerms, is_netted
from qts.core.arrays import Floats, Ints
from qts.core.instrument import Exchange, InstrumentId, exchange_of
from qts.core.trading import Fill, FillReason, Product, Side
from qts.kernels.charging import (
    DELIVERY_CAP,
    DELIVERY_FEE,
    DELIVERY_STAMP_BUY,
    DELIVERY_STAMP_SELL,
    DELIVERY_STT_BUY,
    DELIVERY_STT_SELL,
    DP,
    FLAT_FEE,
    INTRADAY_CAP,
    INTRADAY_FEE,
    INTRADAY_STAMP_BUY,
    INTRADAY_STAMP_SELL,
    INTRADAY_STT,
    SQUARE_OFF_FEE,
    TAX,
    TRADED_STT_BUY,
    TRADED_STT_SELL,
    TURNOVER,
)
from qts.kernels.state import N_RATE
from qts.market.charges import ChargeSegment, DayBill, SegmentRates, rates_on, regime_starts

_EPOCH: Final = date(1970, 1, 1)
_EXPIRY, _SQUARE_OFF = FillReason.EXPIRY, FillReason.SQUARE_OFF


def rate_table(
    instruments: Sequence[InstrumentId], start: date, end: date, *, terms: Sequence[InstrumentTerms] = (), square_off_fee: bool = False
) -> tuple[Ints, Floats]:
    """Return the days on which a rate changes, as days since the epoch, and the rates of each stretch, flattened.

    The rates have shape ``(n_instruments, n_changes + 1, N_RATE)`` before flattening, columns as named in ``qts.kernels.charging``.
    Instruments without terms pay as shares, those of a trade-to-trade series for delivery always. The broker's fee for squaring off by
    himself is 0 unless it is asked for.

    Raises
    ------
    BadParameter
        If an instrument's exchange has no schedule.
    """
    chosen = terms or (PLAIN,) * len(instruments)
    paid = [_Paid(exchange_of(name), one, is_netted(name, one)) for name, one in zip(instruments, chosen, strict=True)]
    # Asked before the dates, so that an exchange without a schedule is named whatever the span.
    for one in paid:
        one.rates(start)
    changes = sorted({on for one in dict.fromkeys(paid) for on in one.changes(start + timedelta(days=1), end)})
    rows = {one: [one.row(on, square_off_fee=square_off_fee) for on in (start, *changes)] for one in dict.fromkeys(paid)}
    starts = np.array([(on - _EPOCH).days for on in changes], dtype=np.int64)
    return starts, np.array([rows[one] for one in paid], dtype=np.float64).reshape(-1)


def estimates_of(fills: Iterable[Fill], terms: Mapping[InstrumentId, InstrumentTerms], *, square_off_fee: bool = False) -> tuple[str, ...]:
    """Return a sentence for each estimate among the rates that the fills paid, each once, in the order they were paid in."""
    kinds: dict[_Paid, int] = {}
    known = {name: kinds.setdefault(_Paid(exchange_of(name), one, is_netted(name, one)), len(kinds)) for name, one in terms.items()}
    # Fills of one day in instruments of one kind pay the same rates, but for ends of contracts.
    looked_up: dict[tuple[object, ...], tuple[str, ...]] = {}
    for fill in fills:
        is_fee = square_off_fee and fill.reason is _SQUARE_OFF
        of_end = fill.instrument if fill.reason is _EXPIRY else None
        key = (known[fill.instrument], fill.filled_at, not fill.charges.brokerage, of_end, is_fee)
        if key not in looked_up:
            looked_up[key] = estimates_used(fill, terms[fill.instrument], square_off_fee=is_fee)
    return tuple(dict.fromkeys(sentence for sentences in looked_up.values() for sentence in sentences))


def estimates_used(fill: Fill, terms: InstrumentTerms = PLAIN, *, square_off_fee: bool = False) -> tuple[str, ...]:
    """Return a sentence for each estimate among the rates that a fill paid, with the broker's fee for squaring off if it did."""
    exchange, on = exchange_of(fill.instrument), fill.filled_at.date()
    paid = _Paid(exchange, terms, is_netted(fill.instrument, terms))
    occasions = ("square_off",) if square_off_fee else ()
    if terms.segment is not None and terms.segment in CONTRACT_SEGMENTS:
        if fill.reason is not FillReason.EXPIRY:
            return paid.rates(on).estimates_with(occasions)
        held = fill.quantity if fill.side is Side.SELL else -fill.quantity
        ended = end_fill(fill.instrument, terms.segment, held=held, close=fill.price, on=on)
        bill = DayBill(on=on, exchange=exchange, product=fill.product, segment=terms.segment, underlying=terms.underlying)
        bill.add(ended)
        return bill.estimates()
    # Delivery pays brokerage only on what was bought and sold on one day, which is charged as intraday where it is netted.
    is_intraday = fill.product is Product.MIS
    segments = [ChargeSegment.EQUITY_INTRADAY if is_intraday else ChargeSegment.EQUITY_DELIVERY]
    segments += [ChargeSegment.EQUITY_INTRADAY] if fill.charges.brokerage and paid.is_netted else []
    return tuple(dict.fromkeys(sentence for segment in segments for sentence in paid.rates(on, segment).estimates_with(occasions)))


@dataclass(frozen=True, slots=True)
class _Paid:
    """By what an instrument's rates are chosen."""

    exchange: Exchange
    terms: InstrumentTerms
    is_netted: bool

    @property
    def segment(self) -> ChargeSegment:
        """Return the contract's segment, and delivery of shares."""
        segment = self.terms.segment
        return segment if segment is not None and segment in CONTRACT_SEGMENTS else ChargeSegment.EQUITY_DELIVERY

    def rates(self, on: date, segment: ChargeSegment | None = None) -> SegmentRates:
        """Return the rates of a date."""
        terms = self.terms
        return rates_on(on, self.exchange, segment or self.segment, stt_class=terms.stt_class, underlying=terms.underlying)

    def changes(self, start: date, end: date) -> tuple[date, ...]:
        """Return when one of them changes."""
        terms, segment = self.terms, self.segment
        named = None if segment is ChargeSegment.EQUITY_DELIVERY else segment
        return regime_starts(self.exchange, start, end, segment=named, stt_class=terms.stt_class, underlying=terms.underlying)

    def row(self, on: date, *, square_off_fee: bool) -> list[float]:
        """Return the row of the fills loop."""
        intraday = self.rates(on, ChargeSegment.EQUITY_INTRADAY) if self.is_netted else self.rates(on)
        row = _share_row(intraday, self.rates(on)) if self.is_netted else _row_of_orders(intraday)
        if square_off_fee:
            row[SQUARE_OFF_FEE] = float(intraday.square_off * (1 + intraday.gst))
        return row


def _share_row(intraday: SegmentRates, delivery: SegmentRates) -> list[float]:
    row = _no_rates()
    row[TURNOVER], row[TAX] = _turnover(intraday), float(intraday.gst)
    row[INTRADAY_FEE], row[INTRADAY_CAP] = float(intraday.brokerage_fraction), _cap(intraday.brokerage_cap)
    row[DELIVERY_FEE], row[DELIVERY_CAP] = float(delivery.brokerage_fraction), _cap(delivery.brokerage_cap)
    row[INTRADAY_STT] = float(intraday.stt_sell)
    row[DELIVERY_STT_BUY], row[DELIVERY_STT_SELL] = float(delivery.stt_buy), float(delivery.stt_sell)
    row[INTRADAY_STAMP_BUY], row[INTRADAY_STAMP_SELL] = float(intraday.stamp_buy), float(intraday.stamp_sell)
    row[DELIVERY_STAMP_BUY], row[DELIVERY_STAMP_SELL] = float(delivery.stamp_buy), float(delivery.stamp_sell)
    row[DP] = float(delivery.dp_sell)
    return row


def _row_of_orders(rates: SegmentRates) -> list[float]:
    """Return the row of what pays order by order: contracts, and shares that are not netted."""
    row = _no_rates()
    row[TURNOVER], row[TAX] = _turnover(rates), float(rates.gst)
    row[INTRADAY_FEE], row[INTRADAY_CAP] = float(rates.brokerage_fraction), _cap(rates.brokerage_cap)
    row[FLAT_FEE] = float(rates.brokerage_flat)
    row[TRADED_STT_BUY], row[TRADED_STT_SELL] = float(rates.stt_buy), float(rates.stt_sell)
    row[INTRADAY_STAMP_BUY], row[INTRADAY_STAMP_SELL] = float(rates.stamp_buy), float(rates.stamp_sell)
    row[DP] = float(rates.dp_sell)
    return row


def _no_rates() -> list[float]:
    return [0.0] * N_RATE


def _turnover(rates: SegmentRates) -> float:
    """Return what both sides pay of their value, with its tax."""
    taxed = rates.exchange
    taxed += rates.ipft if rates.gst_on_ipft else Decimal(0)
    taxed += rates.sebi if rates.gst_on_sebi else Decimal(0)
    return float(rates.exchange + rates.ipft + rates.sebi + taxed * rates.gst)


def _cap(cap: Decimal | None) -> float:
    return math.inf if cap is None else float(cap)
