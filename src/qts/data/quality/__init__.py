"""Quality: what is wrong or doubtful in a series of bars, and one score from 0 to 100 with its working shown. Nothing is repaired."""

from qts.data.quality.agreement import interval_disagreements, source_disagreements
from qts.data.quality.findings import MOST_LISTED, Finding, Issue, IssueKind
from qts.data.quality.prices import DatedAction, price_findings
from qts.data.quality.refusals import Refusal, Refusals, refusal_findings
from qts.data.quality.score import FORMULA, Deduction, Quality, score
from qts.data.quality.scores import JudgedSeries, Scores, StoredScore
from qts.data.quality.sessions import session_findings

__all__ = [
    "FORMULA",
    "MOST_LISTED",
    "DatedAction",
    "Deduction",
    "Finding",
    "Issue",
    "IssueKind",
    "JudgedSeries",
    "Quality",
    "Refusal",
    "Refusals",
    "Scores",
    "StoredScore",
    "interval_disagreements",
    "price_findings",
    "refusal_findings",
    "score",
    "session_findings",
    "source_disagreements",
]
