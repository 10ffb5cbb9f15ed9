"""Quant Trading Service: market data, honest backtests with Indian costs, and a web interface."""

__version__ = "0.1.0"
