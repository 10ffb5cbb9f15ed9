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
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qts.core import Exchange, InstrumentId, exchange_of, symbol_of
from qts.data.instruments.listing import INDICES, OPEN_END, PARTS, DumpRow, ListingKind

Numbers = NDArray[np.int32]
Mask = NDArray[np.bool_]

MAX_HITS: Final = 200
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_NOT_WORD: Final = re.compile(r"[^A-Z0-9]+")
_SHORTEST_TYPO: Final = 4
_LONGEST_QUERY: Final = 80
_N_GROUPS: Final = 4
_LAST: Final = "\U0010ffff"
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
        listed = list(rows)
        known = {(row.exchange, row.symbol) for row in listed}
        listed += [_bare(other) for other in others if (exchange_of(other).value, symbol_of(other)) not in known]
        listed.sort(key=lambda row: _rank(row, on))
        self._rows = listed
        groups = np.array([_group(row) for row in listed], dtype=np.int8)
        self._bounds = np.searchsorted(groups, np.arange(_N_GROUPS + 1)).tolist()
        self._exchanges = np.array([_EXCHANGE_ORDER[row.exchange] for row in listed], dtype=np.int8)
        self._symbols, self._symbol_starts, self._symbol_numbers = _postings(_symbols(listed))
        self._words, self._word_starts, self._word_numbers = _postings(_words(listed))

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
        begins = self._beginning(("".join(parts),))
        mask = begins | self._matching(parts)
        if not mask.any():
            begins, mask = self._beginning(_spellings("".join(parts))), self._matching(parts, forgiving=True)
        if exchange is not None:
            mask &= self._exchanges == _EXCHANGE_ORDER[exchange]
        return self._best(mask, begins, self._exact("".join(parts)), limit=max(1, min(limit, MAX_HITS)))

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

    def _beginning(self, spellings: Iterable[str]) -> Mask:
        """Return which have a symbol that begins so."""
        mask = np.zeros(len(self._rows), dtype=np.bool_)
        for begin in spellings:
            mask[self._slice(self._symbols, self._symbol_starts, self._symbol_numbers, begin)] = True
        return mask

    def _exact(self, whole: str) -> Numbers:
        at = bisect_left(self._symbols, whole)
        if at == len(self._symbols) or self._symbols[at] != whole:
            return self._symbol_numbers[:0]
        return self._symbol_numbers[self._symbol_starts[at] : self._symbol_starts[at + 1]]

    def _matching(self, parts: Sequence[str], *, forgiving: bool = False) -> Mask:
        """Return which have a word for every part."""
        mask = np.ones(len(self._rows), dtype=np.bool_)
        for part in dict.fromkeys(parts):
            own = np.zeros(len(self._rows), dtype=np.bool_)
            for begin in _spellings(part) if forgiving else (part,):
                own[self._slice(self._words, self._word_starts, self._word_numbers, begin)] = True
            mask &= own
        return mask

    @staticmethod
    def _slice(words: Sequence[str], starts: Numbers, numbers: Numbers, begin: str) -> Numbers:
        low = bisect_left(words, begin)
        if low == len(words) or not words[low].startswith(begin):
            return numbers[:0]
        return numbers[starts[low] : starts[bisect_left(words, begin + _LAST, low)]]


def _postings(found: dict[str, list[int]]) -> tuple[list[str], Numbers, Numbers]:
    """Return the words sorted, where the numbers of each start, and the numbers."""
    words = sorted(found)
    lengths = np.array([0, *(len(found[word]) for word in words)], dtype=np.int32)
    numbers = np.fromiter(chain.from_iterable(found[word] for word in words), dtype=np.int32)
    return words, np.cumsum(lengths, dtype=np.int32), numbers


def _words(rows: Sequence[DumpRow]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    contracts: dict[tuple[str, str, date], tuple[str, ...]] = {}
    for number, row in enumerate(rows):
        found[_glued(row.symbol)].append(number)
        if row.expiry is None:
            words: Iterable[str] = {*_NOT_WORD.split(row.symbol), *_NOT_WORD.split(row.name.upper())}
        else:
            key = row.name, row.kind, row.expiry
            words = contracts.get(key) or contracts.setdefault(key, _contract_words(*key))
        for word in words:
            found[word].append(number)
        if row.strike is not None:
            found[str(row.strike // PARTS)].append(number)
    found.pop("", None)
    return found


def _contract_words(name: str, kind: str, expiry: date) -> tuple[str, ...]:
    month = f"{expiry:%b}".upper()
    return (_glued(name), *_KIND_WORDS.get(kind, ()), month, f"{expiry:%y}{month}", f"{expiry:%d}{month}")


def _symbols(rows: Sequence[DumpRow]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        found[_glued(row.symbol)].append(number)
    return found


def _spellings(part: str) -> Iterator[str]:
    """Yield a word, and if it is not short what differs from it by one letter left out, put in, changed, or turned round with the next."""
    yield part
    if len(part) < _SHORTEST_TYPO:
        return
    for i in range(len(part)):
        yield part[:i] + part[i + 1 :]
        if i + 1 < len(part):
            yield part[:i] + part[i + 1] + part[i] + part[i + 2 :]
        for letter in _LETTERS:
            yield part[:i] + letter + part[i + 1 :]
            yield part[:i] + letter + part[i:]


def _group(row: DumpRow) -> int:
    if row.segment == INDICES:
        return 0
    if row.kind == ListingKind.EQUITY:
        return 0 if "-" not in row.symbol[-3:-1] else 1
    return 2 if row.kind == ListingKind.FUTURE else 3


def _rank(row: DumpRow, on: date) -> tuple[int, bool, date, int, int, int, str]:
    # What has expired comes last of its kind. Of options the strikes are in order, of shares the short symbols come first.
    expiry = row.expiry or OPEN_END
    return _group(row), expiry < on, expiry, _EXCHANGE_ORDER[row.exchange], len(row.symbol), row.strike or 0, row.symbol


def _glued(text: str) -> str:
    return text if text.isalnum() else _NOT_WORD.sub("", text.upper())


def _exchange_in(text: str) -> tuple[str | None, str]:
    head, colon, tail = text.partition(":")
    return (head.strip(), tail) if colon and head.strip() in _EXCHANGE_ORDER else (None, text)


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
