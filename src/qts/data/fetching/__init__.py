"""What to ask a source for, and what was asked: the plan of a download, and the memory that keeps it from asking twice."""

from qts.data.fetching.ledger import FetchLedger
from qts.data.fetching.plan import Span, needed_days, spans_of

__all__ = ["FetchLedger", "Span", "needed_days", "spans_of"]
