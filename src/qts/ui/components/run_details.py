"""Everything about a run that is not a chart: metrics with their formulas, settings, warnings, the code that ran."""

from __future__ import annotations

import streamlit as st

from qts.analytics import built_in_metrics
from qts.app import format as written
from qts.app.backtests import StoredRun
from qts.app.run_document import RunDocument
from qts.ui.components import tables
from qts.ui.components.tables import Column


def draw(run: StoredRun) -> None:
    """Draw the details of a run."""
    document = run.document
    st.markdown("##### Metrics")
    _draw_metrics(document)
    left, right = st.columns(2)
    with left:
        st.markdown("##### Settings")
        plain = document.model_dump(mode="json", by_alias=True, include={"run_id", "simulated", "strategy", "data", "settings", "engine"})
        st.json(plain)
    with right:
        st.markdown("##### The code that ran")
        st.code(run.source or "# no file", language="python", height=400)


def metric_text(unit: str, value: float | None) -> str:
    """Return a metric's value as its unit is written.

    >>> metric_text("fraction", 0.1234), metric_text("rupees", 1500.0), metric_text("count", 3)
    ('12.34 %', '₹1,500.00', '3')
    """
    match unit:
        case "rupees":
            return written.inr(value)
        case "fraction":
            return written.pct(value)
        case "count":
            return written.quantity(value)
        case _:
            return written.number(value, places=3)


def _draw_metrics(document: RunDocument) -> None:
    metrics = built_in_metrics()
    known = [(metric, document.metrics[name]) for name, metric in metrics.items() if name in document.metrics]
    columns = [
        Column(title="Metric", cells=[metric.title for metric, _ in known]),
        Column(title="Value", cells=[metric_text(metric.unit, value) for metric, value in known]),
        Column(title="What it tells", cells=[metric.meaning for metric, _ in known]),
        Column(title="Formula", cells=[f"`{metric.formula}`" for metric, _ in known]),
    ]
    tables.draw_static(columns, alt="Metrics of this run with their formulas")
