"""What a user's trades come to: positions, holdings and money, as the interface writes them.

The exchange is simple here as well: delivery and bought options take their whole value, everything else a fifth of it. Shares bought as
``CNC`` are a position on their day, holdings that arrive (``t1_quantity``) until the next session is over, and holdings from then on.
Positions of any other product stay until they are closed: nothing is squared off, and no charges are debited.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from qts.core import IST
from qts.sandbox.book import OPEN, Book, Trade
from qts.sandbox.listing import Listed, Market
from qts.sandbox.quotes import Present, present_of
from qts.sandbox.wishes import Wish

BEGINNING_CASH: Final = 1_000_000.0
_PART: Final = 0.2
_USED: Final = (
    "debits",
    "exposure",
    "m2m_realised",
    "m2m_unrealised",
    "option_premium",
    "payout",
    "span",
    "holding_sales",
    "turnover",
    "liquid_collateral",
    "stock_collateral",
    "delivery",
)
_Key = tuple[int, str]


def margin_of(wish: Wish, price: float) -> float:
    """Return what an order takes in rupees."""
    is_whole = wish.product == "CNC" or (wish.listed.kind in {"CE", "PE"} and wish.is_buy)
    return wish.quantity * price * (1.0 if is_whole else _PART)


def refusal_of(book: Book, wish: Wish, price: float) -> str | None:
    """Return why the risk check refuses an order, None where it does not."""
    held = sum(trade.signed for trade in book.trades if _key(trade) == (wish.listed.token, wish.product))
    if wish.product == "CNC" and not wish.is_buy:
        on_sale = sum(
            order.wish.quantity
            for order in book.orders.values()
            if order.status in OPEN and (order.wish.listed.token, order.wish.side) == (wish.listed.token, "SELL")
        )
        left = held - on_sale
        return None if wish.quantity <= left else f"Insufficient holdings: {left} of {wish.listed.symbol} can be sold."
    if (held < 0) == wish.is_buy and abs(held) >= wish.quantity:
        return None  # it closes what is there
    needed, free = margin_of(wish, wish.price or price), free_cash(book)
    return None if needed <= free else f"Insufficient funds. Required margin is {needed:.2f} but available margin is {free:.2f}."


def free_cash(book: Book) -> float:
    """Return the money that is neither spent nor blocked."""
    spent, blocked, earned = _money(book.trades)
    waiting = sum(
        margin_of(order.wish, order.wish.price or order.wish.trigger) for order in book.orders.values() if _blocks(order.status, order.wish)
    )
    return BEGINNING_CASH + earned - spent - blocked - waiting


def margins(book: Book) -> dict[str, Any]:
    """Return the money by segment; all of it is in the first."""
    net = round(free_cash(book), 2)
    return {"equity": _segment(BEGINNING_CASH, net), "commodity": _segment(0.0, 0.0)}


def positions(book: Book, market: Market, now: datetime) -> dict[str, Any]:
    """Return the positions: those of the day, and with those carried over all that are open or were closed today."""
    today = now.astimezone(IST).date()
    net, day = [], []
    for trades in _groups(book.trades):
        of_day = [trade for trade in trades if trade.at.astimezone(IST).date() == today]
        # Delivery of other days is in the holdings.
        before = [] if trades[0].wish.product == "CNC" else [trade for trade in trades if trade not in of_day]
        if not of_day and not sum(trade.signed for trade in before):
            continue
        present = present_of(market, trades[0].wish.listed, now=now)
        net.append(_position(before, of_day, present))
        if of_day:
            day.append(_position([], of_day, present))
    return {"net": net, "day": day}


def holdings(book: Book, market: Market, now: datetime) -> list[dict[str, Any]]:
    """Return the shares bought before today as delivery."""
    today, found = now.astimezone(IST).date(), []
    for trades in _groups(book.trades):
        wish = trades[0].wish
        if wish.product != "CNC":
            continue
        before = [trade for trade in trades if trade.at.astimezone(IST).date() < today]
        total = sum(trade.signed for trade in before)
        present = present_of(market, wish.listed, now=now)
        if total > 0 and present is not None:
            sold = sum(-trade.signed for trade in trades if trade not in before and not trade.wish.is_buy)
            found.append(
                _holding(wish.listed, present, total=total, arriving=_arriving(market, before, today), sold=sold, cost=_cost(before))
            )
    return found


def _holding(listed: Listed, present: Present, *, total: int, arriving: int, sold: int, cost: float) -> dict[str, Any]:
    change = present.last - present.close
    return {
        "tradingsymbol": listed.symbol,
        "exchange": listed.exchange,
        "instrument_token": listed.token,
        "isin": "",
        "product": "CNC",
        "price": 0,
        "quantity": total - arriving,
        "used_quantity": min(sold, total),
        "t1_quantity": arriving,
        "realised_quantity": total - arriving,
        "authorised_quantity": 0,
        "authorised_date": "",
        "authorisation": {},
        "opening_quantity": total,
        "short_quantity": 0,
        "collateral_quantity": 0,
        "collateral_type": "",
        "discrepancy": False,
        "average_price": round(cost, 4),
        "last_price": present.last,
        "close_price": present.close,
        "pnl": round((present.last - cost) * total, 2),
        "day_change": round(change, 4),
        "day_change_percentage": round(change / present.close * 100, 4) if present.close else 0,
        "mtf": {"quantity": 0, "used_quantity": 0, "average_price": 0, "value": 0, "initial_margin": 0},
    }


def _position(before: Sequence[Trade], of_day: Sequence[Trade], present: Present | None) -> dict[str, Any]:
    listed, product = (*before, *of_day)[0].wish.listed, (*before, *of_day)[0].wish.product
    sums = {side: _sum([*before, *of_day], side) for side in ("BUY", "SELL")}
    days = {side: _sum(of_day, side) for side in ("BUY", "SELL")}
    (bought, spent), (sold, earned) = sums["BUY"], sums["SELL"]
    quantity, last = bought - sold, 0.0 if present is None else present.last
    value = earned - spent
    pnl = round(value + quantity * last, 2)
    average = (spent / bought if quantity > 0 else earned / sold) if quantity else 0.0
    return {
        "tradingsymbol": listed.symbol,
        "exchange": listed.exchange,
        "instrument_token": listed.token,
        "product": product,
        "quantity": quantity,
        "overnight_quantity": sum(trade.signed for trade in before),
        "multiplier": 1,
        "average_price": round(average, 4),
        "close_price": present.close if present is not None and before else 0,
        "last_price": last,
        "value": round(value, 2),
        "pnl": pnl,
        "m2m": pnl,
        "unrealised": pnl,
        "realised": 0,
        **_side("buy", bought, spent, m2m=True),
        **_side("sell", sold, earned, m2m=True),
        **_side("day_buy", *days["BUY"]),
        **_side("day_sell", *days["SELL"]),
    }


def _side(name: str, quantity: int, value: float, *, m2m: bool = False) -> dict[str, Any]:
    price = round(value / quantity, 4) if quantity else 0
    found: dict[str, Any] = {f"{name}_quantity": quantity, f"{name}_price": price, f"{name}_value": round(value, 2)}
    return found | {f"{name}_m2m": round(value, 2)} if m2m else found


def _money(trades: Sequence[Trade]) -> tuple[float, float, float]:
    """Return what delivery cost so far, what open positions of other products block, and what closed ones earned."""
    spent = blocked = earned = 0.0
    for group in _groups(trades):
        (bought, paid), (sold, got) = (_sum(group, side) for side in ("BUY", "SELL"))
        if group[0].wish.product == "CNC":
            spent += paid - got
            continue
        quantity = bought - sold
        average = (paid / bought if quantity > 0 else got / sold) if quantity else 0.0
        earned += got - paid + quantity * average
        is_premium = group[0].wish.listed.kind in {"CE", "PE"} and quantity > 0
        blocked += abs(quantity) * average * (1.0 if is_premium else _PART)
    return spent, blocked, earned


def _groups(trades: Sequence[Trade]) -> Iterator[list[Trade]]:
    for key in dict.fromkeys(map(_key, trades)):
        yield [trade for trade in trades if _key(trade) == key]


def _key(trade: Trade) -> _Key:
    return trade.wish.listed.token, trade.wish.product


def _sum(trades: Sequence[Trade], side: str) -> tuple[int, float]:
    those = [trade for trade in trades if trade.wish.side == side]
    return sum(trade.wish.quantity for trade in those), sum(trade.wish.quantity * trade.price for trade in those)


def _cost(trades: Sequence[Trade]) -> float:
    quantity, value = _sum(trades, "BUY")
    return value / quantity if quantity else 0.0


def _arriving(market: Market, before: Sequence[Trade], today: date) -> int:
    """Return how many were bought in the session before today's: they are there when today's is over."""
    last = max(trade.at.astimezone(IST).date() for trade in before)
    days = {datetime.fromtimestamp(int(ts) / 1e6, IST).date() for ts in market.days(before[0].wish.listed).ts[-400:]}
    if any(last < day < today for day in days):
        return 0
    return max(0, sum(trade.signed for trade in before if trade.at.astimezone(IST).date() == last))


def _blocks(status: str, wish: Wish) -> bool:
    return status in OPEN and (wish.is_buy or wish.product != "CNC")


def _segment(cash: float, net: float) -> Mapping[str, Any]:
    given = dict.fromkeys(("adhoc_margin", "collateral", "intraday_payin"), 0)
    used: dict[str, Any] = dict.fromkeys(_USED, 0) | {"debits": round(cash - net, 2)}
    available = given | {"cash": cash, "opening_balance": cash, "live_balance": net}
    return {"enabled": cash > 0, "net": net, "available": available, "utilised": used}
