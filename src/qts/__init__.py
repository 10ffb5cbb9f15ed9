"""Quant Trading Service: market data, honest backtests with Indian costs, and a web interface.

In a notebook the verbs of the command line are functions: ``qts.bars("NSE:INFY")``, ``qts.backtest("ema_cross", instruments=…)``,
``qts.catalog()``, ``qts.coverage()``, ``qts.quality()``, ``qts.sql("SELECT …")``, ``qts.calendar()``, ``qts.costs()``,
``qts.reconcile(file)``, ``qts.strategies()``,
``qts.runs()``, ``qts.run(id)``, ``qts.replay(id)``, ``qts.sweep("ema_cross", …, grid=…)``, ``qts.import_files(…)``, ``qts.demo()``,
``qts.actions()``, ``qts.suspect_actions()``, ``qts.import_actions(file)``, ``qts.confirm_action(id)``, ``qts.reject_action(id)``,
``qts.verify()``, ``qts.backup(folder)``, ``qts.restore(backup)``, ``qts.doctor()``, ``qts.snapshots()``, ``qts.compare_snapshots(id)``,
``qts.name_snapshot(name)``, ``qts.collect_snapshots()``, ``qts.compact()``,
``qts.series("NSE:INFY")``, ``qts.export(file, …)``, ``qts.delete(…)``, ``qts.undo()``,
``qts.import_instruments(file)``, ``qts.instruments("NIFTY 24500")``, ``qts.instrument("NSE:INFY")``, ``qts.expiries("NIFTY")``,
``qts.chain("NIFTY")``, ``qts.continuous("NFO:NIFTY")``, ``qts.watchlists()``, ``qts.add_to_watchlist(name, …)``,
``qts.jobs()``, ``qts.import_index(file)``, ``qts.index_members(name)``.
Importing the package loads nothing; a verb loads what it needs when it is called.
"""

from __future__ import annotations

import importlib
import sys as _sys
from types import ModuleType as _ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qts.app.verbs import (
        actions,
        add_to_watchlist,
        backup,
        bars,
        calendar,
        catalog,
        chain,
        collect_snapshots,
        compact,
        compare_snapshots,
        confirm_action,
        continuous,
        costs,
        coverage,
        delete,
        demo,
        doctor,
        expiries,
        export,
        import_actions,
        import_files,
        import_index,
        import_instruments,
        index_members,
        ingest,
        instrument,
        instruments,
        jobs,
        name_snapshot,
        quality,
        reconcile,
        reject_action,
        replay,
        restore,
        run,
        runs,
        series,
        snapshots,
        sql,
        suspect_actions,
        sweep,
        undo,
        verify,
        watchlists,
    )

__version__ = "0.1.0"

__all__ = [
    "actions",
    "add_to_watchlist",
    "backup",
    "bars",
    "calendar",
    "catalog",
    "chain",
    "collect_snapshots",
    "compact",
    "compare_snapshots",
    "confirm_action",
    "continuous",
    "costs",
    "coverage",
    "delete",
    "demo",
    "doctor",
    "expiries",
    "export",
    "import_actions",
    "import_files",
    "import_index",
    "import_instruments",
    "index_members",
    "ingest",
    "instrument",
    "instruments",
    "jobs",
    "name_snapshot",
    "quality",
    "reconcile",
    "reject_action",
    "replay",
    "restore",
    "run",
    "runs",
    "series",
    "snapshots",
    "sql",
    "suspect_actions",
    "sweep",
    "undo",
    "verify",
    "watchlists",
]

# Verbs that are packages, too: the package itself can be called.
_CALLABLE_PACKAGES = frozenset({"backtest", "strategies"})
_VERBS = frozenset(__all__) | _CALLABLE_PACKAGES


class _Verb(_ModuleType):
    """A package of ours that is also a verb: ``qts.backtest`` holds the engine, ``qts.backtest(…)`` runs it."""

    def __call__(self, *args: object, **options: object) -> object:
        verbs = importlib.import_module("qts.app.verbs")
        return getattr(verbs, self.__name__.rpartition(".")[2])(*args, **options)


class _Root(_ModuleType):
    """The root: a package of ours with a verb's name becomes callable the moment it is imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in _CALLABLE_PACKAGES and isinstance(value, _ModuleType):
            value.__class__ = _Verb
        super().__setattr__(name, value)


def __getattr__(name: str) -> object:
    if name in _CALLABLE_PACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _VERBS:
        return getattr(importlib.import_module("qts.app.verbs"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_VERBS})


_sys.modules[__name__].__class__ = _Root
