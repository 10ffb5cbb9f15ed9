"""What orders cost, as the interface writes it: the virtual contract note, and the charges beside margins. Priced by the dated schedule."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

from qts.core import Exchange, Side
from qts.core.errors import QtsError
from qts.core.trading import Charges, Product
from qts.market.charges import ChargeableOrder, RoundingMode, price_orders, segment_of
from qts.sandbox.listing import Listed
from qts.sandbox.refusal import bad_input

_COMMODITIES: Final = frozenset({"MCX", "NCO"})
_KINDS: Final = {"EQ": "share", "FUT": "future", "CE": "option", "PE": "option"}
NOTHING: Final[dict[str, object]] = {
    "transaction_tax": 0,
    "transaction_tax_type": "",
    "exchange_turnover_charge": 0,
    "sebi_turnover_charge": 0,
    "brokerage": 0,
    "stamp_duty": 0,
    "gst": {"igst": 0, "cgst": 0, "sgst": 0, "total": 0},
    "total": 0,
}


def bill(listed: Listed, *, side: str, product: str, quantity: int, price: float, on: date, mode: RoundingMode) -> dict[str, object]:
    """Return the charges of one order on a date; raises Refusal where the schedule has none for it."""
    try:
        exchange = Exchange(listed.exchange)
        segment = segment_of(exchange, Product(product), _KINDS.get(listed.kind, ""))
        order = ChargeableOrder(side=Side(side.lower()), quantity=Decimal(quantity), price=Decimal(str(price)))
        charges = price_orders([order], on=on, exchange=exchange, segment=segment, mode=mode).total
    except ValueError as error:
        raise bad_input(f"Charges of {listed.key} are not known.") from error
    except QtsError as error:
        raise bad_input(error.message) from error
    return _written(charges, tax="ctt" if listed.exchange in _COMMODITIES else "stt")


def _written(charges: Charges, *, tax: str) -> dict[str, object]:
    gst = float(charges.gst)
    return {
        "transaction_tax": float(charges.stt),
        "transaction_tax_type": tax,
        "exchange_turnover_charge": float(charges.exchange + charges.ipft),
        "sebi_turnover_charge": float(charges.sebi),
        "brokerage": float(charges.brokerage),
        "stamp_duty": float(charges.stamp),
        "gst": {"igst": gst, "cgst": 0, "sgst": 0, "total": gst},
        "total": float(charges.total),
    }
