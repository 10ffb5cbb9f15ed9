"""What does a CSV file of trades and charges say? A tradebook, a contract note, or both, section by section."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Final

from qts.app.notes import cells, columns
from qts.app.notes.cells import NotRead
from qts.app.notes.lines import Line, separators_of, split_lines, unreadable
from qts.app.notes.trades import Trades, charges_of, with_gst
from qts.core import Exchange
from qts.market.charges import RoundingMode
from qts.market.reconciliation import Family, StatedCharges, Statement, Unpriced

_MAX_SHOWN: Final = 8
_HINT: Final = "Give it headings such as symbol, trade_date, exchange, segment, trade_type, quantity, price, order_id."
Key = tuple[date | None, Exchange | None, Family | None]


def read_table(name: str, text: str, *, today: date, on: date | None = None) -> Statement:
    """Return what a CSV file says.

    Parameters
    ----------
    name : str
        The file's name, for messages.
    text : str
        Its text.
    today : date
        No trade is later.
    on : date, optional
        The date of rows that carry none.

    Raises
    ------
    BadFile
        If no row has the headings of trades.
    """
    best: tuple[Line, ...] = ()
    for separator in separators_of(text):
        lines = split_lines(text, separator=separator)
        best = best or lines
        if any(columns.trade_columns(line.cells) for line in lines):
            statement = _Reader(trades=Trades(today=today, default_on=on), today=today, on=on).read(lines)
            if not statement.trades and not statement.unpriced:
                raise unreadable(name, "has the headings of a tradebook and no trade below them", "Export a span of dates with trades.")
            return statement
    raise unreadable(name, _what_lacks(best), _HINT)


def _what_lacks(lines: Sequence[Line]) -> str:
    header = max(lines, key=lambda line: len(line.cells) - 2 * len(columns.missing(line.cells)), default=None)
    if header is None or len(columns.missing(header.cells)) > 2:
        return "has no row of headings of a table of trades"
    shown = ", ".join(cell for cell in header.cells[:_MAX_SHOWN] if cell)
    return f"line {header.number} has no column for {' and '.join(columns.missing(header.cells))}, only {shown}"


@dataclass(slots=True, kw_only=True)  # grows while the file is read
class _Reader:
    trades: Trades
    today: date
    on: date | None
    columns: Mapping[str, int] = field(default_factory=dict)
    trade_columns: Mapping[str, int] = field(default_factory=dict)
    take: Callable[[Line], None] | None = None
    places: Mapping[int, Key] = field(default_factory=dict)
    labelled: dict[Key, tuple[int, dict[str, Decimal]]] = field(default_factory=dict)
    tables: list[StatedCharges] = field(default_factory=list)
    refused: list[Unpriced] = field(default_factory=list)
    texts: list[int] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)

    def read(self, lines: Sequence[Line]) -> Statement:
        for line in lines:
            if any(line.cells):
                self._line(line)
        stated = [*self.trades.stated(), *self.tables, *self._labelled()]
        has_charges = bool(stated)
        return Statement(
            format="contract note" if has_charges else "tradebook",
            mode=RoundingMode.CONTRACT_NOTE,
            trades=tuple(self.trades.rows),
            stated=tuple(self._dated(one) for one in stated),
            unpriced=tuple(sorted([*self.trades.refused, *self.refused], key=lambda one: one.row)),
            notes=tuple(self._notes()),
        )

    def _line(self, line: Line) -> None:
        if self._is_heading(line) or self._is_context(line):
            return
        if self._is_trade(line):  # first of all, for there are shares named TOTAL
            self._trade(line)
        elif columns.is_totals(line.cells) and self.take == self._trade:
            self.totals.append(line.number)
        elif self._is_labelled(line):
            self._label(line)
        elif self.take is not None and sum(bool(cell) for cell in line.cells) > 1:
            self.take(line)
        else:
            self.texts.append(line.number)

    def _is_heading(self, line: Line) -> bool:
        """Return whether a row begins a table; it is taken in then."""
        if any(cell[:1].isdigit() for cell in line.cells):  # figures stand below headings, never among them
            return False
        for find, take in (
            (columns.trade_columns, self._trade),
            (columns.long_columns, self._long),
            (columns.charge_columns, self._wide),
        ):
            found = find(line.cells)
            if found:
                self.columns, self.take = found, take
                self.trade_columns = found if "symbol" in found else self.trade_columns
                return True
        return self._is_segments(line)

    def _is_segments(self, line: Line) -> bool:
        """Return whether a row names the segments over the amounts below it: ``, NSE - Capital, NSE - F&O, NET TOTAL``."""
        named = {i: cell for i, cell in enumerate(line.cells) if cell and (i or cells.family(cell) is not None)}
        places = {i: _key(cell) for i, cell in named.items() if cells.family(cell) is not None}
        others = [cell for i, cell in named.items() if i not in places and cells.plain(cell) not in columns.TOTALS]
        if others or not any(places):  # a lone word in the first cell is a title
            return False
        self.places, self.take = places, None
        return True

    def _is_context(self, line: Line) -> bool:
        """Return whether a row only names the date of the trades; it is taken in then."""
        filled = [cell for cell in line.cells if cell]
        if len(filled) == 1 and ":" in filled[0]:
            filled = [part.strip() for part in filled[0].split(":", 1)]
        if len(filled) != 2 or cells.plain(filled[0]) not in {"tradedate", "date", "contractnotedate"}:
            return False
        try:
            self.on = self.trades.default_on = cells.day(filled[1], self.today)
        except NotRead as error:
            self.refused.append(Unpriced(row=line.number, reason=f"{error}."))
        return True

    def _is_labelled(self, line: Line) -> bool:
        first = next((cell for cell in line.cells if cell), "")
        return self.take in (None, self._trade) and columns.line_of(first) is not None and len([c for c in line.cells if c]) > 1

    def _label(self, line: Line) -> None:
        """Take in a row that begins with the name of a charge and holds its amounts."""
        at = next(i for i, cell in enumerate(line.cells) if cell)
        name = columns.line_of(line.cells[at]) or ""
        try:
            amounts = {i: number for i, cell in enumerate(line.cells) if i > at and (number := cells.amount(cell)) is not None}
        except NotRead as error:
            self.refused.append(Unpriced(row=line.number, reason=f"{name}: {error}."))
            return
        chosen = {i: number for i, number in amounts.items() if i in self.places} if self.places else amounts
        if not self.places and len(amounts) > 1:
            reason = f"{name}: several amounts, and no row above names their segments."
            self.refused.append(Unpriced(row=line.number, reason=reason))
            return
        for i, number in chosen.items():
            self._add(self.places.get(i, (None, None, None)), line.number, name, number)

    def _add(self, key: Key, row: int, name: str, number: Decimal) -> None:
        _, lines = self.labelled.setdefault(key, (row, {}))
        lines[name] = lines.get(name, Decimal(0)) + number

    def _is_trade(self, line: Line) -> bool:
        """Return whether a row is a trade, also below another section: it has a side where trades have theirs."""
        place = self.trade_columns.get("side", len(line.cells))
        if place >= len(line.cells):
            return False
        try:
            cells.side(line.cells[place])
        except NotRead:
            return False
        return True

    def _trade(self, line: Line) -> None:
        self.trades.take(line, self.trade_columns)

    def _wide(self, line: Line) -> None:
        if columns.is_totals(line.cells):
            self.totals.append(line.number)
            return
        try:
            amounts = charges_of(line, self.columns)
            on, exchange, family = self._key(line)
        except NotRead as error:
            self.refused.append(Unpriced(row=line.number, reason=f"{error}."))
            return
        if amounts:
            self.tables.append(StatedCharges(row=line.number, amounts=amounts, on=on, exchange=exchange, family=family))

    def _long(self, line: Line) -> None:
        label = self._cell(line, "label")
        name = columns.line_of(label)
        if name is None:
            self.refused.append(Unpriced(row=line.number, reason=f"{label!r} is no charge that bills state."))
            return
        try:
            number = cells.amount(self._cell(line, "amount"))
            key = self._key(line)
        except NotRead as error:
            self.refused.append(Unpriced(row=line.number, reason=f"{error}."))
            return
        if number is not None:
            self._add(key, line.number, name, number)

    def _key(self, line: Line) -> Key:
        on, segment, exchange = (self._cell(line, name) for name in ("date", "segment", "exchange"))
        family = cells.family(segment) if segment else None
        if segment and family is None:
            raise NotRead(f"segment: {segment!r} is none of EQ, FO, CDS, COM")
        house = exchange or (segment if cells.house(segment) else "")
        named = cells.house(house) if house == segment else None
        found = named or (cells.exchange(house, None) if house else None)
        if found is not None and family is not None:
            found = cells.exchange(found, family)
        return cells.day(on, self.today) if on else None, found, family

    def _cell(self, line: Line, name: str) -> str:
        place = self.columns.get(name)
        return line.cells[place] if place is not None and place < len(line.cells) else ""

    def _labelled(self) -> Iterator[StatedCharges]:
        for (on, exchange, family), (row, amounts) in self.labelled.items():
            yield StatedCharges(row=row, amounts=with_gst(amounts), on=on, exchange=exchange, family=family)

    def _dated(self, stated: StatedCharges) -> StatedCharges:
        """Return charges without a date as those of the file's day; of several days, as the sum of so many rounded bills."""
        if stated.on is not None or stated.rows is not None:
            return stated
        days = {trade.on for trade in self.trades.rows}
        if self.on is not None and self.on in days:
            return replace(stated, on=self.on)
        return replace(stated, pieces=max(1, len(days)))

    def _notes(self) -> Iterator[str]:
        yield from self.trades.notes
        if self.totals:
            yield f"rows that add up others were left out: line {_listed(self.totals)}"
        if self.texts:
            yield f"text outside the tables was not read: line {_listed(self.texts)}"


def _key(heading: str) -> Key:
    house, family = cells.house(heading), cells.family(heading)
    return None, cells.exchange(house, family) if house is not None else None, family


def _listed(rows: Sequence[int]) -> str:
    shown = ", ".join(str(row) for row in rows[:_MAX_SHOWN])
    return shown if len(rows) <= _MAX_SHOWN else f"{shown} and {len(rows) - _MAX_SHOWN} more"
