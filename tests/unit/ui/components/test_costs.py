from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as some

from qts.app.run_document import ChargesPart
from qts.ui.components.costs import LINES, spec, steps

MONEY = some.floats(0, 1e7).map(lambda value: round(value, 2))


def charges(**lines: float) -> ChargesPart:
    filled = {name: lines.get(name, 0.0) for name in LINES}
    return ChargesPart(**filled, total=sum(filled.values()))


@given(gross=some.floats(-1e7, 1e7), lines=some.fixed_dictionaries(dict.fromkeys(LINES, MONEY)))
def test_the_steps_lead_from_gross_to_net(gross: float, lines: dict[str, float]) -> None:
    bars = steps(gross, charges(**lines))
    assert (bars[0].title, bars[-1].title) == ("Gross P&L", "Net P&L")
    assert bars[0].end + sum(bar.amount for bar in bars[1:-1]) == pytest.approx(bars[-1].end, abs=1e-6)
    for one, two in itertools.pairwise(bars[:-1]):
        assert two.start == one.end


def test_a_charge_of_nothing_is_left_out() -> None:
    assert [bar.title for bar in steps(100.0, charges(stt=3.0))] == ["Gross P&L", "STT", "Net P&L"]


@pytest.mark.parametrize("gross", [100.0, 2.0, -50.0, 0.0])
def test_every_bar_is_drawn_in_its_full_length_above_and_below_zero(gross: float) -> None:
    bars = steps(gross, charges(stt=3.0, gst=1.5))
    drawn = [series for series in spec(bars)["series"] if series["type"] == "bar" and series["name"]]
    lengths = [sum(abs(series["data"][i]) for series in drawn) for i in range(len(bars))]
    assert lengths == pytest.approx([abs(bar.end - bar.start) for bar in bars])


def test_the_labels_say_the_amounts() -> None:
    labels = spec(steps(250_000.0, charges(stt=1_234.5)))["series"][-1]["data"]
    assert [each["label"]["formatter"] for each in labels] == ["₹2,50,000", "-₹1,235", "₹2,48,766"]
