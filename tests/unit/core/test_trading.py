from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import Charges

amounts = st.decimals(min_value=-1000, max_value=1000, places=4)
charges = st.builds(Charges, **{field.name: amounts for field in fields(Charges)})


@given(one=charges, two=charges)
def test_charges_add_line_by_line(one: Charges, two: Charges) -> None:
    both = one + two
    assert both.total == one.total + two.total
    assert all(getattr(both, f.name) == getattr(one, f.name) + getattr(two, f.name) for f in fields(Charges))
    assert both - two == one


def test_total_counts_every_line_once() -> None:
    lines = {field.name: Decimal(2) ** i for i, field in enumerate(fields(Charges))}
    assert Charges(**lines).total == sum(lines.values())


def test_charges_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Charges().stt = Decimal(1)  # type: ignore[misc]
