"""What the instrument master does with a dump of 100,000 rows: loading, the next day, and finding while somebody types."""

from __future__ import annotations

import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.table import Figure
from qts.app.control import ControlDatabase
from qts.data.instruments import DumpRow, InstrumentMaster, SearchIndex, parse_dump

N_ROWS: Final = 100_000
N_SHARES: Final = 12_000
FIRST: Final = date(2026, 11, 2)
AT: Final = datetime(2026, 11, 20, tzinfo=UTC)
HEADER: Final = (
    "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange"
)
SYLLABLES: Final = (
    "BA",
    "RE",
    "LI",
    "TA",
    "HIN",
    "DU",
    "IN",
    "FO",
    "MA",
    "RU",
    "SUN",
    "KO",
    "AX",
    "CI",
    "NE",
    "PO",
    "WER",
    "STEEL",
    "CO",
    "BANK",
)
LIMIT: Final = 20


def figures(*, quick: bool) -> list[Figure]:
    """Measure the master and the search and return their figures."""
    n_rows = N_ROWS // 5 if quick else N_ROWS
    lines = dump_lines(n_rows)
    with tempfile.TemporaryDirectory(prefix="qts-bench-") as name:
        control = ControlDatabase.open(Path(name) / "control.sqlite")
        found = loading(InstrumentMaster(control.database), lines)
        rows = InstrumentMaster(control.database).rows(FIRST)
        control.close()
    return [*found, *finding(rows)]


def dump_lines(n_rows: int) -> list[str]:
    """Return the lines of a dump, header first: an eighth shares, the rest options of sixty underlyings and three expiries."""
    rng = np.random.default_rng(1)
    n_shares = n_rows * N_SHARES // N_ROWS
    words = ["".join(rng.choice(SYLLABLES, 3)) for _ in range(n_shares)]
    symbols = list(dict.fromkeys(f"{word}{i % 97 or ''}" for i, word in enumerate(words)))
    lines = [f"{256 * (i + 1)},{i + 1},{one},{one.title()} Industries,0,,0,0.05,1,EQ,NSE,NSE" for i, one in enumerate(symbols)]
    underlyings = ["NIFTY", "BANKNIFTY", *symbols[:58]]
    expiries = [date(2026, 11, 24), date(2026, 12, 29), date(2027, 1, 26)]
    place = 0
    while len(lines) < n_rows:
        strike, rest = divmod(place, len(underlyings) * len(expiries) * 2)
        which, rest = divmod(rest, len(expiries) * 2)
        expiry, right = expiries[rest // 2], ("CE", "PE")[rest % 2]
        name, price = underlyings[which], 100 + 5 * strike
        symbol = f"{name}{expiry:%y}{expiry:%b}{price}{right}".upper()
        lines.append(f"{2**24 + place},{place},{symbol},{name},0,{expiry},{price},0.05,75,{right},NFO-OPT,NFO")
        place += 1
    return [HEADER, *lines]


def loading(master: InstrumentMaster, lines: Sequence[str]) -> list[Figure]:
    """Measure the first dump, the same again, and the next day's, of which one row in fifty is new."""

    def load(rows: Sequence[str], on: date) -> float:
        began = time.monotonic()
        master.load(parse_dump("\n".join(rows).encode(), label="dump", on=on), on=on, source="dump", at=AT)
        return time.monotonic() - began

    first, again = load(lines, FIRST), load(lines, FIRST)
    changed = [line.replace(",0.05,", ",0.10,") if i % 50 == 49 else line for i, line in enumerate(lines)]
    following = load(changed, FIRST + timedelta(days=1))
    n_rows = f"{len(lines) - 1:,} rows, from the bytes of the CSV to the commit"
    return [
        Figure(what="a dump loaded", seen=first, floor=2.0, aim=1.0, unit=" s", more_is_better=False, how=n_rows),
        Figure(what="the same dump again", seen=again, floor=2.0, unit=" s", more_is_better=False, how="changes nothing"),
        Figure(
            what="the dump of the next day", seen=following, floor=2.0, unit=" s", more_is_better=False, how="2 % of its rows have changed"
        ),
    ]


def finding(rows: Sequence[DumpRow]) -> list[Figure]:
    """Measure our index and SQLite's full-text search, each on every beginning of the same queries."""
    began = time.monotonic()
    index = SearchIndex(rows)
    built = time.monotonic() - began
    rng = np.random.default_rng(2)
    queries = [rows[i].symbol for i in rng.choice(len(rows), 30)] + [f"{rows[i].name} {rows[i].kind}" for i in rng.choice(len(rows), 30)]
    typed = [query[:n] for query in queries for n in range(1, len(query) + 1)]
    slips = [f"{query[:3]}{query[4]}{query[3]}{query[5:8]}" for query in queries if len(query) > 8]
    ours = waits(lambda text: index.find(text, limit=LIMIT), typed)
    worked = waits(lambda text: index.find(text, limit=LIMIT), typed, clock=time.thread_time)
    forgiven = waits(lambda text: index.find(text, limit=LIMIT), slips)
    with tempfile.TemporaryDirectory(prefix="qts-bench-") as name:
        began = time.monotonic()
        full_text = full_text_index(Path(name) / "words.sqlite", rows)
        made = time.monotonic() - began
        theirs = waits(lambda text: full_text_find(full_text, text), typed)
        full_text.close()
    how = f"{len(typed):,} keystrokes over {len(rows):,} instruments, {LIMIT} answers each"
    return [
        Figure(what="type-ahead, p50", seen=at(ours, 0.5), floor=20, aim=5, unit=" ms", more_is_better=False, how=how),
        Figure(what="type-ahead, p99", seen=at(ours, 0.99), floor=20, aim=5, unit=" ms", more_is_better=False, how=how),
        Figure(what="type-ahead, the slowest", seen=ours[-1], floor=20, unit=" ms", more_is_better=False, how=how),
        Figure(what="type-ahead, the slowest, CPU", seen=worked[-1], floor=20, unit=" ms", more_is_better=False, how="without the waiting"),
        Figure(
            what="type-ahead with a slip, p99",
            seen=at(forgiven, 0.99),
            floor=20,
            unit=" ms",
            more_is_better=False,
            how="two letters turned round",
        ),
        Figure(what="the index built", seen=built, unit=" s", more_is_better=False, how="in each process, after a dump was loaded"),
        Figure(
            what="SQLite FTS5 for comparison, p50",
            seen=at(theirs, 0.5),
            unit=" ms",
            more_is_better=False,
            how="the same keystrokes; forgives no slip",
        ),
        Figure(
            what="SQLite FTS5 for comparison, p99",
            seen=at(theirs, 0.99),
            unit=" ms",
            more_is_better=False,
            how="ranked by row, nothing else",
        ),
        Figure(what="its table built", seen=made, unit=" s", more_is_better=False, how="once per dump, on disk"),
    ]


def waits(find: Callable[[str], object], typed: Sequence[str], *, clock: Callable[[], float] = time.monotonic) -> list[float]:
    """Return how long each answer took by a clock, in milliseconds, shortest first."""
    found = []
    for text in typed:
        began = clock()
        find(text)
        found.append((clock() - began) * 1e3)
    return sorted(found)


def at(values: Sequence[float], share: float) -> float:
    """Return the value that this share of them does not exceed."""
    return values[min(len(values) - 1, int(len(values) * share))]


def full_text_index(path: Path, rows: Sequence[DumpRow]) -> sqlite3.Connection:
    """Return a table of words whose rows are in the order of rank: shares, then contracts by expiry."""
    ordered = sorted(rows, key=lambda row: (row.kind != "EQ", row.expiry or date.min, len(row.symbol), row.symbol))
    connection = sqlite3.connect(path)
    connection.execute("CREATE VIRTUAL TABLE words USING fts5(symbol, name, kind, prefix='1 2 3')")
    connection.executemany("INSERT INTO words VALUES (?, ?, ?)", ((row.symbol, row.name, row.kind) for row in ordered))
    connection.commit()
    return connection


def full_text_find(connection: sqlite3.Connection, text: str) -> list[tuple[str]]:
    """Return the first matches in the order of rank."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", text) if word]
    if not words:
        return []
    query = " ".join(f'"{word}"*' for word in words)
    return connection.execute("SELECT symbol FROM words WHERE words MATCH ? ORDER BY rowid LIMIT ?", (query, LIMIT)).fetchall()
