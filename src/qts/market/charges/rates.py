"""The rates of a segment on a trade date, gathered from the schedule: each component is looked up by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Final

from qts.core import Exchange
from qts.core.errors import BadParameter
from qts.market.charges.schedule import (
    NO_TAGS,
    ORDINARY,
    Component,
    RateRow,
    RateSide,
    class_titles,
    row_on,
    rows_of,
    tags_of,
)
from qts.market.charges.segments import EQUITY_SEGMENTS, PHYSICAL_SEGMENTS, ChargeSegment, SttClass, listed_at

_ZERO: Final = Decimal(0)
_LONGEST_GROUP: Final = 2
_CASH_OF: Final = {Exchange.NFO: Exchange.NSE, Exchange.BFO: Exchange.BSE}


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRates:
    """Rates of one exchange's segment on one date.

    Rates are fractions of the side's value, never percents. ``brokerage_cap`` is rupees per order, None where there is none;
    ``brokerage_flat`` is rupees per order, whatever its value, instead of fraction and cap; ``dp_sell`` is rupees per security and day of a
    delivery sale, tax included. ``valid_from`` is the last change before the date; ``estimates`` has one sentence for each component whose
    rate is an estimate, beginning with the component's name.

    What is paid on occasions stands apart, with ``occasional_estimates`` of its own: ``square_off`` in rupees per order that the broker
    placed to close an intraday position, before tax; ``exercise`` of the holder of an option exercised, taken of its intrinsic value or,
    without ``is_exercise_on_intrinsic``, of the settlement value of the underlying; for stock contracts that end in shares the broker's
    ``physical_brokerage`` (``netted_brokerage`` where own positions offset each other), ``physical_stt`` of both sides and
    ``physical_stamp`` of who receives.
    """

    brokerage_fraction: Decimal
    brokerage_cap: Decimal | None
    brokerage_flat: Decimal
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
    square_off: Decimal
    exercise: Decimal
    is_exercise_on_intrinsic: bool
    physical_brokerage: Decimal
    netted_brokerage: Decimal
    physical_stt: Decimal
    physical_stamp: Decimal
    valid_from: date
    estimates: tuple[str, ...]
    occasional_estimates: tuple[str, ...]

    def estimates_with(self, occasions: Iterable[str]) -> tuple[str, ...]:
        """Return the estimates used where also these occasional components are paid."""
        wanted = tuple(f"{occasion}:" for occasion in occasions if occasion)
        return (*self.estimates, *(sentence for sentence in self.occasional_estimates if sentence.startswith(wanted)))


@cache
def rates_on(
    on: date,
    exchange: Exchange,
    segment: ChargeSegment,
    *,
    stt_class: SttClass = SttClass.SHARE,
    group: str = "",
    underlying: str = "",
) -> SegmentRates:
    """Return the rates in force on a trade date; ``SIM`` has NSE's.

    Parameters
    ----------
    on : date
        The trade date: each component's row is that date's.
    exchange : Exchange
        Where the trade is done. ``NSE`` and ``BSE`` also name the exchanges of their contracts.
    segment : ChargeSegment
        What was traded.
    stt_class : SttClass
        Whether units of the cash market are shares or a fund's.
    group : str
        The share's group at BSE, such as ``A`` or ``X``; the non-exclusive ones where it is empty.
    underlying : str
        The underlying of a contract, such as ``SENSEX`` or ``KAPAS``; where it is empty, one that has no rates of its own.

    Raises
    ------
    BadParameter
        If the exchange does not trade the segment, or class, group or underlying do not go with it.
    """
    at = listed_at(exchange, segment)
    tags = _tags(at, segment, stt_class=stt_class, group=group, underlying=underlying)
    rows = {part: row_on(part, on, at, segment, tags=tags) for part in Component}
    brokerage, stt, stamp, gst = (_present(rows[part]) for part in (Component.BROKERAGE, Component.STT, Component.STAMP, Component.GST))
    dp, exercise = rows[Component.DP], rows[Component.EXERCISE]
    delivery = _delivery_rows(on, at, segment)
    ordinary = [row for part in ORDINARY if (row := rows[part]) is not None]
    occasional = [row for part, row in rows.items() if part not in ORDINARY and row is not None]
    return SegmentRates(
        brokerage_fraction=brokerage.fraction,
        brokerage_cap=brokerage.cap,
        brokerage_flat=brokerage.amount,
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
        dp_sell=_ZERO if dp is None else dp.amount * (1 + gst.fraction),
        square_off=_present(rows[Component.SQUARE_OFF]).amount,
        exercise=_ZERO if exercise is None else exercise.fraction,
        is_exercise_on_intrinsic=exercise is None or exercise.base == "intrinsic",
        physical_brokerage=_optional(rows[Component.PHYSICAL]),
        netted_brokerage=_optional(rows[Component.NETTED]),
        physical_stt=_optional(delivery.get(Component.STT)),
        physical_stamp=_optional(delivery.get(Component.STAMP)),
        valid_from=max((row.valid_from for row in ordinary if row.valid_from <= on), default=on),
        estimates=(*_estimates(ordinary, on), *(() if underlying else _assumptions(on, at, segment))),
        occasional_estimates=(*_estimates(occasional, on), *(f"physical: {line}" for line in _estimates(delivery.values(), on))),
    )


@cache
def regime_starts(
    exchange: Exchange,
    start: date,
    end: date,
    *,
    segment: ChargeSegment | None = None,
    stt_class: SttClass = SttClass.SHARE,
    group: str = "",
    underlying: str = "",
) -> tuple[date, ...]:
    """Return the dates from ``start`` to ``end``, both included, on which a rate of the segment changes.

    Without a segment those of delivery and intraday trades. Between two of them, and before the first, every rate is constant.

    Raises
    ------
    BadParameter
        As :func:`rates_on`.
    """
    found: set[date] = set()
    segments: tuple[ChargeSegment, ...] = EQUITY_SEGMENTS if segment is None else (segment,)
    for asked in segments:
        at = listed_at(exchange, asked)
        tags = _tags(at, asked, stt_class=stt_class, group=group, underlying=underlying)
        # A component's first row is also in force before its date, as an estimate: it changes no rate.
        found.update(row.valid_from for part in Component for row in rows_of(part, at, asked, tags=tags)[1:])
        if asked in PHYSICAL_SEGMENTS:
            parts = (Component.STT, Component.STAMP)
            found.update(row.valid_from for part in parts for row in rows_of(part, _CASH_OF[at], ChargeSegment.EQUITY_DELIVERY)[1:])
    return tuple(sorted(on for on in found if start <= on <= end))


def _tags(at: Exchange, segment: ChargeSegment, *, stt_class: SttClass, group: str, underlying: str) -> frozenset[str]:
    is_cash = segment in EQUITY_SEGMENTS
    if stt_class is not SttClass.SHARE and not is_cash:
        raise BadParameter("stt_class", stt_class, f"{segment} has no classes of units", hint="Leave it out for contracts.")
    if group and (not is_cash or at is not Exchange.BSE):
        raise BadParameter("group", group, "only shares at BSE have groups", hint="Leave it out elsewhere.")
    if group and not (group.isalpha() and len(group) <= _LONGEST_GROUP):
        raise BadParameter("group", group, "is not a group of BSE's", hint="Write it like A, B, X or XT.")
    if underlying and is_cash:
        raise BadParameter("underlying", underlying, f"{segment} has no underlying", hint="Leave it out for shares.")
    if not (group or underlying) and stt_class is SttClass.SHARE:
        return NO_TAGS
    return tags_of(at, stt_class=stt_class, group=group, underlying=underlying)


def _delivery_rows(on: date, at: Exchange, segment: ChargeSegment) -> dict[Component, RateRow]:
    """Return what shares pay that a contract delivers."""
    if segment not in PHYSICAL_SEGMENTS:
        return {}
    parts = ((part, row_on(part, on, _CASH_OF[at], ChargeSegment.EQUITY_DELIVERY)) for part in (Component.STT, Component.STAMP))
    return {part: _present(row) for part, row in parts}


def _present(row: RateRow | None) -> RateRow:
    if row is None:
        raise LookupError("the schedule lacks a component of a segment")
    return row


def _optional(row: RateRow | None) -> Decimal:
    return _ZERO if row is None else row.fraction


def _fraction(row: RateRow, side: RateSide) -> Decimal:
    return row.fraction if row.side in (RateSide.BOTH, side) else _ZERO


def _estimates(rows: Iterable[RateRow], on: date) -> tuple[str, ...]:
    return tuple(sentence for row in rows if (sentence := _estimate(row, on)))


def _estimate(row: RateRow, on: date) -> str:
    if on < row.valid_from:
        return f"{row.component}: no rate before {row.valid_from} is on record; that one is used"
    return f"{row.component}: {row.estimate}" if row.estimate else ""


def _assumptions(on: date, at: Exchange, segment: ChargeSegment) -> tuple[str, ...]:
    """Return a sentence for each component whose rate depends on the underlying, for use where none is named."""
    found = []
    for part in Component:
        usual = row_on(part, on, at, segment)
        others = [
            title
            for name, title in class_titles(at).items()
            if (row := row_on(part, on, at, segment, tags=frozenset({name}))) is not None
            and usual is not None
            and row.fraction != usual.fraction
        ]
        if others:
            found.append(f"{part}: no underlying is named; {' and '.join(others)} pay another rate")
    return tuple(found)
