"""Does the broker charge today's trades as our schedule says? Its own virtual contract note of the day's trade book, beside ours."""

from __future__ import annotations

import httpx

from qts.app.broker import kite_client
from qts.app.reconciling import ReconcileOptions, ReconciliationDocument, reconcile_reply
from qts.app.workspace import Workspace
from qts.core.errors import InputError
from qts.data.kite import executed_orders

NAME = "virtual contract note of today's trade book"


class NothingTraded(InputError):
    """The broker's trade book of the day is empty."""

    def __init__(self) -> None:
        hint = "It holds the trades of the present day only. For those of earlier days give a tradebook or a contract note as a file."
        super().__init__("The broker's trade book of today is empty.", hint=hint)


def reconcile_broker(
    workspace: Workspace, options: ReconcileOptions, *, transport: httpx.BaseTransport | None = None
) -> ReconciliationDocument:
    """Return what the broker says that the day's orders cost beside what our schedule gives. Nothing is traded or changed.

    Raises
    ------
    NotConfigured, AuthExpired
        If there is no session with the broker.
    NothingTraded
        If the trade book is empty.
    SourceError
        If the broker could not be asked.
    """
    with kite_client(workspace, transport=transport) as client:
        orders = executed_orders(client.trades(), client.orders())
        if not orders:
            raise NothingTraded
        note = client.contract_note(orders)
    return reconcile_reply(options, NAME, note.text, workspace.clock)
