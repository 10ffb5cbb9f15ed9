"""Yahoo Finance: free daily prices for those who have no broker's data, through the library yfinance, which is installed on request.

The library speaks to Yahoo; what came over the wire is looked at here all the same, for it hands an empty table back where Yahoo asks to be
left alone, or shows a web page, or does not know the symbol.
"""

from __future__ import annotations

import importlib
import json
import threading
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np

from qts.core import (
    LARGEST_PRICE,
    SMALLEST_PRICE,
    Bars,
    Bools,
    Clock,
    Exchange,
    Floats,
    InstrumentId,
    Interval,
    exchange_of,
    micros_of,
    symbol_of,
)
from qts.core.errors import BadReply, RateLimited, RequestRefused, SourceDown, SourceError
from qts.data.kite.candles import OHLC_TOLERANCE, closed_bars
from qts.data.source import AskedSource, Delivery, Listed
from qts.data.storage.series import PriceBasis
from qts.market.sessions import daily_stamp, is_session

PACKAGE: Final = "yfinance"
MOST_DAYS: Final = {Interval.DAY: 20_000}
SPACING: Final = 1.0
"""Seconds between two requests for prices. Yahoo states no limit, and shuts those out for hours who ask too fast."""
DELAY: Final = timedelta(minutes=30)
"""By how much Yahoo's prices of India may be late, so that a bar is over by so much later."""
_SUFFIXES: Final = {Exchange.NSE: ".NS", Exchange.BSE: ".BO"}
_INDICES: Final = {"NSE:NIFTY 50": "^NSEI", "NSE:NIFTY BANK": "^NSEBANK", "BSE:SENSEX": "^BSESN"}
_CHART: Final = "/v8/finance/chart/"
_PRICES: Final = ("Open", "High", "Low", "Close")
# Yahoo's numbers are of single precision: further digits are noise.
_DECIMALS: Final = 4
# The library has one session for all of a process.
_ONE_AT_A_TIME: Final = threading.Lock()
_TIMEOUT: Final = 20.0
_MOST_SHOWN: Final = 160
_NO_DATA: Final = ("Data doesn't exist for startDate", "No data found for this date range")
_TOO_MANY, _BAD, _BROKEN = 429, 400, 500


@dataclass(slots=True, kw_only=True)  # holds the last reply
class Web:
    """What goes over the wire: where to, when, and what came back last.

    Parameters
    ----------
    root : str
        The address asked instead of Yahoo's servers; theirs when empty.
    turn : callable
        Returns what is to be entered for the length of a request for prices, when that may go.
    """

    root: str = ""
    turn: Callable[[], AbstractContextManager[object]] = nullcontext
    reply: Any = None

    def address(self, url: str) -> str:
        """Return where to ask for something of Yahoo's."""
        parts = urlsplit(url)
        return f"{self.root}{parts.path}{'?' * bool(parts.query)}{parts.query}" if self.root else url

    def ask(self, url: str, request: Callable[[str], Any]) -> Any:  # noqa: ANN401 - of a library without types
        """Return the reply to a request; one with prices waits for its turn, and is kept."""
        if _CHART not in url:
            return request(self.address(url))
        with self.turn():
            self.reply = request(self.address(url))
        return self.reply


class YahooBars:
    """Bars of Yahoo Finance.

    Parameters
    ----------
    web : Web
        The wire.
    folder : Path
        Where the library keeps its cookies and time zones.
    clock : Clock
        The machine's; Yahoo's own where it says the time.

    Raises
    ------
    SourceError
        If the library is not installed.
    """

    def __init__(self, web: Web, *, folder: Path, clock: Clock) -> None:
        self._web = web
        self._clock = clock
        self._library = _library(folder)
        self._session = _session(web)

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def find(self, instrument: InstrumentId) -> Listed | None:
        """Return Yahoo's name of a share of NSE or BSE, or of a well-known index; whether there is such a share shows when it is asked."""
        index = _INDICES.get(instrument)
        if index is not None:
            return Listed(instrument=instrument, name=index, basis=PriceBasis.RAW)
        suffix = _SUFFIXES.get(exchange_of(instrument))
        if suffix is None:
            return None
        return Listed(instrument=instrument, name=f"{symbol_of(instrument)}{suffix}", basis=PriceBasis.ADJUSTED)

    def bars(self, listed: Listed, interval: Interval, *, first: date, last: date) -> Delivery:
        """Return the daily bars of these dates that are over.

        Raises
        ------
        RateLimited
            If Yahoo wants to be left alone.
        RequestRefused
            If it does not know the symbol.
        SourceDown, BadReply
            If it could not be reached, or sent something else than prices.
        """
        with _ONE_AT_A_TIME:
            self._web.reply = None
            table = self._table(listed.name, first, last)
            at = _time_of(self._web.reply, self._clock) - DELAY
        if table is None:
            return Delivery(at=at, bars=_bars(listed.instrument, interval, []))
        rows, refused, spoiled = _rows(table, exchange_of(listed.instrument), first=first, last=last)
        return Delivery(
            at=at, bars=closed_bars(_bars(listed.instrument, interval, rows), now=at), refused=refused, spoiled=frozenset(spoiled)
        )

    def _table(self, name: str, first: date, last: date) -> Any:  # noqa: ANN401 - a table of a library without types
        failed: Exception | None = None
        table = None
        # The library remembers replies, refusals too, for as long as the process lives: a rewritten past would never be seen.
        self._library.data.YfData.cache_get.cache_clear()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what it warns of is its own affair
                ticker = self._library.Ticker(name, session=self._session)
                table = ticker.history(
                    start=first.isoformat(),
                    end=(last + timedelta(days=1)).isoformat(),
                    interval="1d",
                    auto_adjust=False,
                    actions=False,
                    timeout=_TIMEOUT,
                )
        except (self._library.exceptions.YFException, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            failed = error
        has_prices = _check(self._web.reply, name, failed)
        if failed is not None and has_prices:
            raise BadReply(f"the library could not read it ({type(failed).__name__})") from failed
        return table if has_prices else None


def _check(reply: Any, name: str, failed: Exception | None) -> bool:  # noqa: ANN401 - of a library without types
    """Return whether a reply holds prices; raise what it says has happened where it is no answer."""
    if reply is None:
        raise SourceDown("Yahoo could not be reached" if failed is None else f"the connection failed ({type(failed).__name__})") from failed
    if reply.status_code == _TOO_MANY:
        raise RateLimited(_wait_of(reply))
    if reply.status_code >= _BROKEN:
        raise SourceDown(f"HTTP {reply.status_code}")
    fault, result = _chart_of(reply)
    if fault:
        if fault.startswith(_NO_DATA):
            return False
        raise RequestRefused(f"{name}: {fault}")
    if reply.status_code >= _BAD or result is None:
        raise BadReply(f"HTTP {reply.status_code} without prices")
    meta = result.get("meta")
    currency = meta.get("currency") if isinstance(meta, dict) else None
    if currency != "INR":
        raise BadReply(f"its prices of {name} are in {str(currency)[:10]}, not in rupees")
    return bool(result.get("timestamp"))


def _chart_of(reply: Any) -> tuple[str, dict[str, Any] | None]:  # noqa: ANN401 - of a library without types
    """Return what a reply says is wrong, and its first result where it has one."""
    try:
        chart = json.loads(reply.content)["chart"]
        fault, results = chart["error"], chart["result"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        kind = str(reply.headers.get("content-type", "no content type")).partition(";")[0]
        raise BadReply(f"HTTP {reply.status_code}, {kind}, {len(reply.content)} bytes that are no prices") from error
    said = fault.get("description") if isinstance(fault, dict) else fault
    first = results[0] if isinstance(results, list) and results else None
    told = "" if fault is None else " ".join(str(said or "no reason given").split())[:_MOST_SHOWN].rstrip(".")
    return told, first if isinstance(first, dict) else None


Row = tuple[date, float, float, float, float, float]


def _rows(
    table: Any,  # noqa: ANN401 - of a library without types
    exchange: Exchange,
    *,
    first: date,
    last: date,
) -> tuple[list[Row], tuple[tuple[int, str], ...], set[date | None]]:
    """Return the sound rows by date, and the others by their place with the reason."""
    columns = [np.round(np.asarray(table[name], dtype=np.float64), _DECIMALS) for name in _PRICES]
    columns.append(np.asarray(table["Volume"], dtype=np.float64))
    values = np.stack(columns).astype(np.float64)
    days = [stamp.date() for stamp in table.index]
    is_traded = np.asarray(~np.isnan(values[:4]).all(axis=0))
    is_sound = _is_sound(values)
    rows: dict[date, Row] = {}
    refused = []
    spoiled: set[date | None] = set()
    for place, on in enumerate(days):
        # Yahoo repeats the last price on holidays, and has rows without any price for days that it missed.
        is_repeated = values[4, place] == 0.0 and not is_session(exchange, on)
        if not first <= on <= last or not is_traded[place] or is_repeated:
            continue
        if not is_sound[place]:
            refused.append((place, "has a price that is none, or a high or low that does not hold the others"))
            spoiled.add(on)
            continue
        open_, high, low, close, volume = values[:, place].tolist()
        rows[on] = (on, open_, high, low, close, volume)
    return [rows[on] for on in sorted(rows)], tuple(refused), spoiled


def _is_sound(values: Floats) -> Bools:
    """Return which columns of an array of shape ``(5, n_rows)`` can be bars."""
    open_, high, low, close, volume = values
    with np.errstate(invalid="ignore"):
        noise = OHLC_TOLERANCE * np.abs(close) + 10.0**-_DECIMALS
        in_range = ((values[:4] >= SMALLEST_PRICE) & (values[:4] <= LARGEST_PRICE)).all(axis=0)
        holds = (high >= np.maximum(open_, close) - noise) & (low <= np.minimum(open_, close) + noise) & (high >= low)
    return np.asarray(in_range & holds & (volume >= 0.0))


def _bars(instrument: InstrumentId, interval: Interval, rows: list[Row]) -> Bars:
    exchange = exchange_of(instrument)
    open_, high, low, close, volume = (np.array([row[i] for row in rows], dtype=np.float64) for i in range(1, 6))
    return Bars(
        instrument=instrument,
        interval=interval,
        ts=np.array([micros_of(daily_stamp(exchange, row[0])) for row in rows], dtype=np.int64),
        open=open_,
        high=np.maximum(high, np.maximum(open_, close)),
        low=np.minimum(low, np.minimum(open_, close)),
        close=close,
        volume=volume,
        oi=np.full(len(rows), np.nan),
    )


def _library(folder: Path) -> Any:  # noqa: ANN401 - of a library without types
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            library = importlib.import_module(PACKAGE)
    except ImportError as error:
        hint = "`make setup YAHOO=1` installs it; without a checkout, install quant-trading-service[yahoo]."
        raise SourceError(f"The source yahoo needs the package {PACKAGE}, which is not installed.", hint=hint) from error
    folder.mkdir(parents=True, exist_ok=True)
    library.set_tz_cache_location(str(folder))
    library.config.debug.hide_exceptions = False
    return library


def _session(web: Web) -> Any:  # noqa: ANN401 - of a library without types
    requests = importlib.import_module("curl_cffi.requests")

    class Session(requests.Session):  # type: ignore[misc, name-defined]  # the library takes no other
        """A session that asks where it is told to, not too fast, and shows what came."""

        def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as the library's own
            """Return the reply to a request."""
            send = super().request
            return web.ask(url, lambda address: send(method, address, *args, **options))

    return Session(impersonate="chrome")


def _time_of(reply: Any, clock: Clock) -> datetime:  # noqa: ANN401 - of a library without types
    try:
        at = parsedate_to_datetime(reply.headers["date"])
    except (KeyError, ValueError, TypeError):
        return clock.now()
    return at if at.tzinfo is not None else clock.now()


def _wait_of(reply: Any) -> float | None:  # noqa: ANN401 - of a library without types
    text = str(reply.headers.get("retry-after", "")).strip()
    return min(float(text), 3600.0) if text.isascii() and text.isdigit() else None


SOURCE: Final = AskedSource(
    title="Yahoo Finance",
    simulated=False,
    note=(
        "Free daily prices of shares of NSE and BSE, late by a quarter of an hour or more. They come adjusted for splits and bonus issues "
        "and not for dividends; Yahoo rewrites the past when it adjusts, promises neither to be right nor to be there, and leaves days "
        "out. Look at `qts quality` before you trust a result, and use a broker's or the exchange's data where money is at stake."
    ),
    licence="Unofficial access through yfinance; by Yahoo's terms for personal use only",
    most_days=MOST_DAYS,
    spacing=lambda: SPACING,
)
