"""Which instruments might a person mean who has typed so far? Symbols and names by their beginnings, quick enough for every keystroke.

Everything listed is numbered in the order of its rank: indices and shares before contracts, the nearest expiry first, short symbols before
long ones. A sorted list of words leads to those numbers; what begins with the typed letters is one slice of it, and the best of a slice
are its smallest numbers.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qts.core import Exchange, InstrumentId, Ints, exchange_of, symbol_of
from qts.core.collection import collection_paused
from qts.data.instruments.listing import INDICES, OPEN_END, PARTS, DumpRow, ListingKind

Numbers = NDArray[np.int32]
Mask = NDArray[np.bool_]

MAX_HITS: Final = 200
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_NOT_WORD: Final = re.compile(r"[^A-Z0-9]+")
_SHORTEST_TYPO: Final = 4
_LONGEST_QUERY: Final = 80
_N_GROUPS: Final = 4
_LAST: Final = "\U0010ffff"
_NO_NUMBERS: Final = np.empty(0, dtype=np.int32)
_KIND_WORDS: Final = {
    ListingKind.CALL.value: ("CE", "CALL"),
    ListingKind.PUT.value: ("PE", "PUT"),
    ListingKind.FUTURE.value: ("FUT", "FUTURE"),
}
# Shares and indices of the large exchanges first, the simulated market last.
_EXCHANGE_ORDER: Final = {exchange.value: place for place, exchange in enumerate(Exchange)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Something that was found: the instrument, its name, and what it is. ``expiry`` is None for what is no contract."""

    instrument: InstrumentId
    name: str
    kind: ListingKind
    is_index: bool
    expiry: date | None


class SearchIndex:
    """What was listed, ready to be searched. Built once, it never changes; threads may share it.

    Parameters
    ----------
    rows : iterable of DumpRow
        What was listed.
    others : iterable of InstrumentId
        What is to be found besides, by its symbol; those among the rows are known already.
    on : date
        The day it is searched on: contracts that expired before it come last of their kind.
    """

    def __init__(self, rows: Iterable[DumpRow], others: Iterable[InstrumentId] = (), *, on: date = date.min) -> None:
        with collection_paused():
            listed = list(rows)
            listed += _unlisted(others, listed)
            self._rows, groups, self._exchanges = _ranked(listed, on)
            self._symbols, self._words = _symbols(self._rows), _words(self._rows)
        self._bounds = np.searchsorted(groups, np.arange(_N_GROUPS + 1)).tolist()

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, text: str, *, limit: int = 20) -> tuple[Hit, ...]:
        """Return the best matches of what was typed, best first.

        Each word typed begins a word of the symbol or the name; of a contract also its underlying, strike, month or right. The exact
        symbol comes first, then indices and shares, then contracts by expiry. Where nothing matches, one slip of the keys is forgiven in
        words of four letters and more.

        Parameters
        ----------
        text : str
            What was typed; ``NSE:`` before it keeps to one exchange.
        limit : int
            How many at most.
        """
        exchange, typed = _exchange_in(text[:_LONGEST_QUERY].upper())
        parts = [part for part in _NOT_WORD.split(typed) if part]
        if not parts or not self._rows:
            return ()
        whole = "".join(parts)
        begins = self._beginning(self._symbols, whole)
        mask = begins | self._matching(parts)
        if not mask.any():
            begins, mask = self._beginning(self._symbols, whole, forgiving=True), self._matching(parts, forgiving=True)
        if exchange is not None:
            mask &= self._exchanges == _EXCHANGE_ORDER[exchange]
        return self._best(mask, begins, self._symbols.exactly(whole), limit=max(1, min(limit, MAX_HITS)))

    def _best(self, mask: Mask, begins: Mask, exact: Numbers, *, limit: int) -> tuple[Hit, ...]:
        # Within a group those whose symbol begins so come first, then the order of rank.
        best = [number for number in exact.tolist() if mask[number]]
        mask[best] = False
        for low, high in zip(self._bounds[:-1], self._bounds[1:], strict=True):
            part, first = mask[low:high], begins[low:high]
            for chosen in (part & first, part & ~first):
                if len(best) < limit:
                    best += (np.flatnonzero(chosen)[: limit - len(best)] + low).tolist()
        return tuple(_hit(self._rows[number]) for number in best[:limit])

    def _beginning(self, postings: _Postings, begin: str, *, forgiving: bool = False) -> Mask:
        """Return which have a word that begins so."""
        mask = np.zeros(len(self._rows), dtype=np.bool_)
        for low, high in near(postings.words, begin) if forgiving else (_range(postings.words, begin),):
            mask[postings.between(low, high)] = True
        return mask

    def _matching(self, parts: Sequence[str], *, forgiving: bool = False) -> Mask:
        """Return which have a word for every part; the whole symbol counts as a word."""
        mask = np.ones(len(self._rows), dtype=np.bool_)
        for part in dict.fromkeys(parts):
            mask &= self._beginning(self._words, part, forgiving=forgiving) | self._beginning(self._symbols, part, forgiving=forgiving)
        return mask


@dataclass(frozen=True, slots=True, kw_only=True)
class _Postings:
    """Words, sorted, and the numbers of what has each: those of word ``i`` from place ``starts[i]`` to before ``starts[i + 1]``."""

    words: list[str]
    starts: list[int]
    numbers: Numbers

    def between(self, low: int, high: int) -> Numbers:
        """Return the numbers of the words from one place to before another."""
        return self.numbers[self.starts[low] : self.starts[high]]

    def exactly(self, word: str) -> Numbers:
        """Return the numbers of a word."""
        place = bisect_left(self.words, word)
        is_known = place < len(self.words) and self.words[place] == word
        return self.between(place, place + is_known)


def near(words: Sequence[str], part: str) -> Iterator[tuple[int, int]]:
    """Yield slices of sorted words that begin with a part, or if it is not short with what differs from it by one slip of the keys.

    A slip is one letter left out, put in, changed, or turned round with the next.

    Notes
    -----
    Walks along the part as long as words begin with it, and looks only at letters that follow there: nothing is tried that no word has.
    """
    low, high = 0, len(words)
    for i in range(len(part) if len(part) >= _SHORTEST_TYPO else 0):
        head, rest = part[:i], part[i + 1 :]
        yield _range(words, head + rest, low, high)
        if rest:
            yield _range(words, head + rest[0] + part[i] + rest[1:], low, high)
        for letter, first, stop in _following(words, i, low, high):
            yield _range(words, head + letter + rest, first, stop)
            yield _range(words, head + letter + part[i:], first, stop)
        low, high = _range(words, part[: i + 1], low, high)
        if low == high:
            return
    yield _range(words, part, low, high)


def _range(words: Sequence[str], begin: str, low: int = 0, high: int | None = None) -> tuple[int, int]:
    """Return from where to before where, between two places, words begin so."""
    first = bisect_left(words, begin, low, high)
    return first, bisect_left(words, begin + _LAST, first, high)


def _following(words: Sequence[str], i: int, low: int, high: int) -> Iterator[tuple[str, int, int]]:
    """Yield the letters that words which begin alike have at a place, each with the slice of the words that have it."""
    while low < high:
        if len(words[low]) > i:
            letter = words[low][i]
            stop = bisect_left(words, words[low][: i + 1] + _LAST, low, high)
            if letter in LETTERS:
                yield letter, low, stop
            low = stop
        else:
            low += 1


def _symbols(rows: Sequence[DumpRow]) -> _Postings:
    glued = [_glued(row.symbol) for row in rows]
    order = sorted(range(len(rows)), key=glued.__getitem__)
    words = [glued[number] for number in order]
    starts = [place for place in range(len(words)) if place == 0 or words[place - 1] != words[place]]
    return _Postings(words=[words[place] for place in starts], starts=[*starts, len(words)], numbers=np.array(order, dtype=np.int32))


def _words(rows: Sequence[DumpRow]) -> _Postings:
    shares: dict[str, list[int]] = defaultdict(list)
    contracts: dict[tuple[str, str, date], list[int]] = defaultdict(list)
    strikes: dict[int, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        if row.expiry is None:
            for word in {*_NOT_WORD.split(row.symbol), *_NOT_WORD.split(row.name.upper())}:
                shares[word].append(number)
        else:
            contracts[row.name, row.kind, row.expiry].append(number)
        if row.strike is not None:
            strikes[row.strike].append(number)
    # Thousands of contracts have the same words: each word is found once for all of them.
    found: dict[str, list[Numbers]] = defaultdict(list)
    told = [((str(strike // PARTS),), numbers) for strike, numbers in strikes.items()]
    told += [((word,), numbers) for word, numbers in shares.items() if word]
    for words, numbers in (*told, *((_contract_words(*key), numbers) for key, numbers in contracts.items())):
        together = np.array(numbers, dtype=np.int32)
        for word in words:
            found[word].append(together)
    found.pop("", None)
    return _postings(found)


def _postings(found: dict[str, list[Numbers]]) -> _Postings:
    words = sorted(found)
    pieces = [found[word] for word in words]
    lengths = [0, *(sum(map(len, piece)) for piece in pieces)]
    numbers = np.concatenate([_NO_NUMBERS, *(part for piece in pieces for part in piece)])
    return _Postings(words=words, starts=np.cumsum(lengths).tolist(), numbers=numbers)


def _contract_words(name: str, kind: str, expiry: date) -> tuple[str, ...]:
    month = f"{expiry:%b}".upper()
    return (_glued(name), *_KIND_WORDS.get(kind, ()), month, f"{expiry:%y}{month}", f"{expiry:%d}{month}")


def _group(row: DumpRow) -> int:
    if row.segment == INDICES:
        return 0
    if row.kind == ListingKind.EQUITY:
        return 0 if "-" not in row.symbol[-3:-1] else 1
    return 2 if row.kind == ListingKind.FUTURE else 3


def _ranked(rows: list[DumpRow], on: date) -> tuple[list[DumpRow], Ints, Ints]:
    """Return rows in the order of their rank, and the group and the place of the exchange of each."""
    # What has expired comes last of its kind. Of options the strikes are in order, of shares the short symbols come first.
    rows = sorted(rows, key=attrgetter("symbol"))
    days = {expiry: (expiry or OPEN_END).toordinal() for expiry in {row.expiry for row in rows}}
    keys = np.fromiter(
        ((row.strike or 0, len(row.symbol), _EXCHANGE_ORDER[row.exchange], days[row.expiry], _group(row)) for row in rows),
        dtype=np.dtype((np.int64, 5)),
        count=len(rows),
    )
    strikes, lengths, exchanges, expiries, groups = keys.T
    order = np.lexsort((strikes, lengths, exchanges, expiries, expiries < on.toordinal(), groups))
    return [rows[place] for place in order.tolist()], groups[order], exchanges[order]


def _glued(text: str) -> str:
    return text if text.isalnum() else _NOT_WORD.sub("", text.upper())


def _exchange_in(text: str) -> tuple[str | None, str]:
    head, colon, tail = text.partition(":")
    return (head.strip(), tail) if colon and head.strip() in _EXCHANGE_ORDER else (None, text)


def _unlisted(others: Iterable[InstrumentId], listed: Sequence[DumpRow]) -> list[DumpRow]:
    """Return a row for each of the others that is not listed."""
    stored = [_bare(other) for other in others]
    symbols = {row.symbol for row in stored}
    known = {(row.exchange, row.symbol) for row in listed if row.symbol in symbols}
    return [row for row in stored if (row.exchange, row.symbol) not in known]


def _bare(instrument: InstrumentId) -> DumpRow:
    """Return a row for what is known by its name alone."""
    return DumpRow(exchange_of(instrument).value, symbol_of(instrument), 0, "", None, None, None, None, ListingKind.EQUITY.value, "")


def _hit(row: DumpRow) -> Hit:
    return Hit(
        instrument=InstrumentId(f"{row.exchange}:{row.symbol}"),
        name=row.name,
        kind=ListingKind(row.kind),
        is_index=row.segment == INDICES,
        expiry=row.expiry,
    )
