"""What does a heading mean? The columns of trades, and the lines of charges, with the names that files give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from qts.app.notes.cells import plain

TRADE_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "symbol": (
        "symbol", "tradingsymbol", "scrip", "scripname", "security", "securityname", "securitydescription",
        "securitycontractdescription", "instrument", "contract", "contractdescription", "stock", "stockname",
    ),
    "date": ("tradedate", "date", "dateoftrade", "tradedon"),
    "exchange": ("exchange", "exch", "exchangename"),
    "segment": ("segment", "segmentname", "exchangesegment"),
    "side": ("tradetype", "transactiontype", "buysell", "bs", "side", "type", "action"),
    "quantity": ("quantity", "qty", "tradedquantity", "tradedqty", "filledquantity"),
    "price": ("price", "averageprice", "avgprice", "tradeprice", "rate", "grossrate", "grossratetradepriceperunit", "averagerate"),
    "value": ("value", "tradevalue", "turnover", "notional"),
    "multiplier": ("multiplier", "lotmultiplier"),
    "order": ("orderid", "orderno", "ordernumber"),
    "trade": ("tradeid", "tradeno", "tradenumber"),
    "product": ("product", "producttype"),
    "time": ("orderexecutiontime", "executiontime", "tradetime", "ordertime"),
    "expiry": ("expirydate", "expiry"),
    "series": ("series", "group"),
    "isin": ("isin", "isincode"),
}  # fmt: skip
"""Our columns of a table of trades and the headings they are found under, written without case, signs, spaces and brackets."""

CHARGE_LINES: Final[Mapping[str, tuple[str, ...]]] = {
    "brokerage": ("brokerage", "totalbrokerage", "taxablevalueofsupply", "brokeragecharges", "brokerageamount"),
    "stt": (
        "stt", "ctt", "sttctt", "securitiestransactiontax", "securitytransactiontax", "commoditiestransactiontax",
        "commoditytransactiontax", "securitiescommoditiestransactiontax", "transactiontax",
    ),
    "exchange": (
        "exchangetransactioncharges", "exchangetransactioncharge", "exchangecharges", "transactioncharges", "exchangeturnovercharge",
        "exchangeturnovercharges", "exchangetxncharges", "turnovercharges",
    ),
    "clearing": ("clearingcharges", "clearingcharge", "clearing", "clearingfees"),
    "ipft": ("ipft", "ipftcharges", "investorprotectionfund", "investorprotectionfundtrust", "nseipft", "ipf"),
    "sebi": (
        "sebiturnoverfees", "sebiturnoverfee", "sebifees", "sebifee", "sebicharges", "sebiturnovercharge", "sebiturnovercharges",
        "sebi", "turnoverfees",
    ),
    "stamp": ("stampduty", "stampcharges", "stamp", "stampdutycharges"),
    "gst": ("gst", "totalgst", "goodsandservicestax", "servicetax"),
    "cgst": ("cgst",),
    "sgst": ("sgst", "utgst", "sgstutgst"),
    "igst": ("igst",),
    "dp": ("dpcharges", "dpcharge", "dp", "depositorycharges"),
    "total": ("totalcharges", "totaltaxandcharges", "chargestotal", "totalchargesandtaxes", "chargesandtaxes"),
    "net": (
        "netamountreceivable", "netamount", "netamountpayable", "netobligation", "netamountreceivablepayable", "netpayable",
        "netamountreceivablepayablebyclient", "netamountpayablebyclient", "netamountreceivablebyclient",
    ),
}  # fmt: skip
"""The lines of charges. ``cgst``, ``sgst`` and ``igst`` are added up to GST. Signs are as on the file; what is charged counts positive."""

LABEL_COLUMNS: Final = ("charge", "charges", "description", "particulars", "levy", "head", "chargetype", "line")
AMOUNT_COLUMNS: Final = ("amount", "amountrs", "amountinr", "rupees")
ONLY_IN_CHARGES: Final[Mapping[str, str]] = {"total": "total", "nettotal": "net"}
"""Headings that mean a sum of charges in a table of charges, and something else beside trades."""
TOTALS: Final = ("total", "grandtotal", "subtotal", "totals", "nettotal", "daytotal")

_TRADE: Final = {name: column for column, names in TRADE_COLUMNS.items() for name in names}
_LINE: Final = {name: line for line, names in CHARGE_LINES.items() for name in names}


def trade_columns(cells: Sequence[str]) -> dict[str, int]:
    """Return where our columns of trades are in a row of headings, and those of charges beside them; empty if it is no such row."""
    found = _places(cells, _TRADE)
    if not {"symbol", "side", "quantity"} <= found.keys() or not {"price", "value"} & found.keys():
        return {}
    return {**found, **{f"charge:{line}": place for line, place in _places(cells, _LINE).items()}}


def charge_columns(cells: Sequence[str]) -> dict[str, int]:
    """Return where date, exchange, segment and the lines are in a row of headings over charges; empty if it is no such row."""
    lines = _places(cells, {**_LINE, **ONLY_IN_CHARGES})
    keys = {name: place for name, place in _places(cells, _TRADE).items() if name in {"date", "exchange", "segment"}}
    if len(lines) < 2:
        return {}
    return {**keys, **{f"charge:{line}": place for line, place in lines.items()}}


def long_columns(cells: Sequence[str]) -> dict[str, int]:
    """Return where the name and the amount of a charge are in a row of headings over a list of charges; empty if it is no such row."""
    bare = [plain(cell) for cell in cells]
    label = next((place for place, name in enumerate(bare) if name in LABEL_COLUMNS), None)
    figure = next((place for place, name in enumerate(bare) if name in AMOUNT_COLUMNS), None)
    if label is None or figure is None:
        return {}
    keys = {name: place for name, place in _places(cells, _TRADE).items() if name in {"date", "exchange", "segment"}}
    return {**keys, "label": label, "amount": figure}


def line_of(label: str) -> str | None:
    """Return the line of charges a label names, None where it names none.

    >>> line_of("CGST (@9% of Brok, SEBI, Trans & Clearing Charges)")
    'cgst'
    """
    return {**_LINE, **ONLY_IN_CHARGES}.get(_bare(label))


def is_totals(cells: Sequence[str]) -> bool:
    """Return whether a row of a table of trades adds up the rows above."""
    first = next((cell for cell in cells if cell), "")
    return plain(first) in TOTALS


def missing(cells: Sequence[str]) -> list[str]:
    """Return which needed columns of trades a row of headings lacks."""
    found = _places(cells, _TRADE)
    lacking = [name for name in ("symbol", "side", "quantity") if name not in found]
    return lacking if {"price", "value"} & found.keys() else [*lacking, "price"]


def _places(cells: Sequence[str], names: Mapping[str, str]) -> dict[str, int]:
    """Return the first place of each meaning."""
    found: dict[str, int] = {}
    for place, cell in enumerate(cells):
        meaning = names.get(_bare(cell))
        # "Net Total (Before Levies)" is no net of a bill.
        if meaning is not None and "levies" not in cell.lower():
            found.setdefault(meaning, place)
    return found


def _bare(heading: str) -> str:
    bare = plain(heading)
    return bare[:-2] if bare.endswith("rs") and bare not in _LINE and bare not in _TRADE else bare
