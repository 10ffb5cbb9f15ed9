from __future__ import annotations

from collections.abc import Callable

import pytest

from qts.analytics import Metric, MetricUnit, RunCurves, Undefined, built_in_metrics, compute_metrics, in_table_order

MakeCurves = Callable[..., RunCurves]


def a_metric(value: float | Undefined, *, unit: MetricUnit = "ratio") -> Metric:
    return Metric(title="A", unit=unit, better=None, meaning="m", formula="f", reference="r", compute=lambda _: value)


def test_a_foreign_metric_comes_after_the_built_in_ones() -> None:
    both = in_table_order({"aaa": a_metric(1.0), **built_in_metrics()})
    assert list(both)[-1] == "aaa"


def test_metrics_of_the_same_place_are_ordered_by_id() -> None:
    assert list(in_table_order({"b": a_metric(1.0), "a": a_metric(2.0)})) == ["a", "b"]


def test_only_the_metrics_asked_for_are_computed(make_curves: MakeCurves) -> None:
    table = compute_metrics(make_curves([1.0, 2.0]), {"one": a_metric(1.0), "none": a_metric(Undefined("why not"))})
    assert dict(table.values) == {"one": 1.0, "none": None}
    assert table.warnings() == ("none is not defined: why not.",)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_no_number_can_hold_becomes_none(make_curves: MakeCurves, value: float) -> None:
    table = compute_metrics(make_curves([1.0, 2.0]), {"odd": a_metric(value)})
    assert table.values["odd"] is None
    assert "beyond" in table.reasons["odd"]


def test_a_count_is_an_integer(make_curves: MakeCurves) -> None:
    value = compute_metrics(make_curves([1.0]), {"n": a_metric(3.0, unit="count")}).values["n"]
    assert isinstance(value, int)


def test_a_table_cannot_be_changed(make_curves: MakeCurves) -> None:
    table = compute_metrics(make_curves([1.0, 2.0]))
    with pytest.raises(TypeError):
        table.values["sharpe"] = 9.0  # type: ignore[index]  # the refusal is the test
