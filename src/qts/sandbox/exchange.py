"""The simulated exchange: takes a request, gives the reply that the broker would give."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from qts.core import IST, Clock
from qts.sandbox.account_side import AccountSide
from qts.sandbox.accounts import Accounts, App
from qts.sandbox.arrivals import Arrival, Meter
from qts.sandbox.asked import Asked
from qts.sandbox.candles import MINUTES, MOST_DAYS, candles
from qts.sandbox.faults import Fault, FaultPlan
from qts.sandbox.listing import COLUMNS, Listed, Market
from qts.sandbox.quotes import Kind, quote_of
from qts.sandbox.refusal import Refusal, bad_input, dead_token, no_permission

MOST_QUOTES: Final[Mapping[str, int]] = {"/quote": 500, "/quote/ohlc": 1000, "/quote/ltp": 1000}
_HISTORICAL: Final = re.compile(r"/instruments/historical/(\d+)/([^/]+)")
_FORM: Final = "%Y-%m-%d %H:%M:%S"
_OK: Final = 200
_TOO_MANY: Final = 429
_JSON: Final = "application/json"
_PAGE: Final = b"<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A reply, and what is to be done to it on its way."""

    status: int = _OK
    body: bytes = b""
    kind: str = _JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: Fault | None = None


Handler: TypeAlias = Callable[[Asked, App], Any]


class Sandbox:
    """The exchange behind the protocols. Threads may share it.

    Parameters
    ----------
    market : Market
        What it lists and at which prices.
    accounts : Accounts
        Who may come in.
    clock : Clock
        Its time, which may be another than ours.
    meter : Meter
        Counts and logs requests, in real time.
    """

    def __init__(self, market: Market, accounts: Accounts, *, clock: Clock, meter: Meter, faults: FaultPlan | None = None) -> None:
        self.market = market
        self.accounts = accounts
        self.clock = clock
        self.meter = meter
        self.faults = faults or FaultPlan()
        self._by_token = {listed.token: listed for listed in market.listings}
        self._by_key = {listed.key: listed for listed in market.listings}
        self.account_side = AccountSide(market, clock, find=self.listed)
        self._places = itertools.count()

    def listed(self, name: str) -> Listed | None:
        """Return what is listed under ``EXCHANGE:SYMBOL`` or a token."""
        return self._by_key.get(name) or (self._by_token.get(int(name)) if name.isascii() and name.isdigit() else None)

    def answer(self, asked: Asked) -> Answer:
        """Return the reply to a request, and write it into the log."""
        kind = _kind_of(asked.path)
        key = asked.headers.get("authorization", "").removeprefix("token ").partition(":")[0] or asked.form.get("api_key", "")
        at, is_within = self.meter.admit(key, kind)
        fault = self.faults.fault(next(self._places))
        if not is_within:
            answer = _refused(_too_many(), None)
        else:
            try:
                answer = self._spoiled(asked, fault)
            except Refusal as refusal:
                answer = _refused(refusal, fault)
        name = "" if answer.fault is None else answer.fault.value
        self.meter.note(Arrival(at=at, key=key, kind=kind, path=asked.path, status=answer.status, fault=name))
        return answer

    def _spoiled(self, asked: Asked, fault: Fault | None) -> Answer:
        match fault:
            case Fault.TOO_MANY:
                raise _too_many()
            case Fault.TOO_MANY_WAIT:
                answer = _refused(_too_many(), fault)
                return Answer(status=_TOO_MANY, body=answer.body, headers={"retry-after": "1"}, fault=fault)
            case Fault.SERVER_ERROR:
                raise Refusal(503, "NetworkException", "Gateway timed out")
            case Fault.NO_ERROR_TYPE:
                raise Refusal(500, None, "Something unexpected happened")
            case Fault.WEB_PAGE:
                return Answer(status=502, body=_PAGE, kind="text/html", fault=fault)
            case Fault.EMPTY:
                return Answer(fault=fault)
            case Fault.DEAD_TOKEN:
                raise dead_token()
            case _:
                return self._sound(asked, fault)

    def _sound(self, asked: Asked, fault: Fault | None) -> Answer:
        if asked.headers.get("x-kite-version") != "3":
            raise bad_input("Invalid API version: send the header X-Kite-Version: 3.")
        if asked.path == "/session/token":
            return _json(self._session(asked), fault)
        app = self._app(asked)
        if asked.path == "/instruments" or (
            asked.path.startswith("/instruments/") and not asked.path.startswith("/instruments/historical")
        ):
            return Answer(body=self._dump(asked.path), kind="text/csv", headers={"content-encoding": "gzip"}, fault=fault)
        found = _HISTORICAL.fullmatch(asked.path)
        if found is not None:
            rows = self._historical(asked, app, token=found[1], interval=found[2])
            return _json({"candles": _with_fault(rows, fault)}, fault)
        handler = self._handlers().get((asked.method, asked.path))
        return _json(self.account_side.answer(asked, app) if handler is None else handler(asked, app), fault)

    def _handlers(self) -> Mapping[tuple[str, str], Handler]:
        return {
            ("GET", "/quote"): lambda asked, app: self._quotes(asked, app, Kind.FULL),
            ("GET", "/quote/ohlc"): lambda asked, app: self._quotes(asked, app, Kind.OHLC),
            ("GET", "/quote/ltp"): lambda asked, app: self._quotes(asked, app, Kind.LTP),
            ("GET", "/user/profile"): lambda _, app: _profile(app),
        }

    def _app(self, asked: Asked) -> App:
        key, _, token = asked.headers.get("authorization", "").removeprefix("token ").partition(":")
        app = self.accounts.app(key)
        if app is None or not self.accounts.is_valid(key, token):
            raise dead_token()
        return app

    def _session(self, asked: Asked) -> Any:  # noqa: ANN401 - JSON
        if asked.method == "DELETE":
            self.accounts.log_out(asked.one("access_token"))
            return True
        form = asked.form
        key = form.get("api_key", "")
        if asked.method != "POST" or not key:
            raise bad_input("Missing or empty field `api_key`")
        app = self.accounts.app(key)
        if app is None:
            raise bad_input("Invalid `api_key`.")
        token = self.accounts.exchange(api_key=key, request_token=form.get("request_token", ""), checksum=form.get("checksum", ""))
        at = self.clock.now().astimezone(IST)
        extra = {"access_token": token, "public_token": "", "enctoken": "", "refresh_token": "", "silo": "", "api_key": app.api_key}
        return _profile(app) | extra | {"login_time": at.strftime(_FORM)}

    def _dump(self, path: str) -> bytes:
        exchange = path.removeprefix("/instruments").strip("/")
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(listed.row() for listed in self.market.listings if exchange in {"", listed.exchange})
        return gzip.compress(text.getvalue().encode(), mtime=0)

    def _historical(self, asked: Asked, app: App, *, token: str, interval: str) -> list[list[object]]:
        if not app.has_data:
            raise no_permission()
        listed = self._by_token.get(int(token))
        if listed is None:
            raise bad_input("invalid token")
        if interval not in MINUTES and interval != "day":
            raise bad_input("invalid interval")
        start, end = (_instant(asked.one(name), name) for name in ("from", "to"))
        if end < start:
            raise bad_input("`from` is after `to`")
        if end - start > timedelta(days=MOST_DAYS[interval]):
            raise bad_input(f"interval exceeds max limit: {MOST_DAYS[interval]} days")
        found = candles(self.market, listed, interval, span=(start, end), now=self.clock.now())
        return found.rows(with_oi=asked.one("oi") == "1")

    def _quotes(self, asked: Asked, app: App, kind: Kind) -> Mapping[str, Any]:
        if not app.has_data:
            raise no_permission()
        names = asked.all("i")
        if len(names) > MOST_QUOTES[asked.path]:
            raise bad_input(f"Too many tokens requested. Max permitted is {MOST_QUOTES[asked.path]}.")
        known = {name: listed for name in names if (listed := self.listed(name)) is not None}
        quotes = {name: quote_of(self.market, listed, now=self.clock.now(), kind=kind) for name, listed in known.items()}
        return {name: quote for name, quote in quotes.items() if quote is not None}


def _kind_of(path: str) -> str:
    if path.startswith("/quote"):
        return "quote"
    return "historical" if path.startswith("/instruments/historical") else "other"


def _instant(text: str, name: str) -> datetime:
    for form, length in ((_FORM, 19), ("%Y-%m-%d", 10)):
        if len(text) == length:
            try:
                return datetime.strptime(text, form).replace(tzinfo=IST)
            except ValueError:
                break
    raise bad_input(f"invalid `{name}` date")


def _json(data: object, fault: Fault | None) -> Answer:
    body = json.dumps({"status": "success", "data": data}, separators=(",", ":")).encode()
    if fault is Fault.CUT_JSON:
        body = body[: max(1, len(body) * 2 // 3)]
    return Answer(body=body, fault=fault)


def _refused(refusal: Refusal, fault: Fault | None) -> Answer:
    envelope = {"status": "error", "message": refusal.message, "error_type": refusal.kind, "data": None}
    return Answer(status=refusal.status, body=json.dumps(envelope).encode(), fault=fault)


def _too_many() -> Refusal:
    return Refusal(_TOO_MANY, "NetworkException", "Too many requests")


def _with_fault(rows: list[list[object]], fault: Fault | None) -> list[list[object]]:
    """Return candles with what may be wrong among them; of all but the last two kinds a client must make the same bars."""
    spoil = _SPOILERS.get(fault) if fault is not None and rows else None
    return rows if spoil is None else spoil(rows)


def _revised(row: list[object]) -> list[object]:
    return [*row[:5], int(str(row[5])) + 1, *row[6:]]


def _later(row: list[object]) -> list[object]:
    """Return a candle that begins after the last one, and has hardly traded."""
    at = datetime.strptime(str(row[0]), "%Y-%m-%dT%H:%M:%S%z") + timedelta(minutes=1)
    return [f"{at:%Y-%m-%dT%H:%M:%S}+0530", row[4], row[4], row[4], row[4], 1, *row[6:]]


_SPOILERS: Final[Mapping[Fault, Callable[[list[list[object]]], list[list[object]]]]] = {
    Fault.DUPLICATES: lambda rows: [row for row in rows for _ in (0, 1)],
    Fault.OVERLAP: lambda rows: [*rows, *rows[-5:]],
    Fault.UNSORTED: lambda rows: rows[::-1],
    Fault.REVISED: lambda rows: [*rows[:-1], _revised(rows[-1])],
    Fault.FORMING: lambda rows: [*rows, _later(rows[-1])],
}


def _profile(app: App) -> dict[str, object]:
    return {
        "user_id": app.user_id,
        "user_type": "individual",
        "email": "sandbox@example.invalid",
        "user_name": app.user_name,
        "user_shortname": app.user_name.split()[0],
        "broker": "SANDBOX",
        "exchanges": ["NSE", "BSE", "NFO"],
        "products": ["CNC", "NRML", "MIS"],
        "order_types": ["MARKET", "LIMIT", "SL", "SL-M"],
        "avatar_url": None,
        "meta": {"demat_consent": "consent"},
    }
