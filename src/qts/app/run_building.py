"""How a finished backtest becomes a result document and its curves, and how it is judged."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa

from qts.analytics import Benchmark, Honesty, Lookahead, RunContext, RunCurves, compute_metrics, drawdown, judge
from qts.app.costs import charges_part
from qts.app.order_events import MOST_IN_DOCUMENT, event_part, event_table
from qts.app.run_document import (
    ActionPart,
    BenchmarkPart,
    DataPart,
    EnginePart,
    FillPart,
    HonestyPart,
    RunDocument,
    SettingsPart,
    StrategyPart,
    SuspectedPart,
    TermsPart,
    TradePart,
)
from qts.backtest import BacktestResult, BacktestSettings
from qts.core.arrays import Floats, Ints
from qts.core.clock import instant_of, session_date_of
from qts.core.instrument import Exchange, InstrumentId, exchange_of
from qts.core.interval import parse_interval
from qts.core.trading import Fill, Trade
from qts.market.sessions import bars_per_year, nominal_open


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """Everything that goes into a document besides the numbers computed from it."""

    run_id: str
    simulated: bool
    strategy: StrategyPart
    data: DataPart
    settings: BacktestSettings
    told: SettingsPart
    engine: EnginePart
    terms: tuple[TermsPart, ...]
    actions: tuple[ActionPart, ...]
    suspected: tuple[SuspectedPart, ...]
    lookahead: Lookahead
    result: BacktestResult
    benchmark: Benchmark
    warnings: tuple[str, ...]


def settings_part(settings: BacktestSettings, *, lot: int | None = None, ticks: bool = False) -> SettingsPart:
    """Return the settings as texts that the command line takes."""
    guards, limits = settings.protection, settings.limits
    return SettingsPart(
        capital=format(settings.capital.normalize(), "f"),
        product=settings.product,
        size=settings.size.spec,
        costs=settings.costs.spec,
        slippage=settings.slippage.spec,
        fill=settings.fill,
        fractional=settings.fractional,
        close_at_end=settings.close_at_end,
        stop_loss=_fraction(guards.stop_loss),
        take_profit=_fraction(guards.take_profit),
        trailing_stop=_fraction(guards.trailing),
        max_position=_fraction(limits.max_position),
        max_exposure=_fraction(limits.max_exposure),
        daily_loss=_fraction(limits.daily_loss),
        max_drawdown=_fraction(limits.max_drawdown),
        rebalance=settings.rebalance,
        lot=lot,
        ticks=ticks,
    )


def build_document(run: FinishedRun, *, most_events: int = MOST_IN_DOCUMENT) -> RunDocument:
    """Return the document of a run, judged as the only trial of its idea, without its equity curve and with so many events at most."""
    curves = _run_curves(run)
    table = compute_metrics(curves)
    capital = float(run.settings.capital)
    settings = run.told
    trades = tuple(trade_part(trade) for trade in run.result.trades)
    benchmark = BenchmarkPart(
        title="Buy and hold " + ", ".join(run.data.instruments[:3]) + (" …" if len(run.data.instruments) > 3 else ""),
        total_return=run.benchmark.total_return(capital),
    )
    context = _context(run.lookahead, settings, benchmark=benchmark, simulated=run.simulated, trades=trades)
    return RunDocument(
        run_id=run.run_id,
        simulated=run.simulated,
        strategy=run.strategy,
        data=run.data,
        settings=settings,
        metrics=dict(table.values),
        costs=charges_part(run.result.charges),
        fills=tuple(fill_part(fill) for fill in run.result.fills),
        trades=trades,
        benchmark=benchmark,
        honesty=honesty_part(judge(curves, context)),
        engine=run.engine,
        warnings=tuple(dict.fromkeys((*run.warnings, *run.result.warnings, *table.warnings()))),
        terms=run.terms,
        actions=run.actions,
        suspected=run.suspected,
        action_cash=float(run.result.action_cash),
        order_events=tuple(event_part(event) for event in run.result.order_events[:most_events]),
        order_events_count=len(run.result.order_events),
    )


def build_events(run: FinishedRun) -> pa.Table:
    """Return all that became of orders besides their fills, one row each."""
    return event_table(run.result.order_events, run_id=run.run_id, simulated=run.simulated)


def build_curves(run: FinishedRun) -> pa.Table:
    """Return one row per bar: ``ts`` (µs, UTC), ``equity``, ``drawdown``, ``benchmark`` (rupees), ``cash``, ``exposure``."""
    result = run.result
    capital = float(run.settings.capital)
    stamps = pa.array(result.ts, pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    table = pa.table(
        {
            "ts": stamps,
            "equity": result.equity,
            "drawdown": _drawdown_from(capital, result.equity),
            "benchmark": run.benchmark.equity,
            "benchmark_drawdown": _drawdown_from(capital, run.benchmark.equity),
            "cash": result.cash,
            "exposure": result.exposure,
        }
    )
    return table.replace_schema_metadata({"run_id": run.run_id, "simulated": str(run.simulated).lower()})


def judged_again(document: RunDocument, table: pa.Table, *, n_trials: int, trial_sharpes: Sequence[float]) -> RunDocument:
    """Return the document with its honesty brought up to date with all trials of its idea so far."""
    stored = document.honesty
    verdicts: dict[str, Lookahead] = {"clean": "clean", "found": "found"}
    context = _context(
        verdicts.get(stored.lookahead, "not_checked"),
        document.settings,
        benchmark=document.benchmark,
        simulated=document.simulated,
        trades=document.trades,
        n_trials=n_trials,
        trial_sharpes=tuple(trial_sharpes),
    )
    return document.model_copy(update={"honesty": honesty_part(judge(_stored_curves(document, table), context))})


def honesty_part(honesty: Honesty) -> HonestyPart:
    """Return the verdicts as a part of the document."""
    return HonestyPart(
        lookahead=honesty.lookahead,
        trials=honesty.trials,
        deflated_sharpe=honesty.deflated_sharpe,
        deflated_sharpe_reason=honesty.deflated_sharpe_reason,
        trades_enough=honesty.trades_enough,
        cost_share_of_gross=honesty.cost_share_of_gross,
        beats_buy_and_hold=honesty.beats_buy_and_hold,
        notes=honesty.notes,
    )


def fill_part(fill: Fill) -> FillPart:
    """Return a fill as a part of the document."""
    return FillPart(
        at=fill.filled_at.isoformat(),
        instrument=fill.instrument,
        side=fill.side.value,
        quantity=_count(fill.quantity),
        price=float(fill.price),
        reference_price=float(fill.reference_price),
        slippage=float(fill.slippage),
        order=fill.order,
        reason=fill.reason,
        charges=charges_part(fill.charges),
    )


def trade_part(trade: Trade) -> TradePart:
    """Return a trade as a part of the document."""
    return TradePart(
        instrument=trade.instrument,
        direction=trade.direction.value,
        quantity=_count(trade.quantity),
        entry_at=trade.entry_at.isoformat(),
        entry_price=float(trade.entry_price),
        exit_at=trade.exit_at.isoformat(),
        exit_price=float(trade.exit_price),
        gross_pnl=float(trade.gross_pnl),
        costs=float(trade.costs),
        net_pnl=float(trade.net_pnl),
        return_=trade.return_,
        bars_held=trade.bars_held,
        mae=trade.mae,
        mfe=trade.mfe,
        exit_reason=trade.exit_reason,
        open=trade.open,
    )


def equity_rows(table: pa.Table) -> tuple[tuple[str, float], ...]:
    """Return the equity curve as instants in IST and rupees."""
    stamps = table["ts"].cast(pa.int64()).to_pylist()
    return tuple((instant_of(ts).isoformat(), value) for ts, value in zip(stamps, table["equity"].to_pylist(), strict=True))


def _context(
    lookahead: Lookahead,
    settings: SettingsPart,
    *,
    benchmark: BenchmarkPart,
    simulated: bool,
    trades: Sequence[TradePart],
    n_trials: int = 1,
    trial_sharpes: tuple[float, ...] = (),
) -> RunContext:
    return RunContext(
        lookahead=lookahead,
        n_trials=n_trials,
        trial_sharpes=trial_sharpes,
        benchmark_return=benchmark.total_return,
        fills_at_close=settings.fill == "close",
        free_of_costs=settings.costs == "none",
        free_of_slippage=settings.slippage == "none",
        simulated=simulated,
        n_open_trades=sum(trade.open for trade in trades),
    )


def _run_curves(run: FinishedRun) -> RunCurves:
    result = run.result
    closed = [trade for trade in result.trades if not trade.open]
    return RunCurves(
        ts=result.ts,
        equity=result.equity,
        exposure=result.exposure,
        capital=float(run.settings.capital),
        bars_per_year=_bars_per_year(run.data, result.ts),
        trade_net_pnl=_floats(float(trade.net_pnl) for trade in closed),
        trade_gross_pnl=_floats(float(trade.gross_pnl) for trade in closed),
        trade_returns=_floats(trade.return_ for trade in closed),
        costs_total=float(result.charges.total),
        slippage_total=float(result.slippage_total),
        traded_notional=float(result.traded_notional),
    )


def _stored_curves(document: RunDocument, table: pa.Table) -> RunCurves:
    closed = [trade for trade in document.trades if not trade.open]
    ts = table["ts"].cast(pa.int64()).to_numpy()
    return RunCurves(
        ts=ts,
        equity=table["equity"].to_numpy(),
        exposure=table["exposure"].to_numpy(),
        capital=float(document.settings.capital),
        bars_per_year=_bars_per_year(document.data, ts),
        trade_net_pnl=_floats(trade.net_pnl for trade in closed),
        trade_gross_pnl=_floats(trade.gross_pnl for trade in closed),
        trade_returns=_floats(trade.return_ or 0.0 for trade in closed),
        costs_total=document.costs.total,
        slippage_total=sum(fill.slippage for fill in document.fills),
        traded_notional=sum(fill.quantity * fill.price for fill in document.fills),
    )


def _bars_per_year(data: DataPart, ts: Ints) -> float:
    """Return the bars a year of the run's timeline has: exchanges that share their instants count once, others add up."""
    interval, span = parse_interval(data.fill_interval or data.interval), (session_date_of(int(ts[0])), session_date_of(int(ts[-1])))
    counts: dict[object, float] = {}
    for exchange in {exchange_of(InstrumentId(name)) for name in data.instruments}:
        instants = exchange is Exchange.INDEX if interval.is_intraday else nominal_open(exchange)
        counts[instants] = max(counts.get(instants, 0.0), bars_per_year(exchange, interval, *span))
    return math.fsum(counts.values())


def _drawdown_from(capital: float, equity: Floats) -> Floats:
    # The capital is the first peak: a loss on the very first bar counts.
    return drawdown(np.concatenate([[capital], equity]))[1:]


def _floats(values: Iterable[float]) -> Floats:
    return np.fromiter(values, np.float64)


def _fraction(value: Decimal) -> str | None:
    return format(value.normalize(), "f") if value else None


def _count(quantity: Decimal) -> int | float:
    return int(quantity) if quantity == quantity.to_integral_value() else float(quantity)
