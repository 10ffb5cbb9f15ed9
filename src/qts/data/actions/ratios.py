"""How the terms of an action are written, and which ratios companies really use."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

from qts.core.corporate_action import ActionKind
from qts.core.errors import BadParameter

_PAIR: Final = re.compile(r"^(\d+(?:\.\d+)?)\s*:\s*(\d+(?:\.\d+)?)$")
_FACE_VALUES: Final = re.compile(r"^(?:RS\.?|RE\.?|₹)?\s*(\d+(?:\.\d+)?)\s*(?:->|→)\s*(?:RS\.?|RE\.?|₹)?\s*(\d+(?:\.\d+)?)$")
_HINTS: Final = {
    ActionKind.BONUS: "Write it as the exchange does, new to held, such as 1:2; or shares after for one before, such as 1.5.",
    ActionKind.RIGHTS: "Write it as the exchange does, new to held, such as 1:15, with the price of a new share beside it.",
    ActionKind.SPLIT: "Write the face values, such as 10->2, or how many shares one share becomes, such as 5.",
}
# A share becomes so many: face values are 1, 2, 5 and 10 rupees, and bonuses small numbers to small numbers.
_SHARES_AFTER: Final = tuple(
    sorted(
        {Fraction(after, before) for before in range(1, 6) for after in range(before + 1, 2 * before + 1)}
        | {Fraction(n) for n in (3, 4, 5, 6, 8, 10, 15, 20, 25, 50, 100)}
        | {Fraction(11, 10), Fraction(5, 2), Fraction(8, 3), Fraction(25, 2), Fraction(15, 2)}
    )
)


def parse_decimal(text: str, name: str) -> Decimal:
    """Return a number as people write it, with the commas between its digits left out.

    Raises
    ------
    BadParameter
        If it is none.
    """
    try:
        number = Decimal(text.strip().replace(",", ""))
    except InvalidOperation as error:
        raise BadParameter(name, text, "is not a number", hint="Write it in digits, such as 2.5.") from error
    if not number.is_finite():
        raise BadParameter(name, text, "is not a number", hint="Write it in digits, such as 2.5.")
    return number


def parse_ratio(text: str, kind: ActionKind) -> Decimal:
    """Return how many shares one share becomes.

    For a bonus and for rights ``a:b`` is a new shares for b held, as Indian exchanges write it, so ``1:1`` is 2. For a split ``10->2``
    are the face values, so 5, and ``5:1`` is five shares for one; ``1:5`` is refused, for people mean both five shares for one and one
    for five by it. A plain number is the shares after for one before.

    Raises
    ------
    BadParameter
        If the text is none of these.

    >>> parse_ratio("1:2", ActionKind.BONUS), parse_ratio("10->2", ActionKind.SPLIT)
    (Decimal('1.5'), Decimal('5'))
    """
    hint = _HINTS.get(kind, "Leave the ratio out: it says nothing of this kind of action.")
    clean = " ".join(text.upper().split())
    pair, values = _PAIR.match(clean), _FACE_VALUES.match(clean)
    if pair is None and values is None:
        number = parse_decimal(clean, "ratio")
        if number <= 0:
            raise BadParameter("ratio", text, "is not above zero", hint=hint)
        return number
    first, second = (Decimal(part) for part in (pair or values).groups())  # type: ignore[union-attr]  # one of the two matched
    if not first or not second:
        raise BadParameter("ratio", text, "holds a zero", hint=hint)
    if values is not None:
        if kind is not ActionKind.SPLIT:
            raise BadParameter("ratio", text, f"face values say nothing of a {kind}", hint=hint)
        return first / second
    if kind is ActionKind.SPLIT:
        if first < second:
            raise BadParameter("ratio", text, "may mean a split or a consolidation", hint=hint)
        return first / second
    return (first + second) / second


def simple_ratios() -> Iterator[Fraction]:
    """Yield the numbers of shares that one share commonly becomes, fewest first; first those of consolidations."""
    yield from (1 / ratio for ratio in reversed(_SHARES_AFTER) if ratio.denominator == 1)
    yield from _SHARES_AFTER


def nearest_ratio(price_ratio: float) -> tuple[Fraction, float]:
    """Return the common number of shares for one whose price factor is nearest, and how far off it is as a natural logarithm.

    >>> nearest_ratio(0.4972)[0]
    Fraction(2, 1)
    """
    wanted = -math.log(price_ratio)
    found = min(simple_ratios(), key=lambda ratio: abs(math.log(ratio) - wanted))
    return found, abs(math.log(found) - wanted)


def decimal_of(ratio: Fraction) -> Decimal:
    """Return a fraction as a decimal of 28 digits.

    >>> decimal_of(Fraction(3, 2))
    Decimal('1.5')
    """
    return Decimal(ratio.numerator) / Decimal(ratio.denominator)
