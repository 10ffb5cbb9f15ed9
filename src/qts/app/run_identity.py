"""What makes two runs the same run: a hash over everything its result depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

_LENGTH: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIdentity:
    """Everything the result of a run depends on, as plain values.

    ``source_hash`` is the hash of the strategy's source text, ``series`` are ``INSTRUMENT/BASIS`` in the order given, ``span`` the dates
    in India of the first and the last bar: naming those dates, or leaving them out, is the same run. ``terms`` is the hash of the lots,
    ticks, margins and days of expiry that were used, and of the corporate actions where there were any.
    """

    strategy: str
    source_hash: str
    params: Mapping[str, bool | int | float | str]
    series: tuple[str, ...]
    interval: str
    fill_interval: str | None
    span: tuple[str, str]
    snapshot: str
    cost_schedule: str
    settings: Mapping[str, str | bool | int | None]
    terms: str
    engine_version: str

    def run_id(self) -> str:
        """Return the id: 16 hexadecimal digits, the same on any machine."""
        return hashlib.sha256(canonical_json(asdict(self))).hexdigest()[:_LENGTH]


def canonical_json(value: object) -> bytes:
    """Return the one spelling of a JSON value: sorted keys, no blanks, shortest floats, no NaN, a final newline."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode() + b"\n"


def text_hash(text: str | bytes) -> str:
    """Return a short content hash of a source text."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:12]
