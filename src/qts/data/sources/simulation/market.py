"""The simulated market as bars: days, and the minutes of the last sessions, which add up to their days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from qts.core import Bars, Exchange, Floats, InstrumentId, Interval, Ints, Session, WindowKind, micros_of
from qts.data.sources.simulation.cast import CAST, SPLIT_FACTOR, SPLIT_SYMBOL
from qts.data.sources.simulation.days import DailyModel, daily_model, stream
from qts.data.sources.simulation.minutes import bridge_extremes, minute_path
from qts.market.sessions import daily_stamp, sessions

YEARS: Final = 5
MINUTE_SESSIONS: Final = 60
USUAL_MINUTES: Final = 375
TICKS_PER_RUPEE: Final = 20
MINUTE: Final = 60_000_000
# Where in the five years the one split falls.
SPLIT_PLACE: Final = 0.55


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    ts: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedMarket:
    """Years that never happened, on the sessions of the exchange. The same sessions give the same bars, everywhere.

    ``stamps`` holds the open instants of the minutes of each session, ``model`` the days.
    """

    sessions: tuple[Session, ...]
    stamps: tuple[Ints, ...]
    model: DailyModel

    @property
    def split_on(self) -> date:
        """Return the first session at the price after the split."""
        return self.sessions[self._split_day].date

    @property
    def minute_sessions(self) -> tuple[Session, ...]:
        """Return the sessions that have minutes."""
        return self.sessions[-MINUTE_SESSIONS:]

    def bars(self, i_role: int, interval: Interval) -> Bars:
        """Return the daily or the minute bars of one of the cast."""
        minutes = self._minutes(i_role)
        columns = _joined(minutes) if interval is Interval.MINUTE_1 else self._days(i_role, minutes)
        return Bars(
            instrument=InstrumentId(f"{Exchange.SIM}:{CAST[i_role].symbol}"),
            interval=interval,
            ts=columns.ts,
            open=columns.open,
            high=columns.high,
            low=columns.low,
            close=columns.close,
            volume=columns.volume,
            oi=np.full(len(columns.ts), np.nan),
        )

    @property
    def _split_day(self) -> int:
        return int(len(self.sessions) * SPLIT_PLACE)

    def _splits(self, i_role: int) -> Floats:
        factor = np.ones(len(self.sessions))
        if CAST[i_role].symbol == SPLIT_SYMBOL:
            factor[: self._split_day] = SPLIT_FACTOR
        return factor

    def _volume(self, i_role: int) -> Floats:
        return CAST[i_role].volume * np.exp(self.model.log_activity[:, i_role]) * _lengths(self.stamps) / self._splits(i_role)

    def _minutes(self, i_role: int) -> list[_Columns]:
        first = len(self.sessions) - len(self.minute_sessions)
        volume, splits = self._volume(i_role), self._splits(i_role)
        return [self._session_minutes(i_role, i_day, volume[i_day], splits[i_day]) for i_day in range(first, len(self.sessions))]

    def _session_minutes(self, i_role: int, i_day: int, volume: float, split: float) -> _Columns:
        stamps, model = self.stamps[i_day], self.model
        # Keyed by the date, so that all shares feel the same market in the same minute.
        day = self.sessions[i_day].date.toordinal()
        path = minute_path(
            log_open=float(model.log_open[i_day, i_role]),
            log_close=float(model.log_close[i_day, i_role]),
            spread=float(model.spread[i_day, i_role]),
            market=stream(3, day).standard_normal(len(stamps)),
            rng=stream(4, i_role, day),
        )
        traded = np.maximum(np.rint(volume * path.volume_share), 1.0)
        return _on_ticks(stamps, (path.log_open, path.log_high, path.log_low, path.log_close), traded, split)

    def _days(self, i_role: int, minutes: list[_Columns]) -> _Columns:
        model, first = self.model, len(self.sessions) - len(minutes)
        opened, close = model.log_open[:, i_role], model.log_close[:, i_role]
        high, low = bridge_extremes(opened, close, model.spread[:, i_role] ** 2, stream(5, i_role))
        ts = np.array([micros_of(daily_stamp(Exchange.SIM, session.date)) for session in self.sessions], dtype=np.int64)
        traded = np.maximum(np.rint(self._volume(i_role)), 1.0)
        days = _on_ticks(ts, (opened, high, low, close), traded, self._splits(i_role))
        for i_day, part in enumerate(minutes, start=first):
            days.open[i_day], days.close[i_day] = part.open[0], part.close[-1]
            days.high[i_day], days.low[i_day] = np.max(part.high), np.min(part.low)
            days.volume[i_day] = np.sum(part.volume)
        return days


def open_market(end: date) -> SimulatedMarket:
    """Return the market of the five years up to and including ``end``."""
    # 29 February has no anniversary in most years.
    start = date(end.year - YEARS, end.month, min(end.day, 28))
    return market_of(sessions(Exchange.SIM, start, end))


def market_of(days: tuple[Session, ...]) -> SimulatedMarket:
    """Return the market on these sessions."""
    stamps = tuple(minute_stamps(session) for session in days)
    return SimulatedMarket(sessions=days, stamps=stamps, model=daily_model(_lengths(stamps)))


def minute_stamps(session: Session) -> Ints:
    """Return the open instants of the minutes of continuous trading, in microseconds."""
    spans = [
        np.arange(micros_of(window.opens_at), micros_of(window.closes_at), MINUTE, dtype=np.int64)
        for window in session.windows
        if window.kind is WindowKind.CONTINUOUS
    ]
    # Windows that hold for some securities only may overlap.
    return np.unique(np.concatenate(spans))


def _lengths(stamps: Sequence[Ints]) -> Floats:
    return np.array([len(minutes) / USUAL_MINUTES for minutes in stamps])


def _on_ticks(ts: Ints, logs: tuple[Floats, Floats, Floats, Floats], volume: Floats, split: float | Floats) -> _Columns:
    # The nearest double to a multiple of five paise, whatever the last bits of the exponential are.
    opened, high, low, close = (np.maximum(np.rint(np.exp(log) * split * TICKS_PER_RUPEE), 1.0) / TICKS_PER_RUPEE for log in logs)
    return _Columns(
        ts=ts,
        open=opened,
        high=np.maximum(high, np.maximum(opened, close)),
        low=np.minimum(low, np.minimum(opened, close)),
        close=close,
        volume=volume,
    )


def _joined(parts: Sequence[_Columns]) -> _Columns:
    return _Columns(
        ts=np.concatenate([part.ts for part in parts]),
        open=np.concatenate([part.open for part in parts]),
        high=np.concatenate([part.high for part in parts]),
        low=np.concatenate([part.low for part in parts]),
        close=np.concatenate([part.close for part in parts]),
        volume=np.concatenate([part.volume for part in parts]),
    )
