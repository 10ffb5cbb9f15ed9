"""Quant Trading Service: market data, honest backtests with Indian costs, and a web interface.

In a notebook the verbs of the command line are functions: ``qts.bars("NSE:INFY")``, ``qts.backtest("ema_cross", instruments=…)``,
``qts.catalog()``, ``qts.coverage()``, ``qts.quality()``, ``qts.sql("SELECT …")``, ``qts.calendar()``, ``qts.costs()``,
``qts.reconcile(file)``, ``qts.strategies()``,
``qts.runs()``, ``qts.run(id)``, ``qts.replay(id)``, ``qts.sweep("ema_cross", …, grid=…)``, ``qts.import_files(…)``, ``qts.demo()``,
``qts.actions()``, ``qts.suspect_actions()``, ``qts.import_actions(file)``, ``qts.confirm_action(id)``, ``qts.reject_action(id)``,
``qts.verify()``, ``qts.backup(folder)``, ``qts.restore(backup)``, ``qts.doctor()``, ``qts.snapshots()``, ``qts.compare_snapshots(id)``,
``qts.name_snapshot(name)``, ``qts.forget_snapshot(name)``, ``qts.collect_snapshots()``, ``qts.compact()``,
``qts.series("NSE:INFY")``, ``qts.export(file, …)``, ``qts.delete(…)``, ``qts.undo()``,
``qts.import_instruments(file)``, ``qts.instruments("NIFTY 24500")``, ``qts.instrument("NSE:INFY")``, ``qts.expiries("NIFTY")``,
``qts.chain("NIFTY")``, ``qts.chains()``, ``qts.kept_chain("NIFTY")``, ``qts.continuous("NFO:NIFTY")``,
``qts.instrument_of_token(token)``, ``qts.instrument_dumps()``, ``qts.renames()``, ``qts.import_renames(file)``,
``qts.confirm_rename(symbol)``, ``qts.dismiss_rename(symbol)``,
``qts.watchlists()``, ``qts.watchlist(name)``, ``qts.add_to_watchlist(name, …)``, ``qts.remove_from_watchlist(name, …)``,
``qts.import_watchlist(name, file)``, ``qts.indices()``, ``qts.import_index(file)``, ``qts.index_members(name)``,
``qts.ingest(…)``, ``qts.jobs()``, ``qts.job(id)``, ``qts.submit_job(kind, …)``, ``qts.pause_job(id)``, ``qts.resume_job(id)``,
``qts.cancel_job(id)``, ``qts.retry_job(id)``, ``qts.schedules()``, ``qts.add_schedule(name, …)``, ``qts.remove_schedule(name)``,
``qts.run_schedule(name)``, ``qts.pause_schedule(name)``, ``qts.resume_schedule(name)``.
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
        add_schedule,
        add_to_watchlist,
        backup,
        bars,
        calendar,
        cancel_job,
        catalog,
        chain,
        chains,
        collect_snapshots,
        compact,
        compare_snapshots,
        confirm_action,
        confirm_rename,
        continuous,
        costs,
        coverage,
        delete,
        demo,
        dismiss_rename,
        doctor,
        expiries,
        export,
        forget_snapshot,
        import_actions,
        import_files,
        import_index,
        import_instruments,
        import_renames,
        import_watchlist,
        index_members,
        indices,
        ingest,
        instrument,
        instrument_dumps,
        instrument_of_token,
        instruments,
        job,
        jobs,
        kept_chain,
        name_snapshot,
        pause_job,
        pause_schedule,
        quality,
        reconcile,
        reject_action,
        remove_from_watchlist,
        remove_schedule,
        renames,
        replay,
        restore,
        resume_job,
        resume_schedule,
        retry_job,
        run,
        run_schedule,
        runs,
        schedules,
        series,
        snapshots,
        sql,
        submit_job,
        suspect_actions,
        sweep,
        undo,
        verify,
        watchlist,
        watchlists,
    )

__version__ = "0.1.0"

__all__ = [
    "actions",
    "add_schedule",
    "add_to_watchlist",
    "backup",
    "bars",
    "calendar",
    "cancel_job",
    "catalog",
    "chain",
    "chains",
    "collect_snapshots",
    "compact",
    "compare_snapshots",
    "confirm_action",
    "confirm_rename",
    "continuous",
    "costs",
    "coverage",
    "delete",
    "demo",
    "dismiss_rename",
    "doctor",
    "expiries",
    "export",
    "forget_snapshot",
    "import_actions",
    "import_files",
    "import_index",
    "import_instruments",
    "import_renames",
    "import_watchlist",
    "index_members",
    "indices",
    "ingest",
    "instrument",
    "instrument_dumps",
    "instrument_of_token",
    "instruments",
    "job",
    "jobs",
    "kept_chain",
    "name_snapshot",
    "pause_job",
    "pause_schedule",
    "quality",
    "reconcile",
    "reject_action",
    "remove_from_watchlist",
    "remove_schedule",
    "renames",
    "replay",
    "restore",
    "resume_job",
    "resume_schedule",
    "retry_job",
    "run",
    "run_schedule",
    "runs",
    "schedules",
    "series",
    "snapshots",
    "sql",
    "submit_job",
    "suspect_actions",
    "sweep",
    "undo",
    "verify",
    "watchlist",
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
