"""Kite Connect of Zerodha: candles of India's exchanges, for those who have its paid plan."""

from __future__ import annotations

from typing import Final

from qts.data.kite.pacing import SPACING, CallKind
from qts.data.kite.windows import MOST_DAYS
from qts.data.source import AskedSource

SOURCE: Final = AskedSource(
    title="Kite Connect",
    simulated=False,
    note=(
        "Candles of NSE, BSE and the derivatives exchanges, minutes from about 2015 on. Shares come adjusted for splits, bonus issues, "
        "rights and large dividends, contracts and indices raw; the broker rewrites a share's past when it adjusts. Contracts that have "
        "expired cannot be had."
    ),
    licence="Terms of Kite Connect; a paid plan is needed for candles",
    most_days=MOST_DAYS,
    spacing=lambda: SPACING[CallKind.HISTORICAL],
)
