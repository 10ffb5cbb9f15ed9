"""The account side of the interface: orders, trades, positions, holdings, margins and charges, each route by the broker's name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from qts.core import IST, Clock
from qts.market.charges import RoundingMode
from qts.sandbox.accounts import App
from qts.sandbox.asked import Asked
from qts.sandbox.bills import NOTHING, bill
from qts.sandbox.book import Book, Order
from qts.sandbox.listing import Listed, Market
from qts.sandbox.portfolio import holdings, margin_of, margins, positions, refusal_of
from qts.sandbox.quotes import present_of
from qts.sandbox.refusal import Refusal, bad_input
from qts.sandbox.wishes import Wish, number, wish_of

_ORDER: Final = re.compile(r"/orders/([a-z]+)(?:/(\d+))?")
_HISTORY: Final = re.compile(r"/orders/(\d+)(/trades)?")
_SEGMENTS: Final = ("equity", "commodity")


class AccountSide:
    """The books of all users, by application. Threads may share it."""

    def __init__(self, market: Market, clock: Clock, *, find: Callable[[str], Listed | None]) -> None:
        self._market = market
        self._clock = clock
        self._find = find
        self._books: dict[str, Book] = {}

    def answer(self, asked: Asked, app: App) -> Any:  # noqa: ANN401 - JSON
        """Return the data of a reply; raises Refusal, also where there is no such route."""
        now, book = self._clock.now(), self.book(app.api_key)
        book.advance(now)
        handler = self._readers(book, app, now).get((asked.method, asked.path))
        if handler is not None:
            return handler()
        if asked.method == "POST" and asked.path in {"/charges/orders", "/margins/orders", "/margins/basket"}:
            return self._priced(asked, now)
        return self._orders(asked, app, book, now)

    def book(self, api_key: str) -> Book:
        """Return the book of an application's user."""
        return self._books.setdefault(api_key, Book(self._market, refusal_of))

    def updates(self, api_key: str, since: int, *, placed_by: str) -> list[Mapping[str, object]]:
        """Return what happened to orders since so many updates."""
        book = self.book(api_key)
        book.advance(self._clock.now())
        return [order.document(placed_by=placed_by) for order in book.updates[since:]]

    def _readers(self, book: Book, app: App, now: datetime) -> Mapping[tuple[str, str], Callable[[], Any]]:
        today = now.astimezone(IST).date()
        money = {("GET", f"/user/margins/{name}"): lambda name=name: margins(book)[name] for name in _SEGMENTS}
        return {
            ("GET", "/user/margins"): lambda: margins(book),
            ("GET", "/portfolio/holdings"): lambda: holdings(book, self._market, now),
            ("GET", "/portfolio/positions"): lambda: positions(book, self._market, now),
            ("GET", "/orders"): lambda: [order.document(placed_by=app.user_id) for order in book.of_day(today)],
            ("GET", "/trades"): lambda: [trade.document() for trade in book.trades_of(today)],
            **money,
        }

    def _orders(self, asked: Asked, app: App, book: Book, now: datetime) -> Any:  # noqa: ANN401 - JSON
        one, order = _HISTORY.fullmatch(asked.path), _ORDER.fullmatch(asked.path)
        match asked.method:
            case "GET" if one is not None and one[2]:
                return [trade.document() for trade in book.trades if trade.order_id == book.find(one[1]).id]
            case "GET" if one is not None:
                return _history(book.find(one[1]), placed_by=app.user_id)
            case "POST" if order is not None and order[2] is None:
                return {"order_id": book.place(wish_of(asked.form, order[1], find=self._find), now).id}
            case "PUT" if order is not None and order[2] is not None:
                return {"order_id": book.modify(order[2], dict(asked.form), now).id}
            case "DELETE" if order is not None and order[2] is not None:
                return {"order_id": book.cancel(order[2], now).id}
            case _:
                raise Refusal(404, "GeneralException", "Route not found")

    def _priced(self, asked: Asked, now: datetime) -> Any:  # noqa: ANN401 - JSON
        rows = asked.rows()
        if asked.path == "/charges/orders":
            return [self._note(row, now) for row in rows]
        orders = [self._margin(row, now) for row in rows]
        if asked.path == "/margins/orders":
            return orders
        total = sum(order["total"] for order in orders)
        free = {"initial": total, "final": total}
        return {name: _margin_row("", "", 0.0) | {"type": "", "leverage": 0, "total": amount} for name, amount in free.items()} | {
            "orders": orders,
            "charges": _sum_of([order["charges"] for order in orders]),
        }

    def _note(self, row: Mapping[str, Any], now: datetime) -> dict[str, object]:
        """Return one order of the virtual contract note."""
        listed, price = self._listed(row), number(row.get("average_price"), "average_price")
        quantity = int(number(row.get("quantity"), "quantity"))
        if quantity <= 0 or price <= 0:
            raise bad_input("Invalid `quantity` or `average_price`: both are above zero.")
        side, product = str(row.get("transaction_type")), str(row.get("product"))
        if side not in {"BUY", "SELL"}:
            raise bad_input("Invalid `transaction_type`.")
        on, mode = now.astimezone(IST).date(), RoundingMode.API
        kept = {name: row.get(name, "") for name in ("transaction_type", "tradingsymbol", "exchange", "variety", "product", "order_type")}
        charges = bill(listed, side=side, product=product, quantity=quantity, price=price, on=on, mode=mode)
        return kept | {"quantity": quantity, "price": price, "charges": charges}

    def _margin(self, row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """Return what one order takes, with its charges."""
        # The interface asks no protection of orders that are only looked at.
        wish = wish_of({"market_protection": -1, **row}, str(row.get("variety") or "regular"), find=self._find)
        present = present_of(self._market, wish.listed, now=now)
        price = wish.price or (0.0 if present is None else present.last)
        if price <= 0:
            raise bad_input("Invalid `price`: the instrument has no last price to take instead.")
        on, mode = now.astimezone(IST).date(), RoundingMode.API_MARGINS
        charges = bill(wish.listed, side=wish.side, product=wish.product, quantity=wish.quantity, price=price, on=on, mode=mode)
        return _margin_row(wish.listed.symbol, wish.listed.exchange, margin_of(wish, price), wish) | {"charges": charges}

    def _listed(self, row: Mapping[str, Any]) -> Listed:
        listed = self._find(f"{row.get('exchange', '')}:{row.get('tradingsymbol', '')}")
        if listed is None or listed.is_index:
            raise bad_input("Invalid `tradingsymbol`: it is not listed, or cannot be traded.")
        return listed


def _history(order: Order, *, placed_by: str) -> list[dict[str, object]]:
    """Return an order as it stood at each of its statuses; what it filled shows in the last one."""
    found = order.document(placed_by=placed_by)
    past = {"average_price": 0, "filled_quantity": 0, "pending_quantity": order.wish.quantity, "cancelled_quantity": 0}
    stages: list[dict[str, object]] = [found | past | {"status": status} for status, _ in order.history[:-1]]
    return [*stages, found]


def _margin_row(symbol: str, exchange: str, total: float, wish: Wish | None = None) -> dict[str, Any]:
    is_share = wish is not None and wish.listed.kind == "EQ"
    names = ("span", "exposure", "option_premium", "additional", "bo", "cash", "var")
    row: dict[str, Any] = {"type": "equity", "tradingsymbol": symbol, "exchange": exchange} | dict.fromkeys(names, 0)
    row |= {"var" if is_share else "span": total} if wish is not None else {}
    return row | {"pnl": {"realised": 0, "unrealised": 0}, "leverage": 1, "charges": dict(NOTHING), "total": total}


def _sum_of(bills: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sum of charges, of tax under the name of the first."""
    total: dict[str, Any] = dict(NOTHING) | {"transaction_tax_type": bills[0]["transaction_tax_type"]}
    for name in ("transaction_tax", "exchange_turnover_charge", "sebi_turnover_charge", "brokerage", "stamp_duty", "total"):
        total[name] = sum(one[name] for one in bills)
    gst = sum(one["gst"]["total"] for one in bills)
    return total | {"gst": {"igst": gst, "cgst": 0, "sgst": 0, "total": gst}}
