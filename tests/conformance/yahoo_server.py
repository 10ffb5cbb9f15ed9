"""A server of this machine that answers as Yahoo's charts do, as far as prices of days go."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from qts.core import IST, Bars, session_date_of

CHART = "/v8/finance/chart/"


@dataclass
class Yahoo:
    """What the server has: days by symbol, its clock, and how it behaves: ``fault`` is a status with a body to give for every chart."""

    now: datetime
    days: dict[str, Bars] = field(default_factory=dict)
    currency: str = "INR"
    fault: tuple[int, str] | None = None
    spoil: dict[str, list[float | None]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def chart(self, symbol: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        """Return the status and the document of a chart."""
        bars = self.days.get(symbol)
        if bars is None:
            return 404, _error("Not Found", "No data found, symbol may be delisted")
        start, end = (int(query[name][0]) if name in query else None for name in ("period1", "period2"))
        if start is not None:
            self.asked.append(symbol)
        stamps, places = self._stamps(bars, start or 0, end or 2**33)
        first = int(bars.ts[0] / 1e6)
        if end is not None and end < first:
            return 400, _error("Bad Request", f"Data doesn't exist for startDate = {start}, endDate = {end}")
        return 200, {"chart": {"result": [self._result(symbol, bars, stamps, places)], "error": None}}

    def _stamps(self, bars: Bars, start: int, end: int) -> tuple[list[int], list[int]]:
        stamps, places = [], []
        for place, stamp in enumerate((bars.ts // 1_000_000).tolist()):
            on = session_date_of(stamp * 1_000_000)
            if start <= stamp < end and on <= self.now.date():
                is_live = on == self.now.date() and self.now.time() < time(15, 30)
                stamps.append(int(self.now.timestamp()) if is_live else stamp)
                places.append(place)
        return stamps, places

    def _result(self, symbol: str, bars: Bars, stamps: list[int], places: list[int]) -> dict[str, Any]:
        quote: dict[str, list[float | None]] = {
            # Of single precision, as they come from there.
            name: [round(float(getattr(bars, name)[place]) * (1 + 1e-9), 7) for place in places]
            for name in ("open", "high", "low", "close")
        }
        quote["volume"] = [float(bars.volume[place]) for place in places]
        quote |= {name: [*values, *quote[name][len(values) :]] for name, values in self.spoil.items()}
        meta = {
            "currency": self.currency,
            "symbol": symbol,
            "instrumentType": "EQUITY",
            "exchangeTimezoneName": "Asia/Kolkata",
            "gmtoffset": 19800,
            "timezone": "IST",
            "regularMarketTime": int(self.now.timestamp()),
            "priceHint": 2,
            "dataGranularity": "1d",
            "range": "",
            "validRanges": ["1d", "5d", "max"],
        }
        if not stamps:
            return {"meta": meta, "indicators": {"quote": [{}], "adjclose": [{}]}}
        indicators = {"quote": [quote], "adjclose": [{"adjclose": quote["close"]}]}
        return {"meta": meta, "timestamp": stamps, "indicators": indicators}


def _error(code: str, words: str) -> dict[str, Any]:
    return {"chart": {"result": None, "error": {"code": code, "description": words}}}


@contextmanager
def yahoo_server(yahoo: Yahoo) -> Iterator[Yahoo]:
    """Serve it on a free port; its ``address`` is then known."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if not parts.path.startswith(CHART):
                self.reply(200, "crumb")
            elif yahoo.fault is not None:
                self.reply(*yahoo.fault)
            else:
                status, document = yahoo.chart(unquote(parts.path.removeprefix(CHART)), parse_qs(parts.query))
                self.reply(status, json.dumps(document))

        def reply(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if text.startswith("{") else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def date_time_string(self, timestamp: float | None = None) -> str:
            del timestamp
            return format_datetime(yahoo.now.astimezone(IST) - timedelta(0))

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the server's name for it
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yahoo.address = f"http://127.0.0.1:{server.server_port}"
        yield yahoo
        server.shutdown()
        thread.join(10)
