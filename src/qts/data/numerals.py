"""Numbers as price files write them: grouped by thousands or by lakhs, with a rupee sign, or absent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qts.core import Bools, Floats

# What vendors write where there is no figure.
_ABSENT: Final = pa.array(["", "-", "--", "na", "n/a", "nan", "null", "none", "nil", "#n/a"])
_CURRENCY: Final = r"^(₹|rs\.?|inr)\s*"
_NUMBER: Final = r"^[+-]?((\d+|\d{1,3}(,\d{2,3})*,\d{3})(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?$"
# Websites round volumes: 12.5K, 3.2M, 1.1B.
_SCALES: Final = (("k", "e3"), ("m", "e6"), ("b", "e9"))
_INFINITY: Final = r"^[+-]?inf(inity)?$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Parsed numbers, shape ``(n,)``: NaN where ``is_absent`` (no figure) or ``is_bad`` (a text that is no number)."""

    values: Floats
    is_absent: Bools
    is_bad: Bools


def parse_numbers(column: pa.Array) -> Numbers:
    """Return the numbers of a column of texts, integers, decimals or floats.

    ``1,234.50``, ``1,23,456.50`` and ``12.5M`` are read; a decimal comma is not. NaN counts as absent, infinity as a number.
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_null(column.type):
        return _numbers(np.full(len(column), np.nan), np.zeros(len(column), np.bool_))
    if not _is_text(column.type):
        return _from_typed(column)
    plain = _plain(column)
    if plain is not None:
        return _numbers(plain, np.zeros(len(column), np.bool_))
    return _from_text(column)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _from_typed(column: pa.Array) -> Numbers:
    try:
        values = column.cast(pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        n = len(column)
        return Numbers(values=np.full(n, np.nan), is_absent=np.zeros(n, np.bool_), is_bad=np.ones(n, np.bool_))
    return _numbers(_as_floats(values), np.zeros(len(column), np.bool_))


def _plain(column: pa.Array) -> Floats | None:
    try:
        return _as_floats(pc.cast(column, pa.float64()))
    except pa.ArrowInvalid:
        return None


def _from_text(column: pa.Array) -> Numbers:
    text = pc.fill_null(pc.utf8_lower(pc.utf8_trim_whitespace(pc.cast(column, pa.string()))), "")
    text = pc.replace_substring_regex(text, pattern=_CURRENCY, replacement="")
    for letter, power in _SCALES:
        text = pc.replace_substring_regex(text, pattern=rf"^(\d[\d,.]*){letter}$", replacement=rf"\1{power}")
    is_absent = pc.is_in(text, value_set=_ABSENT)
    is_infinite = pc.match_substring_regex(text, pattern=_INFINITY)
    is_number = pc.match_substring_regex(text, pattern=_NUMBER)
    bare = pc.replace_substring(pc.replace_substring_regex(text, pattern=r"^\+", replacement=""), pattern=",", replacement="")
    kept = pc.if_else(pc.or_(is_number, is_infinite), bare, pa.scalar(None, pa.string()))
    values = _as_floats(pc.cast(kept, pa.float64()))
    bad = pc.invert(pc.or_(pc.or_(is_number, is_infinite), is_absent))
    return _numbers(values, bad.to_numpy(zero_copy_only=False))


def _as_floats(column: pa.Array) -> Floats:
    # A writable copy: Arrow's own memory is read-only.
    return np.array(pc.fill_null(column, np.nan).to_numpy(zero_copy_only=False), dtype=np.float64)


def _numbers(values: Floats, is_bad: Bools) -> Numbers:
    return Numbers(values=values, is_absent=np.isnan(values) & ~is_bad, is_bad=is_bad)
