"""The simulated exchange of ``qts sandbox``, asked just as the broker is."""

from __future__ import annotations

from typing import Final

from qts.data.kite.pacing import SPACING, CallKind
from qts.data.kite.windows import MOST_DAYS
from qts.data.source import AskedSource

SOURCE: Final = AskedSource(
    title="Simulated exchange",
    simulated=True,
    note=(
        "SIMULATED: a server on this machine that speaks the broker's protocol and keeps its limits. It serves the simulated market, or a "
        "store of yours that it was given."
    ),
    licence="Apache-2.0, as this program",
    most_days=MOST_DAYS,
    spacing=lambda: SPACING[CallKind.HISTORICAL],
)
