"""Corporate actions from a notebook."""

from __future__ import annotations

from pathlib import Path

from qts.app.actions import (
    ActionDocument,
    ActionsImportDocument,
    ActionsImportRequest,
    ActionsRequest,
    ConfirmRequest,
    RejectRequest,
    list_actions,
)
from qts.app.actions import confirm_action as confirm_one
from qts.app.actions import import_actions as import_action_list
from qts.app.actions import reject_action as reject_one
from qts.app.actions import suspect_actions as look_for_actions
from qts.app.requests import build
from qts.app.verbs.opening import Home, opened


def actions(*, home: Home = None, **options: object) -> tuple[ActionDocument, ...]:
    """Return what is known of corporate actions, or was known on a date."""
    with opened(home) as workspace:
        return list_actions(workspace, build(ActionsRequest, **options))


def suspect_actions(*, home: Home = None, **options: object) -> tuple[ActionDocument, ...]:
    """Look for corporate actions in the stored raw prices and return what is suspected."""
    with opened(home) as workspace:
        return look_for_actions(workspace, build(ActionsRequest, **options))


def import_actions(path: Path | str, *, home: Home = None, **options: object) -> ActionsImportDocument:
    """Confirm the corporate actions that a file states."""
    with opened(home) as workspace:
        return import_action_list(workspace, build(ActionsImportRequest, path=path, **options))


def confirm_action(action: str, *, home: Home = None, **terms: object) -> ActionDocument:
    """Confirm a corporate action, as it is suspected or on the terms given."""
    with opened(home) as workspace:
        return confirm_one(workspace, build(ConfirmRequest, id=action, **terms))


def reject_action(action: str, *, home: Home = None) -> ActionDocument:
    """Reject a corporate action: it is neither applied nor told of again."""
    with opened(home) as workspace:
        return reject_one(workspace, build(RejectRequest, id=action))
