"""How far a result may be trusted: what a careful colleague would say before believing it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from qts.analytics.curves import RunCurves
from qts.analytics.deflation import deflated_sharpe
from qts.analytics.formulas import bar_returns
from qts.analytics.metric import Undefined

Lookahead: TypeAlias = Literal["clean", "found", "not_checked"]

ENOUGH_TRADES: Final = 30
ENOUGH_DAYS: Final = 365
HEAVY_COSTS: Final = 0.25
CONVINCING: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What the metrics cannot see of a run.

    Parameters
    ----------
    lookahead : Lookahead
        Verdict of the look-ahead check.
    n_trials : int
        How often this strategy idea was tried so far, this run included.
    trial_sharpes : sequence of float
        Annualised Sharpe ratios of those trials that have one, this run's included; of bars of the same length.
    benchmark_return : float or None
        Total return of buy and hold over the same bars, None where there is none.
    fills_at_close : bool
        Whether orders fill at the close they were decided on.
    free_of_costs, free_of_slippage : bool
        Whether charges or slippage were switched off.
    simulated : bool
        Whether any price was invented.
    n_open_trades : int
        Positions still open at the end.
    """

    lookahead: Lookahead
    n_trials: int = 1
    trial_sharpes: Sequence[float] = ()
    benchmark_return: float | None = None
    fills_at_close: bool = False
    free_of_costs: bool = False
    free_of_slippage: bool = False
    simulated: bool = False
    n_open_trades: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Honesty:
    """The verdicts, ``None`` where one does not exist, and the notes in plain words, gravest first.

    ``cost_share_of_gross`` is charges over gross P&L; ``deflated_sharpe`` a probability; ``deflated_sharpe_reason`` says why it is None.
    """

    lookahead: Lookahead
    trials: int
    deflated_sharpe: float | None
    deflated_sharpe_reason: str | None
    trades_enough: bool
    cost_share_of_gross: float | None
    beats_buy_and_hold: bool | None
    notes: tuple[str, ...]


def judge(curves: RunCurves, context: RunContext) -> Honesty:
    """Return the verdicts on a run and say them in plain words."""
    deflated = _deflated(curves, context)
    total_return = curves.final_equity / curves.capital - 1.0
    gross_pnl = curves.final_equity - curves.capital + curves.costs_total
    share = curves.costs_total / gross_pnl if gross_pnl > 0.0 else None
    beats = None if context.benchmark_return is None else total_return > context.benchmark_return
    notes = (
        *_notes_on_method(context),
        *_notes_on_evidence(curves, context, deflated),
        *_notes_on_costs(curves, share),
        *_notes_on_benchmark(total_return, context.benchmark_return),
    )
    return Honesty(
        lookahead=context.lookahead,
        trials=context.n_trials,
        deflated_sharpe=None if isinstance(deflated, Undefined) else deflated,
        deflated_sharpe_reason=deflated.reason if isinstance(deflated, Undefined) else None,
        trades_enough=len(curves.trade_net_pnl) >= ENOUGH_TRADES,
        cost_share_of_gross=share,
        beats_buy_and_hold=beats,
        notes=notes,
    )


def _deflated(curves: RunCurves, context: RunContext) -> float | Undefined:
    returns = bar_returns(curves.equity)
    if isinstance(returns, Undefined):
        return returns
    per_bar = [sharpe / curves.bars_per_year**0.5 for sharpe in context.trial_sharpes]
    return deflated_sharpe(returns, per_bar, n_trials=context.n_trials)


def _notes_on_method(context: RunContext) -> Iterator[str]:
    if context.simulated:
        yield "SIMULATED data: the prices are invented, so the result says nothing about a real market."
    if context.lookahead == "found":
        yield "The strategy looks ahead: it uses prices it could not have known. The result is worthless until that is repaired."
    elif context.lookahead == "not_checked":
        yield "The look-ahead check was not run: whether the strategy uses only known prices is open."
    if context.fills_at_close:
        yield "Orders fill at the very close they were decided on, which is optimistic: nobody knows the close before it is made."
    if context.free_of_costs:
        yield "No charges were taken: brokerage and taxes would lower the result."
    if context.free_of_slippage:
        yield "No slippage was taken: every order filled exactly at the price of the bar."


def _notes_on_evidence(curves: RunCurves, context: RunContext, deflated: float | Undefined) -> Iterator[str]:
    n_trades = len(curves.trade_net_pnl)
    if n_trades == 0:
        yield "No trade was closed: there is nothing to judge the strategy by."
    elif n_trades < ENOUGH_TRADES:
        yield (
            f"Only {_counted(n_trades, 'closed trade')}: too few to tell skill from luck "
            f"({ENOUGH_TRADES} are the usual minimum, a rule of thumb)."
        )
    if context.n_open_trades:
        verb = "is" if context.n_open_trades == 1 else "are"
        yield (
            f"{_counted(context.n_open_trades, 'position')} {verb} still open and valued at the last close; "
            "the charges of closing are not in the result."
        )
    if curves.calendar_days < ENOUGH_DAYS:
        yield f"The run spans {_counted(curves.calendar_days, 'day')}: yearly figures stretch it far beyond what was seen."
    if context.n_trials > 1:
        yield f"This idea was tried {context.n_trials} times so far: the best of many tries looks good by luck alone."
    if not isinstance(deflated, Undefined) and deflated < CONVINCING:
        yield (
            f"After {context.n_trials} trials the chance that the Sharpe ratio is more than luck is {_percent(deflated)} "
            f"(deflated Sharpe ratio); {_percent(CONVINCING)} would convince."
        )


def _notes_on_costs(curves: RunCurves, share: float | None) -> Iterator[str]:
    if curves.costs_total <= 0.0:
        return
    if share is None:
        yield "There was no gross profit to pay the charges from: the strategy lost money before charges."
    elif share >= 1.0:
        yield f"Charges ate the whole gross profit and more ({_percent(share)} of it)."
    elif share >= HEAVY_COSTS:
        yield f"Charges ate {_percent(share)} of the gross profit."


def _notes_on_benchmark(total_return: float, benchmark_return: float | None) -> Iterator[str]:
    if benchmark_return is None:
        return
    both = f"{_percent(benchmark_return)} against {_percent(total_return)}"
    if total_return < benchmark_return:
        yield f"Buying and holding the same would have made more: {both}, before its charges."
    elif total_return == benchmark_return:
        yield f"Buying and holding the same would have made as much: {both}."


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _percent(fraction: float) -> str:
    return f"{fraction * 100:.1f} %"
