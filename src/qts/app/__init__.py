"""Use cases: what the command line, the API and the pages call. The only place that wires ports to adapters.

Names are loaded on first use, so that a command pays only for what it needs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qts.app.backtests import list_runs, load_run, run_backtest
    from qts.app.bars import read_bars
    from qts.app.calendar import list_sessions
    from qts.app.catalog import list_series
    from qts.app.costs import price_costs
    from qts.app.demo import prepare_demo
    from qts.app.errors import ErrorDocument, describe
    from qts.app.importing import import_files
    from qts.app.replays import replay
    from qts.app.run_document import RunDocument
    from qts.app.settings import Settings, load_settings
    from qts.app.strategies import list_strategies
    from qts.app.workspace import Workspace, open_workspace

_HOMES = {
    "ErrorDocument": "errors",
    "RunDocument": "run_document",
    "Settings": "settings",
    "Workspace": "workspace",
    "describe": "errors",
    "import_files": "importing",
    "list_runs": "backtests",
    "list_series": "catalog",
    "list_sessions": "calendar",
    "list_strategies": "strategies",
    "load_run": "backtests",
    "load_settings": "settings",
    "open_workspace": "workspace",
    "prepare_demo": "demo",
    "price_costs": "costs",
    "read_bars": "bars",
    "replay": "replays",
    "run_backtest": "backtests",
}

__all__ = [
    "ErrorDocument",
    "RunDocument",
    "Settings",
    "Workspace",
    "describe",
    "import_files",
    "list_runs",
    "list_series",
    "list_sessions",
    "list_strategies",
    "load_run",
    "load_settings",
    "open_workspace",
    "prepare_demo",
    "price_costs",
    "read_bars",
    "replay",
    "run_backtest",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
