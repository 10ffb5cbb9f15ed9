"""Published figures, in the shapes in which they are written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from qts.core.errors import BadParameter
from qts.market.charges.example_figures import figures_of


@pytest.mark.parametrize(
    ("expected", "figures"),
    [
        pytest.param({"stt": 1.5, "total": "2,498.50"}, {"stt": "1.5", "total": "2498.50"}, id="numbers and texts"),
        pytest.param({"total": "Rs. 12"}, {"total": "12"}, id="with a currency"),
        pytest.param({"stt": None, "gst": 1}, {"gst": "1"}, id="nothing is left out"),
        pytest.param({"gst": {"igst": 1, "cgst": 0, "sgst": 0, "total": 1}}, {"gst": "1"}, id="table of the API"),
        pytest.param({"gst": {"cgst": 1.5, "sgst": 1.5, "igst": None}}, {"gst": "3.0"}, id="table without a total"),
        pytest.param({"cgst": 1.5, "sgst": 1.5}, {"gst": "3.0"}, id="parts"),
        pytest.param({"cgst": 1.5, "sgst": 1.5, "gst": 3}, {"gst": "3"}, id="parts beside the sum"),
        pytest.param({}, {}, id="none"),
        pytest.param(None, {}, id="absent"),
    ],
)
def test_figures_are_read(expected: Any, figures: dict[str, str]) -> None:
    assert figures_of({"expected": expected}) == ({name: Decimal(text) for name, text in figures.items()}, ())


def test_remark_among_figures_is_named_and_not_compared() -> None:
    assert figures_of({"expected": {"stt": 1, "note": "approximate"}}) == (
        {"stt": Decimal(1)},
        ("expected.note: is text and not compared",),
    )


@pytest.mark.parametrize(
    ("expected", "reason"),
    [([1], "is not a table"), ({"stt": "cheap"}, "is not a number"), ({"tea": []}, "is not a number"), ({"igst": "x"}, "igst = x")],
)
def test_what_is_no_figure_is_refused(expected: Any, reason: str) -> None:
    with pytest.raises(BadParameter, match=reason):
        figures_of({"expected": expected})
