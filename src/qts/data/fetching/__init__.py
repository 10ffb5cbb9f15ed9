"""What to ask a source for, and what was asked: the plan of a download, and the memory that keeps it from asking twice."""

from qts.data.fetching.ledger import STALE, FetchLedger
from qts.data.fetching.plan import Span, closed_days, lost_days, needed_days, spans_of

__all__ = ["STALE", "FetchLedger", "Span", "closed_days", "lost_days", "needed_days", "spans_of"]
