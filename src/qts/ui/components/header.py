"""The line on top of every page: the time in India, what the market does now, how fresh the data is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import streamlit as st

from qts.app.calendar import SessionDocument, list_sessions
from qts.app.catalog import SeriesDocument
from qts.app.requests import CalendarRequest
from qts.core import IST, Clock
from qts.ui.components.held import held_series
from qts.ui.workspace import workspace

_EXCHANGE: Final = "NSE"
_LOOK_AHEAD: Final = timedelta(days=12)
_NOTE_SHOWN: Final = 32
_SEPARATOR: Final = " &nbsp;·&nbsp; "
_STATES: Final = {
    "pre_open": (":orange-badge[NSE pre-open]", "to"),
    "continuous": (":green-badge[NSE open]", "to"),
    "closing_auction": (":orange-badge[NSE closing auction]", "to"),
    "post_close": (":orange-badge[NSE post-close]", "to"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketState:
    """What the exchange does at an instant: a badge in Markdown and the words after it."""

    badge: str
    detail: str


@st.fragment(run_every="30s")
def draw() -> None:
    """Draw the line; it renews itself twice a minute."""
    ws = workspace()
    now = ws.clock.now().astimezone(IST)
    state = market_state(now, _sessions(ws.clock, now.date()))
    parts = [f"**{now:%a %d %b %Y, %H:%M} IST**", f"{state.badge} {state.detail}".strip(), freshness(held_series())]
    st.markdown(_SEPARATOR.join(part for part in parts if part))


def market_state(now: datetime, sessions: Sequence[SessionDocument]) -> MarketState:
    """Return what the exchange does at an instant, from the sessions of that day and the days after it."""
    for session in sessions:
        for window in session.windows:
            if _at(window.opens_at) <= now < _at(window.closes_at):
                badge, word = _STATES[window.kind]
                return MarketState(badge=badge, detail=f"{word} {_at(window.closes_at):%H:%M}{_note(session)}")
    return MarketState(badge=":gray-badge[NSE closed]", detail=_next_opening(now, sessions))


def freshness(series: Sequence[SeriesDocument]) -> str:
    """Return up to when data is held, in words, and whether any of it is simulated."""
    if not series:
        return "no data yet"
    real, invented = ([each for each in series if each.simulated is simulated] for simulated in (False, True))
    parts = [f"data to {_until(real)}"] if real else []
    parts += [f":orange-badge[SIMULATED] data to {_until(invented)}"] if invented else []
    return _SEPARATOR.join(parts)


def _until(series: Sequence[SeriesDocument]) -> str:
    newest = max(series, key=lambda each: each.last)
    last = datetime.fromisoformat(newest.last).astimezone(IST)
    return f"{last:%Y-%m-%d %H:%M}" if newest.interval.endswith("m") else f"{last:%Y-%m-%d}"


def _next_opening(now: datetime, sessions: Sequence[SessionDocument]) -> str:
    for session in sessions:
        windows = [window for window in session.windows if window.kind == "continuous" and _at(window.opens_at) > now]
        if windows:
            opens = _at(windows[0].opens_at)
            day = "today" if opens.date() == now.date() else f"{opens:%a %d %b}"
            return f"opens {day} {opens:%H:%M}{_note(session)}"
    return ""


def _note(session: SessionDocument) -> str:
    return f" ({session.note})" if 0 < len(session.note) <= _NOTE_SHOWN else ""


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@st.cache_resource(max_entries=4, show_spinner=False)
def _sessions(_clock: Clock, on: date) -> tuple[SessionDocument, ...]:
    request = CalendarRequest(exchange=_EXCHANGE, start=on, end=on + _LOOK_AHEAD)
    return list_sessions(request, _clock).sessions
