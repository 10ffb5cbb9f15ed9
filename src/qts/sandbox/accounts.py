"""Who may come in: applications with a key and a secret, and the tokens of their users."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from qts.core import IST, Clock
from qts.sandbox.refusal import Refusal

REQUEST_TOKEN_LIVES: Final = timedelta(minutes=2)
ENDS_AT: Final = time(6, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An application as its owner registered it. ``has_data`` is false for the free plan, which has no quotes and no candles."""

    api_key: str
    api_secret: str
    user_id: str = "SB0001"
    user_name: str = "Sandbox User"
    redirect_url: str = "http://127.0.0.1:8501/api/broker/kite/callback"
    has_data: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    api_key: str
    ends_at: datetime


class Accounts:
    """The applications and their tokens. Threads may share it."""

    def __init__(self, apps: Sequence[App], clock: Clock, *, new_token: Callable[[], str] = lambda: secrets.token_hex(16)) -> None:
        self._apps = {app.api_key: app for app in apps}
        self._clock = clock
        self._new_token = new_token
        self._asked: dict[str, _Token] = {}
        self._given: dict[str, _Token] = {}
        self._lock = threading.Lock()

    def app(self, api_key: str) -> App | None:
        """Return the application of a key."""
        return self._apps.get(api_key)

    def log_in(self, app: App) -> str:
        """Return a request token, as the broker's login page hands over: it can be used once, and soon."""
        token = self._new_token()
        with self._lock:
            self._asked[token] = _Token(api_key=app.api_key, ends_at=self._clock.now() + REQUEST_TOKEN_LIVES)
        return token

    def exchange(self, *, api_key: str, request_token: str, checksum: str) -> str:
        """Return an access token for a request token, which is used up by that alone: what is refused leaves it as it was.

        Raises
        ------
        Refusal
            If the token is not the key's own, was used or is too old, or the checksum is of another secret.
        """
        now = self._clock.now()
        app = self._apps.get(api_key)
        with self._lock:
            asked = self._asked.get(request_token)
            if app is None or asked is None or asked.api_key != api_key or asked.ends_at <= now:
                raise Refusal(403, "TokenException", "Token is invalid or has expired.")
            expected = hashlib.sha256(f"{api_key}{request_token}{app.api_secret}".encode()).hexdigest()
            if not secrets.compare_digest(checksum.encode(), expected.encode()):
                raise Refusal(403, "TokenException", "Invalid `checksum`.")
            del self._asked[request_token]
            token = self._new_token()
            self._given[token] = _Token(api_key=api_key, ends_at=next_end(now))
            return token

    def is_valid(self, api_key: str, access_token: str) -> bool:
        """Return whether a token holds now."""
        with self._lock:
            found = self._given.get(access_token)
        return found is not None and found.api_key == api_key and self._clock.now() < found.ends_at

    def log_out(self, access_token: str) -> None:
        """End one session."""
        with self._lock:
            self._given.pop(access_token, None)

    def end_all(self) -> None:
        """End every session, as the broker does at night."""
        with self._lock:
            self._given.clear()


def next_end(now: datetime) -> datetime:
    """Return the next six o'clock in the morning, in India."""
    local = now.astimezone(IST)
    today = datetime.combine(local.date(), ENDS_AT, tzinfo=IST)
    return today if today > local else today + timedelta(days=1)
