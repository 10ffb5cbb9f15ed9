"""The API over a small workspace in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from qts.api.server import create_api
from qts.app.control import ControlDatabase
from qts.app.settings import load_settings
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange, FixedClock, InstrumentId, Interval, micros_of
from qts.data.storage import Provenance, SeriesBars, SeriesKey
from qts.data.testing import MemoryStore
from qts.market.sessions import daily_stamp, sessions

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BASE = "http://127.0.0.1:8501"


@pytest.fixture
def workspace(home: Path) -> Iterator[Workspace]:
    """Return a workspace that holds SIM:WAVE, 248 simulated days of a slow wave."""
    settings = load_settings(home=home, max_api_bars=300)
    store = MemoryStore()
    days = [session.date for session in sessions(Exchange.SIM, date(2022, 1, 1), date(2022, 12, 31))]
    close = np.round(100 + 10 * np.sin(np.arange(len(days)) / 12), 2)
    bars = Bars(
        instrument=InstrumentId("SIM:WAVE"),
        interval=Interval.DAY,
        ts=np.array([micros_of(daily_stamp(Exchange.SIM, day)) for day in days], np.int64),
        open=close,
        high=close + 1,
        low=close - 1,
        close=close,
        volume=np.full(len(days), 1000.0),
        oi=np.full(len(days), np.nan),
    )
    key = SeriesKey(instrument=bars.instrument, interval=bars.interval)
    store.upsert([SeriesBars(key=key, bars=bars)], Provenance(source="test", simulated=True), at=NOW)
    control = ControlDatabase.open(settings.control_path)
    yield Workspace(settings=settings, store=store, control=control, clock=FixedClock(NOW))
    control.close()


class Client:
    """A client that speaks to an application in this process, one request at a time."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Return the answer to a request."""

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
                return await client.request(method, path, **arguments)

        return asyncio.run(asked())

    def get(self, path: str, **arguments: Any) -> httpx.Response:
        """Return the answer to a GET."""
        return self.request("GET", path, **arguments)

    def post(self, path: str, **arguments: Any) -> httpx.Response:
        """Return the answer to a POST."""
        return self.request("POST", path, **arguments)


@pytest.fixture
def connect() -> Callable[[Workspace], Client]:
    """Return what makes a client of the API over a workspace."""
    return lambda workspace: Client(create_api(workspace))


@pytest.fixture
def client(workspace: Workspace) -> Client:
    """Return a client of the API on loopback."""
    return Client(create_api(workspace))
