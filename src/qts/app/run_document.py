"""The result document of a backtest: what programs read, what is stored, what a replay compares.

Amounts are JSON numbers made from exact decimals; a number that is not defined is null, never NaN or Infinity.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ParamJson = bool | int | float | str


class Part(BaseModel):
    """Base of all parts: frozen, field names or aliases taken."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False, serialize_by_alias=True, defer_build=True
    )


class StrategyPart(Part):
    """Which strategy ran: ``version`` is the hash of its source text."""

    id: str
    title: str
    source: str
    version: str
    params: dict[str, ParamJson]


class ListPart(Part):
    """A list that instruments came from: an index of a date or a watchlist.

    ``on`` is the date of its members, ``left_out`` are those without bars. ``doubt`` says why they may not be those of the date.
    """

    name: str
    on: str
    members: int
    left_out: tuple[str, ...]
    sources: tuple[str, ...]
    doubt: str


class StepPart(Part):
    """What prices before a day were multiplied by; ``is_cash`` marks a dividend."""

    ex_date: date
    factor: float
    is_cash: bool


class DataPart(Part):
    """Which bars were used. ``from`` and ``to`` are dates in India; ``quality`` is the score of its bars, 0 to 100.

    ``fill_interval`` is the length of the shorter bars that orders filled on, null where they filled on those of the decisions;
    ``fill_bars`` counts them. ``lists`` are the lists that instruments came from.
    ``adjusted_by`` are the steps by which raw prices were adjusted, of instruments whose adjusted prices are not stored.
    """

    snapshot: str
    instruments: tuple[str, ...]
    interval: str
    start: str = Field(alias="from")
    end: str = Field(alias="to")
    bars: int
    quality: float | None
    prices: dict[str, Literal["raw", "adjusted"]]
    fill_interval: str | None = None
    fill_bars: int | None = None
    lists: tuple[ListPart, ...] = ()
    adjusted_by: dict[str, tuple[StepPart, ...]] = {}


class SettingsPart(Part):
    """How orders were sized, filled, protected, limited and charged; texts as the command line takes them, null for none.

    ``ticks`` tells whether fills are on the exchange's ticks, for those instruments whose prices are as traded. ``lot`` is the one given
    for contracts whose lot is not on record.
    """

    capital: str
    product: str
    size: str
    costs: str
    slippage: str
    fill: str
    fractional: bool = False
    close_at_end: bool = False
    stop_loss: str | None = None
    take_profit: str | None = None
    trailing_stop: str | None = None
    max_position: str | None = None
    max_exposure: str | None = None
    daily_loss: str | None = None
    max_drawdown: str | None = None
    rebalance: bool = False
    lot: int | None = None
    ticks: bool = False


class MarginPart(Part):
    """What a unit of a position blocks: a fraction of its price, and rupees on top."""

    fraction: float
    rupees: float


class ListedTick(Part):
    """A step of prices, in rupees as text, that dumps vouch for from one date to another, both included."""

    start: str = Field(alias="from")
    end: str = Field(alias="to")
    size: str


class ListedBand(Part):
    """A price band, as a fraction of the previous close as text, that dumps vouch for from one date to another, both included."""

    start: str = Field(alias="from")
    end: str = Field(alias="to")
    fraction: str


class ListedPart(Part):
    """What the broker's dumps of instruments said of an instrument, in place of the rules; ``estimates`` is what they said of later."""

    lot: int | None
    expiry: str | None
    ticks: tuple[ListedTick, ...]
    source: str
    estimates: tuple[str, ...] = ()
    bands: tuple[ListedBand, ...] = ()


class TermsPart(Part):
    """On what terms an instrument was traded.

    ``tick`` is the step of prices at the end of the run, null where fills are on none; ``freeze`` the largest quantity of one order.
    ``listed`` is what dumps of instruments said of it, null where the rules alone decided.
    """

    instrument: str
    lot: int
    tick: float | None
    freeze: int | None
    expiry: str | None
    margin_long: MarginPart
    margin_short: MarginPart
    listed: ListedPart | None = None


class ActionPart(Part):
    """A corporate action that a run on prices as traded was played with: new shares for an old one, rupees for an old one, as texts.

    ``quantity_before`` and ``quantity_after`` are the position that it met, null where there was none; ``in_lieu`` what a fraction of a
    share brought, which is part of its trade, and ``paid`` what the action itself paid. A short position pays: both are below zero then.
    """

    instrument: str
    ex_date: date
    kind: str
    ratio: str
    cash: str
    quantity_before: float | None = None
    quantity_after: float | None = None
    in_lieu: float | None = None
    paid: float | None = None


class ChargesPart(Part):
    """The lines of a contract note, in rupees."""

    brokerage: float
    stt: float
    exchange: float
    ipft: float
    sebi: float
    stamp: float
    gst: float
    dp: float
    total: float


class FillPart(Part):
    """One executed order. ``slippage`` is in rupees over the whole quantity, positive when against us."""

    at: str
    instrument: str
    side: Literal["buy", "sell"]
    quantity: int | float
    price: float
    reference_price: float
    slippage: float
    order: str
    reason: str
    charges: ChargesPart


class OrderEventPart(Part):
    """What became of an order besides its fills: ``filled`` of ``quantity`` were done by then; ``why`` says the reason in words."""

    at: str
    instrument: str
    side: Literal["buy", "sell"]
    kind: str
    quantity: int | float
    filled: int | float
    status: str
    reason: str
    why: str


class TradePart(Part):
    """One round trip, or a position still open, marked at the last close."""

    instrument: str
    direction: Literal["long", "short"]
    quantity: int | float
    entry_at: str
    entry_price: float
    exit_at: str
    exit_price: float
    gross_pnl: float
    costs: float
    net_pnl: float
    return_: float | None = Field(alias="return")
    bars_held: int
    mae: float | None
    mfe: float | None
    exit_reason: str | None
    open: bool


class HonestyPart(Part):
    """What keeps a result honest. What depends on the trial ledger is brought up to date whenever the document is read."""

    lookahead: str
    trials: int = 1
    deflated_sharpe: float | None = None
    deflated_sharpe_reason: str | None = None
    trades_enough: bool | None
    cost_share_of_gross: float | None
    beats_buy_and_hold: bool | None
    notes: tuple[str, ...] = ()


class BenchmarkPart(Part):
    """Buying the same instruments with the same capital at the first bar and holding them, without costs."""

    title: str
    total_return: float | None


class EnginePart(Part):
    """What computed the run: version of this package and content hash of the cost schedule."""

    version: str
    cost_schedule: str


class SuspectedPart(Part):
    """A corporate action that was suspected in the run's prices and took no part in it."""

    id: str
    instrument: str
    ex_date: date
    kind: str
    factor: float


class RunDocument(Part):
    """A whole run. ``equity`` is present only where it was asked for.

    ``action_cash`` is what corporate actions paid on positions: the account has gained by its trades and by this.
    ``order_events`` has the first ten thousand of ``order_events_count``; all of them are in the run's ``order_events.parquet``.
    """

    run_id: str
    simulated: bool
    strategy: StrategyPart
    data: DataPart
    settings: SettingsPart
    metrics: dict[str, float | int | None]
    costs: ChargesPart
    fills: tuple[FillPart, ...]
    trades: tuple[TradePart, ...]
    benchmark: BenchmarkPart
    honesty: HonestyPart
    engine: EnginePart
    warnings: tuple[str, ...] = ()
    terms: tuple[TermsPart, ...] = ()
    actions: tuple[ActionPart, ...] = ()
    action_cash: float = 0.0
    suspected: tuple[SuspectedPart, ...] = ()
    order_events: tuple[OrderEventPart, ...] = ()
    order_events_count: int = 0
    equity: tuple[tuple[str, float], ...] | None = None
