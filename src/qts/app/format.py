"""How numbers, amounts and instants are written for people: Indian digit grouping, fractions as percent, instants in IST.

Programs get plain JSON numbers; only what a person reads passes through here, on the command line and on pages alike.
"""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final

from qts.core.clock import IST, instant_of

ABSENT: Final = "\N{EN DASH}"
_LAKH: Final = Decimal(100_000)
_CRORE: Final = Decimal(10_000_000)

Number = Decimal | float | int


def inr(amount: Number | None, *, places: int = 2, symbol: str = "₹") -> str:
    """Return rupees with Indian digit grouping.

    >>> inr(Decimal("1234567.5"))
    '₹12,34,567.50'
    >>> inr(-0.001), inr(-1500, places=0)
    ('₹0.00', '-₹1,500')
    """
    if not _is_known(amount):
        return ABSENT
    text = number(amount, places=places)
    return f"-{symbol}{text[1:]}" if text.startswith("-") else f"{symbol}{text}"


def inr_short(amount: Number | None, *, symbol: str = "₹") -> str:
    """Return rupees in lakh or crore, for tight places.

    >>> inr_short(1_234_567), inr_short(45_600_000), inr_short(99_999), inr_short(-250_000)
    ('₹12.35 L', '₹4.56 Cr', '₹99,999', '-₹2.50 L')
    """
    if not _is_known(amount):
        return ABSENT
    exact = _exact(amount)
    size = abs(exact)
    # What would be written as 100.00 L is a crore; what rounds to a lakh of rupees is one.
    if _rounded(size / _LAKH, 2) >= _CRORE / _LAKH:
        return inr(exact / _CRORE, symbol=symbol) + " Cr"
    if _rounded(size, 0) >= _LAKH:
        return inr(exact / _LAKH, symbol=symbol) + " L"
    return inr(exact, places=0, symbol=symbol)


def number(value: Number | None, *, places: int = 2) -> str:
    """Return a number with Indian digit grouping and a fixed count of decimals, rounded half up.

    >>> number(1234567.891), number(999), number(-0.0, places=1)
    ('12,34,567.89', '999.00', '0.0')
    """
    if not _is_known(value):
        return ABSENT
    rounded = _rounded(_exact(value), places)
    sign = "-" if rounded < 0 else ""
    whole, _, decimals = f"{abs(rounded):f}".partition(".")
    return f"{sign}{_grouped(whole)}.{decimals}" if decimals else f"{sign}{_grouped(whole)}"


def quantity(value: Number | None) -> str:
    """Return a count of shares or contracts, with decimals only where there are any.

    >>> quantity(Decimal("150000.000")), quantity(0.5)
    ('1,50,000', '0.5')
    """
    if not _is_known(value):
        return ABSENT
    exact = _exact(value).normalize()
    exponent = exact.as_tuple().exponent
    return number(exact, places=max(0, -exponent) if isinstance(exponent, int) else 0)


def signed(value: Number | None, *, places: int = 2) -> str:
    """Return a number with its sign, plus included; zero has none.

    >>> signed(1500), signed(-3), signed(0)
    ('+1,500.00', '-3.00', '0.00')
    """
    if not _is_known(value):
        return ABSENT
    text = number(value, places=places)
    return f"+{text}" if _rounded(_exact(value), places) > 0 else text


def inr_signed(amount: Number | None, *, places: int = 2) -> str:
    """Return rupees with their sign, plus included; zero has none.

    >>> inr_signed(1500, places=0), inr_signed(-2.5), inr_signed(0)
    ('+₹1,500', '-₹2.50', '₹0.00')
    """
    if not _is_known(amount):
        return ABSENT
    text = inr(amount, places=places)
    return f"+{text}" if _rounded(_exact(amount), places) > 0 else text


def pct(fraction: Number | None, *, places: int = 2) -> str:
    """Return a fraction as percent.

    >>> pct(0.1234), pct(-0.5, places=0)
    ('12.34 %', '-50 %')
    """
    if not _is_known(fraction):
        return ABSENT
    return f"{number(_exact(fraction) * 100, places=places)} %"


def bps(fraction: Number | None, *, places: int = 1) -> str:
    """Return a fraction as basis points.

    >>> bps(0.0002)
    '2.0 bps'
    """
    if not _is_known(fraction):
        return ABSENT
    return f"{number(_exact(fraction) * 10_000, places=places)} bps"


def ist(at: datetime | int | str | None) -> str:
    """Return an instant as people in India read it; microseconds and ISO texts are taken too.

    >>> ist(1488339900000000)
    '2017-03-01 09:15 IST'
    """
    if at is None:
        return ABSENT
    if isinstance(at, str):
        at = datetime.fromisoformat(at)
    instant = instant_of(at) if isinstance(at, int) else at.astimezone(IST)
    return f"{instant:%Y-%m-%d %H:%M:%S} IST" if instant.second else f"{instant:%Y-%m-%d %H:%M} IST"


def day(on: date | datetime | int | str | None) -> str:
    """Return the date in India of an instant, or the date itself.

    >>> day(1488339900000000), day("2017-03-01T23:00:00+00:00")
    ('2017-03-01', '2017-03-02')
    """
    if isinstance(on, str):
        on = datetime.fromisoformat(on)
    if isinstance(on, int):
        on = instant_of(on)
    if isinstance(on, datetime):
        on = on.astimezone(IST).date()
    return ABSENT if on is None else on.isoformat()


def _is_known(value: Number | None) -> bool:
    return value is not None and math.isfinite(value)


def _exact(value: Number | None) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(repr(value)) if isinstance(value, int) else Decimal(repr(float(value or 0)))


def _rounded(value: Decimal, places: int) -> Decimal:
    with localcontext(prec=60):
        return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) + 0


def _grouped(digits: str) -> str:
    head, tail = digits[:-3], digits[-3:]
    groups = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)]
    return ",".join([*reversed(groups), tail])
