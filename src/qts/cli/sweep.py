"""``qts sweep``: a strategy with every set of parameters of a grid, and an honest word on the best of them."""

from __future__ import annotations

import inspect
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Final, get_type_hints

import typer

from qts.cli.exit_codes import DONE, INTERRUPTED
from qts.cli.options import Json, as_date, pairs
from qts.cli.output import note, progress_bars, say, write_json, write_table
from qts.cli.research import backtest
from qts.cli.shell import opened

if TYPE_CHECKING:
    from qts.app.progress import OnProgress, Progress
    from qts.app.sweep_document import SweepDocument

# Of the backtest's options, the one that a sweep has no use for.
_NOT_SWEPT: Final = frozenset({"equity"})
# Between two lines of progress where there is no terminal to draw on.
_TENTH: Final = 0.1
_METRICS: Final = (
    ("Return", "total_return", "pct"),
    ("CAGR", "cagr", "pct"),
    ("Sharpe", "sharpe", "number"),
    ("Drawdown", "max_drawdown", "pct"),
    ("Trades", "n_trades", "quantity"),
    ("Win rate", "win_rate", "pct"),
    ("Costs", "costs_total", "inr"),
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sweep")(_with_options_of(sweep, backtest))


def sweep(
    context: typer.Context,
    strategy: Annotated[str, typer.Argument(help="Id of a strategy, or a path to its file.")],
    *,
    grid: Annotated[list[str], typer.Option(help="Values of a parameter, as fast=5:50:5 (both ends) or kind=sma,ema; repeatable.")],
    objective: Annotated[str, typer.Option(help="Metric to order by, highest first: sharpe, sortino, calmar, cagr …")] = "sharpe",
    workers: Annotated[int | None, typer.Option(help="Threads to work with; as many as there are cores if left out.")] = None,
    top: Annotated[int, typer.Option(help="How many of the best sets of parameters to show.")] = 10,
    as_json: Json = False,
    **options: Any,  # noqa: ANN401 - those of `qts backtest`, checked by the parser and by the request
) -> int:
    """Try a strategy with every set of parameters of a grid; each try is counted."""
    from qts.app.requests import build
    from qts.app.sweep_request import SweepRequest
    from qts.app.sweeping import run_sweep

    params, product = pairs(options.pop("param"), "param"), options.pop("product")
    request = build(
        SweepRequest,
        strategy=strategy,
        grid=pairs(grid, "grid"),
        objective=objective,
        workers=workers,
        top=top,
        params=params,
        product=None if product is None else product.upper(),
        **{name: as_date(value) if name in {"start", "end"} else value for name, value in options.items()},
    )
    with opened(context) as workspace, _progress(quiet=as_json) as on_progress, _stop_wish() as is_stopped:
        document = run_sweep(workspace, request, on_progress=on_progress, is_cancelled=is_stopped)
    if as_json:
        write_json(document)
    else:
        _draw(document)
    return DONE if document.complete else INTERRUPTED


def _draw(document: SweepDocument) -> None:
    from qts.app import format as shown

    if document.simulated:
        say("SIMULATED: invented prices, not a real market")
    data, settings = document.data, document.settings
    say(f"{document.strategy.title} on {', '.join(data.instruments)}, {data.interval} bars {data.start}..{data.end}")
    say(
        f"{shown.inr(float(settings.capital), places=0)}, {settings.product}, {settings.size}, costs {settings.costs}, "
        f"slippage {settings.slippage}, fill {settings.fill}"
    )
    skipped = f", {shown.quantity(document.skipped)} skipped as not allowed" if document.skipped else ""
    say(f"{shown.quantity(document.trials)} sets of parameters tried{skipped}, in {document.seconds:.1f} s; best by {document.objective}:")
    how: dict[str, Callable[[float | None], str]] = {"inr": shown.inr, "pct": shown.pct, "number": shown.number, "quantity": shown.quantity}
    names = list(document.grid)
    titles = [title for title, _, _ in _METRICS]
    rows = [
        [*(str(cell.params[name]) for name in names), *(how[kind](cell.metrics[metric]) for _, metric, kind in _METRICS)]
        for cell in document.best
    ]
    write_table((*names, *titles), rows, numeric=(*names, *titles))
    for remark in (*document.overfitting.notes, *document.warnings):
        note(f"Note: {remark}")
    say(f"Look-ahead of the best: {document.lookahead}. Trials of this idea: {shown.quantity(document.overfitting.trials)}.")
    say("No run is kept: `qts backtest` with --param makes one of a cell you want to keep.")


def _with_options_of(command: Callable[..., int], other: Callable[..., object]) -> Callable[..., int]:
    """Return the command with the options of another beside its own, so that both take the same and say the same of them."""
    own = [one for one in inspect.signature(command).parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    names = {one.name for one in own}
    lent = [one for one in inspect.signature(other).parameters.values() if one.name not in names | _NOT_SWEPT]
    hints = get_type_hints(other, include_extras=True) | get_type_hints(command, include_extras=True)
    parameters = [one.replace(annotation=hints[one.name]) for one in sorted([*own, *lent], key=lambda one: one.kind)]

    def joined(*args: object, **options: object) -> int:
        return command(*args, **options)

    joined.__doc__ = command.__doc__
    joined.__name__ = command.__name__
    joined.__annotations__ = {one.name: one.annotation for one in parameters}
    setattr(joined, "__signature__", inspect.Signature(parameters))  # noqa: B010 - functions do not declare it
    return joined


@contextmanager
def _stop_wish() -> Iterator[Callable[[], bool]]:
    """Take the first Ctrl-C (or SIGTERM) as the wish to stop and show what is done; the next one ends the command at once.

    So does the first one before anybody asked whether to stop: nothing is done yet that could be shown.
    """
    wishes: list[int] = []
    asked: list[bool] = []

    def is_stopped() -> bool:
        asked[:] = [True]
        return bool(wishes)

    def take(number: int, frame: FrameType | None) -> None:
        del frame
        if wishes or not asked:
            raise KeyboardInterrupt
        wishes.append(number)
        note("Stopping; press Ctrl-C again to end at once.")

    before = {number: signal.signal(number, take) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield is_stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[OnProgress]:
    """Draw progress on stderr: a bar on a terminal, otherwise a line for each tenth, with the time left."""
    if quiet or sys.stderr.isatty():
        with progress_bars(quiet=quiet) as draw:
            yield draw
    else:
        yield _Tenths()


class _Tenths:
    def __init__(self) -> None:
        self._began = time.monotonic()
        self._next = _TENTH

    def __call__(self, progress: Progress) -> None:
        part = progress.done / progress.total
        if part < self._next:
            return
        self._next = part - part % _TENTH + _TENTH
        left = (time.monotonic() - self._began) * (1.0 - part) / part
        note(f"{progress.step}: {progress.done:,} of {progress.total:,} {progress.detail}, about {left:.0f} s left")
