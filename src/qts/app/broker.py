"""The session with the broker: whose keys, how a login begins and ends, and until when it holds."""

from __future__ import annotations

import hashlib
import json
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal
from urllib.parse import parse_qs, urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr

from qts.app.call_hooks import NO_HOOKS, CallHooks
from qts.app.secret_store import SecretStore, masked
from qts.app.settings import TOML_NAME, Settings
from qts.app.workspace import Workspace
from qts.core.clock import IST
from qts.core.errors import BadParameter, BadPath, BadReply, InputError, RateLimited, RequestRefused, SourceDown
from qts.data.kite import Session, login_address
from qts.data.kite.client import Access, KiteClient, Timing
from qts.data.kite.deadline import open_http
from qts.data.kite.login import expiry_of
from qts.data.kite.pacing import Pacer

STATE_LIVES: Final = timedelta(minutes=15)
_KEYS: Final = "kite/keys"
_SESSION: Final = "kite/session"
_STATE: Final = "kite/state"
_EXCHANGED: Final = "kite/exchanged/"
_REMEMBERED: Final = timedelta(days=1)
_CLOCKS_DIFFER: Final = timedelta(hours=1)
_SHORTEST_TOKEN: Final = 6
_SECRET_NAMES: Final = ("kite_api_secret", "kite_access_token")


class NotConfigured(InputError):
    """No application of the broker's is known."""

    def __init__(self) -> None:
        hint = "Set KITE_API_KEY and KITE_API_SECRET, or keep them with `qts login --save-keys`."
        super().__init__("There are no keys for the broker.", hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The application's key and secret, and where they were found."""

    api_key: str
    api_secret: str = field(repr=False)
    source: Literal["settings", "store"]


class BrokerStatus(BaseModel):
    """What is known of the session. The key is shown by its last characters only."""

    model_config = ConfigDict(frozen=True)

    state: Literal["not_configured", "logged_out", "logged_in", "expired"]
    api_key: str | None = None
    keys_from: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    logged_in_at: datetime | None = None
    expires_at: datetime | None = None


def secret_store(workspace: Workspace) -> SecretStore:
    """Return where secrets are kept."""
    return SecretStore(workspace.control.database, workspace.settings.key_file)


def find_keys(workspace: Workspace) -> Keys:
    """Return the keys: of the settings where both are set, else those kept.

    Raises
    ------
    NotConfigured
        If there are none.
    BadPath
        If they stand in a ``qts.toml`` that others may read.
    """
    settings = workspace.settings
    if settings.kite_api_key is not None and settings.kite_api_secret is not None:
        _require_private(settings)
        return Keys(
            api_key=settings.kite_api_key.get_secret_value(), api_secret=settings.kite_api_secret.get_secret_value(), source="settings"
        )
    kept = secret_store(workspace).get(_KEYS)
    if kept is None:
        raise NotConfigured
    found = json.loads(kept[0])
    return Keys(api_key=found["api_key"], api_secret=found["api_secret"], source="store")


def save_keys(workspace: Workspace, *, api_key: str, api_secret: str) -> None:
    """Keep the keys, encrypted.

    Raises
    ------
    BadParameter
        If one is empty or has blanks in it.
    """
    for name, value in (("api_key", api_key), ("api_secret", api_secret)):
        if not value or value.split() != [value]:
            raise BadParameter(name, "", "is empty or has blanks in it", hint="Copy it from the developer pages of the broker.")
    secret_store(workspace).put(_KEYS, json.dumps({"api_key": api_key, "api_secret": api_secret}), at=workspace.clock.now())


def broker_status(workspace: Workspace) -> BrokerStatus:
    """Return what is known of the session, without asking the broker."""
    try:
        keys = find_keys(workspace)
    except NotConfigured:
        return BrokerStatus(state="not_configured")
    about = {"api_key": masked(keys.api_key), "keys_from": keys.source}
    session = _session(workspace)
    if session is None:
        return BrokerStatus(state="logged_out" if workspace.settings.kite_access_token is None else "logged_in", **about)
    return BrokerStatus(
        state="logged_in" if session.is_valid(workspace.clock.now()) else "expired",
        user_id=session.user_id,
        user_name=session.user_name,
        logged_in_at=session.logged_in_at,
        expires_at=session.expires_at,
        **about,
    )


def begin_login(workspace: Workspace) -> str:
    """Return the address of the broker's login page, with a mark by which we know our own question when it comes back."""
    keys = find_keys(workspace)
    state = secrets.token_urlsafe(24)
    secret_store(workspace).put(_STATE, state, at=workspace.clock.now())
    return login_address(keys.api_key, state={"state": state}, login=workspace.settings.kite_login)


def finish_redirect(workspace: Workspace, *, request_token: str, state: str, status: str) -> BrokerStatus:
    """Finish a login that came back through the browser.

    Raises
    ------
    InputError
        If the user cancelled, or the question was not ours or is too old.
    AuthExpired, SourceError
        If the broker does not give a session.
    """
    kept = secret_store(workspace).get(_STATE)
    secret_store(workspace).drop(_STATE)
    is_ours = kept is not None and secrets.compare_digest(kept[0].encode(), state.encode())
    if kept is None or not is_ours or workspace.clock.now() - kept[1] > STATE_LIVES:
        raise InputError("This login was not begun here, or too long ago.", hint="Begin it again from this program.")
    if status != "success":
        raise InputError("The login was cancelled.", hint="Begin it again when you like.")
    return log_in(workspace, request_token)


def log_in(workspace: Workspace, answer: str, *, transport: httpx.BaseTransport | None = None) -> BrokerStatus:
    """Exchange a request token, or the whole address that the browser was sent to, for a session, and keep it encrypted.

    Raises
    ------
    BadParameter
        If no token can be read from the answer, or it was given here before: it works once, and the broker is not asked again.
    AuthExpired
        If the broker does not take the token: it works once, and for a few minutes.
    RequestRefused
        If the broker does not take the keys; the same answer may be given again once they are right.
    SourceError
        If the broker could not be asked.
    """
    keys, token = find_keys(workspace), token_in(answer)
    claim = f"{_EXCHANGED}{hashlib.sha256(f'request/{token}'.encode()).hexdigest()[:32]}"
    secrets_kept, now = secret_store(workspace), workspace.clock.now()
    secrets_kept.drop_claims(_EXCHANGED, before=now - _REMEMBERED)
    if not secrets_kept.claim(claim, at=now):
        hint = "Each works once. Look at `qts login --status`; if there is no session, begin the login again for another token."
        raise BadParameter("request_token", masked(token), "was given here before", hint=hint)
    with _client(workspace, keys, transport=transport) as client:
        try:
            session = client.log_in(token, keys.api_secret)
        except (SourceDown, RateLimited, BadReply, RequestRefused):  # it may be as good as before
            secrets_kept.drop(claim)
            raise
    kept = {
        "user_id": session.user_id,
        "user_name": session.user_name,
        "access_token": session.access_token,
        "logged_in_at": session.logged_in_at.isoformat(),
        "expires_at": _end_of(session, now).isoformat(),
    }
    secret_store(workspace).put(_SESSION, json.dumps(kept), at=workspace.clock.now())
    return broker_status(workspace)


def _end_of(session: Session, now: datetime) -> datetime:
    # A session lives until the next morning. If by our clock it has ended already, or not for days, the broker's clock is not ours
    # (a simulated exchange lives at a day of its own), and the next morning is that of ours.
    is_near = now < session.expires_at <= now + timedelta(days=1) + _CLOCKS_DIFFER
    return session.expires_at if is_near else expiry_of(now)


def log_out(workspace: Workspace, *, transport: httpx.BaseTransport | None = None) -> BrokerStatus:
    """End the session, here in any case and at the broker if it can be reached."""
    keys = find_keys(workspace)
    try:
        with _client(workspace, keys, transport=transport) as client:
            client.log_out()
    finally:
        secret_store(workspace).drop(_SESSION)
    return broker_status(workspace)


@contextmanager
def kite_client(workspace: Workspace, *, transport: httpx.BaseTransport | None = None, hooks: CallHooks = NO_HOOKS) -> Iterator[KiteClient]:
    """Yield a client with the present session, which it looks up anew for every request.

    Raises
    ------
    NotConfigured
        If there are no keys.
    """
    with _client(workspace, find_keys(workspace), transport=transport, hooks=hooks) as client:
        yield client


def usable_token(workspace: Workspace) -> str | None:
    """Return the token of the present session, None where there is none or it has run out; the broker is not asked."""
    return _token(workspace)


def token_in(answer: str) -> str:
    """Return the request token of what a person pastes: the token itself, or the address with it.

    Raises
    ------
    BadParameter
        If there is none in it.

    >>> token_in(" http://127.0.0.1:8501/api/broker/kite/callback?status=success&request_token=abc12345 ")
    'abc12345'
    """
    text = answer.strip()
    if "request_token=" in text:
        query = urlsplit(text).query or text
        text = parse_qs(query).get("request_token", [""])[0]
    if not text.isascii() or not text.isalnum() or len(text) < _SHORTEST_TOKEN:
        hint = "Paste the whole address of the page that the broker sent your browser to, or its request_token."
        raise BadParameter("request_token", "", "none is in what was given", hint=hint)
    return text


@contextmanager
def _client(
    workspace: Workspace, keys: Keys, *, transport: httpx.BaseTransport | None, hooks: CallHooks = NO_HOOKS
) -> Iterator[KiteClient]:
    def token() -> str | None:
        found = _token(workspace)
        return found if found is not None and hooks.may_use(found) else None

    timing = Timing(clock=workspace.clock, seconds=time.monotonic, sleep=hooks.sleep, on_retry=hooks.on_retry)
    pacer = Pacer(workspace.control.database, keys.api_key, clock=workspace.clock, sleep=hooks.sleep)
    access = Access(api_key=keys.api_key, token=token)
    with open_http(workspace.settings.kite_root, transport=transport) as http:
        yield KiteClient(http, access, pacer=pacer, timing=timing)


def _token(workspace: Workspace) -> str | None:
    session = _session(workspace)
    if session is not None and session.is_valid(workspace.clock.now()):
        return session.access_token
    # A token given from outside says nothing of its age: the broker will tell.
    given: SecretStr | None = workspace.settings.kite_access_token
    if given is None:
        return None
    _require_private(workspace.settings)
    return given.get_secret_value()


def _session(workspace: Workspace) -> Session | None:
    kept = secret_store(workspace).get(_SESSION)
    if kept is None:
        return None
    found = json.loads(kept[0])
    return Session(
        user_id=found["user_id"],
        user_name=found["user_name"],
        access_token=found["access_token"],
        logged_in_at=datetime.fromisoformat(found["logged_in_at"]).astimezone(IST),
        expires_at=datetime.fromisoformat(found["expires_at"]).astimezone(IST),
    )


def _require_private(settings: Settings) -> None:
    path = settings.home / TOML_NAME
    try:
        text = path.read_text(encoding="utf-8")
        is_open = bool(stat.S_IMODE(path.stat().st_mode) & 0o077) and any(name in text for name in _SECRET_NAMES)
    except OSError:
        return
    if is_open:
        raise BadPath(str(path), "holds a secret and may be read by others", hint=f"Run: chmod 600 {path}")
