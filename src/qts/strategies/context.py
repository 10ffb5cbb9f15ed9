"""What ``on_bar`` gets: the past, the account, and the means to give orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Final

from qts.core import InstrumentId, OrderKind, Side, instant_of
from qts.core.errors import BadParameter
from qts.strategies.feed import COLUMNS, Feed
from qts.strategies.orders import Desk, OrderReport, OrderRequest, OrderState
from qts.strategies.params import ParamValue
from qts.strategies.terms import Column, Indicator

_OPEN_STATES: Final = (OrderState.WAITING, OrderState.WORKING)


class OrderHandle:
    """An order that was given; ask it what became of it."""

    __slots__ = ("_desk", "_request", "id")

    def __init__(self, desk: Desk, request: OrderRequest) -> None:
        self._desk = desk
        self._request = request
        self.id = desk.submit(request)

    @property
    def report(self) -> OrderReport:
        """Return its state, the quantity filled, and the reason where it was turned down."""
        return self._desk.report(self.id)

    @property
    def is_working(self) -> bool:
        """Return whether it may still fill."""
        return self.report.state in _OPEN_STATES

    def cancel(self) -> bool:
        """Cancel it and return whether it was still working."""
        return self._desk.cancel(self.id)

    def replace(self, *, quantity: float | None = None, limit: float | None = None, stop: float | None = None) -> OrderHandle:
        """Cancel it and give it anew with other numbers; what it has filled is taken off the quantity. It loses its place in the queue.

        Raises
        ------
        BadParameter
            If it is not working any more.
        """
        report, old = self.report, self._request
        if report.state not in _OPEN_STATES or old.quantity is None:
            raise BadParameter("order", self.id, f"is {report.state} and cannot be replaced", hint="Give a new order.")
        self.cancel()
        request = OrderRequest(
            instrument=old.instrument,
            side=old.side,
            quantity=old.quantity - report.filled if quantity is None else quantity,
            kind=old.kind,
            limit=old.limit if limit is None else limit,
            stop=old.stop if stop is None else stop,
            trail=old.trail,
            trail_fraction=old.trail_fraction,
            stop_loss=old.stop_loss,
            take_profit=old.take_profit,
            is_day=old.is_day,
        )
        return OrderHandle(self._desk, request)


class InstrumentContext:
    """One instrument as ``on_bar`` sees it.

    ``open``, ``high``, ``low``, ``close``, ``volume`` and ``oi`` are lists of what is known so far: ``close[-1]`` is the bar that has just
    closed, ``close[-2]`` the one before. ``has_bar`` says whether the instrument has a bar now; without one its lists stay as they were.
    """

    __slots__ = ("_desk", "_feed", "_i", "close", "has_bar", "high", "low", "name", "oi", "open", "volume")

    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]
    oi: list[float]

    def __init__(self, name: InstrumentId, i: int, feed: Feed, desk: Desk) -> None:
        self.name = name
        self.has_bar = False
        self._i = i
        self._feed = feed
        self._desk = desk

    def __getattr__(self, name: str) -> list[float]:
        # Reached once for each column, until its list stands in the slot: only what is asked for is kept up to date.
        if name not in COLUMNS:
            raise AttributeError(name)
        history = self._feed.column(name)
        setattr(self, name, history)
        return history

    @property
    def n_bars(self) -> int:
        """Return how many bars it has had so far."""
        return self._feed.at + 1

    @property
    def position(self) -> float:
        """Return the signed quantity held; negative is short."""
        return self._desk.holding(self._i).quantity

    @property
    def average_price(self) -> float:
        """Return the average entry price in rupees, 0 without a position."""
        return self._desk.holding(self._i).average_price

    def indicator(
        self, kind: str, *params: float, output: str | None = None, of: str = "close", seed: str | None = None, interval: str | None = None
    ) -> list[float]:
        """Return the growing history of an indicator, NaN where it is not defined; ask for it once, in ``on_start``.

        ``kind``, ``params``, ``output`` and ``seed`` as in rules; ``interval`` computes it on the closed bars of a longer interval, where
        the list grows by one whenever such a bar closes.

        Raises
        ------
        BadParameter
            If there is no such indicator or parameter.
        """
        return self._feed.indicator(indicator_term(kind, *params, output=output, of=of, seed=seed), interval)

    def higher(self, column: str, interval: str) -> list[float]:
        """Return a column of the closed bars of a longer interval: ``higher("close", "1d")[-1]`` is the last closed day's."""
        return self._feed.column(column, interval)

    def buy(
        self,
        quantity: float,
        *,
        limit: float | None = None,
        stop: float | None = None,
        stop_loss: float | None = None,
        take_profit: float | None = None,
        is_day: bool = False,
        oco: OrderHandle | None = None,
    ) -> OrderHandle:
        """Give an order to buy: at the market, at a ``limit``, from a ``stop`` on, or both; prices in rupees.

        ``stop_loss`` and ``take_profit`` make it a bracket. It works until it is filled or cancelled, with ``is_day`` until its session
        ends.
        """
        return self._give(Side.BUY, quantity, limit=limit, stop=stop, protection=(stop_loss, take_profit), is_day=is_day, oco=oco)

    def sell(
        self,
        quantity: float,
        *,
        limit: float | None = None,
        stop: float | None = None,
        stop_loss: float | None = None,
        take_profit: float | None = None,
        is_day: bool = False,
        oco: OrderHandle | None = None,
    ) -> OrderHandle:
        """Give an order to sell; parameters as of :meth:`buy`."""
        return self._give(Side.SELL, quantity, limit=limit, stop=stop, protection=(stop_loss, take_profit), is_day=is_day, oco=oco)

    def trail(self, quantity: float, *, distance: float | None = None, fraction: float | None = None) -> OrderHandle:
        """Give a trailing stop that sells a long (quantity above 0) or buys back a short (below 0).

        ``distance`` is in rupees, ``fraction`` of the best price since; exactly one is given.
        """
        if (distance is None) == (fraction is None):
            raise BadParameter("trail", distance, "needs a distance or a fraction, and not both", hint="Write trail(100, fraction=0.05).")
        side = Side.SELL if quantity > 0 else Side.BUY
        return OrderHandle(
            self._desk,
            OrderRequest(
                instrument=self._i, side=side, quantity=abs(quantity), kind=OrderKind.TRAILING, trail=distance, trail_fraction=fraction
            ),
        )

    def target(self, exposure: float) -> OrderHandle:
        """Ask for the position that the run's size gives to this exposure in [-1, 1]; 0 closes.

        The same as a value of ``targets``: it makes an order where it differs from the last one asked for, and in a strategy with
        ``matrix=True`` also where it is asked for again.
        """
        if not -1.0 <= exposure <= 1.0:
            raise BadParameter("exposure", exposure, "is outside -1..1", hint="1 is fully long, 0 flat, -1 fully short.")
        return OrderHandle(self._desk, OrderRequest(instrument=self._i, exposure=exposure))

    def hold(self, quantity: float) -> OrderHandle:
        """Ask for a signed quantity to be held: one market order for the difference, in place of an earlier such wish; 0 closes."""
        return OrderHandle(self._desk, OrderRequest(instrument=self._i, position=quantity))

    def _give(
        self,
        side: Side,
        quantity: float,
        *,
        limit: float | None,
        stop: float | None,
        protection: tuple[float | None, float | None],
        is_day: bool,
        oco: OrderHandle | None,
    ) -> OrderHandle:
        if stop is not None:
            kind = OrderKind.STOP if limit is None else OrderKind.STOP_LIMIT
        else:
            kind = OrderKind.MARKET if limit is None else OrderKind.LIMIT
        request = OrderRequest(
            instrument=self._i,
            side=side,
            quantity=quantity,
            kind=kind,
            limit=limit,
            stop=stop,
            stop_loss=protection[0],
            take_profit=protection[1],
            oco=None if oco is None else oco.id,
            is_day=is_day,
        )
        return OrderHandle(self._desk, request)


class Context:
    """What ``on_bar`` is called with, at the close of every bar.

    ``params`` are the strategy's parameters, ``state`` is its own notebook, kept from bar to bar. ``instruments`` are all of the run, in
    the order given; ``context.instrument`` is the first. Orders given now work from the next bar on.
    """

    __slots__ = ("_desk", "_ts", "bar", "instrument", "instruments", "params", "state")

    def __init__(
        self, *, params: Mapping[str, ParamValue], instruments: Sequence[InstrumentContext], desk: Desk, ts: Sequence[int]
    ) -> None:
        self.params = params
        self.instruments = tuple(instruments)
        self.instrument = self.instruments[0]
        self.state = SimpleNamespace()
        self.bar = -1
        self._desk = desk
        self._ts = ts

    @property
    def opened_at(self) -> datetime:
        """Return the opening instant of the bar that has just closed, in IST."""
        return instant_of(int(self._ts[max(self.bar, 0)]))

    @property
    def cash(self) -> float:
        """Return the cash in rupees."""
        return self._desk.money().cash

    @property
    def equity(self) -> float:
        """Return cash plus positions at their last closes, in rupees."""
        return self._desk.money().equity


def indicator_term(kind: str, *params: float, output: str | None, of: str, seed: str | None) -> Indicator:
    """Return the rule's term for an indicator asked for by name and numbers."""
    return Indicator(kind, *params, of=Column(of), output=output, seed=seed)
