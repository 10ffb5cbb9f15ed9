"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Final

import typer

from qts.core.errors import BadParameter

DATE_FORMATS: Final = ["%Y-%m-%d"]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.")]


def as_date(at: datetime | None) -> date | None:
    """Return the date that was typed."""
    return None if at is None else at.date()


def pairs(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    """Return ``name=value`` texts as a mapping.

    Raises
    ------
    BadParameter
        If a text has no ``=``, or a name comes twice.
    """
    found: dict[str, str] = {}
    for text in texts or ():
        name, sign, value = text.partition("=")
        name = name.strip()
        if not sign or not name:
            raise BadParameter(option, text, "is not of the form name=value", hint=f"Write it like --{option} fast=20.")
        if name in found:
            raise BadParameter(option, text, f"{name} is given twice", hint="Give it once.")
        found[name] = value.strip()
    return found
