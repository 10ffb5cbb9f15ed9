"""What a reader of a result must know: orders cut, targets not followed, assumptions that flatter, rates that are estimates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qts.backtest.inputs import Timeline
from qts.backtest.rates import estimates_used
from qts.backtest.settings import BacktestSettings, CostKind, FillTiming
from qts.core.arrays import Floats
from qts.core.instrument import Exchange, exchange_of
from qts.core.trading import Fill, FillReason, Product
from qts.kernels.state import CARRIED, CUT, HALTED, LIMITED, ORDERS, REFUSED, RUINED, TOO_SMALL
from qts.market.sessions import square_off


def warnings_of(timeline: Timeline, account: Floats, fills: Sequence[Fill], settings: BacktestSettings) -> tuple[str, ...]:
    """Return the warnings of a run as sentences, the weightiest first."""
    return (*_of_account(account), *_of_settings(timeline, settings), *_of_square_off(fills), *_of_rates(fills, settings))


def _of_account(account: Floats) -> Iterator[str]:
    if account[RUINED]:
        yield "The account was lost: equity fell to zero or below, all positions were closed, and nothing was traded after that."
    if account[HALTED]:
        yield "The drawdown limit was reached: all positions were closed, and nothing was traded after that."
    if account[LIMITED]:
        yield f"{_count(account[LIMITED], 'order')} cut to what the limits on positions allow."
    if account[CUT]:
        yield f"{_count(account[CUT], 'order')} cut to what the cash could pay."
    if account[REFUSED]:
        yield f"{_count(account[REFUSED], 'order')} not filled, for the cash could not pay one share."
    if account[TOO_SMALL]:
        yield f"{_count(account[TOO_SMALL], 'target')} too small for one share: nothing was held."
    if account[CARRIED]:
        yield f"{_count(account[CARRIED], 'intraday position')} carried overnight: nothing traded in the session's last bar."
    if account[ORDERS]:
        yield f"{_count(account[ORDERS], 'order')} still waiting when the bars ended."


def _of_settings(timeline: Timeline, settings: BacktestSettings) -> Iterator[str]:
    if settings.fill is FillTiming.CLOSE:
        yield "Fills are at the close they were decided on: optimistic, as no order could have been sent in time."
    if settings.product is Product.CNC and timeline.n_below_zero:
        yield f"{timeline.n_below_zero} targets below zero were taken as 0: delivery (CNC) cannot go short."


def _of_square_off(fills: Sequence[Fill]) -> Iterator[str]:
    """Tell which square-off times are estimates; closes at the end of a session, as on daily bars, need none."""
    closed = [fill for fill in fills if fill.reason is FillReason.SQUARE_OFF and exchange_of(fill.instrument) is not Exchange.INDEX]
    latest = {(exchange_of(fill.instrument), fill.filled_at.date()): fill.filled_at for fill in closed}
    rules = {key: square_off(*key) for key in latest}
    used = dict.fromkeys(rules[key].source for key, at in latest.items() if rules[key].is_estimate and at >= rules[key].at)
    for source in used:
        yield f"The time from which intraday positions are closed is an estimate: {source}."


def _of_rates(fills: Sequence[Fill], settings: BacktestSettings) -> Iterator[str]:
    if settings.costs.kind is not CostKind.ZERODHA:
        return
    used: dict[str, None] = {}
    for fill in fills:
        # Delivery pays brokerage only on what was bought and sold on one day, which is charged as intraday.
        products = (settings.product, Product.MIS) if fill.charges.brokerage else (settings.product,)
        for product in products:
            used.update(dict.fromkeys(estimates_used(exchange_of(fill.instrument), fill.filled_at.date(), product)))
    for sentence in used:
        yield f"A rate used is an estimate: {sentence}."


def _count(number: float, noun: str) -> str:
    return f"{int(number)} {noun} was" if number == 1 else f"{int(number)} {noun}s were"
