"""How does a row become a trade, and the charges beside trades those of their security's day? Row by row, or with a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, TypeVar

from qts.app.notes import cells
from qts.app.notes.cells import NotRead
from qts.app.notes.lines import Line
from qts.core import Exchange
from qts.market.charges import ChargeSegment
from qts.market.reconciliation import Family, StatedCharges, TradeRow, Unpriced, family_of, segment_of

_GST_PARTS: Final = ("cgst", "sgst", "igst")
_PRODUCTS: Final = {"CNC": ChargeSegment.EQUITY_DELIVERY, "MIS": ChargeSegment.EQUITY_INTRADAY, "CO": ChargeSegment.EQUITY_INTRADAY}
_FEE_OTHERWISE: Final = frozenset({"MTF"})
_LOTS: Final = frozenset({Family.CDS, Family.COM})
LOTS_NOTE: Final = (
    "currency and commodity rows: value is quantity x price; where the file counts lots of several units, add a column multiplier or value"
)
T = TypeVar("T")


@dataclass(slots=True, kw_only=True)  # grows while the file is read
class Trades:
    """The trades met so far, the charges stated beside them, and the rows that were refused."""

    today: date
    default_on: date | None = None
    rows: list[TradeRow] = field(default_factory=list)
    beside: list[tuple[TradeRow, Mapping[str, Decimal]]] = field(default_factory=list)
    refused: list[Unpriced] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)
    ids: dict[tuple[object, ...], int] = field(default_factory=dict)

    def take(self, line: Line, columns: Mapping[str, int]) -> None:
        """Read one row, or keep why it cannot be used."""
        try:
            trade = self._trade(line, columns)
            amounts = charges_of(line, columns)
        except NotRead as error:
            self.refused.append(Unpriced(row=line.number, reason=f"{error}."))
            return
        self.rows.append(trade)
        if amounts:
            self.beside.append((trade, amounts))

    def stated(self) -> Iterator[StatedCharges]:
        """Yield the charges stated beside trades, added up per security, exchange and day: only so can they be netted as the state does."""
        grouped: dict[tuple[object, ...], list[tuple[TradeRow, Mapping[str, Decimal]]]] = {}
        for trade, amounts in self.beside:
            grouped.setdefault((trade.on, trade.exchange, trade.symbol), []).append((trade, amounts))
        same_day: dict[tuple[object, ...], list[int]] = {}
        for trade in self.rows:
            same_day.setdefault((trade.on, trade.exchange, trade.symbol), []).append(trade.row)
        for key, pairs in grouped.items():
            first = pairs[0][0]
            yield StatedCharges(
                row=first.row,
                amounts=added(amounts for _, amounts in pairs),
                rows=tuple(same_day[key]),
                on=first.on,
                exchange=first.exchange,
                family=family_of(first.exchange),
                pieces=len(pairs),
            )

    def _trade(self, line: Line, columns: Mapping[str, int]) -> TradeRow:
        if line.flaw:
            raise NotRead(line.flaw)
        if len(line.cells) <= max(columns[name] for name in ("symbol", "side", "quantity")):
            raise NotRead(f"the row has {len(line.cells)} cells, fewer than the table's headings")
        row = _Row(line=line, columns=columns)
        symbol = row.text("symbol").upper()
        if not symbol:
            raise NotRead("the row names no instrument")
        on = row.read("date", self._day) or self.default_on or row.read("time", self._day)
        exchange = _exchange(row)
        quantity, price, value = _figures(row)
        segment, is_known = _segment(row, exchange, symbol)
        if on is None:
            raise NotRead("the row has no date, and the file names none")
        if family_of(exchange) in _LOTS and row.text("multiplier") == "" and value is None:
            self.notes[LOTS_NOTE] = None
        trade = TradeRow(
            row=line.number, on=on, exchange=exchange, symbol=symbol, segment=segment, side=row.needed("side", cells.side),
            quantity=quantity, price=price, value=value, order_id=row.text("order"), is_product_known=is_known,
            group=row.text("series").upper(), isin=row.text("isin").upper(),
        )  # fmt: skip
        self._refuse_twice(trade, row.text("trade"))
        if not trade.order_id:
            self.notes["rows without an order id are priced as an order each; brokerage is per order"] = None
        return trade

    def _day(self, text: str) -> date:
        return cells.day(text, self.today)

    def _refuse_twice(self, trade: TradeRow, trade_id: str) -> None:
        if not trade_id:
            return
        # Both sides of one trade id may be ours: a trade with oneself.
        key = (trade.on, trade.exchange, trade.symbol, trade.side, trade_id)
        first = self.ids.setdefault(key, trade.row)
        if first != trade.row:
            raise NotRead(f"trade id {trade_id} is already on line {first}; it is counted once")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    line: Line
    columns: Mapping[str, int]

    def text(self, name: str) -> str:
        place = self.columns.get(name)
        return self.line.cells[place] if place is not None and place < len(self.line.cells) else ""

    def read(self, name: str, parse: Callable[[str], T]) -> T | None:
        """Return a cell as ``parse`` reads it, None where it is empty."""
        text = self.text(name)
        if not text:
            return None
        try:
            return parse(text)
        except NotRead as error:
            raise NotRead(f"{name}: {error}") from error

    def needed(self, name: str, parse: Callable[[str], T]) -> T:
        found = self.read(name, parse)
        if found is None:
            raise NotRead(f"{name} is empty")
        return found


def charges_of(line: Line, columns: Mapping[str, int]) -> dict[str, Decimal]:
    """Return the amounts of a row's charge columns, GST's parts added up."""
    found: dict[str, Decimal] = {}
    for name, place in columns.items():
        if not name.startswith("charge:") or place >= len(line.cells):
            continue
        try:
            number = cells.amount(line.cells[place])
        except NotRead as error:
            raise NotRead(f"{name.removeprefix('charge:')}: {error}") from error
        if number is not None:
            found[name.removeprefix("charge:")] = number
    return with_gst(found)


def with_gst(amounts: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return amounts with GST in one line, and charges counted positive where the file writes every one with a minus."""
    parts = [amounts[part] for part in _GST_PARTS if part in amounts]
    found = {name: number for name, number in amounts.items() if name not in _GST_PARTS}
    if parts and "gst" not in found:
        found["gst"] = sum(parts, Decimal(0))
    is_debit = all(number <= 0 for name, number in found.items() if name != "net")
    return {name: abs(number) if is_debit and name != "net" else number for name, number in found.items()}


def added(amounts: Iterator[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    """Return the sums of each line."""
    total: dict[str, Decimal] = {}
    for part in amounts:
        for name, number in part.items():
            total[name] = total.get(name, Decimal(0)) + number
    return total


def _exchange(row: _Row) -> Exchange:
    text = row.text("segment")
    segment = cells.family(text) if text else None
    if text and segment is None:
        raise NotRead(f"segment: {text!r} is none of EQ, FO, CDS, COM")
    if segment is None and row.text("expiry"):
        segment = Family.FO
    return cells.exchange(row.text("exchange") or ("MCX" if segment is Family.COM else "NSE"), segment)


def _figures(row: _Row) -> tuple[Decimal, Decimal, Decimal | None]:
    quantity = row.needed("quantity", cells.amount) or Decimal(0)
    price, value, multiplier = (row.read(name, cells.amount) for name in ("price", "value", "multiplier"))
    if quantity <= 0:
        raise NotRead(f"quantity: {row.text('quantity')!r} is not above zero; the side belongs into a column of its own")
    if price is None and value is None:
        raise NotRead("the row has neither a price nor a value")
    for name, number in (("price", price), ("value", value), ("multiplier", multiplier)):
        if number is not None and number < 0:
            raise NotRead(f"{name}: {row.text(name)!r} is negative")
    if value is None and multiplier is not None and price is not None:
        value = quantity * price * multiplier
    size = value if value is not None else quantity * (price or Decimal(0))
    if size > cells.LARGEST:
        raise NotRead(f"quantity x price is {size:.0f}, larger than anything ever traded")
    return quantity, price if price is not None else (value or Decimal(0)) / quantity, value


def _segment(row: _Row, exchange: Exchange, symbol: str) -> tuple[ChargeSegment, bool]:
    product = row.text("product").upper()
    if product in _FEE_OTHERWISE:
        raise NotRead(f"product: {product} has a brokerage of its own that the schedule does not hold")
    segment = segment_of(exchange, symbol)
    if segment is None:
        raise NotRead(f"symbol: {symbol!r} at {exchange} ends in neither FUT, CE nor PE, so its charges cannot be told")
    if family_of(exchange) is not Family.EQ:
        return segment, True
    return _PRODUCTS.get(product, segment), product in _PRODUCTS
