"""What the right numbers are: the rule of the contest in plain Python, one bar after the other, slow and simple.

Rule: exponential averages with ``alpha = 2 / (span + 1)``, seeded with the first close. Signals count from bar ``slow`` on. A cross up at a
close buys 100 shares at the next open, a cross down sells all of them at the next open; each side costs a fraction of its value. Equity is
marked at each close and nothing is sold at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt

from benchmarks.peers.worker import Outcome, Spec

Pair = tuple[int, int]


@dataclass(slots=True)
class Account:
    """Cash, shares and what has become of them; changes from bar to bar."""

    cash: float
    shares: dict[int, int] = field(default_factory=dict)
    entries: int = 0
    curve: list[float] = field(default_factory=list)


def single(prices: Sequence[Sequence[float]], pair: Pair, spec: Spec) -> Outcome:
    """Return the numbers of one pair of spans on one series (rows open, high, low, close, volume)."""
    return portfolio([prices], pair, spec)


def portfolio(symbols: Sequence[Sequence[Sequence[float]]], pair: Pair, spec: Spec) -> Outcome:
    """Return the numbers of one pair of spans on several series that share one account."""
    opens, closes = [rows[0] for rows in symbols], [rows[3] for rows in symbols]
    wishes = [signals(close, pair) for close in closes]
    account = Account(cash=spec.capital)
    for i_bar in range(len(closes[0])):
        for i_symbol, wish in enumerate(wishes):
            if i_bar > 0 and wish[i_bar - 1]:
                fill(account, i_symbol, price=opens[i_symbol][i_bar], buys=wish[i_bar - 1] > 0, spec=spec)
        held = sum(shares * closes[i_symbol][i_bar] for i_symbol, shares in account.shares.items())
        account.curve.append(account.cash + held)
    return summary(account.curve, account.entries, spec.capital)


def signals(close: Sequence[float], pair: Pair) -> list[int]:
    """Return 1 at a cross up, -1 at a cross down, else 0, for each bar."""
    fast, slow = (average(close, span) for span in pair)
    found = [0] * len(close)
    for i_bar in range(max(pair[1], 1), len(close)):
        if fast[i_bar - 1] <= slow[i_bar - 1] and fast[i_bar] > slow[i_bar]:
            found[i_bar] = 1
        elif fast[i_bar - 1] >= slow[i_bar - 1] and fast[i_bar] < slow[i_bar]:
            found[i_bar] = -1
    return found


def average(values: Sequence[float], span: int) -> list[float]:
    """Return the exponential average, seeded with the first value."""
    alpha = 2.0 / (span + 1.0)
    last = values[0]
    result = [last]
    for value in values[1:]:
        last = alpha * value + (1.0 - alpha) * last
        result.append(last)
    return result


def fill(account: Account, i_symbol: int, *, price: float, buys: bool, spec: Spec) -> None:
    """Buy when flat, sell when long, else do nothing."""
    held = account.shares.get(i_symbol, 0)
    if buys and held == 0:
        account.cash -= price * spec.shares * (1.0 + spec.fee)
        if account.cash < 0.0:
            raise ValueError("the prices of a contest must never make cash the limit")
        account.shares[i_symbol] = spec.shares
        account.entries += 1
    elif not buys and held:
        account.cash += price * held * (1.0 - spec.fee)
        del account.shares[i_symbol]


def summary(curve: Sequence[float], entries: int, capital: float) -> Outcome:
    """Return final equity, the deepest fall below the running peak, entries, and mean over sample deviation of the returns of the bars."""
    peak, deepest, previous = capital, 0.0, capital
    returns = []
    for equity in curve:
        peak = max(peak, equity)
        deepest = min(deepest, equity / peak - 1.0)
        returns.append(equity / previous - 1.0)
        previous = equity
    mean = sum(returns) / len(returns)
    deviation = sqrt(sum((value - mean) ** 2 for value in returns) / (len(returns) - 1))
    return Outcome(final_equity=[curve[-1]], max_drawdown=[deepest], entries=[entries], sharpe=[mean / deviation if deviation > 0 else 0.0])
