from __future__ import annotations

from qts.analytics import Metric, built_in_metrics, metrics_document


def test_every_metric_stands_in_the_document_with_its_formula() -> None:
    text = metrics_document()
    for name, metric in built_in_metrics().items():
        section = text.split(f"## {metric.title}\n", 1)[1].split("\n## ", 1)[0]
        assert f"`{name}` · " in section
        assert f"`{metric.formula}`" in section
        assert metric.reference in section


def test_metrics_stand_in_table_order() -> None:
    text = metrics_document()
    places = [text.index(f"`{name}` · ") for name in built_in_metrics()]
    assert places == sorted(places)


def test_other_metrics_can_be_documented() -> None:
    metric = Metric(
        title="Mine",
        unit="per_year",
        better="lower",
        meaning="It is mine.",
        formula="1",
        undefined_when="it rains",
        reference="me",
        compute=lambda _: 1.0,
    )
    text = metrics_document({"mine": metric})
    assert "`mine` · times per year · lower is better" in text
    assert "Null when it rains." in text
