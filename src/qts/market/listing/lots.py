"""How many shares one lot of a contract has, and how many one order may have.

The broker's list of instruments of the day names the true lot, and two lots of one underlying may be in force side by side. These rows are
for contracts of the past without such a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from qts.core.errors import BadParameter
from qts.market.listing.contract import Contract
from qts.market.listing.rows import RuleRow, row_in_force, rule_rows

_QUARTERLY: Final = (3, 6, 9, 12)


@dataclass(frozen=True, slots=True, kw_only=True)
class LotSize:
    """Shares or units of one lot, where the number comes from, and in ``note`` why it is an estimate."""

    quantity: int
    is_estimate: bool
    source: str
    note: str = ""


def lot_size(contract: Contract, on: date) -> LotSize | None:
    """Return the lot of a contract as it was on a date, or None where none is on record.

    Lots of shares and commodities are not on record, nor are those of indices before the first row: the caller must be given one.
    The row is that of the contract's expiry, for lots change with the contracts; only contracts listed long ahead change on a date.

    >>> from qts.core import InstrumentId
    >>> from qts.market.listing.contract import contract_of
    >>> lot_size(contract_of(InstrumentId("NFO:NIFTY26NOVFUT")), date(2026, 11, 2)).quantity
    65
    """
    if contract.expiry is None:
        return None
    rows = [row for row in rule_rows("lots", "lot") if contract.underlying in row.names("underlyings")]
    row = row_in_force(rows, contract.expiry)
    if row is None:
        return None
    note = row.estimate
    changes = row.values.get("quarterly_from")
    if isinstance(changes, date) and on < changes and contract.monthly and contract.month.month in _QUARTERLY:
        older = [other for other in rows if other.valid_from < row.valid_from]
        # A contract listed years ahead may be older than the last change but one.
        row = _quarterly_row(older, on) or row
        note = f"contracts of {contract.month:%B} {contract.month:%Y} are taken to have had the old lot until {changes}"
    return LotSize(quantity=int(row.number("quantity")), is_estimate=note != "", source=row.source, note=note)


def freeze_quantity(contract: Contract, on: date, *, index_level: Decimal | None = None) -> int | None:
    """Return the largest quantity of one order, or None where it is not on record. Always an estimate: it is fixed anew every month.

    Parameters
    ----------
    contract : Contract
        On an index: those of shares, currencies and commodities are not on record.
    on : date
        The date of the order.
    index_level : Decimal, optional
        The index at the end of the month before: the exchange's slab then decides, where it is on record. Without it the newest
        number published before the date does.

    Raises
    ------
    BadParameter
        If the level is not a positive number.
    """
    if not contract.is_index:
        return None
    if index_level is not None:
        if not (index_level.is_finite() and index_level > 0):
            raise BadParameter("index_level", index_level, "is not a positive number")
        slabs = row_in_force((row for row in rule_rows("lots", "freeze_slab") if contract.exchange in row.names("exchanges")), on)
        if slabs is not None:
            return _slab_quantity(slabs, index_level)
    row = row_in_force((row for row in rule_rows("lots", "freeze") if contract.underlying in row.names("underlyings")), on)
    return None if row is None else int(row.number("quantity"))


def _quarterly_row(rows: list[RuleRow], on: date) -> RuleRow | None:
    """Return the row that a contract listed long ahead had on a date: the newest one whose own change had come."""
    begun = [row for row in rows if _changed_on(row) <= on]
    return max(begun or rows[:1], key=lambda row: row.valid_from, default=None)


def _changed_on(row: RuleRow) -> date:
    changes = row.values.get("quarterly_from")
    return changes if isinstance(changes, date) else row.valid_from


def _slab_quantity(row: RuleRow, level: Decimal) -> int:
    raw = row.values["slabs"]
    if not isinstance(raw, list):
        raise TypeError("slabs of lots.toml are a list")
    return next(int(slab["quantity"]) for slab in raw if "up_to" not in slab or level <= slab["up_to"])
