"""``qts strategies``, ``qts backtest``, ``qts runs`` and ``qts replay``: from an idea to a result that can be repeated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from qts.cli.exit_codes import DONE, FOUND
from qts.cli.options import DATE_FORMATS, Json, as_date, pairs
from qts.cli.output import note, say, write_json, write_table
from qts.cli.shell import opened

if TYPE_CHECKING:
    from qts.app.run_document import RunDocument

_METRICS = (
    ("Final equity", "final_equity", "inr"),
    ("Net P&L", "net_pnl", "inr"),
    ("Total return", "total_return", "pct"),
    ("CAGR", "cagr", "pct"),
    ("Volatility", "volatility", "pct"),
    ("Sharpe", "sharpe", "number"),
    ("Sortino", "sortino", "number"),
    ("Max drawdown", "max_drawdown", "pct"),
    ("Closed trades", "n_trades", "quantity"),
    ("Win rate", "win_rate", "pct"),
    ("Profit factor", "profit_factor", "number"),
    ("Turnover per year", "turnover", "number"),
    ("Costs", "costs_total", "inr"),
    ("Slippage", "slippage_total", "inr"),
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("strategies")(strategies)
    app.command("backtest")(backtest)
    app.command("runs")(runs)
    app.command("replay")(replay)


def strategies(context: typer.Context, *, as_json: Json = False) -> None:
    """Show which strategies can be run, with their parameters."""
    from qts.app.strategies import list_strategies

    with opened(context) as workspace:
        found = list_strategies(workspace)
        folder = workspace.settings.strategies_folder
    if as_json:
        write_json(found)
        return
    rows = []
    for entry in found:
        params = ", ".join(f"{name}={param.default}" for name, param in entry.params.items())
        told = params if entry.error is None else f"broken: {entry.error.message}"
        rows.append((entry.id, entry.title, entry.form or "", entry.source, told))
    write_table(("Strategy", "Title", "Form", "From", "Parameters"), rows)
    say(f"Your own: one file each in {folder}.")


def backtest(
    context: typer.Context,
    strategy: Annotated[str, typer.Argument(help="Id of a strategy, or a path to its file.")],
    *,
    instruments: Annotated[str, typer.Option(help="Instruments to trade, separated by commas; @NAME for an index or a watchlist.")],
    interval: Annotated[str, typer.Option(help="Length of the bars.")] = "1d",
    start: Annotated[datetime | None, typer.Option("--from", formats=DATE_FORMATS, help="First date.")] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=DATE_FORMATS, help="Last date, included.")] = None,
    param: Annotated[list[str] | None, typer.Option(help="Parameter of the strategy, as fast=20; repeatable.")] = None,
    capital: Annotated[str | None, typer.Option(help="Rupees to start with.")] = None,
    product: Annotated[
        str | None, typer.Option(help="CNC (delivery) or MIS (intraday) for shares; NRML (held) or MIS for futures and options.")
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            help="shares:N, lots:N, cash:RUPEES, percent:FRACTION of equity, atr-risk:FRACTION[,span=14][,multiple=2] "
            "or vol-target:FRACTION[,span=20]."
        ),
    ] = None,
    slippage: Annotated[
        str | None, typer.Option(help="none, bps:N, ticks:N, half-spread:RUPEES or volume-share:FRACTION[,impact=0.1].")
    ] = None,
    costs: Annotated[
        str | None, typer.Option(help="zerodha, zerodha,square-off-fee, none, percent:FRACTION or per-share:RUPEES,min=RUPEES.")
    ] = None,
    fill: Annotated[str | None, typer.Option(help="next_open, or close (optimistic).")] = None,
    fractional: Annotated[bool, typer.Option("--fractional", help="Trade parts of a share.")] = False,
    close_at_end: Annotated[bool, typer.Option("--close-at-end", help="Close open positions at the last close.")] = False,
    fill_interval: Annotated[str | None, typer.Option(help="Shorter bars on which orders fill, such as 1m.")] = None,
    stop_loss: Annotated[str | None, typer.Option(help="Close at a loss of this fraction of the entry price, such as 0.05.")] = None,
    take_profit: Annotated[str | None, typer.Option(help="Close at a gain of this fraction of the entry price.")] = None,
    trailing_stop: Annotated[str | None, typer.Option(help="Close this fraction below the best price since the entry.")] = None,
    max_position: Annotated[str | None, typer.Option(help="Largest position in one instrument, as a fraction of equity.")] = None,
    max_exposure: Annotated[str | None, typer.Option(help="Largest sum of all positions, as a fraction of equity.")] = None,
    daily_loss: Annotated[str | None, typer.Option(help="Close all and stop for the day at this fraction of its first equity.")] = None,
    max_drawdown: Annotated[str | None, typer.Option(help="Close all and stop for good this fraction below the highest equity.")] = None,
    rebalance: Annotated[
        bool | None, typer.Option("--rebalance/--no-rebalance", help="Bring positions back to their size when targets are said again.")
    ] = None,
    lot: Annotated[str | None, typer.Option(help="Lot of contracts whose lot is not on record.")] = None,
    ticks: Annotated[
        bool | None, typer.Option("--ticks/--no-ticks", help="Fill on the exchange's ticks; by default where prices are as traded.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="Snapshot of the store to read.")] = None,
    prices: Annotated[str, typer.Option(help="Price basis: auto (adjusted where held), raw or adjusted.")] = "auto",
    equity: Annotated[bool, typer.Option("--equity", help="Put the equity curve into the answer.")] = False,
    as_json: Json = False,
) -> None:
    """Run a strategy on stored bars, with costs, and keep the run."""
    from qts.app.backtests import run_backtest
    from qts.app.requests import BacktestRequest, build

    request = build(
        BacktestRequest,
        strategy=strategy,
        instruments=instruments,
        interval=interval,
        start=as_date(start),
        end=as_date(end),
        params=pairs(param, "param"),
        capital=capital,
        product=None if product is None else product.upper(),
        size=size,
        slippage=slippage,
        costs=costs,
        fill=fill,
        fractional=fractional,
        close_at_end=close_at_end,
        fill_interval=fill_interval,
        stop_loss=stop_loss,
        take_profit=take_profit,
        trailing_stop=trailing_stop,
        max_position=max_position,
        max_exposure=max_exposure,
        daily_loss=daily_loss,
        max_drawdown=max_drawdown,
        rebalance=rebalance,
        lot=lot,
        ticks=ticks,
        as_of=as_of,
        prices=prices,
        equity=equity,
    )
    with opened(context) as workspace:
        document = run_backtest(workspace, request)
    if as_json:
        write_json(document.model_dump(mode="json", by_alias=True, exclude=None if equity else {"equity"}))
    else:
        _draw_run(document)


def runs(context: typer.Context, *, as_json: Json = False) -> None:
    """Show the stored runs, latest first."""
    from qts.app import format as shown
    from qts.app.backtests import list_runs, run_states, runs_document

    with opened(context) as workspace:
        found, states = list_runs(workspace), run_states(workspace)
    if as_json:
        write_json(runs_document(found, states))
        return
    if not found:
        say("No run is stored yet. `qts backtest ema_cross --instruments ...` makes one.")
        return
    rows = [
        (
            run.run_id,
            shown.ist(run.made_at),
            run.strategy,
            ", ".join(run.instruments),
            run.interval,
            f"{run.first}..{run.last}",
            shown.pct(run.total_return),
            shown.number(run.sharpe),
            shown.pct(run.max_drawdown),
            shown.quantity(run.n_trades),
            "SIMULATED" if run.simulated else "",
        )
        for run in found
    ]
    numeric = ("Return", "Sharpe", "Drawdown", "Trades")
    write_table(("Run", "Made at", "Strategy", "Instruments", "Bars of", "Span", *numeric, ""), rows, numeric=numeric)
    harmed = [run_id for run_id, state in states.items() if state in {"damaged", "missing"}]
    for run_id in harmed:
        note(f"The files of run {run_id} are {states[run_id]}: `qts verify` names them and the cure.")


def replay(
    context: typer.Context, run: Annotated[str, typer.Argument(help="Id of a stored run; `qts runs` lists them.")], *, as_json: Json = False
) -> int:
    """Compute a stored run again and compare it byte for byte."""
    from qts.app.replays import replay as replay_run

    with opened(context) as workspace:
        document = replay_run(workspace, run)
    if as_json:
        write_json(document)
    else:
        say(f"Run {run}: {'identical' if document.identical else 'DIFFERENT'}.")
        for part in document.differences:
            say(f"  {part.where}: stored {part.stored}, recomputed {part.recomputed}")
        for remark in document.notes:
            note(f"Note: {remark}")
    return DONE if document.identical else FOUND


def _draw_run(document: RunDocument) -> None:
    from qts.app import format as shown
    from qts.app.order_events import guard_words

    if document.simulated:
        say("SIMULATED: invented prices, not a real market")
    params = ", ".join(f"{name}={value}" for name, value in document.strategy.params.items())
    data, settings = document.data, document.settings
    fills_on = "" if data.fill_interval is None else f", filled on {data.fill_interval} bars"
    say(f"{document.strategy.title} ({params}) on {', '.join(data.instruments)}, {data.interval} bars {data.start}..{data.end}{fills_on}")
    say(
        f"{shown.inr(float(settings.capital), places=0)}, {settings.product}, {settings.size}, costs {settings.costs}, "
        f"slippage {settings.slippage}, fill {settings.fill}"
    )
    guards = guard_words(settings)
    if guards:
        say(", ".join(guards))
    how: dict[str, Callable[[float | None], str]] = {"inr": shown.inr, "pct": shown.pct, "number": shown.number, "quantity": shown.quantity}
    rows = [(title, how[kind](document.metrics.get(name))) for title, name, kind in _METRICS]
    rows.append((document.benchmark.title, shown.pct(document.benchmark.total_return)))
    write_table(("Metric", "Value"), rows, numeric=("Value",))
    _draw_orders(document)
    for remark in (*document.honesty.notes, *document.warnings):
        note(f"Note: {remark}")
    say(f"Look-ahead: {document.honesty.lookahead}. Trials of this idea: {document.honesty.trials}.")
    say(f"Run {document.run_id}; `qts replay {document.run_id}` repeats it.")


def _draw_orders(document: RunDocument) -> None:
    from qts.app.order_events import counted

    if not document.order_events:
        return
    rows = [(str(each.count), each.what, each.why) for each in counted(document.order_events)]
    write_table(("Orders", "What happened", "Why"), rows, numeric=("Orders",))
    rest = document.order_events_count - len(document.order_events)
    if rest:
        say(f"Of the first {len(document.order_events)}; {rest} more are stored with the run.")
