"""What ``on_bar`` can ask and order, on a desk that only notes what it is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qts.core import Bars, OrderKind, Side
from qts.core.errors import BadParameter
from qts.strategies import Context, Holding, InstrumentContext, Money, OrderReport, OrderRequest, OrderState
from qts.strategies.feed import Feed

Walk = Callable[..., Bars]


class NotingDesk:
    """Takes every order and fills none."""

    def __init__(self) -> None:
        self.taken: list[OrderRequest] = []
        self.states: list[OrderState] = []

    def submit(self, request: OrderRequest) -> int:
        self.taken.append(request)
        self.states.append(OrderState.WORKING)
        return len(self.taken) - 1

    def cancel(self, order: int) -> bool:
        was, self.states[order] = self.states[order], OrderState.CANCELLED
        return was is OrderState.WORKING

    def report(self, order: int) -> OrderReport:
        return OrderReport(self.states[order], 4.0, "")

    def holding(self, instrument: int) -> Holding:
        return Holding(10.0 + instrument, 99.5)

    def money(self) -> Money:
        return Money(1000.0, 2000.0)


@pytest.fixture
def desk() -> NotingDesk:
    return NotingDesk()


@pytest.fixture
def item(walk: Walk, desk: NotingDesk) -> InstrumentContext:
    bars = walk(10)
    return InstrumentContext(bars.instrument, 0, Feed(bars), desk)


@pytest.mark.parametrize(
    ("prices", "kind"),
    [
        ((None, None), OrderKind.MARKET),
        ((99.0, None), OrderKind.LIMIT),
        ((None, 101.0), OrderKind.STOP),
        ((102.0, 101.0), OrderKind.STOP_LIMIT),
    ],
)
def test_prices_say_which_kind_of_order_is_meant(
    item: InstrumentContext, desk: NotingDesk, prices: tuple[float | None, float | None], kind: OrderKind
) -> None:
    limit, stop = prices
    item.buy(5, limit=limit, stop=stop)
    item.sell(6, limit=limit, stop=stop, stop_loss=110.0, take_profit=90.0, is_day=True)
    bought, sold = desk.taken
    assert (bought.side, bought.quantity, bought.kind, bought.limit, bought.stop, bought.is_day) == (Side.BUY, 5, kind, limit, stop, False)
    assert (sold.side, sold.kind, sold.stop_loss, sold.take_profit, sold.is_day) == (Side.SELL, kind, 110.0, 90.0, True)


def test_a_trailing_stop_closes_the_side_its_quantity_has(item: InstrumentContext, desk: NotingDesk) -> None:
    item.trail(5, fraction=0.1)
    item.trail(-5, distance=3.0)
    assert [(order.side, order.quantity, order.trail, order.trail_fraction) for order in desk.taken] == [
        (Side.SELL, 5, None, 0.1),
        (Side.BUY, 5, 3.0, None),
    ]
    with pytest.raises(BadParameter, match="needs a distance or a fraction"):
        item.trail(5)
    with pytest.raises(BadParameter, match="needs a distance or a fraction"):
        item.trail(5, distance=1.0, fraction=0.1)


def test_an_exposure_beyond_the_whole_is_refused(item: InstrumentContext, desk: NotingDesk) -> None:
    item.target(-0.5)
    item.hold(7)
    assert [(order.exposure, order.position) for order in desk.taken] == [(-0.5, None), (None, 7)]
    with pytest.raises(BadParameter, match=r"outside -1\.\.1"):
        item.target(1.5)


def test_an_order_is_replaced_by_its_rest(item: InstrumentContext, desk: NotingDesk) -> None:
    order = item.buy(10, limit=99.0)
    newer = order.replace(limit=98.0)
    assert not order.is_working
    assert newer.is_working
    assert (desk.taken[1].quantity, desk.taken[1].limit, desk.taken[1].kind) == (6.0, 98.0, OrderKind.LIMIT)
    with pytest.raises(BadParameter, match="is cancelled and cannot be replaced"):
        order.replace(limit=97.0)
    assert newer.cancel()
    assert not newer.cancel()


def test_the_account_and_the_past_are_there(item: InstrumentContext, desk: NotingDesk, walk: Walk) -> None:
    bars = walk(10)
    feed = Feed(bars)
    item = InstrumentContext(bars.instrument, 0, feed, desk)
    context = Context(params={"span": 3}, instruments=[item], desk=desk, ts=bars.ts.tolist())
    feed.advance()
    context.bar = 0
    assert context.instrument.close == bars.close[:1].tolist()
    assert context.instrument.n_bars == 1
    assert (context.cash, context.equity, item.position, item.average_price) == (1000.0, 2000.0, 10.0, 99.5)
    assert context.opened_at.isoformat() == "2020-09-13T17:56:40+05:30"
    with pytest.raises(AttributeError, match="mid"):
        item.mid  # noqa: B018 - reading it is the test
