"""The daily login: where to send the user, how the token is asked for, and how long it lives."""

from __future__ import annotations

import hashlib
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from qts.core import IST
from qts.core.errors import BadReply
from qts.data.kite.fields import Stamp, checked

ENDS_AT: Final = time(6, 0)
"""Time of day in India at which every session ends. Source: the broker's documentation, "about 6 AM"; it is not exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session with the broker. The token is left out of every text that shows one."""

    user_id: str
    user_name: str
    access_token: str = field(repr=False)
    logged_in_at: datetime
    expires_at: datetime

    def is_valid(self, now: datetime) -> bool:
        """Return whether the session should still hold at this instant; the broker may end it sooner."""
        return now < self.expires_at


class _Session(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    user_id: str = Field(min_length=1, max_length=64)
    user_name: str = Field(default="", max_length=200)
    access_token: str = Field(min_length=1, max_length=512, pattern=r"^\S+$", repr=False)
    login_time: Stamp


def login_address(api_key: str, *, login: str, state: Mapping[str, str] | None = None) -> str:
    """Return where to send the user's browser: the broker's login page, which is at ``login``.

    ``state`` comes back with the redirect, so that we know our own question.
    """
    query = {"v": "3", "api_key": api_key}
    if state:
        query["redirect_params"] = urllib.parse.urlencode(state)
    return f"{login}?{urllib.parse.urlencode(query)}"


def checksum_of(api_key: str, request_token: str, api_secret: str) -> str:
    """Return the proof that we know the secret, which itself is never sent.

    >>> checksum_of("key", "rt", "secret")[:16]
    'eeb3d0fdf2891168'
    """
    return hashlib.sha256(f"{api_key}{request_token}{api_secret}".encode()).hexdigest()


def expiry_of(logged_in_at: datetime) -> datetime:
    """Return the next six o'clock in the morning, in India, after a login."""
    local = logged_in_at.astimezone(IST)
    ends = datetime.combine(local.date(), ENDS_AT, tzinfo=IST)
    return ends if ends > local else ends + timedelta(days=1)


def read_session(data: Any) -> Session:  # noqa: ANN401 - parsed JSON
    """Return the session of a login's ``data``.

    Raises
    ------
    BadReply
        If it holds no token, or does not say when it was given.
    """
    found = checked(_Session, data)
    if found.login_time is None:
        raise BadReply("login_time: is absent")
    return Session(
        user_id=found.user_id,
        user_name=found.user_name,
        access_token=found.access_token,
        logged_in_at=found.login_time,
        expires_at=expiry_of(found.login_time),
    )
