"""What a reader of a result must know: orders cut, targets not followed, assumptions that flatter, rates that are estimates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from qts.backtest.inputs import Timeline
from qts.backtest.margins import first_shortfall
from qts.backtest.order_log import action_words
from qts.backtest.rates import estimates_of
from qts.backtest.settings import BacktestSettings, CostKind, FillTiming
from qts.backtest.settlement import ends_in_shares
from qts.backtest.simulation import Simulation
from qts.backtest.terms import InstrumentTerms
from qts.core.arrays import Floats
from qts.core.instrument import Exchange, InstrumentId, exchange_of
from qts.core.trading import Fill, FillReason, Product
from qts.kernels.state import CARRIED, CUT, HALTED, LIMITED, ORDERS, REFUSED, RUINED, TOO_SMALL
from qts.market.charges import unconfirmed
from qts.market.listing.settlement import trade_to_trade_series
from qts.market.sessions import square_off

# By the account's counter: a sentence, or the noun that is counted and what is said of it.
_TOLD: Final = {
    RUINED: ("", "The account was lost: equity fell to zero or below, all positions were closed, and nothing was traded after that."),
    HALTED: ("", "The drawdown limit was reached: all positions were closed, and nothing was traded after that."),
    LIMITED: ("order", "cut to what the limits on positions allow."),
    CUT: ("order", "cut to what the cash could pay."),
    REFUSED: ("order", "not filled, for the cash could not pay one {unit}."),
    TOO_SMALL: ("target", "too small for one {unit}: nothing was held."),
    CARRIED: ("intraday position", "carried overnight: nothing traded in the session's last bar."),
    ORDERS: ("order", "still waiting when the bars ended."),
}

_MOST_NAMED: Final = 3


def warnings_of(simulation: Simulation, fills: Sequence[Fill]) -> tuple[str, ...]:
    """Return the warnings of a run as sentences, the weightiest first."""
    timeline, settings = simulation.timeline, simulation.settings
    terms = dict(zip(timeline.instruments, simulation.terms, strict=True))
    unit = "lot" if any(one.lot > 1 for one in simulation.terms) else "share"
    return (
        *_of_account(simulation.played.account, unit),
        *_of_margins(simulation),
        *_of_settings(timeline, settings),
        *_of_actions(simulation),
        *_of_ends(simulation, fills),
        *_of_square_off(fills),
        *_of_series(fills, settings),
        *_of_rates(fills, settings, terms),
    )


def _of_account(account: Floats, unit: str) -> Iterator[str]:
    for counter, (noun, text) in _TOLD.items():
        if account[counter]:
            yield f"{_count(account[counter], noun)} {text.format(unit=unit)}" if noun else text


def _of_margins(simulation: Simulation) -> Iterator[str]:
    if simulation.settings.product is not Product.NRML:
        return
    on = first_shortfall(simulation.timeline, simulation.played, simulation.terms)
    if on is not None:
        text = f"Margin shortfall: on {on} the equity was less than what the positions block."
        yield f"{text} A broker asks for more then, or closes them; here they were kept."


def _of_ends(simulation: Simulation, fills: Sequence[Fill]) -> Iterator[str]:
    """Tell how contracts were settled: the price is an estimate, and shares that change hands are not held on."""
    for instrument, one, closes in zip(simulation.timeline.instruments, simulation.terms, simulation.timeline.close, strict=True):
        if one.expiry is not None and np.isnan(closes).all():
            yield f"{instrument} expired on {one.expiry}, before its first bar: nothing was traded in it."
    ended = [fill for fill in fills if fill.reason is FillReason.EXPIRY]
    if ended:
        names = ", ".join(dict.fromkeys(fill.instrument for fill in ended))
        yield f"Settled at expiry at its own last close, an estimate of the exchange's settlement price: {names}."
    delivered = [fill.instrument for fill in ended if ends_in_shares(fill.instrument, fill.filled_at.date())]
    if delivered:
        names = ", ".join(dict.fromkeys(delivered))
        yield f"Ends in shares, of which only the charges are taken; the shares are not held on, nor their full price asked for: {names}."


def _of_actions(simulation: Simulation) -> Iterator[str]:
    """Tell that signals saw prices as traded, which jump where the number of shares changes."""
    changed = [one.action for one in simulation.actions if one.action.ratio != 1]
    paid = len(simulation.actions) - len(changed)
    if changed:
        shown = "; ".join(f"{one.instrument} {one.ex_date}, {action_words(one)}" for one in changed[:_MOST_NAMED])
        more = f"; and {len(changed) - _MOST_NAMED} more" if len(changed) > _MOST_NAMED else ""
        text = "Positions, orders and cash followed corporate actions, but signals were computed on prices as traded, which jump there"
        yield f"{text}: {shown}{more}. Adjusted prices have no such jumps."
    if paid:
        text = "in these prices as traded: holders were paid, but signals saw the prices fall by what was paid"
        yield f"{paid} {'dividend or other payment falls' if paid == 1 else 'dividends or other payments fall'} {text}."


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


def _of_series(fills: Sequence[Fill], settings: BacktestSettings) -> Iterator[str]:
    """Tell what was delivered order by order, and what a run does not know of it: which shares had come when they were sold."""
    traded = dict.fromkeys(fill.instrument for fill in fills)
    names = ", ".join(name for name in traded if trade_to_trade_series(name))
    if not names:
        return
    text = "Settled order by order, as a trade-to-trade series is: what was bought and sold on one day was not netted"
    paid = ", and each order paid the charges of delivery" if settings.costs.kind is CostKind.ZERODHA else ""
    yield f"{text}{paid}. Sales before the shares were delivered were not refused: {names}."


def _of_rates(fills: Sequence[Fill], settings: BacktestSettings, terms: Mapping[InstrumentId, InstrumentTerms]) -> Iterator[str]:
    if settings.costs.kind is not CostKind.ZERODHA:
        return
    for sentence in estimates_of(fills, terms, square_off_fee=settings.costs.square_off_fee):
        yield f"A rate used is an estimate: {sentence}."
    note = unconfirmed(max(fill.filled_at for fill in fills).date()) if fills else ""
    if note:
        yield f"{note[0].upper()}{note[1:]}."


def _count(number: float, noun: str) -> str:
    return f"{int(number)} {noun} was" if number == 1 else f"{int(number)} {noun}s were"
