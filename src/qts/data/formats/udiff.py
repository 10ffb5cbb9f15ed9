"""The exchanges' common bhavcopy since July 2024 (UDiFF, 34 columns): cash and derivatives of NSE and BSE.

Derivatives are named by ``FinInstrmNm`` (``NIFTY25FEBFUT``), shares by ticker. The volume of a derivative is counted in lots in the
file and in units in the bar, as everywhere here.
"""

from __future__ import annotations

from typing import Final

from qts.core import Exchange, Interval
from qts.core.errors import BadFile
from qts.data.layout import Field, Fit, Format, ImportOptions, Layout
from qts.data.tables import Table

_PRICES: Final = {
    Field.DATE: "TradDt",
    Field.OPEN: "OpnPric",
    Field.HIGH: "HghPric",
    Field.LOW: "LwPric",
    Field.CLOSE: "ClsPric",
    Field.VOLUME: "TtlTradgVol",
}
_REQUIRED: Final = {*_PRICES.values(), "Sgmt", "Src", "TckrSymb", "FinInstrmNm", "SctySrs", "NewBrdLotQty", "OpnIntrst"}
_DERIVATIVES: Final = {("NSE", "FO"): Exchange.NFO, ("BSE", "FO"): Exchange.BFO, ("NSE", "CD"): Exchange.CDS, ("BSE", "CD"): Exchange.BCD}


def sniff(table: Table) -> Fit:
    """Return whether the columns of the common bhavcopy are there."""
    return Fit.EXACT if set(table.columns) >= _REQUIRED else Fit.NONE


def layout(table: Table, _options: ImportOptions) -> Layout:
    """Return the columns of the segment that the first row names.

    Raises
    ------
    BadFile
        If the segment is not known, or there is no row.
    """
    if not table.sample:
        raise BadFile(table.label, "has a header but no rows", hint="Fetch the file again.")
    source, segment = table.sample[0].get("Src", "").strip(), table.sample[0].get("Sgmt", "").strip()
    if (source, segment) == ("NSE", "CM"):
        columns = {**_PRICES, Field.SYMBOL: "TckrSymb", Field.SERIES: "SctySrs"}
        return Layout(columns=columns, exchange=Exchange.NSE, interval=Interval.DAY, is_exchange_report=True)
    if (source, segment) == ("BSE", "CM"):
        columns = {**_PRICES, Field.SYMBOL: "TckrSymb"}
        return Layout(columns=columns, exchange=Exchange.BSE, interval=Interval.DAY, is_exchange_report=True)
    exchange = _DERIVATIVES.get((source, segment))
    if exchange is None:
        raise BadFile(table.label, f"is of segment {segment!r} of {source!r}, which is not read yet", hint="Import cash (CM) or F&O (FO).")
    return Layout(
        columns={**_PRICES, Field.SYMBOL: "FinInstrmNm", Field.OI: "OpnIntrst"},
        exchange=exchange,
        interval=Interval.DAY,
        lot_column="NewBrdLotQty",
        is_exchange_report=True,
        notes=("Volume is in units: the file's lots times the lot size.",),
    )


FORMAT: Final = Format(title="UDiFF bhavcopy", sniff=sniff, layout=layout)
