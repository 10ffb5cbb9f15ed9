"""Why the exchange, the broker or our own limits refuse an order: the reasons, and one sentence for each."""

from __future__ import annotations

from enum import StrEnum
from string import Formatter
from typing import Final

from qts.core.errors import BadParameter


class RejectReason(StrEnum):
    """Why an order is refused."""

    OFF_TICK = "off_tick"
    NOT_LOT_MULTIPLE = "not_lot_multiple"
    ABOVE_FREEZE_QUANTITY = "above_freeze_quantity"
    BEYOND_PRICE_BAND = "beyond_price_band"
    NO_SHORT_IN_DELIVERY = "no_short_in_delivery"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    MARKET_CLOSED = "market_closed"
    POSITION_LIMIT = "position_limit"
    EXPOSURE_LIMIT = "exposure_limit"
    DAILY_LOSS_LIMIT = "daily_loss_limit"
    DRAWDOWN_STOP = "drawdown_stop"
    EXPIRED_CONTRACT = "expired_contract"
    INTRADAY_NOT_ALLOWED = "intraday_not_allowed"
    ZERO_QUANTITY = "zero_quantity"
    STOP_ON_WRONG_SIDE = "stop_on_wrong_side"


REJECT_SENTENCES: Final[dict[RejectReason, str]] = {
    RejectReason.OFF_TICK: "The price {price} is not a multiple of the tick {tick}.",
    RejectReason.NOT_LOT_MULTIPLE: "The quantity {quantity} is not a multiple of the lot of {lot}.",
    RejectReason.ABOVE_FREEZE_QUANTITY: "The quantity {quantity} is above the freeze quantity of {limit} for one order.",
    RejectReason.BEYOND_PRICE_BAND: "The price {price} is beyond the day's band {lower}-{upper} ({part} % of the previous close {close}).",
    RejectReason.NO_SHORT_IN_DELIVERY: "Delivery sells only what is held: {held} held, {quantity} to be sold.",
    RejectReason.INSUFFICIENT_FUNDS: "The order needs {needed} rupees and {available} are available.",
    RejectReason.MARKET_CLOSED: "The market is closed at {at}.",
    RejectReason.POSITION_LIMIT: "The position would be {position}, above the limit of {limit}.",
    RejectReason.EXPOSURE_LIMIT: "The exposure would be {exposure}, above the limit of {limit}.",
    RejectReason.DAILY_LOSS_LIMIT: "The day's loss of {loss} has reached the limit of {limit}: no new position today.",
    RejectReason.DRAWDOWN_STOP: "The drawdown of {drawdown} has reached the stop of {limit}: no new position.",
    RejectReason.EXPIRED_CONTRACT: "The contract ended on {expiry}.",
    RejectReason.INTRADAY_NOT_ALLOWED: "Series {series} is trade-to-trade: each order is delivered, none is intraday.",
    RejectReason.ZERO_QUANTITY: "The quantity is zero after rounding to whole lots.",
    RejectReason.STOP_ON_WRONG_SIDE: "The trigger {trigger} of a stop to {side} is on the wrong side of the last price {price}.",
}


def reject_fields(reason: RejectReason) -> frozenset[str]:
    """Return the names that the reason's sentence wants.

    >>> sorted(reject_fields(RejectReason.OFF_TICK))
    ['price', 'tick']
    """
    return frozenset(name for _, name, _, _ in Formatter().parse(REJECT_SENTENCES[reason]) if name)


def reject_sentence(reason: RejectReason, **fields: object) -> str:
    """Return the reason as one sentence with its values.

    Raises
    ------
    BadParameter
        If a value the sentence wants is missing, or one it does not know is given.

    >>> reject_sentence(RejectReason.OFF_TICK, price="100.03", tick="0.05")
    'The price 100.03 is not a multiple of the tick 0.05.'
    """
    wanted = reject_fields(reason)
    if wanted != set(fields):
        named = ", ".join(sorted(fields)) or "nothing"
        raise BadParameter("fields", named, f"the sentence of {reason} wants {', '.join(sorted(wanted)) or 'nothing'}")
    return REJECT_SENTENCES[reason].format(**fields)
