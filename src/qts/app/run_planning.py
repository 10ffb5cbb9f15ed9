"""What exactly is to be run: a request resolved against the catalogue, the store and the settings, ready to compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np

from qts.analytics import buy_and_hold
from qts.app.bars import is_simulated
from qts.app.derived import known_until
from qts.app.instrument_lists import chosen_instruments, list_warnings, lists_hash
from qts.app.listed_terms import ListedTerms, listed_terms, stored_terms
from qts.app.requests import BacktestRequest
from qts.app.run_actions import action_parts, actions_hash, confirmed_actions, stored_actions
from qts.app.run_building import FinishedRun, settings_part
from qts.app.run_document import DataPart, EnginePart, ListPart, RunDocument, SettingsPart, StepPart, StrategyPart, SuspectedPart
from qts.app.run_identity import RunIdentity, text_hash
from qts.app.run_quality import run_quality
from qts.app.run_series import OpenedSeries, open_series, read_finer, step_parts, steps_hash, unadjusted_warnings
from qts.app.run_suspicions import contradiction_warnings, suspicion_warnings, suspicions_of
from qts.app.run_terms import bar_span, check_product, estimate_warnings, run_terms, terms_hash, terms_parts
from qts.app.settings import Settings
from qts.app.workspace import Workspace
from qts.backtest import (
    ENGINE_VERSION,
    BacktestSettings,
    CostKind,
    FillTiming,
    Protection,
    RiskLimits,
    Verdict,
    parse_costs,
    parse_size,
    parse_slippage,
)
from qts.backtest import run as run_engine
from qts.backtest.finer import carried_over
from qts.backtest.lookahead import check as check_lookahead
from qts.backtest.simulation import with_guards
from qts.backtest.terms import InstrumentTerms
from qts.core.bars import Bars
from qts.core.clock import session_date_of
from qts.core.corporate_action import CorporateAction
from qts.core.errors import BadParameter, BadPath
from qts.core.instrument import Exchange, InstrumentId, exchange_of
from qts.core.interval import Interval
from qts.core.trading import Product
from qts.data.storage import SeriesInfo
from qts.market.charges import schedule_version
from qts.market.sessions import calendar_version
from qts.strategies import CatalogEntry, Form, ParamValue, Strategy

_INDEX_HINT: Final = (
    "Say which costs to assume: --costs percent:0.0005 (five hundredths of a per cent of each trade's value) or --costs none."
)
_FINER_HINT: Final = "Choose a shorter one, or leave it out."
_NONE: Final = Decimal(0)
# Per cent of the expected bars: with fewer, the yearly figures are off by a twentieth or more.
_FEW_GAPS: Final = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """A run that is fully decided: same plan, same bytes.

    ``bars`` are what the strategy decides on; ``finer`` the shorter ones its orders fill on, None where they fill on the same. ``told``
    are the settings as texts, with what the strategy declares to guard its positions.
    """

    strategy: Strategy
    part: StrategyPart
    source: str
    series: tuple[SeriesInfo, ...]
    bars: tuple[Bars, ...]
    finer: tuple[Bars, ...] | None
    data: DataPart
    settings: BacktestSettings
    told: SettingsPart
    terms: tuple[InstrumentTerms, ...]
    listed: tuple[ListedTerms | None, ...]
    actions: tuple[CorporateAction, ...]
    suspected: tuple[SuspectedPart, ...]
    engine: EnginePart
    warnings: tuple[str, ...]

    @property
    def params(self) -> Mapping[str, ParamValue]:
        """Return the parameters of the strategy, all of them."""
        return self.part.params

    @property
    def played(self) -> tuple[Bars, ...]:
        """Return the bars that orders fill on."""
        return self.bars if self.finer is None else self.finer

    def run_id(self) -> str:
        """Return the id that everything above adds up to."""
        return self.identity().run_id()

    def identity(self) -> RunIdentity:
        """Return what the id is made of: for the same run with other parameters only those differ."""
        return RunIdentity(
            strategy=self.part.id,
            source_hash=text_hash(self.source),
            params=self.part.params,
            series=tuple(f"{info.key.instrument}/{info.key.basis}" for info in self.series),
            interval=self.data.interval,
            fill_interval=self.data.fill_interval,
            span=(self.data.start, self.data.end),
            snapshot=self.data.snapshot,
            cost_schedule=self.engine.cost_schedule,
            settings=self.told.model_dump(),
            # Corrections of the calendar move square-offs and the bars of a year; without any the id is as it was.
            terms=terms_hash(self.terms, self.listed) + calendar_version() + lists_hash(self.data.lists) + _actions_hash(self),
            engine_version=self.engine.version,
        )


def _actions_hash(plan: RunPlan) -> str:
    """Return what corporate actions add to a run's identity: those it is played with, and those its prices were adjusted for."""
    return actions_hash(plan.actions) + steps_hash(plan.data.adjusted_by)


def plan_run(workspace: Workspace, request: BacktestRequest) -> RunPlan:
    """Return the plan of a request.

    Raises
    ------
    InputError
        If the strategy, a parameter, an instrument or a setting is unknown or does not fit, or no bars are in the span.
    PluginError
        If the strategy's file is broken.
    """
    entry = workspace.catalog().get(request.strategy)
    return plan_entry(workspace, request, entry, source=source_of(entry))


def plan_entry(
    workspace: Workspace, request: BacktestRequest, entry: CatalogEntry, *, source: str, stored: RunDocument | None = None
) -> RunPlan:
    """Return the plan of a request for a strategy that was found already, with the source text it came from.

    ``stored`` is the run that is to be repeated: its corporate actions and what lists and dumps of instruments said are taken from it,
    whatever is known now.
    """
    if stored is None:
        request = request.model_copy(update={"as_of": workspace.snapshot_id(request.as_of)})
    strategy = entry.require()
    params = strategy.resolve(request.params)
    chosen = chosen_instruments(workspace, request)
    names, lists = chosen.instruments, chosen.lists if stored is None else stored.data.lists
    settings = engine_settings(request, workspace.settings, names)
    if strategy.matrix:
        settings = _weighed(request, settings)
    snapshot = request.as_of or workspace.store.snapshot()
    opened = tuple(open_series(workspace, request, name, snapshot=snapshot, stored=stored) for name in names)
    series, bars = tuple(one.info for one in opened), tuple(one.bars for one in opened)
    finer = _finer(workspace, request, strategy, opened, snapshot=snapshot)
    spans = [(held.instrument, bar_span(held)) for held in finer or bars]
    listed = listed_terms(workspace, spans) if stored is None else stored_terms(stored, names)
    terms = run_terms(
        workspace,
        series,
        finer or bars,
        product=settings.product,
        lot=request.lot,
        ticks=request.ticks,
        as_of=snapshot,
        listed=listed,
    )
    known_at = known_until(workspace, request.as_of)
    suspected = suspicions_of(workspace, opened, known_at=known_at) if stored is None else stored.suspected
    actions = confirmed_actions(workspace, series, finer or bars, known_at=known_at) if stored is None else stored_actions(stored)
    judged = run_quality(series, bars, actions)
    data = _data_part(series, bars, finer, snapshot=snapshot, quality=judged.score, lists=lists, adjusted_by=step_parts(opened))
    return RunPlan(
        strategy=strategy,
        part=StrategyPart(id=entry.id, title=entry.title, source=entry.source, version=entry.version, params=params),
        source=source,
        series=series,
        bars=bars,
        finer=finer,
        data=data,
        settings=settings,
        told=settings_part(with_guards(settings, strategy, params), lot=request.lot, ticks=any(one.ticks for one in terms)),
        terms=terms,
        listed=listed,
        actions=actions,
        suspected=suspected,
        engine=EnginePart(version=ENGINE_VERSION, cost_schedule=schedule_version()),
        warnings=(
            *list_warnings(lists, data.interval),
            *_gaps(judged.share),
            *_late(bars, finer),
            *_untraded(bars, settings),
            *unadjusted_warnings(opened),
            *suspicion_warnings(suspected),
            *contradiction_warnings(opened, actions),
            *estimate_warnings(names, terms),
        ),
    )


def compute(plan: RunPlan) -> FinishedRun:
    """Return the run of a plan. Pure: it reads neither a store nor a clock.

    Raises
    ------
    StrategyFailed
        If the strategy raises or returns what cannot be traded.
    """
    strategy, params = plan.strategy, plan.params
    if plan.finer is not None:
        strategy, params = carried_over(strategy, params, plan.bars, plan.finer), {}
    # What stands in for the strategy on shorter bars declares no guards of its own.
    settings = with_guards(plan.settings, plan.strategy, plan.params)
    result = run_engine(strategy, params, plan.played, settings, terms=plan.terms, actions=plan.actions)
    lookahead = check_lookahead(plan.strategy, plan.params, plan.bars)
    found = (f"Look-ahead: {lookahead.detail}",) if lookahead.verdict is Verdict.FOUND else ()
    return FinishedRun(
        run_id=plan.run_id(),
        simulated=any(is_simulated(info) for info in plan.series),
        strategy=plan.part,
        data=plan.data,
        settings=plan.settings,
        told=plan.told,
        engine=plan.engine,
        terms=terms_parts([info.key.instrument for info in plan.series], plan.terms, plan.listed),
        actions=action_parts(plan.actions, result.actions),
        suspected=plan.suspected,
        lookahead=lookahead.verdict.value,
        result=result,
        benchmark=buy_and_hold(plan.played, float(plan.settings.capital), actions=plan.actions),
        warnings=(*found, *plan.warnings),
    )


def engine_settings(request: BacktestRequest, settings: Settings, names: Sequence[InstrumentId]) -> BacktestSettings:
    """Return the engine's settings: what was asked for, and the defaults of the settings for the rest.

    Raises
    ------
    BadParameter
        If a text or the product does not fit, or Indian charges are to be taken on what is not traded in India.
    """
    costs = parse_costs(request.costs if request.costs is not None else settings.costs)
    product = Product(request.product or settings.product)
    check_product(product, names)
    foreign = [name for name in names if exchange_of(name) is Exchange.INDEX]
    if foreign and costs.kind is CostKind.ZERODHA:
        raise BadParameter("costs", costs.spec, f"{foreign[0]} is not traded in India, so it has no Indian charges", hint=_INDEX_HINT)
    return BacktestSettings(
        capital=Decimal(request.capital if request.capital is not None else settings.capital),
        product=product,
        size=parse_size(request.size if request.size is not None else settings.size),
        costs=costs,
        slippage=parse_slippage(request.slippage if request.slippage is not None else settings.slippage),
        fill=FillTiming(request.fill or settings.fill),
        fractional=request.fractional,
        close_at_end=request.close_at_end,
        protection=Protection(
            stop_loss=request.stop_loss or _NONE, take_profit=request.take_profit or _NONE, trailing=request.trailing_stop or _NONE
        ),
        limits=RiskLimits(
            max_position=request.max_position or _NONE,
            max_exposure=request.max_exposure or _NONE,
            daily_loss=request.daily_loss or _NONE,
            max_drawdown=request.max_drawdown or _NONE,
        ),
        rebalance=request.rebalance is True,
    )


def _weighed(request: BacktestRequest, settings: BacktestSettings) -> BacktestSettings:
    """Return the settings of a strategy that weighs all instruments at once, which is always brought back to its weights."""
    if request.rebalance is False:
        reason = "a strategy that weighs all instruments at once is brought back to its weights"
        raise BadParameter("rebalance", "off", reason, hint="Leave it out.")
    return replace(settings, rebalance=True)


def source_of(entry: CatalogEntry) -> str:
    """Return the source text of a strategy; empty where it has no file."""
    if entry.path is None:
        return ""
    try:
        return entry.path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadPath(str(entry.path), (error.strerror or "cannot be read").lower()) from error


def _finer(
    workspace: Workspace, request: BacktestRequest, strategy: Strategy, opened: Sequence[OpenedSeries], *, snapshot: str
) -> tuple[Bars, ...] | None:
    """Return the shorter bars that orders fill on, of the same snapshot and price basis as those of the decisions."""
    if request.fill_interval is None:
        return None
    _check_finer(strategy, request.interval, request.fill_interval)
    return tuple(read_finer(workspace, request, one, request.fill_interval, snapshot=snapshot) for one in opened)


def _check_finer(strategy: Strategy, interval: Interval, finer: Interval) -> None:
    if strategy.form is Form.ON_BAR:
        hint = "Run it on the shorter bars; it sees longer ones by context.instrument.higher(…)."
        raise BadParameter("fill_interval", finer, "a strategy of orders bar by bar has one interval", hint=hint)
    order = list(Interval)
    if order.index(finer) >= order.index(interval):
        raise BadParameter("fill_interval", finer, f"is not shorter than the {interval} of the decisions", hint=_FINER_HINT)


def _data_part(
    series: Sequence[SeriesInfo],
    bars: Sequence[Bars],
    finer: Sequence[Bars] | None,
    *,
    snapshot: str,
    quality: float | None,
    lists: tuple[ListPart, ...],
    adjusted_by: dict[str, tuple[StepPart, ...]],
) -> DataPart:
    all_bars = (*bars, *(finer or ()))
    return DataPart(
        snapshot=snapshot,
        instruments=tuple(info.key.instrument for info in series),
        interval=series[0].key.interval,
        start=session_date_of(min(int(held.ts[0]) for held in all_bars)).isoformat(),
        end=session_date_of(max(int(held.ts[-1]) for held in all_bars)).isoformat(),
        bars=sum(len(held) for held in bars),
        quality=quality,
        prices={info.key.instrument: info.key.basis.value for info in series},
        fill_interval=None if finer is None else finer[0].interval,
        fill_bars=None if finer is None else sum(len(held) for held in finer),
        lists=lists,
        adjusted_by=adjusted_by,
    )


def _gaps(share: float | None) -> tuple[str, ...]:
    if share is None or share >= _FEW_GAPS:
        return ()
    text = f"Only {share:g} % of the bars that the calendar expects are there; volatility, Sharpe, Sortino and turnover are stretched"
    return (f"{text} to a year as if none were missing, which exaggerates them.",)


def _late(bars: Sequence[Bars], finer: Sequence[Bars] | None) -> tuple[str, ...]:
    """Tell where the bars that orders fill on do not cover those of the decisions."""
    if finer is None:
        return ()
    found = []
    for held, short in zip(bars, finer, strict=True):
        first, last = session_date_of(int(short.ts[0])), session_date_of(int(short.ts[-1]))
        if first > session_date_of(int(held.ts[0])) or last < session_date_of(int(held.ts[-1])):
            found.append(f"{held.instrument} has {short.interval} bars from {first} to {last} only: nothing is filled outside of them.")
    return tuple(found)


def _untraded(bars: Sequence[Bars], settings: BacktestSettings) -> tuple[str, ...]:
    if settings.costs.kind is not CostKind.ZERODHA:
        return ()
    return tuple(
        f"{held.instrument} has no volumes, as an index has none: if it is one, it cannot be bought, and these are the charges of a share."
        for held in bars
        if np.isnan(held.volume).all()
    )


def stored_entry(part: StrategyPart, strategy: Strategy, path: Path | None) -> CatalogEntry:
    """Return the entry of a strategy as a stored run names it."""
    return CatalogEntry(id=part.id, title=part.title, source=part.source, path=path, strategy=strategy, error=None, version=part.version)
