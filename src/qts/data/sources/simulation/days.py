"""How the simulated market moves from day to day: a market, its sectors and every company's own luck, in calm and in storm.

Each of these is a GARCH(1,1) with Student-t shocks, so that big moves come in clusters and more often than a normal law has
them (T. Bollerslev, Generalized Autoregressive Conditional Heteroskedasticity, Journal of Econometrics, 1986).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from qts.core import Floats
from qts.data.sources.simulation.cast import CAST, Role

SEED: Final = 2_021_1120
DAYS_PER_YEAR: Final = 248
MARKET_VOLATILITY: Final = 0.15
SECTOR_VOLATILITY: Final = 0.10
GROWTH_PER_YEAR: Final = 0.09
# Share of a shock and of yesterday's variance in today's; the rest pulls back to the long-run variance of 1.
SHOCK_SHARE: Final = 0.09
MEMORY: Final = 0.88
TAIL_FREEDOM: Final = 6.0
GAP_SHARE: Final = 0.30
GAP_NOISE: Final = 0.22


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyModel:
    """Natural logarithms of prices and their expected spread, each of shape (n_days, n_roles), oldest first.

    ``log_open`` and ``log_close`` are logs of rupees without any split; ``spread`` is the standard deviation of the log return from open
    to close that the model expected for the day; ``log_activity`` is the log of volume over its usual value.
    """

    log_open: Floats
    log_close: Floats
    spread: Floats
    log_activity: Floats


def stream(*key: int) -> np.random.Generator:
    """Return the random numbers belonging to a key: the same on every machine, independent between keys."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(SEED, spawn_key=key)))


def daily_model(lengths: Floats) -> DailyModel:
    """Return the days of the simulated market.

    Parameters
    ----------
    lengths : ndarray of shape (n_days,)
        Length of each session as a fraction of a usual one: a Muhurat hour moves less than a day.
    """
    n_days, n_roles = len(lengths), len(CAST)
    sectors = sorted({role.sector for role in CAST})
    shocks, variances = _clustered(stream(0), n_days, 1 + len(sectors) + n_roles)
    loads = np.array([_loads(role, sectors) for role in CAST])
    of_role = np.arange(n_roles)
    common, own = slice(0, 1 + len(sectors)), 1 + len(sectors) + of_role
    own_volatility = np.array([role.own_volatility for role in CAST])
    per_day = np.sqrt(lengths / DAYS_PER_YEAR)[:, np.newaxis]
    # Written as sums over few columns: a matrix product may differ in its last bits from machine to machine.
    moves = _weighted(shocks[:, common], loads) + shocks[:, own] * own_volatility
    variance = _weighted(variances[:, common], loads * loads) + variances[:, own] * own_volatility**2
    spread = np.sqrt(variance) * per_day
    returns = moves * per_day - spread * spread / 2.0 + GROWTH_PER_YEAR / DAYS_PER_YEAR
    gaps = GAP_SHARE * returns + GAP_NOISE * spread * stream(1).standard_normal((n_days, n_roles))
    first = np.log(np.array([role.price for role in CAST]))
    log_close = first + np.cumsum(returns, axis=0)
    log_open = log_close - returns + gaps
    return DailyModel(
        log_open=log_open,
        log_close=log_close,
        spread=spread * math.hypot(1.0 - GAP_SHARE, GAP_NOISE),
        log_activity=_activity(stream(2), np.abs(returns) / spread),
    )


def _loads(role: Role, sectors: list[str]) -> list[float]:
    return [role.beta * MARKET_VOLATILITY, *(SECTOR_VOLATILITY if role.sector == sector else 0.0 for sector in sectors)]


def _weighted(columns: Floats, loads: Floats) -> Floats:
    total = np.zeros((len(columns), len(loads)))
    for i_factor in range(columns.shape[1]):
        total += columns[:, i_factor, np.newaxis] * loads[:, i_factor]
    return total


def _clustered(rng: np.random.Generator, n_days: int, n_factors: int) -> tuple[Floats, Floats]:
    noise = rng.standard_t(TAIL_FREEDOM, (n_days, n_factors)) * math.sqrt((TAIL_FREEDOM - 2.0) / TAIL_FREEDOM)
    shocks, variances = np.empty_like(noise), np.empty_like(noise)
    variance = np.ones(n_factors)
    for i_day in range(n_days):
        variances[i_day] = variance
        shocks[i_day] = np.sqrt(variance) * noise[i_day]
        variance = 1.0 - SHOCK_SHARE - MEMORY + SHOCK_SHARE * shocks[i_day] ** 2 + MEMORY * variance
    return shocks, variances


def _activity(rng: np.random.Generator, surprise: Floats) -> Floats:
    noise = rng.standard_normal(surprise.shape) * 0.22
    activity = np.empty_like(noise)
    level = np.zeros(surprise.shape[1])
    for i_day in range(len(noise)):
        level = 0.75 * level + noise[i_day]
        activity[i_day] = level
    # Days of large moves trade more.
    return activity + 0.35 * (np.minimum(surprise, 4.0) - 0.8)
