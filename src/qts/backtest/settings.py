"""Settings of a backtest, and the short texts they are written in: ``percent:0.95``, ``bps:2``, ``per-share:0.005,min=1``."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

from qts.core.errors import BadParameter
from qts.core.trading import Product


class FillTiming(StrEnum):
    """When a decision becomes a fill: at the next bar's open, or (optimistic) at the close it was made at."""

    NEXT_OPEN = "next_open"
    CLOSE = "close"


class SizingKind(StrEnum):
    """How a target becomes a quantity."""

    SHARES = "shares"
    CASH = "cash"
    PERCENT = "percent"


class SlippageKind(StrEnum):
    """How far from the bar's price a fill is assumed."""

    NONE = "none"
    BPS = "bps"


class CostKind(StrEnum):
    """Which charges a fill pays."""

    ZERODHA = "zerodha"
    NONE = "none"
    PERCENT = "percent"
    PER_SHARE = "per-share"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """``shares:N`` shares, ``cash:R`` rupees, or ``percent:P`` (a fraction) of equity, times the target."""

    kind: SizingKind
    amount: Decimal

    @property
    def spec(self) -> str:
        """Return the text it is written as."""
        return f"{self.kind}:{_plain(self.amount)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slippage:
    """``none``, or ``bps:x`` of the price against us on every fill."""

    kind: SlippageKind = SlippageKind.NONE
    bps: Decimal = Decimal(0)

    @property
    def spec(self) -> str:
        """Return the text it is written as."""
        return "none" if self.kind is SlippageKind.NONE else f"{self.kind}:{_plain(self.bps)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModel:
    """``zerodha`` (the dated Indian schedule), ``none``, ``percent:x`` (a fraction of value), or ``per-share:x,min=y``."""

    kind: CostKind = CostKind.ZERODHA
    rate: Decimal = Decimal(0)
    minimum: Decimal = Decimal(0)

    @property
    def spec(self) -> str:
        """Return the text it is written as."""
        if self.kind is CostKind.PERCENT:
            return f"{self.kind}:{_plain(self.rate)}"
        if self.kind is CostKind.PER_SHARE:
            least = f",min={_plain(self.minimum)}" if self.minimum else ""
            return f"{self.kind}:{_plain(self.rate)}{least}"
        return str(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestSettings:
    """Everything a run depends on besides its strategy and bars.

    Raises
    ------
    BadParameter
        If the capital is not positive, or the product is not of the cash market.
    """

    capital: Decimal = Decimal(1_000_000)
    product: Product = Product.CNC
    size: Sizing = Sizing(kind=SizingKind.PERCENT, amount=Decimal("0.95"))
    costs: CostModel = CostModel()
    slippage: Slippage = Slippage(kind=SlippageKind.BPS, bps=Decimal(2))
    fill: FillTiming = FillTiming.NEXT_OPEN
    fractional: bool = False
    close_at_end: bool = False

    def __post_init__(self) -> None:
        if not self.capital.is_finite() or not 0 < self.capital <= _LARGEST:
            raise BadParameter("capital", self.capital, "is not a positive amount of rupees", hint="Use for example 1000000.")
        if self.product is Product.NRML:
            raise BadParameter("product", self.product, "futures and options are not backtested yet", hint="Use CNC or MIS.")


_LARGEST: Final = Decimal(10) ** 15


def parse_size(text: str) -> Sizing:
    """Return the sizing of this text.

    Raises
    ------
    BadParameter
        If it is none of ``shares:N``, ``cash:R``, ``percent:P``.

    >>> parse_size("percent:0.95").spec
    'percent:0.95'
    """
    name, _, amount = text.strip().partition(":")
    if name not in SizingKind.__members__.values():
        raise BadParameter("size", text, "is not a sizing", hint="Use shares:10, cash:50000 or percent:0.95.")
    number = _positive("size", text, amount)
    if name == SizingKind.PERCENT and number > 1:
        raise BadParameter("size", text, "is more than the whole account", hint="percent takes a fraction: percent:0.95 is 95 % of equity.")
    return Sizing(kind=SizingKind(name), amount=number)


def parse_slippage(text: str) -> Slippage:
    """Return the slippage of this text.

    Raises
    ------
    BadParameter
        If it is neither ``none`` nor ``bps:x`` with x below 10,000.

    >>> parse_slippage("bps:2").spec
    'bps:2'
    """
    name, _, amount = text.strip().partition(":")
    if name == SlippageKind.NONE and not amount:
        return Slippage()
    if name != SlippageKind.BPS:
        raise BadParameter("slippage", text, "is not a slippage", hint="Use none or bps:2 (hundredths of a per cent).")
    bps = _number("slippage", text, amount)
    if bps >= 10_000:
        raise BadParameter("slippage", text, "a sale would bring nothing", hint="Use fewer than 10,000 basis points.")
    return Slippage(kind=SlippageKind.BPS, bps=bps)


def parse_costs(text: str) -> CostModel:
    """Return the cost model of this text.

    Raises
    ------
    BadParameter
        If it is none of ``zerodha``, ``none``, ``percent:x``, ``per-share:x[,min=y]``; ``percent`` takes a fraction below 1.

    >>> parse_costs("per-share:0.005,min=1").spec
    'per-share:0.005,min=1'
    """
    name, _, rest = text.strip().partition(":")
    if name in {CostKind.ZERODHA, CostKind.NONE} and not rest:
        return CostModel(kind=CostKind(name))
    if name == CostKind.PERCENT:
        rate = _number("costs", text, rest)
        if rate >= 1:
            raise BadParameter("costs", text, "is the whole value or more", hint="percent takes a fraction: percent:0.0003 is 0.03 %.")
        return CostModel(kind=CostKind.PERCENT, rate=rate)
    if name == CostKind.PER_SHARE:
        rate_text, comma, least = rest.partition(",")
        if comma and not least.startswith("min="):
            raise BadParameter("costs", text, "is not a cost model", hint=_COSTS_HINT)
        minimum = _number("costs", text, least.removeprefix("min=")) if comma else Decimal(0)
        return CostModel(kind=CostKind.PER_SHARE, rate=_number("costs", text, rate_text), minimum=minimum)
    raise BadParameter("costs", text, "is not a cost model", hint=_COSTS_HINT)


_COSTS_HINT: Final = "Use zerodha, none, percent:0.0003 or per-share:0.005,min=1."


def _number(name: str, text: str, amount: str) -> Decimal:
    try:
        number = Decimal(amount)
    except InvalidOperation as error:
        raise BadParameter(name, text, f"{amount!r} is not a number") from error
    if not number.is_finite() or not 0 <= number <= _LARGEST:
        raise BadParameter(name, text, f"{amount!r} is not a number of zero or more")
    return number


def _positive(name: str, text: str, amount: str) -> Decimal:
    number = _number(name, text, amount)
    if number == 0:
        raise BadParameter(name, text, "nothing would be traded", hint=f"Give {name} an amount above zero.")
    return number


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
