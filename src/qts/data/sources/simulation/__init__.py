"""The simulated market behind the source of that name: a cast of invented companies and a model that moves them."""

from qts.data.sources.simulation.cast import CAST, SPLIT_FACTOR, SPLIT_SYMBOL, Role
from qts.data.sources.simulation.days import DailyModel, daily_model
from qts.data.sources.simulation.market import SimulatedMarket, open_market
from qts.data.sources.simulation.minutes import MinutePath, minute_path

__all__ = [
    "CAST",
    "SPLIT_FACTOR",
    "SPLIT_SYMBOL",
    "DailyModel",
    "MinutePath",
    "Role",
    "SimulatedMarket",
    "daily_model",
    "minute_path",
    "open_market",
]
