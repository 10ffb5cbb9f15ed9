"""The dated rows of this package's rule files: how a table is read, and which row is in force on a date."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One row of a rule file: where it comes from, since when it holds, and its values by name.

    ``estimate`` is the sentence to show wherever the row is used; it is empty where nothing is in doubt.
    """

    valid_from: date
    source: str
    confidence: str
    estimate: str
    values: Mapping[str, object]

    def text(self, name: str) -> str:
        """Return a value as text, empty where the row has none."""
        return str(self.values.get(name, ""))

    def number(self, name: str) -> Decimal:
        """Return a value as an exact number."""
        return Decimal(str(self.values[name]))

    def names(self, name: str) -> frozenset[str]:
        """Return a list of names, empty where the row has none."""
        value = self.values.get(name, ())
        return frozenset(str(part) for part in value) if isinstance(value, list) else frozenset()


@cache
def rule_rows(file: str, table: str) -> tuple[RuleRow, ...]:
    """Return a table's rows, oldest first.

    Raises
    ------
    TypeError
        If a row's ``valid_from`` is no date.
    """
    text = Path(__file__).with_name(f"{file}.toml").read_text(encoding="utf-8")
    return tuple(sorted((_row_of(raw) for raw in tomllib.loads(text)[table]), key=lambda row: row.valid_from))


def row_in_force(rows: Iterable[RuleRow], on: date) -> RuleRow | None:
    """Return the newest row that holds on a date, or None where all begin later."""
    return max((row for row in rows if row.valid_from <= on), key=lambda row: row.valid_from, default=None)


def _row_of(raw: Mapping[str, object]) -> RuleRow:
    valid_from = raw["valid_from"]
    if type(valid_from) is not date:
        raise TypeError(f"valid_from = {valid_from!r} is not a date")
    return RuleRow(
        valid_from=valid_from,
        source=str(raw["source"]),
        confidence=str(raw["confidence"]),
        estimate=str(raw.get("estimate", "")),
        values=raw,
    )
