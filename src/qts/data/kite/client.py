"""The broker's REST interface, asked politely: paced, with a deadline on every call, and again where that may help."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeAlias, TypeVar

import httpx

from qts.core import Bars, Clock, InstrumentId, Interval
from qts.core.errors import AuthExpired, BadParameter, BadReply, RateLimited, RequestRefused, SourceDown, SourceError
from qts.data.kite import account
from qts.data.kite.breaker import Breaker
from qts.data.kite.candles import closed_bars, read_candles
from qts.data.kite.contract_note import PATH, ContractNote, ExecutedOrder, read_contract_note
from qts.data.kite.deadline import ending
from qts.data.kite.login import Session, checksum_of, read_session
from qts.data.kite.pacing import CallKind, Pacer
from qts.data.kite.quotes import MOST_QUOTES, Quote, read_quotes
from qts.data.kite.reply import Reply, data_of
from qts.data.kite.windows import SPELLINGS, CandleWindow

T = TypeVar("T")
MOST_BYTES: Final = 64 << 20
_VERSION: Final = {"X-Kite-Version": "3", "User-Agent": "qts"}
_FORM: Final = "%Y-%m-%d %H:%M:%S"
_TIMEOUT: Final = httpx.Timeout(10.0, connect=5.0)
_OK: Final = 200
_CHECK_KEYS: Final = (
    "Check KITE_API_KEY and KITE_API_SECRET, or what `qts login --save-keys` kept, against the application's page at the broker. "
    "Then give the same request token again, or begin the login again for another one."
)
_DUMP_BEGINS: Final = b"instrument_token,"


class _WithoutQuery(logging.Filter):
    """Leaves out of httpx's log what follows the path of an address: a logout has its token there."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through."""
        if isinstance(record.args, tuple):
            record.args = tuple(part.copy_with(query=None) if isinstance(part, httpx.URL) else part for part in record.args)
        return True


logging.getLogger("httpx").addFilter(_WithoutQuery())
# Makes something of a reply and the time at which it was sent; a reply that makes no sense is a BadReply and asked for again.
Reader: TypeAlias = Callable[[Reply, datetime], T]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how long to try: ``n_tries`` in all, waiting ``first_wait`` seconds and then twice as long each time, with jitter.

    ``deadline`` is for one try, whatever the server sends meanwhile.
    """

    n_tries: int = 6
    first_wait: float = 0.5
    longest_wait: float = 30.0
    deadline: float = 30.0

    def wait(self, n_failed: int, chance: float) -> float:
        """Return how long to wait after so many failures: between half and the whole of the step, by chance."""
        step = min(self.first_wait * 2 ** (n_failed - 1), self.longest_wait)
        return float(step * (0.5 + chance / 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Where time and chance come from: the machine's clock, seconds that never go back, waiting, and random numbers in [0, 1).

    ``on_retry`` is called for every request that will be made again.
    """

    clock: Clock
    seconds: Callable[[], float]
    sleep: Callable[[float], object]
    chance: Callable[[], float] = random.random
    on_retry: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleReply:
    """The closed bars of one window, how many candles were still forming, and those that were refused with the reason.

    ``at`` is when the reply was sent, by the sender's clock. ``spoiled`` are the dates of the refused, None where one has none.
    """

    at: datetime
    bars: Bars
    n_forming: int
    refused: tuple[tuple[int, str], ...]
    spoiled: frozenset[date | None] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who asks. ``token`` is called for every request, so that a login in another process is seen at once."""

    api_key: str
    token: Callable[[], str | None] = field(repr=False)


class KiteClient:
    """Typed calls of the REST interface. Threads may share it.

    Parameters
    ----------
    http : httpx.Client
        Connections, of :func:`qts.data.kite.deadline.open_http`; their base address is the broker's, or that of a simulated exchange.
    access : Access
        The key, and where the present token is found.
    pacer : Pacer
        When a request may go.
    timing : Timing
        Clock and waiting.
    policy : RetryPolicy
        How often to try.

    Notes
    -----
    Only requests that read are tried again. No message holds a key or a token.
    """

    def __init__(self, http: httpx.Client, access: Access, *, pacer: Pacer, timing: Timing, policy: RetryPolicy | None = None) -> None:
        self._http = http
        self._access = access
        self._pacer = pacer
        self._timing = timing
        self._policy = policy or RetryPolicy()
        self._breaker = Breaker(timing.seconds)

    def log_in(self, request_token: str, api_secret: str) -> Session:
        """Return the session for a request token, which works once.

        Raises
        ------
        AuthExpired
            If the token was used or is too old.
        RequestRefused
            If the key or the secret is not the application's; the token may be as good as before.
        SourceError
            If it was not possible for another reason; the token may be used up then.
        """
        form = {
            "api_key": self._access.api_key,
            "request_token": request_token,
            "checksum": checksum_of(self._access.api_key, request_token, api_secret),
        }
        reply, _ = self._sent("POST", "/session/token", headers=lambda: _VERSION, form=form)
        try:
            return read_session(data_of(reply))
        except RequestRefused as error:
            raise RequestRefused(error.reason, hint=_CHECK_KEYS) from error
        except AuthExpired as error:
            # A wrong secret comes under the type of a dead token; the sentence alone tells them apart.
            if "checksum" in error.reason:
                raise RequestRefused(error.reason, hint=_CHECK_KEYS) from error
            raise

    def log_out(self) -> None:
        """End the present session; one that has ended already is no error."""
        token = self._access.token()
        if token is None:
            return
        params = [("api_key", self._access.api_key), ("access_token", token)]
        reply, _ = self._sent("DELETE", "/session/token", params=params, headers=lambda: _VERSION)
        try:
            data_of(reply)
        except AuthExpired:
            return

    def profile(self) -> account.Profile:
        """Return whose session it is; raises SourceError."""
        return self._asked("/user/profile", _data(account.read_profile))

    def margins(self) -> Mapping[str, account.Margins]:
        """Return the account's money by segment; raises SourceError."""
        return self._asked("/user/margins", _data(account.read_margins))

    def holdings(self) -> tuple[account.BrokerHolding, ...]:
        """Return the shares held; raises SourceError."""
        return self._asked("/portfolio/holdings", _data(account.read_holdings))

    def positions(self) -> tuple[account.BrokerPosition, ...]:
        """Return the net positions; raises SourceError."""
        return self._asked("/portfolio/positions", _data(account.read_positions))

    def orders(self) -> tuple[account.BrokerOrder, ...]:
        """Return the day's orders; raises SourceError."""
        return self._asked("/orders", _data(account.read_orders))

    def trades(self) -> tuple[account.BrokerTrade, ...]:
        """Return the day's fills; raises SourceError."""
        return self._asked("/trades", _data(account.read_trades))

    def contract_note(self, orders: Sequence[ExecutedOrder]) -> ContractNote:
        """Return what the broker says that these orders cost; nothing is placed. Raises SourceError."""
        return self._asked(PATH, lambda reply, _at: read_contract_note(reply, n_orders=len(orders)), rows=[order.row() for order in orders])

    def instruments(self, exchange: str = "") -> bytes:
        """Return the instrument dump as CSV, of one exchange or of all; raises SourceError."""
        return self._asked(f"/instruments/{exchange}" if exchange else "/instruments", _dump)

    def quotes(self, instruments: Sequence[InstrumentId]) -> Mapping[InstrumentId, Quote]:
        """Return whole quotes, asked for in as many requests as it takes; the unknown are absent. Raises SourceError."""
        found: dict[InstrumentId, Quote] = {}
        for start in range(0, len(instruments), MOST_QUOTES):
            names = [("i", str(name)) for name in instruments[start : start + MOST_QUOTES]]
            found |= self._asked("/quote", _data(read_quotes), params=names, kind=CallKind.QUOTE)
        return found

    def candles(self, token: int, instrument: InstrumentId, interval: Interval, window: CandleWindow) -> CandleReply:
        """Return the candles of a window that are closed by the broker's own clock.

        Raises
        ------
        SourceError
            If they could not be had.
        BadParameter
            If the broker has no candles of this interval.
        """
        if interval not in SPELLINGS:
            raise BadParameter("interval", interval, "the broker has no such candles", hint=f"Use one of {', '.join(SPELLINGS)}.")
        params = [("from", window.start.strftime(_FORM)), ("to", window.end.strftime(_FORM)), ("oi", "1")]
        path = f"/instruments/historical/{token}/{SPELLINGS[interval]}"

        def read(reply: Reply, at: datetime) -> CandleReply:
            batch = read_candles(data_of(reply), instrument=instrument, interval=interval)
            closed = closed_bars(batch.bars, now=at)
            n_forming = len(batch.bars) - len(closed)
            return CandleReply(at=at, bars=closed, n_forming=n_forming, refused=batch.refused, spoiled=batch.spoiled)

        return self._asked(path, read, params=params, kind=CallKind.HISTORICAL)

    def _asked(
        self,
        path: str,
        read: Reader[T],
        *,
        params: Sequence[tuple[str, str]] = (),
        rows: Sequence[Mapping[str, object]] | None = None,
        kind: CallKind = CallKind.OTHER,
    ) -> T:
        """Return what a reply says, asking again where that may help; a question with ``rows`` is sent as JSON.

        Raises
        ------
        SourceError
            What went wrong at the last try, or what trying again cannot change.
        """
        for n_failed in range(1, self._policy.n_tries + 1):
            self._breaker.check()
            try:
                method = "GET" if rows is None else "POST"
                found = read(*self._sent(method, path, params=params, rows=rows, headers=self._headers, kind=kind))
            except (RateLimited, SourceDown, BadReply) as error:
                # Whoever asks us to wait is well.
                self._breaker.note(is_answered=isinstance(error, RateLimited))
                if n_failed == self._policy.n_tries:
                    raise
                self._rest(error, n_failed, kind)
            except SourceError:  # whoever says no is well
                self._breaker.note(is_answered=True)
                raise
            else:
                self._breaker.note(is_answered=True)
                return found
        raise SourceDown("it was not asked")  # unreachable unless no try is allowed

    def _rest(self, error: SourceError, n_failed: int, kind: CallKind) -> None:
        self._timing.on_retry()
        wait = self._policy.wait(n_failed, self._timing.chance())
        if isinstance(error, RateLimited):
            self._pacer.hold(kind, max(wait, error.retry_after or 0.0))
        else:
            self._timing.sleep(wait)

    def _headers(self) -> dict[str, str]:
        token = self._access.token()
        if token is None:
            raise AuthExpired("nobody has logged in, or the session has ended")
        if not f"{self._access.api_key}{token}".isascii():  # it would stand in the error of whoever cannot send it
            raise AuthExpired("the key or the token holds characters that none has")
        return {**_VERSION, "Authorization": f"token {self._access.api_key}:{token}"}

    def _sent(
        self,
        method: str,
        path: str,
        *,
        headers: Callable[[], Mapping[str, str]],
        params: Sequence[tuple[str, str]] = (),
        form: Mapping[str, str] | None = None,
        rows: Sequence[Mapping[str, object]] | None = None,
        kind: CallKind = CallKind.OTHER,
    ) -> tuple[Reply, datetime]:
        """Return the reply to one request, sent when it may go, and when it was sent by the sender's clock."""
        fields = None if form is None else dict(form)
        with self._pacer.going(kind) as answered:
            ends_at = self._timing.seconds() + self._policy.deadline
            given = dict(headers())  # after the wait: meanwhile there may be another session
            try:
                with (
                    ending(lambda: ends_at - self._timing.seconds()),
                    self._http.stream(
                        method, path, params=list(params), headers=given, data=fields, json=rows, timeout=_TIMEOUT
                    ) as response,
                ):
                    answered()
                    body = self._body(response, ends_at)
            except httpx.TimeoutException as error:
                late = self._timing.seconds() >= ends_at
                raise SourceDown(f"the reply was not whole within {self._policy.deadline:g} s" if late else "it took too long") from error
            except httpx.HTTPError as error:  # its text may hold the address, and with it what is secret
                raise SourceDown(f"the connection failed ({type(error).__name__})") from None
        names = {name.lower(): value for name, value in response.headers.items()}
        return Reply(status=response.status_code, body=body, headers=names), self._time_of(names)

    def _body(self, response: httpx.Response, ends_at: float) -> bytes:
        parts, size = [], 0
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                raise BadReply(f"it is longer than {MOST_BYTES >> 20} MiB")
            if self._timing.seconds() > ends_at:
                raise SourceDown(f"the reply was not whole within {self._policy.deadline:g} s")
        return b"".join(parts)

    def _time_of(self, headers: Mapping[str, str]) -> datetime:
        """Return the sender's present: ours may be wrong by minutes, and would then take a running candle for a whole one."""
        try:
            at = parsedate_to_datetime(headers["date"])
        except (KeyError, ValueError):
            return self._timing.clock.now()
        return at if at.tzinfo is not None else self._timing.clock.now()


def _data(read: Callable[[object], T]) -> Reader[T]:
    """Return a reader of replies that gives their data to this one."""
    return lambda reply, _at: read(data_of(reply))


def _dump(reply: Reply, at: datetime) -> bytes:
    """Read the list of instruments, the only reply that is no JSON."""
    del at
    if reply.status != _OK or not reply.body.startswith(_DUMP_BEGINS):
        data_of(reply)
        raise BadReply("the list of instruments does not begin with its header")
    return reply.body
