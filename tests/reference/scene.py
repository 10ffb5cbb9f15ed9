"""What the reference engine is given: bars, the terms of an instrument, settings and orders, all in exact decimals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from qts.core import Exchange

ONE = Decimal(1)
ZERO = Decimal(0)
BUY, SELL = 1, -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One bar an instrument has; ``volume`` is None where the source has none."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None

    def over(self, ratio: Decimal) -> Row:
        """Return the bar as if its shares had been new ones, of which an old one is so many."""
        return replace(self, open=self.open / ratio, high=self.high / ratio, low=self.low / ratio, close=self.close / ratio)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the exchange says of an instrument. ``kind`` is share, future or option; ``by_order`` shares are each delivered."""

    exchange: Exchange = Exchange.NSE
    kind: str = "share"
    lot: Decimal = ONE
    tick: Callable[[date], Decimal] | None = None
    locks: bool = False
    freeze: Decimal | None = None
    expiry: date | None = None
    margin: Decimal = ONE
    sold_margin: Decimal = ZERO
    is_index: bool = True
    by_order: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A corporate action: ``ratio`` new shares for an old one, ``cash`` rupees for an old one."""

    ex_date: date
    ratio: Decimal = ONE
    cash: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An order as a strategy hands it in; ``label`` names it for a later cancel, ``group`` joins an OCO group.

    ``stop_loss``, ``target`` and ``trail`` (a fraction) make it the entry of a bracket.
    """

    label: str
    instrument: str
    side: int
    quantity: Decimal
    kind: str = "market"
    limit: Decimal | None = None
    stop: Decimal | None = None
    distance: Decimal | None = None
    fraction: Decimal | None = None
    day_only: bool = False
    group: str | None = None
    stop_loss: Decimal | None = None
    target: Decimal | None = None
    trail: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """The wish to cancel the order with this label."""

    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """An instrument: its terms, the instants of its bars, the rows that count, what the strategy wants, its corporate actions."""

    name: str
    terms: Terms
    rows: Mapping[int, Row]
    targets: Mapping[int, Decimal] = field(default_factory=dict)
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The settings of a run."""

    capital: Decimal
    square_off: Callable[[Exchange, date], datetime]
    is_intraday: bool
    product: str = "CNC"
    size: str = "percent"
    amount: Decimal = ONE
    span: int = 14
    multiple: Decimal = Decimal(2)
    bars_per_year: Decimal = Decimal(250)
    costs: str = "none"
    cost_rate: Decimal = ZERO
    cost_minimum: Decimal = ZERO
    has_square_off_fee: bool = False
    slippage: str = "none"
    slippage_amount: Decimal = ZERO
    impact: Decimal = Decimal("0.1")
    at_close: bool = False
    fractional: bool = False
    close_at_end: bool = False
    is_matrix: bool = False
    rebalance: bool = False
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    trailing: Decimal | None = None
    max_position: Decimal | None = None
    max_exposure: Decimal | None = None
    daily_loss: Decimal | None = None
    max_drawdown: Decimal | None = None


def whole(quantity: Decimal, step: Decimal) -> Decimal:
    """Cut a quantity towards zero to whole steps."""
    return (abs(quantity) / step).to_integral_value(ROUND_FLOOR).copy_sign(quantity) * step


def on_tick(price: Decimal, tick: Decimal, *, up: bool) -> Decimal:
    """Round to the tick; a price within 1e-9 relative of a tick is on it."""
    steps = price / tick
    nearest = steps.to_integral_value()
    if abs(steps - nearest) * tick <= abs(price) * Decimal("1e-9"):
        return nearest * tick
    return steps.to_integral_value(ROUND_CEILING if up else ROUND_FLOOR) * tick
