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
    └── OrderRejected     the broker or our risk gate said no

Every error carries the fields it was made of; ``message`` says what happened, ``hint`` the way out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

_MAX_SHOWN: Final = 120


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

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"The stored file {path} is damaged: {reason}.", hint="Import its source again, or restore a backup.")


class GapFound(DataError):
    """Bars are missing where the calendar expects them."""


class DuplicateBar(DataError):
    """Two bars claim one instant of one series."""


class StoreFull(DataError):
    """No room is left on the disk; nothing was half-written."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"The disk that holds {path} is full: nothing of this step was stored.", hint="Free some space and run the same command again."
        )


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


class OrderRejected(QtsError):
    """The broker or our risk gate said no."""


def _shown(value: object) -> str:
    text = str(value)
    return repr(text) if not text.strip() else text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"
