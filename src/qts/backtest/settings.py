"""Settings of a backtest, and the short texts they are written in: ``percent:0.95``, ``bps:2``, ``per-share:0.005,min=1``."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

from qts.core.errors import BadParameter
from qts.core.trading import Product

_LARGEST: Final = Decimal(10) ** 15
_SQUARE_OFF_FEE: Final = ",square-off-fee"


class FillTiming(StrEnum):
    """When a decision becomes a fill: at the next bar's open, or (optimistic) at the close it was made at."""

    NEXT_OPEN = "next_open"
    CLOSE = "close"


class SizingKind(StrEnum):
    """How a target becomes a quantity."""

    SHARES = "shares"
    LOTS = "lots"
    CASH = "cash"
    PERCENT = "percent"
    ATR_RISK = "atr-risk"
    VOL_TARGET = "vol-target"


class SlippageKind(StrEnum):
    """How far from the bar's price a fill is assumed."""

    NONE = "none"
    BPS = "bps"
    TICKS = "ticks"
    HALF_SPREAD = "half-spread"
    VOLUME_SHARE = "volume-share"


class CostKind(StrEnum):
    """Which charges a fill pays."""

    ZERODHA = "zerodha"
    NONE = "none"
    PERCENT = "percent"
    PER_SHARE = "per-share"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """``shares:N`` shares, ``lots:N`` lots, ``cash:R`` rupees, or ``percent:P`` (a fraction) of equity, times the target.

    ``atr-risk:F,span=14,multiple=2`` risks the fraction F of equity on a move of ``multiple`` average true ranges; ``vol-target:V,span=20``
    holds what makes the position's yearly volatility V (a fraction), by the last ``span`` returns, and never more than the equity.
    """

    kind: SizingKind
    amount: Decimal
    span: int = 0
    multiple: Decimal = Decimal(0)

    @property
    def spec(self) -> str:
        """Return the text it is written as."""
        text = f"{self.kind}:{_plain(self.amount)}"
        if self.span:
            text += f",span={self.span}"
        return f"{text},multiple={_plain(self.multiple)}" if self.multiple else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Slippage:
    """How far from the bar's price market and stop orders fill, always against us; limit orders fill at their price.

    ``none``; ``bps:x`` of the price; ``ticks:n``; ``half-spread:x`` rupees; ``volume-share:s,impact=k``: at most the fraction s of a bar's
    volume, moved by ``k * (filled / volume) ** 2`` of the price.
    """

    kind: SlippageKind = SlippageKind.NONE
    bps: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    impact: Decimal = Decimal(0)

    @property
    def spec(self) -> str:
        """Return the text it is written as."""
        if self.kind is SlippageKind.NONE:
            return "none"
        if self.kind is SlippageKind.BPS:
            return f"{self.kind}:{_plain(self.bps)}"
        text = f"{self.kind}:{_plain(self.amount)}"
        return f"{text},impact={_plain(self.impact)}" if self.kind is SlippageKind.VOLUME_SHARE else text


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModel:
    """``zerodha`` (the dated Indian schedule), ``none``, ``percent:x`` (a fraction of value), or ``per-share:x,min=y``.

    With ``square_off_fee``, written ``zerodha,square-off-fee``, an intraday position that is still open at the square-off time was closed
    by the broker, who takes a fee for each such order; without it the trader has closed it himself.
    """

    kind: CostKind = CostKind.ZERODHA
    rate: Decimal = Decimal(0)
    minimum: Decimal = Decimal(0)
    square_off_fee: bool = False

    @property
    def spec(self) -> str:
        """Return the text it is written as."""
        if self.kind is CostKind.PERCENT:
            return f"{self.kind}:{_plain(self.rate)}"
        if self.kind is CostKind.PER_SHARE:
            least = f",min={_plain(self.minimum)}" if self.minimum else ""
            return f"{self.kind}:{_plain(self.rate)}{least}"
        return f"{self.kind}{_SQUARE_OFF_FEE}" if self.square_off_fee else str(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What guards a position that a target opened, as fractions of its average entry price; 0 is none.

    ``stop_loss`` and ``trailing`` close it at a loss of that much, from the entry and from the best price since; ``take_profit`` at a gain.

    Raises
    ------
    BadParameter
        If a fraction is negative, or a loss is of the whole price or more.
    """

    stop_loss: Decimal = Decimal(0)
    take_profit: Decimal = Decimal(0)
    trailing: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        for name in ("stop_loss", "take_profit", "trailing"):
            value = getattr(self, name)
            most = _LARGEST if name == "take_profit" else 1
            if not value.is_finite() or not 0 <= value < most:
                raise BadParameter(name, value, "is not a fraction of the price", hint=f"Write {name}=0.05 for 5 %.")

    @property
    def is_set(self) -> bool:
        """Return whether anything is guarded."""
        return bool(self.stop_loss or self.take_profit or self.trailing)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """What the account itself forbids; 0 is no limit.

    ``max_position`` (value of one instrument) and ``max_exposure`` (value of all, unsigned) are fractions of equity and cut what would open
    more. ``daily_loss``, a fraction of the equity the day began with, closes everything until the next day; ``max_drawdown``, a fraction of
    the highest equity, for good.

    Raises
    ------
    BadParameter
        If a fraction is negative, or a loss is above the whole.
    """

    max_position: Decimal = Decimal(0)
    max_exposure: Decimal = Decimal(0)
    daily_loss: Decimal = Decimal(0)
    max_drawdown: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        for name in ("max_position", "max_exposure", "daily_loss", "max_drawdown"):
            value = getattr(self, name)
            most = _LARGEST if name.startswith("max_") and name != "max_drawdown" else 1
            if not value.is_finite() or not 0 <= value <= most:
                raise BadParameter(name, value, "is not a fraction of equity", hint=f"Write {name}=0.2 for 20 %.")

    @property
    def stops_trading(self) -> bool:
        """Return whether a loss can close the account's positions."""
        return bool(self.daily_loss or self.max_drawdown)


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestSettings:
    """Everything a run depends on besides its strategy and bars.

    With ``rebalance`` targets that are said again, in a bar in which one changes, bring positions back to their size; a matrix strategy
    does so in any case.

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
    protection: Protection = Protection()
    limits: RiskLimits = RiskLimits()
    rebalance: bool = False

    def __post_init__(self) -> None:
        if not self.capital.is_finite() or not 0 < self.capital <= _LARGEST:
            raise BadParameter("capital", self.capital, "is not a positive amount of rupees", hint="Use for example 1000000.")


def parse_size(text: str) -> Sizing:
    """Return the sizing of this text.

    Raises
    ------
    BadParameter
        If it is none of ``shares:N``, ``lots:N``, ``cash:R``, ``percent:P``, ``atr-risk:F[,span=14][,multiple=2]``,
        ``vol-target:V[,span=20]``.

    >>> parse_size("percent:0.95").spec
    'percent:0.95'
    >>> parse_size("atr-risk:0.01").spec
    'atr-risk:0.01,span=14,multiple=2'
    """
    name, _, rest = text.strip().partition(":")
    if name not in SizingKind.__members__.values():
        hint = "Use shares:10, lots:2, cash:50000, percent:0.95, atr-risk:0.01 or vol-target:0.15."
        raise BadParameter("size", text, "is not a sizing", hint=hint)
    kind = SizingKind(name)
    amount, options = _options("size", text, rest, allowed=_SIZE_OPTIONS.get(kind, ()))
    number = _positive("size", text, amount)
    if kind in {SizingKind.PERCENT, SizingKind.ATR_RISK} and number > 1:
        hint = f"{kind} takes a fraction: {kind}:0.95 is 95 % of equity."
        raise BadParameter("size", text, "is more than the whole account", hint=hint)
    if kind is SizingKind.ATR_RISK:
        multiple = _positive("size", text, options.get("multiple", "2"))
        return Sizing(kind=kind, amount=number, span=_span(text, options.get("span", "14"), least=1), multiple=multiple)
    if kind is SizingKind.VOL_TARGET:
        return Sizing(kind=kind, amount=number, span=_span(text, options.get("span", "20"), least=2))
    return Sizing(kind=kind, amount=number)


_SIZE_OPTIONS: Final = {SizingKind.ATR_RISK: ("span", "multiple"), SizingKind.VOL_TARGET: ("span",)}
_LONGEST_SPAN: Final = 10_000


def _span(text: str, written: str, *, least: int) -> int:
    number = _number("size", text, written)
    if number != number.to_integral_value() or not least <= number <= _LONGEST_SPAN:
        raise BadParameter("size", text, f"a span of {written} bars is none", hint=f"Give a whole number from {least} to {_LONGEST_SPAN}.")
    return int(number)


def _options(name: str, text: str, rest: str, *, allowed: Collection[str]) -> tuple[str, dict[str, str]]:
    """Return the amount and the named options behind it."""
    amount, *parts = rest.split(",")
    options: dict[str, str] = {}
    for part in parts:
        key, equals, value = part.strip().partition("=")
        if key not in allowed or not equals or key in options:
            known = f"It takes {', '.join(f'{option}=…' for option in allowed)}." if allowed else "It takes an amount only."
            raise BadParameter(name, text, f"{part.strip()!r} is not understood", hint=known)
        options[key] = value
    return amount, options


def parse_slippage(text: str) -> Slippage:
    """Return the slippage of this text.

    Raises
    ------
    BadParameter
        If it is none of ``none``, ``bps:x`` with x below 10,000, ``ticks:n``, ``half-spread:x``, ``volume-share:s[,impact=k]``.

    >>> parse_slippage("bps:2").spec
    'bps:2'
    >>> parse_slippage("volume-share:0.1").spec
    'volume-share:0.1,impact=0.1'
    """
    name, _, rest = text.strip().partition(":")
    if name == SlippageKind.NONE and not rest:
        return Slippage()
    if name not in SlippageKind.__members__.values() or name == SlippageKind.NONE:
        hint = "Use none, bps:2 (hundredths of a per cent), ticks:1, half-spread:0.05 (rupees) or volume-share:0.1."
        raise BadParameter("slippage", text, "is not a slippage", hint=hint)
    kind = SlippageKind(name)
    amount, options = _options("slippage", text, rest, allowed=("impact",) if kind is SlippageKind.VOLUME_SHARE else ())
    number = _number("slippage", text, amount)
    if kind is SlippageKind.BPS:
        if number >= 10_000:
            raise BadParameter("slippage", text, "a sale would bring nothing", hint="Use fewer than 10,000 basis points.")
        return Slippage(kind=kind, bps=number)
    if kind is not SlippageKind.VOLUME_SHARE:
        return Slippage(kind=kind, amount=number)
    impact = _number("slippage", text, options.get("impact", "0.1"))
    if not 0 < number <= 1 or impact >= 1:
        hint = "volume-share:0.1 fills at most a tenth of a bar's volume; impact is below 1."
        raise BadParameter("slippage", text, "is not a share of the volume", hint=hint)
    return Slippage(kind=kind, amount=number, impact=impact)


def parse_costs(text: str) -> CostModel:
    """Return the cost model of this text.

    Raises
    ------
    BadParameter
        If it is none of ``zerodha[,square-off-fee]``, ``none``, ``percent:x``, ``per-share:x[,min=y]``; ``percent`` takes a fraction
        below 1.

    >>> parse_costs("per-share:0.005,min=1").spec
    'per-share:0.005,min=1'
    """
    name, _, rest = text.strip().partition(":")
    if text.strip() == f"{CostKind.ZERODHA}{_SQUARE_OFF_FEE}":
        return CostModel(square_off_fee=True)
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


_COSTS_HINT: Final = "Use zerodha, zerodha,square-off-fee, none, percent:0.0003 or per-share:0.005,min=1."


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
