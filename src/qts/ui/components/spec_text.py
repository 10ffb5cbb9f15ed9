"""Short texts of settings, such as ``percent:0.95`` or ``atr-risk:0.01,span=14``: taken apart for fields, put together again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A text taken apart; what is no number counts as 0."""

    kind: str
    amount: float = 0.0
    options: Mapping[str, float] = field(default_factory=dict)


def split(text: str) -> Spec:
    """Return the parts of a text.

    >>> split("per-share:0.005,min=1")
    Spec(kind='per-share', amount=0.005, options={'min': 1.0})
    """
    kind, _, rest = text.partition(":")
    amount, *options = rest.split(",")
    named = dict(option.partition("=")[::2] for option in options)
    return Spec(kind=kind, amount=_number(amount), options={name: _number(value) for name, value in named.items()})


def joined(kind: str, amount: float, **options: float) -> str:
    """Return the text of these parts.

    >>> joined("atr-risk", 0.01, span=14, multiple=2.5)
    'atr-risk:0.01,span=14,multiple=2.5'
    """
    return ",".join([f"{kind}:{plain(amount)}", *(f"{name}={plain(value)}" for name, value in options.items())])


def plain(value: float) -> str:
    """Return a number as short as it can be written without an exponent.

    >>> plain(95.0), plain(0.0003)
    ('95', '0.0003')
    """
    text = f"{value:.8f}".rstrip("0").rstrip(".")
    return text or "0"


def per_cent(value: float) -> float:
    """Return a fraction as per cent, without the dust of binary fractions.

    >>> per_cent(0.07)
    7.0
    """
    return round(value * 100, 8)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
