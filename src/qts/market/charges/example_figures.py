"""What a published cost example says that trades cost: its figures, however they are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from qts.core.errors import BadParameter
from qts.market.charges.example_terms import number_of
from qts.market.charges.example_words import is_gst_part, is_line_named, line_named


def figures_of(example: Mapping[str, object]) -> tuple[dict[str, Decimal], tuple[str, ...]]:
    """Return the published numbers by the names they have there, and a note for each word among them that is none.

    What is null is left out. GST in parts (``igst``, ``cgst``, ``sgst``) becomes their sum, ``gst``; so does the API's table of them.

    Raises
    ------
    BadParameter
        If there is no table of numbers, or a line of a bill is none.
    """
    raw = example.get("expected") or {}
    if not isinstance(raw, Mapping):
        raise BadParameter("expected", raw, "is not a table of published numbers")
    figures: dict[str, Decimal] = {}
    parts: list[Decimal] = []
    notes: list[str] = []
    for name, value in _flat(raw):
        if isinstance(value, str) and not is_line_named(name):
            notes.append(f"expected.{name}: is text and not compared")
            continue
        number = number_of(f"expected.{name}", value)
        if is_gst_part(name):
            parts.append(number)
        else:
            figures[name] = number
    if parts and not any(line_named(name) == "gst" for name in figures):
        figures["gst"] = sum(parts, Decimal(0))
    return figures, tuple(notes)


def _flat(raw: Mapping[object, object]) -> Iterator[tuple[str, object]]:
    for name, value in raw.items():
        if not isinstance(value, Mapping):
            inner = {str(name): value}
        elif value.get("total") is not None:
            inner = {str(name): value["total"]}
        else:
            inner = {str(part): number for part, number in value.items()}
        yield from ((part, number) for part, number in inner.items() if number is not None)
