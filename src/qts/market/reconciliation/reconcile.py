"""Does our schedule give what a broker billed? A statement in, its bills line by line out, and what looks out of date in the schedule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from qts.core import Exchange, Side
from qts.core.errors import InputError
from qts.market.charges import RateClasses, RoundingMode, rates_on
from qts.market.charges.netting import ZERO
from qts.market.charges.schedule import ORDINARY, rounding_on, rows_of
from qts.market.reconciliation.bill import PricedBill, price_bill
from qts.market.reconciliation.comparison import ComparedLine, Comparison, Observation, Verdict, compare
from qts.market.reconciliation.drift import OutOfDate, out_of_date
from qts.market.reconciliation.statement import Family, StatedCharges, Statement, TradeRow, Unpriced, UnsizedOrder, family_of
from qts.market.reconciliation.terms import classes_of, tags_at, underlying_of

# Rates before the present broker's price list are of no use in telling when an undated bill is from.
_EARLIEST: Final = date(2015, 12, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciledBill:
    """One bill: the trades it is for, and its lines beside ours."""

    on: date
    exchange: Exchange | None
    family: Family | None
    instrument: str
    rows: tuple[int, ...]
    n_orders: int
    lines: tuple[ComparedLine, ...]
    remarks: tuple[str, ...] = ()

    @property
    def is_compared(self) -> bool:
        """Return whether the file states anything of this bill."""
        return any(line.theirs is not None for line in self.lines)

    @property
    def differs(self) -> bool:
        """Return whether a line differs by itself."""
        return any(line.verdict is Verdict.DIFFERS for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeFit:
    """The span of dates whose rates fit an undated file better than those of the date it was priced at."""

    start: date
    end: date | None
    n_differing: int
    n_differing_now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """All bills of a statement, what looks out of date among our rates, and the rows that could not be priced."""

    mode: RoundingMode
    bills: tuple[ReconciledBill, ...]
    out_of_date: tuple[OutOfDate, ...] = ()
    unpriced: tuple[Unpriced, ...] = ()
    warnings: tuple[str, ...] = ()
    fit: RegimeFit | None = None


def reconcile(statement: Statement, *, on: date, mode: RoundingMode | None = None) -> Reconciliation:
    """Return a statement's bills beside ours.

    Parameters
    ----------
    statement : Statement
        The file as read.
    on : date
        The trade date of what carries none.
    mode : RoundingMode, optional
        Whose rounding to use instead of the statement's own.
    """
    mode = mode or statement.mode
    bills, observations, lost, warnings = [], list[Observation](), list(statement.unpriced), list(statement.notes)
    for part in _parts(statement):
        priced, comparison, remarks = _reconciled(part, mode, on)
        lost += priced.unpriced
        warnings += priced.warnings
        if priced.priced:
            bills.append(_bill(part, priced, comparison, remarks))
            observations += comparison.observations
    lost += _unmatched(statement)
    fit = _fit(statement, mode, on, sum(line.verdict is Verdict.DIFFERS for bill in bills for line in bill.lines))
    explained = fit is not None and fit.n_differing == 0
    return Reconciliation(
        mode=mode,
        bills=tuple(sorted(bills, key=lambda bill: (bill.on, bill.rows))),
        out_of_date=() if explained else out_of_date(observations),
        unpriced=tuple(sorted(set(lost), key=lambda one: (one.row, one.reason))),
        warnings=tuple(dict.fromkeys(warnings)),
        fit=fit,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Trades of a bill and what is stated for them."""

    trades: tuple[TradeRow, ...]
    stated: StatedCharges | None


def _parts(statement: Statement) -> Iterator[_Part]:
    covered: set[int] = set()
    for stated in statement.stated:
        trades = _trades_of(stated, statement.trades)
        covered.update(trade.row for trade in trades)
        if trades or stated.unsized is not None:
            yield _Part(trades=trades, stated=stated)
    rest: dict[tuple[object, ...], list[TradeRow]] = {}
    for trade in statement.trades:
        if trade.row not in covered:
            rest.setdefault((trade.on, family_of(trade.exchange)), []).append(trade)
    yield from (_Part(trades=tuple(rows), stated=None) for rows in rest.values())


def _trades_of(stated: StatedCharges, trades: Sequence[TradeRow]) -> tuple[TradeRow, ...]:
    if stated.rows is not None:
        wanted = set(stated.rows)
        return tuple(trade for trade in trades if trade.row in wanted)
    return tuple(
        trade
        for trade in trades
        if stated.on in (None, trade.on)
        and stated.exchange in (None, trade.exchange)
        and stated.family in (None, family_of(trade.exchange))
    )


def _unmatched(statement: Statement) -> Iterator[Unpriced]:
    for stated in statement.stated:
        if stated.unsized is None and not _trades_of(stated, statement.trades):
            wanted = " ".join(str(part) for part in (stated.on, stated.exchange, stated.family) if part is not None)
            yield Unpriced(row=stated.row, reason=f"charges are stated here, but the file has no usable trade {wanted}".rstrip() + ".")


def _reconciled(part: _Part, mode: RoundingMode, on: date) -> tuple[PricedBill, Comparison, tuple[str, ...]]:
    if part.stated is not None and part.stated.unsized is not None:
        return _unsized(part.stated, part.stated.unsized, mode, on)
    priced = price_bill(part.trades, mode=mode, on=part.trades[0].on or on)
    remarks = () if len(priced.unpriced) == 0 else (f"{len(priced.unpriced)} of its rows could not be priced",)
    return priced, compare(part.stated, priced, mode), remarks


def _unsized(stated: StatedCharges, order: UnsizedOrder, mode: RoundingMode, on: date) -> tuple[PricedBill, Comparison, tuple[str, ...]]:
    """Return the segment and side that explain an order's charges best, at the value that SEBI's fee implies."""
    fee = stated.amounts.get("sebi", ZERO)
    best: tuple[PricedBill, Comparison, tuple[str, ...]] | None = None
    try:
        rates = {segment: rates_on(on, order.exchange, segment) for segment in order.segments}
    except InputError as error:
        return _lost(stated, f"{error.message} {error.hint}", on)
    for segment, rate in rates.items():
        if fee <= 0 or rate.sebi <= 0:
            break
        for side in Side:
            value = fee / rate.sebi
            row = TradeRow(
                row=stated.row, on=on, exchange=order.exchange, symbol=order.symbol, segment=segment, side=side,
                quantity=Decimal(1), price=value, is_product_known=True,
            )  # fmt: skip
            priced = price_bill((row,), mode=mode, on=on)
            comparison = compare(stated, priced, mode)
            remark = (
                f"the reply gives no size: priced as {side} {segment} of {value.quantize(Decimal('0.01'))}, the value SEBI's fee implies"
            )
            if best is None or _misfit(comparison) < _misfit(best[1]):
                best = (priced, comparison, (remark,))
    return best or _lost(stated, "the order's value is not given, and SEBI's fee is too small to tell it", on)


def _misfit(comparison: Comparison) -> tuple[int, int]:
    """Return how many lines differ, and of how many one side is zero: a tax that is not due weighs more than one at another rate."""
    lines = [line for line in comparison.lines if line.verdict is Verdict.DIFFERS]
    return len(lines), sum((line.theirs == 0) != (line.ours == 0) for line in lines)


def _lost(stated: StatedCharges, reason: str, on: date) -> tuple[PricedBill, Comparison, tuple[str, ...]]:
    return PricedBill(on=on, unpriced=(Unpriced(row=stated.row, reason=reason.strip()),)), Comparison(lines=()), ()


def _bill(part: _Part, priced: PricedBill, comparison: Comparison, remarks: tuple[str, ...]) -> ReconciledBill:
    trades = priced.priced
    symbols = {trade.symbol for trade in trades}
    exchanges = {trade.exchange for trade in trades}
    families = {family_of(exchange) for exchange in exchanges}
    return ReconciledBill(
        on=priced.on,
        exchange=next(iter(exchanges)) if len(exchanges) == 1 else None,
        family=next(iter(families)) if len(families) == 1 else None,
        instrument=next(iter(symbols)) if len(symbols) == 1 else "",
        rows=tuple(sorted({trade.row for trade in trades} or {part.stated.row if part.stated else 0})),
        n_orders=priced.n_orders,
        lines=comparison.lines,
        remarks=remarks,
    )


def _fit(statement: Statement, mode: RoundingMode, on: date, n_now: int) -> RegimeFit | None:
    """Return the dates whose rates explain an undated statement better than ``on``'s, the latest of several as good."""
    undated = all(trade.on is None for trade in statement.trades) and all(stated.on is None for stated in statement.stated)
    if not undated or n_now == 0:
        return None
    starts = sorted(_starts(statement, mode, on))
    counts = [_count(statement, mode, start) for start in starts]
    fewest = min(counts)
    if fewest >= n_now:
        return None
    last = max(i for i, count in enumerate(counts) if count == fewest)
    first = last
    while first > 0 and counts[first - 1] == fewest:
        first -= 1
    end = starts[last + 1] - timedelta(days=1) if last + 1 < len(starts) else None
    return RegimeFit(start=starts[first], end=end, n_differing=fewest, n_differing_now=n_now)


def _starts(statement: Statement, mode: RoundingMode, on: date) -> set[date]:
    trades = [(trade.exchange, trade.segment, classes_of(trade)) for trade in statement.trades]
    for stated in statement.stated:
        order = stated.unsized
        segments = () if order is None else order.segments
        trades += [(order.exchange, one, RateClasses(underlying=underlying_of(order.symbol))) for one in segments if order is not None]
    rows = {
        row.valid_from
        for exchange, segment, classes in trades
        for part in ORDINARY
        for row in rows_of(part, exchange, segment, tags=tags_at(exchange, classes))
    }
    rounding = {rounding_on(mode, start).valid_from for start in rows}
    return {start for start in rows | rounding if _EARLIEST <= start <= on} | {_EARLIEST}


def _count(statement: Statement, mode: RoundingMode, on: date) -> int:
    """Return how many lines differ at a date's rates."""
    return sum(_reconciled(part, mode, on)[1].n_differing for part in _parts(statement))
