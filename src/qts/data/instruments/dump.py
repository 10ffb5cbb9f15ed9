"""Which instruments does a broker's dump list? Kite's CSV of a day, plain or gzipped, row by row, with a reason for each row refused."""

from __future__ import annotations

import csv
import gzip
import hashlib
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final, TypeVar

from qts.core import Exchange, InstrumentId
from qts.core.collection import collection_paused
from qts.core.errors import BadFile, BadParameter, BadPath
from qts.data.instruments.listing import PARTS, DumpRow, ListingKind
from qts.market.listing import contract_of

MAX_BYTES: Final = 512 << 20
"""Unpacked bytes of one dump; today's have 8 MiB."""

_COLUMNS: Final = (
    "instrument_token",
    "tradingsymbol",
    "name",
    "expiry",
    "strike",
    "tick_size",
    "lot_size",
    "instrument_type",
    "segment",
    "exchange",
)
# Kite's own dumps have none: whoever keeps the exchange's lists of bands adds it.
_BAND: Final = "price_band"
_NO_BAND: Final = "no band"
_SYMBOL: Final = re.compile(r"[A-Z0-9][A-Z0-9 &._\-*$]{0,63}")
_GZIP: Final = b"\x1f\x8b"
_MAX_TOKEN: Final = 2**32
_MAX_SHOWN: Final = 100
_LONGEST_NAME: Final = 200
_LONGEST_SEGMENT: Final = 16
_LARGEST_PRICE: Final = 10**15
_LARGEST_LOT: Final = 10**9
T = TypeVar("T")
_HINT: Final = "Give the CSV of Kite's instruments, as fetched: its first line names the columns."


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A row that was not taken: its line in the file, and why."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dump:
    """What a dump lists. ``sha256`` is of its unpacked bytes; of the rejected rows the first hundred are told, all are counted."""

    rows: tuple[DumpRow, ...]
    n_read: int
    n_rejected: int
    rejected: tuple[RejectedRow, ...]
    sha256: str

    def by_exchange(self) -> dict[str, list[DumpRow]]:
        """Return the rows of each exchange: a dump of one says nothing of the others."""
        found: dict[str, list[DumpRow]] = {}
        for row in self.rows:
            found.setdefault(row.exchange, []).append(row)
        return found


class _RefusedError(ValueError):
    """A row is not taken, for this reason."""


def read_dump(path: Path, *, on: date) -> Dump:
    """Return what a file lists for a date; contracts that had expired before it are rejected.

    Raises
    ------
    BadPath
        If the file is absent or may not be read.
    BadFile
        If it is no such dump, damaged, or has no row that can be taken.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadPath(str(path), (error.strerror or "cannot be read").lower()) from error
    return parse_dump(_unpacked(content, str(path)), label=str(path), on=on)


def parse_dump(content: bytes, *, label: str, on: date) -> Dump:
    """Return what the unpacked bytes of a dump list; see :func:`read_dump`.

    Raises
    ------
    BadFile
        If they are no such dump, or have no row that can be taken.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile(label, f"byte {error.start} is not UTF-8 text", hint=_HINT) from error
    # A row is a line here: no field of a dump holds a line break, and one stray quote must not swallow the rest of the file.
    lines = text.splitlines()
    header = [name.strip().lower() for name in next(csv.reader(lines[:1]), [])]
    band = header.index(_BAND) if _BAND in header else None
    with collection_paused():
        read = _read_lines(lines, _Parser(_places(header, label), n_fields=len(header), on=on, band=band))
    if not read.rows:
        first = f" (row {read.reasons[0].row}: {read.reasons[0].reason})" if read.reasons else ""
        raise BadFile(label, f"none of its {read.n_read} rows can be taken{first}", hint=_HINT)
    return Dump(
        rows=tuple(read.rows.values()),
        n_read=read.n_read,
        n_rejected=read.n_rejected,
        rejected=tuple(read.reasons),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def date_in_name(path: Path) -> date | None:
    """Return the one date in a file's name, written 2026-08-03 or 20260803, or None.

    >>> date_in_name(Path("instruments_20260803.csv.gz")).isoformat()
    '2026-08-03'
    """
    found = set()
    for year, month, day in re.findall(r"(?<!\d)(20\d\d)[-_]?(\d\d)[-_]?(\d\d)(?!\d)", path.name):
        try:
            found.add(date(int(year), int(month), int(day)))
        except ValueError:  # digits that are no date
            continue
    return found.pop() if len(found) == 1 else None


def _unpacked(content: bytes, label: str) -> bytes:
    if not content.startswith(_GZIP):
        return content
    try:
        unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        plain = unpacker.decompress(content, MAX_BYTES)
    except (zlib.error, gzip.BadGzipFile) as error:
        raise BadFile(label, f"cannot be unpacked ({error})", hint="Fetch the file again.") from error
    if not unpacker.eof:
        raise BadFile(label, "ends in the middle, or unpacks to more than a dump can have", hint="Fetch the file again.")
    return plain


def _places(header: Sequence[str], label: str) -> list[int]:
    missing = [name for name in _COLUMNS if name not in header]
    if missing:
        raise BadFile(label, f"it has no column {', '.join(missing)}", hint=_HINT)
    return [header.index(name) for name in _COLUMNS]


@dataclass(slots=True)  # filled line by line
class _Read:
    rows: dict[tuple[str, str], DumpRow] = field(default_factory=dict)
    reasons: list[RejectedRow] = field(default_factory=list)
    n_read: int = 0
    n_rejected: int = 0


def _read_lines(lines: Sequence[str], parser: _Parser) -> _Read:
    read = _Read()
    for number, line in enumerate(lines[1:], start=2):
        if not line:
            continue
        read.n_read += 1
        try:
            row = parser.row(line)
        except _RefusedError as error:
            _reject(read, number, str(error))
            continue
        key = (row.exchange, row.symbol)
        if key in read.rows:
            _reject(read, number, f"{row.exchange}:{row.symbol} is listed twice")
        else:
            read.rows[key] = row
    return read


def _reject(read: _Read, number: int, reason: str) -> None:
    read.n_rejected += 1
    if len(read.reasons) < _MAX_SHOWN:
        read.reasons.append(RejectedRow(row=number, reason=reason))


class _Parser:
    """Rows from lines. Ticks, lots, dates and prices repeat thousands of times: each text is read once."""

    def __init__(self, places: Sequence[int], *, n_fields: int, on: date, band: int | None) -> None:
        self._places = places
        self._band = band
        self._n_fields = n_fields
        self._on = on
        self._dates: dict[str, date | None] = {"": None}
        self._parts: dict[str, int | None] = {"": None}
        self._lots: dict[str, int | None] = {"": None}
        self._bands: dict[str, int | None] = {"": None}

    def row(self, line: str) -> DumpRow:
        # Splitting is ten times as quick as the reader of quotes, which few lines need.
        fields = next(csv.reader([line])) if '"' in line else line.split(",")
        if len(fields) != self._n_fields:
            raise _RefusedError(f"it has {len(fields)} fields where the header has {self._n_fields}")
        token_text, symbol, name, expiry_text, strike, tick, lot, kind, segment, exchange = [fields[place] for place in self._places]
        symbol, name = symbol.strip().upper(), name.strip()[:_LONGEST_NAME]
        if exchange not in _EXCHANGES:
            raise _RefusedError(f"there is no exchange {exchange!r} here")
        if _SYMBOL.fullmatch(symbol) is None:
            raise _RefusedError(f"{symbol!r} is no symbol of an instrument")
        if kind not in _KINDS:
            raise _RefusedError(f"{kind!r} is not one of {', '.join(sorted(_KINDS))}")
        token = _token(token_text)
        expiry = _known(self._dates, expiry_text, _date)
        strike_parts = _known(self._parts, strike, _ten_thousandths)
        band = None if self._band is None else _known(self._bands, fields[self._band].strip(), _band)
        if kind != ListingKind.EQUITY:
            self._check_contract(kind, expiry, strike_parts)
            if band:
                raise _RefusedError("a price band is kept of shares and funds only, not of contracts: leave it empty")
            name = name or _underlying_in(InstrumentId(f"{exchange}:{symbol}"))
        return DumpRow(
            exchange=exchange,
            symbol=symbol,
            token=token,
            name=name,
            expiry=expiry,
            strike=strike_parts,
            tick=_known(self._parts, tick, _ten_thousandths),
            lot=_known(self._lots, lot, _lot),
            kind=kind,
            segment=segment.strip()[:_LONGEST_SEGMENT],
            band=band,
        )

    def _check_contract(self, kind: str, expiry: date | None, strike: int | None) -> None:
        if expiry is None:
            raise _RefusedError("a contract has a day of expiry")
        if expiry < self._on:
            raise _RefusedError(f"the contract expired on {expiry}, before the dump of {self._on}")
        if strike is None and kind != ListingKind.FUTURE:
            raise _RefusedError("an option has a strike")


_KINDS: Final = frozenset(kind.value for kind in ListingKind)
_EXCHANGES: Final = frozenset(exchange.value for exchange in Exchange)


def _known(read: dict[str, T | None], text: str, parse: Callable[[str], T | None]) -> T | None:
    if text not in read:
        read[text] = parse(text)
    return read[text]


def _token(text: str) -> int:
    token = int(text) if text.isdecimal() else 0
    if not 0 < token < _MAX_TOKEN:
        raise _RefusedError(f"the token {text!r} is no number of 32 bits")
    return token


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise _RefusedError(f"the expiry {text!r} is no date like 2026-11-24") from error


def _ten_thousandths(text: str) -> int | None:
    try:
        number = Decimal(text.strip()) * PARTS
    except InvalidOperation as error:
        raise _RefusedError(f"{text!r} is no number") from error
    if not number.is_finite() or number != int(number) or not 0 <= number < _LARGEST_PRICE:
        raise _RefusedError(f"{text!r} is no price in ten-thousandths of a rupee")
    return int(number) or None


def _lot(text: str) -> int | None:
    # Some dumps write 75.0.
    digits = text.strip().removesuffix(".0")
    if not digits.isdecimal() or int(digits) > _LARGEST_LOT:
        raise _RefusedError(f"the lot {text!r} is no whole number")
    return int(digits) or None


def _band(text: str) -> int | None:
    if text.lower() == _NO_BAND:
        return 0
    try:
        parts = Decimal(text) * PARTS
    except InvalidOperation as error:
        raise _RefusedError(f"the price band {text!r} is neither a fraction such as 0.1 nor {_NO_BAND!r}") from error
    if not parts.is_finite() or not 0 < parts < PARTS or parts != int(parts):
        raise _RefusedError(f"the price band {text!r} is no fraction between 0 and 1: write 10 % as 0.1, and none as {_NO_BAND!r}")
    return int(parts)


def _underlying_in(instrument: InstrumentId) -> str:
    try:
        contract = contract_of(instrument)
    except BadParameter as error:
        raise _RefusedError(error.reason) from error
    return "" if contract is None else contract.underlying
