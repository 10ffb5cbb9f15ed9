"""Which trades are stated charges for? Those they name, or those of their date, exchange and segment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from qts.market.reconciliation.statement import StatedCharges, Statement, TradeRow, Unpriced, family_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Trades of a bill and what is stated for them."""

    trades: tuple[TradeRow, ...]
    stated: StatedCharges | None


def parts_of(statement: Statement) -> Iterator[Part]:
    """Yield the bills of a statement: what is stated with its trades, then the other trades by day and segment."""
    by_row = {trade.row: trade for trade in statement.trades}
    covered: set[int] = set()
    for stated in statement.stated:
        trades = _trades_of(stated, by_row)
        covered.update(trade.row for trade in trades)
        if trades or stated.unsized is not None:
            yield Part(trades=trades, stated=stated)
    rest: dict[tuple[object, ...], list[TradeRow]] = {}
    for trade in statement.trades:
        if trade.row not in covered:
            rest.setdefault((trade.on, family_of(trade.exchange)), []).append(trade)
    yield from (Part(trades=tuple(rows), stated=None) for rows in rest.values())


def unmatched(statement: Statement) -> Iterator[Unpriced]:
    """Yield the charges that are stated for no trade of the file."""
    by_row = {trade.row: trade for trade in statement.trades}
    for stated in statement.stated:
        if stated.unsized is None and not _trades_of(stated, by_row):
            wanted = " ".join(str(part) for part in (stated.on, stated.exchange, stated.family) if part is not None)
            yield Unpriced(row=stated.row, reason=f"charges are stated here, but the file has no usable trade {wanted}".rstrip() + ".")


def _trades_of(stated: StatedCharges, by_row: Mapping[int, TradeRow]) -> tuple[TradeRow, ...]:
    if stated.rows is not None:
        return tuple(by_row[row] for row in stated.rows if row in by_row)
    return tuple(
        trade
        for trade in by_row.values()
        if stated.on in (None, trade.on)
        and stated.exchange in (None, trade.exchange)
        and stated.family in (None, family_of(trade.exchange))
    )
