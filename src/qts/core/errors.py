"""What can go wrong, as classes: callers branch on the class, the shell turns it into a sentence.

::

    QtsError
    ├── InputError        the caller can fix it
    │   ├── UnknownInstrument, UnknownStrategy, UnknownRun
    │   ├── BadParameter      a value is of the wrong kind, out of range, or breaks a constraint
    │   ├── BadPath           a file or folder is absent or may not be read
    │   ├── EmptySpan         nothing is stored for the span asked for
    │   └── QueryStopped      a query took more time, memory or turns than it may
    ├── DataError         the market data is wrong or missing
    │   ├── BadFile           a file is not what it claims to be
    │   │   └── NotPrices         a sound file of something else than bars
    │   ├── DamagedFile       a stored file is missing or differs from its recorded hash
    │   ├── GapFound, DuplicateBar
    │   ├── StoreFull         no room left on the disk
    │   └── StoreBusy         other writers never let this one in
    ├── PluginError       a plugin file does not keep the contract
    ├── StrategyFailed    a strategy raised, or returned what cannot be traded
    ├── CheckFailed       a check found something (a replay differs, a file is corrupt)
    ├── SourceError       the outside failed
    │   ├── AuthExpired       no session, or it has ended: log in again
    │   ├── AccessDenied      the account or its plan lacks the right
    │   ├── RequestRefused    the outside says that we asked wrongly
    │   ├── RateLimited       asked too often; carries when to ask again
    │   ├── SourceDown        not reached, or out of order: try later
    │   └── BadReply          a reply is not what is documented
    └── OrderRejected     the broker or our risk gate said no

Every error carries the fields it was made of; ``message`` says what happened, ``hint`` the way out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

_MAX_SHOWN: Final = 120
_MIB: Final = 1 << 20


class QtsError(Exception):
    """Base of everything this package raises on purpose.

    Parameters
    ----------
    message : str
        One sentence naming the thing and the value.
    hint : str
        The way out, as one sentence; empty only where there is none.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def kind(self) -> str:
        """Return the name programs branch on: the class's own."""
        return type(self).__name__


class InputError(QtsError):
    """The caller can fix it."""


class UnknownInstrument(InputError):
    """No bars are stored under this instrument, or its name is not ``EXCHANGE:SYMBOL``."""

    def __init__(self, instrument: str, *, near: Sequence[str] = ()) -> None:
        self.instrument = instrument
        self.near = tuple(near)
        hint = f"Did you mean {', '.join(self.near)}?" if self.near else "`qts catalog` lists what is stored; `qts import FILE` adds more."
        super().__init__(f"The store has no instrument {instrument!r}.", hint=hint)


class UnknownStrategy(InputError):
    """No strategy has this id, and no file stands at this path."""

    def __init__(self, strategy: str, *, near: Sequence[str] = ()) -> None:
        self.strategy = strategy
        self.near = tuple(near)
        hint = f"Did you mean {', '.join(self.near)}?" if self.near else "`qts strategies` lists what can be run."
        super().__init__(f"There is no strategy {strategy!r}.", hint=hint)


class UnknownRun(InputError):
    """No run is stored under this id."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"There is no run {run_id!r}.", hint="`qts runs` lists the stored runs.")


class BadParameter(InputError):
    """A value is of the wrong kind, out of its range, or breaks a constraint between parameters."""

    def __init__(self, name: str, value: object, reason: str, *, hint: str = "") -> None:
        self.name = name
        self.value = value
        self.reason = reason
        super().__init__(f"{name} = {_shown(value)}: {reason}.", hint=hint or f"Give {name} a value that fits.")


class BadPath(InputError):
    """A file or folder is absent, or may not be read or written."""

    def __init__(self, path: str, reason: str, *, hint: str = "") -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}.", hint=hint or "Check the path and its permissions.")


class EmptySpan(InputError):
    """Nothing is stored for the span asked for."""

    def __init__(self, instrument: str, interval: str, *, start: date | None, end: date | None, stored: tuple[date, date] | None) -> None:
        self.instrument = instrument
        self.interval = interval
        self.start = start
        self.end = end
        self.stored = stored
        asked = f"{start or 'the beginning'}..{end or 'the end'}"
        held = f"stored: {stored[0]}..{stored[1]}" if stored else "none are stored"
        hint = (
            f"Choose dates between {stored[0]} and {stored[1]}."
            if stored
            else "`qts catalog` shows what is stored; `qts import FILE` adds more."
        )
        super().__init__(f"{instrument} has no {interval} bars in {asked}; {held}.", hint=hint)


class QueryStopped(InputError):
    """A query took more time, memory or turns than it may have."""

    def __init__(self, reason: str, *, hint: str) -> None:
        self.reason = reason
        super().__init__(f"The query was stopped: {reason}.", hint=hint)


class DataError(QtsError):
    """The market data is wrong or missing."""


class BadFile(DataError):
    """A file is not what it claims to be: empty, cut, binary, or without the columns it needs."""

    def __init__(self, path: str, reason: str, *, hint: str = "") -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}.", hint=hint or "Name the layout with --format, or the columns with --map.")


class NotPrices(BadFile):
    """A sound file that holds something else than bars: ticks, instruments, text. In a folder it is skipped with this reason."""


class DamagedFile(DataError):
    """A stored file is missing or differs from its recorded hash."""

    def __init__(self, path: str, reason: str, *, hint: str = "") -> None:
        self.path = path
        self.reason = reason
        super().__init__(
            f"The stored file {path} is damaged: {reason}.",
            hint=hint or "`qts verify` names what to import again, and takes it from a backup where there is one.",
        )


class GapFound(DataError):
    """Bars are missing where the calendar expects them."""


class DuplicateBar(DataError):
    """Two bars claim one instant of one series."""


class StoreFull(DataError):
    """No room is left on the disk; nothing was half-written. ``free`` and ``kept`` are bytes, where a reserve is what is left."""

    def __init__(self, path: str, *, free: int | None = None, kept: int | None = None) -> None:
        self.path = path
        self.free = free
        self.kept = kept
        if free is None or kept is None:
            what, way_out = "is full", "Free some space and run the same command again."
        else:
            what = f"has {free / _MIB:,.0f} MiB free, and {kept / _MIB:,.0f} MiB are kept free"
            way_out = "Free some space and run the same command again, or lower the setting keep_free."
        super().__init__(f"The disk that holds {path} {what}: nothing of this step was stored.", hint=way_out)


class StoreBusy(DataError):
    """Other writers held the store for longer than we wait; nothing was stored."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"Another process is writing to {path} and does not let go.", hint="Wait until it has finished, then run again.")


class PluginError(QtsError):
    """A plugin file does not keep the contract."""

    def __init__(self, path: str, reason: str, *, line: int | None = None) -> None:
        self.path = path
        self.reason = reason
        self.line = line
        where = f"{path}, line {line}" if line is not None else path
        super().__init__(f"{where}: {reason}.", hint="Correct the file; the docs show the shape of a plugin under “Write a strategy”.")


class StrategyFailed(QtsError):
    """A strategy raised, or returned what cannot be traded."""

    def __init__(self, strategy: str, reason: str, *, line: int | None = None) -> None:
        self.strategy = strategy
        self.reason = reason
        self.line = line
        where = f"Strategy {strategy!r}, line {line}" if line is not None else f"Strategy {strategy!r}"
        super().__init__(f"{where}: {reason}.", hint="Correct the strategy's file; nothing was stored for this run.")


class CheckFailed(QtsError):
    """A check did its work and found something."""


class SourceError(QtsError):
    """The outside failed: a broker, a service, a download."""


class AuthExpired(SourceError):
    """There is no session with the broker, or it has ended."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"There is no valid session with the broker: {reason}.", hint="Log in again: `qts login`.")


class AccessDenied(SourceError):
    """The account or its plan lacks the right to this call; a new login changes nothing."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        hint = (
            "Market data needs the paid plan of Kite Connect; the free one has orders and portfolio only. Logging in again does not help."
        )
        super().__init__(f"The broker denies access: {reason}.", hint=hint)


class RequestRefused(SourceError):
    """The outside says that the request itself is wrong; asking again changes nothing."""

    def __init__(self, reason: str, *, hint: str = "Check the instrument, the interval and the dates.") -> None:
        self.reason = reason
        super().__init__(f"The source refuses the request: {reason}.", hint=hint)


class RateLimited(SourceError):
    """We asked too often. ``retry_after`` is in how many seconds to ask again, None where that was not said."""

    def __init__(self, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        wait = "" if retry_after is None else f" for {retry_after:g} s"
        super().__init__(
            f"The source asks us to wait{wait}: too many requests.",
            hint="Wait, and see that no other program asks it with the same key or address.",
        )


class SourceDown(SourceError):
    """The outside cannot be reached, or says itself that it is out of order."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The source does not answer: {reason}.", hint="Try again later; what was fetched so far is kept.")


class BadReply(SourceError):
    """A reply is not what is documented: cut, empty, of another kind, or with impossible values."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The source sent a reply that makes no sense: {reason}.", hint="Try again; nothing of this reply was stored.")


class OrderRejected(QtsError):
    """The broker or our risk gate said no."""


def _shown(value: object) -> str:
    text = str(value)
    return repr(text) if not text.strip() else text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"
