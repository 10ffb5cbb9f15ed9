"""The dated schedule of charges as the numbers the fills loop reads: one row of rates per instrument and regime."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from qts.core.arrays import Floats, Ints
from qts.core.instrument import Exchange, InstrumentId, exchange_of
from qts.core.trading import Product
from qts.kernels.state import N_RATE
from qts.market.charges import ChargeSegment, rates_on, regime_starts

_EPOCH: Final = date(1970, 1, 1)


def rate_table(instruments: Sequence[InstrumentId], start: date, end: date) -> tuple[Ints, Floats]:
    """Return the days on which a rate changes, as days since the epoch, and the rates of each stretch, flattened.

    The rates have shape ``(n_instruments, n_changes + 1, N_RATE)`` before flattening, columns as named in ``qts.kernels.charging``.

    Raises
    ------
    BadParameter
        If an instrument's exchange has no schedule.
    """
    exchanges = [exchange_of(instrument) for instrument in instruments]
    # Asked before the dates, so that an exchange without a schedule is named whatever the span.
    for exchange in exchanges:
        rates_on(start, exchange, ChargeSegment.EQUITY_DELIVERY)
    changes = sorted({on for exchange in set(exchanges) for on in regime_starts(exchange, start + timedelta(days=1), end)})
    table = [[_row(exchange, on) for on in (start, *changes)] for exchange in exchanges]
    starts = np.array([(on - _EPOCH).days for on in changes], dtype=np.int64)
    return starts, np.array(table, dtype=np.float64).reshape(-1)


def estimates_used(exchange: Exchange, on: date, product: Product) -> tuple[str, ...]:
    """Return a sentence for each estimate among the rates of this date."""
    segment = ChargeSegment.EQUITY_INTRADAY if product is Product.MIS else ChargeSegment.EQUITY_DELIVERY
    return rates_on(on, exchange, segment).estimates


def _row(exchange: Exchange, on: date) -> list[float]:
    intraday = rates_on(on, exchange, ChargeSegment.EQUITY_INTRADAY)
    delivery = rates_on(on, exchange, ChargeSegment.EQUITY_DELIVERY)
    taxed = intraday.exchange
    taxed += intraday.ipft if intraday.gst_on_ipft else Decimal(0)
    taxed += intraday.sebi if intraday.gst_on_sebi else Decimal(0)
    turnover = intraday.exchange + intraday.ipft + intraday.sebi + taxed * intraday.gst
    row = [
        float(turnover),
        float(intraday.gst),
        float(intraday.brokerage_fraction),
        _cap(intraday.brokerage_cap),
        float(delivery.brokerage_fraction),
        _cap(delivery.brokerage_cap),
        float(intraday.stt_sell),
        float(delivery.stt_buy),
        float(delivery.stt_sell),
        float(intraday.stamp_buy),
        float(intraday.stamp_sell),
        float(delivery.stamp_buy),
        float(delivery.stamp_sell),
        float(delivery.dp_sell),
        0.0,
        0.0,
        0.0,
    ]
    if len(row) != N_RATE:
        raise AssertionError(f"{len(row)} rates where the fills loop reads {N_RATE}")
    return row


def _cap(cap: Decimal | None) -> float:
    return math.inf if cap is None else float(cap)
