"""Calendar, charges and broker's bills from a notebook."""

from __future__ import annotations

from pathlib import Path

from qts.app.calendar import CalendarDocument, list_sessions
from qts.app.calendar_file import use_calendar_of
from qts.app.clock import SystemClock
from qts.app.costs import CostsDocument, price_costs
from qts.app.reconciling import ReconcileRequest, ReconciliationDocument, reconcile_file
from qts.app.requests import CalendarRequest, OrderCostsRequest, build
from qts.app.settings import load_settings
from qts.app.verbs.opening import Home


def calendar(*, home: Home = None, **options: object) -> CalendarDocument:
    """Return when an exchange trades, with the corrections of the home folder."""
    use_calendar_of(load_settings(home=home).home)
    return list_sessions(build(CalendarRequest, **options), SystemClock())


def costs(**options: object) -> CostsDocument:
    """Return what an order costs, line by line."""
    return price_costs(build(OrderCostsRequest, **options), SystemClock())


def reconcile(file: Path | str, **options: object) -> ReconciliationDocument:
    """Compare a broker's contract note, tradebook or API reply with the schedule of charges."""
    return reconcile_file(build(ReconcileRequest, file=file, **options), SystemClock())
