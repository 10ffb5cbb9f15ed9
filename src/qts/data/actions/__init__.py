"""Corporate actions: kept with how sure we are of them, read from files, suspected from prices, and applied to prices on reading."""

from __future__ import annotations

from qts.data.actions.adjustment import Step, back_adjust, closes_needed, last_closes, steps_of
from qts.data.actions.comparison import compare_series
from qts.data.actions.database import SqlActions
from qts.data.actions.detection import days_of, market_moves, suspect_jumps, unsettled, without_paid_out
from qts.data.actions.memory import MemoryActions
from qts.data.actions.overlap import OverlapCheck, OverlapVerdict, overlap_check
from qts.data.actions.records import ActionRecord, ActionState, StatedAction, parse_action_id
from qts.data.actions.statements import Refusal, Statements, read_statements
from qts.data.actions.store import ActionStore, RecordReport, plan_recording

__all__ = [
    "ActionRecord",
    "ActionState",
    "ActionStore",
    "MemoryActions",
    "OverlapCheck",
    "OverlapVerdict",
    "RecordReport",
    "Refusal",
    "SqlActions",
    "StatedAction",
    "Statements",
    "Step",
    "back_adjust",
    "closes_needed",
    "compare_series",
    "days_of",
    "last_closes",
    "market_moves",
    "overlap_check",
    "parse_action_id",
    "plan_recording",
    "read_statements",
    "steps_of",
    "suspect_jumps",
    "unsettled",
    "without_paid_out",
]
