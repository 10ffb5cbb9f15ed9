"""Does our schedule give what a broker billed? A statement in, its bills line by line out, and what looks out of date in the schedule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from qts.core import Exchange
from qts.market.charges import RateClasses, RoundingMode
from qts.market.charges.schedule import ORDINARY, rounding_on, rows_of
from qts.market.reconciliation.bill import PricedBill, price_bill
from qts.market.reconciliation.comparison import ComparedLine, Comparison, Observation, Verdict, compare
from qts.market.reconciliation.drift import OutOfDate, out_of_date
from qts.market.reconciliation.parts import Part, parts_of, unmatched
from qts.market.reconciliation.sizing import in_lots, price_unsized
from qts.market.reconciliation.statement import Family, Statement, TradeRow, Unpriced, family_of
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
    for part in parts_of(statement):
        priced, comparison, remarks = _reconciled(part, mode, on)
        lost += priced.unpriced
        warnings += priced.warnings
        if priced.priced:
            bills.append(_bill(part, priced, comparison, remarks))
            observations += comparison.observations
    lost += unmatched(statement)
    fit = _fit(statement, mode, sum(line.verdict is Verdict.DIFFERS for bill in bills for line in bill.lines))
    explained = fit is not None and fit.n_differing == 0
    return Reconciliation(
        mode=mode,
        bills=tuple(sorted(bills, key=lambda bill: (bill.on, bill.rows))),
        out_of_date=() if explained else out_of_date(observations),
        unpriced=tuple(sorted(set(lost), key=lambda one: (one.row, one.reason))),
        warnings=tuple(dict.fromkeys(warnings)),
        fit=fit,
    )


def _reconciled(part: Part, mode: RoundingMode, on: date) -> tuple[PricedBill, Comparison, tuple[str, ...]]:
    if part.stated is not None and part.stated.unsized is not None:
        return price_unsized(part.stated, part.stated.unsized, mode, on)
    priced, comparison = _compared(part, part.trades, mode, on)
    remarks = [f"{len(priced.unpriced)} of its rows could not be priced"] if priced.unpriced else []
    if part.stated is not None and mode is RoundingMode.API and len(part.trades) == 1 and comparison.n_differing:
        lots, remark = in_lots(part.trades[0], part.stated, on)
        as_lots = _compared(part, (lots,), mode, on)
        if as_lots[1].n_differing < comparison.n_differing:
            return *as_lots, (remark,)
    return priced, comparison, tuple(remarks)


def _compared(part: Part, trades: tuple[TradeRow, ...], mode: RoundingMode, on: date) -> tuple[PricedBill, Comparison]:
    priced = price_bill(trades, mode=mode, on=trades[0].on or on)
    return priced, compare(part.stated, priced, mode)


def _bill(part: Part, priced: PricedBill, comparison: Comparison, remarks: tuple[str, ...]) -> ReconciledBill:
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


def _fit(statement: Statement, mode: RoundingMode, n_now: int) -> RegimeFit | None:
    """Return the dates whose rates explain an undated statement better than those it was priced at, the latest of several as good."""
    undated = all(trade.on is None for trade in statement.trades) and all(stated.on is None for stated in statement.stated)
    if not undated or n_now == 0:
        return None
    starts = sorted(_starts(statement, mode))
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


def _starts(statement: Statement, mode: RoundingMode) -> set[date]:
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
    return {start for start in rows | rounding if start >= _EARLIEST} | {_EARLIEST}


def _count(statement: Statement, mode: RoundingMode, on: date) -> int:
    """Return how many lines differ at a date's rates."""
    return sum(_reconciled(part, mode, on)[1].n_differing for part in parts_of(statement))
