"""What may be asked of the order desk: an order as its sender describes it, checked field by field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from qts.core import Exchange, WindowKind
from qts.core.errors import QtsError
from qts.market.sessions import session_on
from qts.sandbox.listing import Listed
from qts.sandbox.refusal import Refusal, bad_input

VARIETIES: Final = ("regular", "amo")
_NOT_SIMULATED: Final = ("co", "iceberg", "auction")
_SIDES: Final = ("BUY", "SELL")
_KINDS: Final = ("MARKET", "LIMIT", "SL", "SL-M")
_PRODUCTS: Final = ("CNC", "MIS", "NRML")
_VALIDITIES: Final = ("DAY", "IOC", "TTL")
_LONGEST_TAG: Final = 20
_MOST_PERCENT: Final = 100.0
_LARGEST: Final = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An order as it was asked for. ``price`` and ``trigger`` are 0 where its kind has none; ``lives`` is the validity ``TTL``'s."""

    listed: Listed
    variety: str
    side: str
    kind: str
    product: str
    validity: str
    quantity: int
    price: float
    trigger: float
    disclosed: int = 0
    protection: float = 0.0
    tag: str | None = None
    lives: timedelta | None = None

    @property
    def is_buy(self) -> bool:
        """Return whether it buys."""
        return self.side == "BUY"


def wish_of(form: Mapping[str, Any], variety: str, *, find: Callable[[str], Listed | None]) -> Wish:
    """Return an order as it was asked for; raises Refusal where a field makes no sense."""
    if variety in _NOT_SIMULATED:
        raise bad_input(f"The variety `{variety}` is not simulated.")
    listed = find(f"{form.get('exchange', '')}:{form.get('tradingsymbol', '')}")
    if listed is None or listed.is_index:
        raise bad_input("Invalid `tradingsymbol`: it is not listed, or cannot be traded.")
    wish = Wish(
        listed=listed,
        variety=_one_of(variety, "variety", VARIETIES),
        side=_one_of(form.get("transaction_type"), "transaction_type", _SIDES),
        kind=_one_of(form.get("order_type"), "order_type", _KINDS),
        product=_one_of(form.get("product"), "product", _PRODUCTS),
        validity=_one_of(form.get("validity") or "DAY", "validity", _VALIDITIES),
        quantity=int(number(form.get("quantity"), "quantity")),
        price=number(form.get("price") or 0, "price"),
        trigger=number(form.get("trigger_price") or 0, "trigger_price"),
        disclosed=int(number(form.get("disclosed_quantity") or 0, "disclosed_quantity")),
        protection=number(form.get("market_protection") or 0, "market_protection"),
        tag=str(form["tag"]) if form.get("tag") else None,
        lives=timedelta(minutes=number(form.get("validity_ttl"), "validity_ttl")) if form.get("validity") == "TTL" else None,
    )
    return checked(wish)


def checked(wish: Wish) -> Wish:
    """Return an order whose parts go together; raises Refusal for any other."""
    listed = wish.listed
    if wish.quantity <= 0 or wish.quantity % listed.lot_size:
        raise bad_input(f"Invalid `quantity`: it is a multiple of {listed.lot_size} above zero.")
    if wish.product == ("CNC" if listed.kind != "EQ" else "NRML"):
        raise bad_input(f"Invalid `product`: {wish.product} is not for {listed.key}.")
    for name, price, is_used in (("price", wish.price, wish.kind in {"LIMIT", "SL"}), ("trigger_price", wish.trigger, "SL" in wish.kind)):
        if is_used and (price <= 0 or not _is_on_tick(price, float(listed.tick_size))):
            raise bad_input(f"Invalid `{name}`: it is a multiple of {listed.tick_size} above zero.")
    # Source: staff post of March 2026 on the rules for retail algorithms, in force since 2026-04-01.
    if wish.kind in {"MARKET", "SL-M"} and wish.protection != -1 and not 0 < wish.protection <= _MOST_PERCENT:
        raise bad_input("Market orders without market protection are not allowed: give -1, or a percentage above 0.")
    if wish.tag is not None and not (wish.tag.isascii() and wish.tag.isalnum() and len(wish.tag) <= _LONGEST_TAG):
        raise bad_input("Invalid `tag`: at most 20 letters and digits.")
    if wish.lives is not None and wish.lives < timedelta(minutes=1):
        raise bad_input("Invalid `validity_ttl`: it is a number of minutes.")
    return wish


def number(value: object, name: str) -> float:
    """Return a number of a form or a JSON body; raises Refusal for anything else."""
    try:
        found = float(str(value))
    except ValueError:
        found = float("nan")
    if not abs(found) <= _LARGEST or isinstance(value, bool):
        raise bad_input(f"Invalid `{name}`: it is a number.")
    return found


def closes_at(exchange: str, at: datetime) -> datetime | None:
    """Return when the session ends that is open at an instant, None where none is; an exchange without a calendar has none."""
    try:
        session = session_on(Exchange(exchange), at.date())
    except (ValueError, QtsError):
        return None
    windows = () if session is None else session.windows
    return next((one.closes_at for one in windows if one.kind is WindowKind.CONTINUOUS and one.opens_at <= at < one.closes_at), None)


def closed() -> Refusal:
    """Return the error for an order outside the session."""
    return Refusal(400, "OrderException", "Markets are closed right now. Use the variety `amo` for an order of the next session.")


def _one_of(value: object, name: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise bad_input(f"Invalid `{name}`: it is one of {', '.join(allowed)}.")
    return str(value)


def _is_on_tick(price: float, tick: float) -> bool:
    return tick <= 0 or abs(price / tick - round(price / tick)) < 1e-6  # noqa: PLR2004 - a float's noise
