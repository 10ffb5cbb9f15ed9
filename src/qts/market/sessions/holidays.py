"""Weekday holidays of the Indian equity market, from the generated table ``holidays.txt``."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path


@cache
def holidays_by_year() -> dict[int, frozenset[date]]:
    """Return the weekdays without a session of every year the table holds."""
    lines = Path(__file__).with_name("holidays.txt").read_text(encoding="utf-8").splitlines()
    parts = (line.split() for line in lines if line and not line.startswith("#"))
    return {int(year[:-1]): frozenset(date.fromisoformat(f"{year[:-1]}-{day}") for day in days) for year, *days in parts}
