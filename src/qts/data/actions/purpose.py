"""What does a line of an exchange's list of corporate actions say? Its PURPOSE is a sentence that holds one action, several, or none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from qts.core.corporate_action import ActionKind
from qts.core.errors import BadParameter
from qts.data.actions.ratios import parse_ratio

_AMOUNT: Final = r"(?:RS|RE|INR|₹)[\s.:-]*(\d+(?:\.\d+)?)"
_BONUS: Final = re.compile(r"\bBONUS\b[^0-9/]*(\d+\s*:\s*\d+)?")
_SPLIT: Final = re.compile(r"\b(?:SPLIT|SUB-?\s?DIVISION|CONSOLIDATION)\b")
_FACE: Final = r"(?:RS|RE|INR|₹)?\s*\.?\s*(\d+(?:\.\d+)?)"
_VALUES: Final = re.compile(_FACE + r"\s*(?:/-)?\s*(?:EACH|PER (?:EQUITY )?SHARE)?\s*TO\s*" + _FACE)
_RIGHTS: Final = re.compile(r"\bRIGHTS?\b[^0-9/]*(\d+\s*:\s*\d+)?(.*)")
_PREMIUM: Final = re.compile(r"PREMIUM\s*(?:OF)?\s*(?:" + _AMOUNT + r"|(\d+(?:\.\d+)?))")
_AT_PRICE: Final = re.compile(r"(?:@|\bAT\b)\s*(?:A\s+)?(?:PRICE\s*(?:OF)?\s*)?" + _AMOUNT)
_DIVIDEND: Final = re.compile(r"\bDIV(?:IDEND)?\b")
_DIVIDEND_AMOUNT: Final = re.compile(r"\bDIV(?:IDEND)?\b[^0-9%]*?" + _AMOUNT)
_PERCENT: Final = re.compile(r"\bDIV(?:IDEND)?\b[^0-9/]*(\d+(?:\.\d+)?)\s*%")
_DEMERGER: Final = re.compile(r"\b(?:DE-?\s?MERGER|SPIN-?\s?OFF)\b")
# What may have changed a share in ways that the sentence does not tell.
_UNTOLD: Final = re.compile(r"\bSCHEME OF ARRANGEMENT\b|\bCAPITAL REDUCTION\b|\bREDUCTION OF (?:SHARE )?CAPITAL\b")
_LISTED: Final = "the list does not state it; add a row of your own with kind, ratio, cash, price or factor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """One action of a sentence, on the terms it states."""

    kind: ActionKind
    ratio: Decimal = Decimal(1)
    cash: Decimal = Decimal(0)
    price: Decimal | None = None


def parse_purpose(text: str, *, face_value: Decimal | None = None) -> tuple[Announced, ...]:
    """Return the actions that a sentence states; none where it is about something else, such as a meeting.

    Several dividends of one sentence are added up. A premium is paid on top of the face value, and a dividend in per cent is of it.

    Raises
    ------
    BadParameter
        If it names an action without its terms, or on terms that need a face value that is not there.

    >>> [one] = parse_purpose("FACE VALUE SPLIT (SUB-DIVISION) - FROM RS 10/- PER SHARE TO RS 2/- PER SHARE")
    >>> one.kind, one.ratio
    (<ActionKind.SPLIT: 'split'>, Decimal('5'))
    """
    clean = " ".join(text.upper().replace(",", "").split())
    found = (*_bonus(clean), *_split(clean), *_rights(clean, face_value), *_dividend(clean, face_value))
    if _DEMERGER.search(clean):
        raise BadParameter("purpose", text, f"what part of the price a demerger takes away is needed, and {_LISTED}")
    if _UNTOLD.search(clean) and not found:
        raise BadParameter("purpose", text, f"what it does to a share is needed, and {_LISTED}")
    return found


def _bonus(text: str) -> Iterator[Announced]:
    match = _BONUS.search(text)
    if match is None or "DEBENTURE" in text:  # bonus debentures are no shares
        return
    if match[1] is None:
        raise BadParameter("purpose", text, f"the ratio of the bonus is needed, and {_LISTED}")
    yield Announced(kind=ActionKind.BONUS, ratio=parse_ratio(match[1], ActionKind.BONUS))


def _split(text: str) -> Iterator[Announced]:
    match = _SPLIT.search(text)
    if match is None:
        return
    values = _VALUES.search(text, match.start())
    if values is None:
        raise BadParameter("purpose", text, f"the face values before and after are needed, and {_LISTED}")
    yield Announced(kind=ActionKind.SPLIT, ratio=parse_ratio(f"{values[1]}->{values[2]}", ActionKind.SPLIT))


def _rights(text: str, face_value: Decimal | None) -> Iterator[Announced]:
    match = _RIGHTS.search(text)
    if match is None:
        return
    if match[1] is None:
        raise BadParameter("purpose", text, f"the ratio of the rights is needed, and {_LISTED}")
    ratio = parse_ratio(match[1], ActionKind.RIGHTS)
    yield Announced(kind=ActionKind.RIGHTS, ratio=ratio, price=_issue_price(match[2], face_value, whole=text))


def _issue_price(terms: str, face_value: Decimal | None, *, whole: str) -> Decimal:
    premium, at_price = _PREMIUM.search(terms), _AT_PRICE.search(terms)
    is_par = re.search(r"\bAT PAR\b", terms) is not None
    if premium is None and not is_par:
        if at_price is None:
            raise BadParameter("purpose", whole, f"the price of a new share is needed, and {_LISTED}")
        return Decimal(at_price[1])
    if face_value is None:
        hint = "Keep the column FACE VALUE of the list, or add a row of your own with the price."
        raise BadParameter("purpose", whole, "the premium is paid on top of a face value that is not there", hint=hint)
    return face_value + (Decimal(0) if premium is None else Decimal(premium[1] or premium[2]))


def _dividend(text: str, face_value: Decimal | None) -> Iterator[Announced]:
    if not _DIVIDEND.search(text):
        return
    amounts = _DIVIDEND_AMOUNT.findall(text)
    is_alone = not any(other.search(text) for other in (_BONUS, _SPLIT, _RIGHTS)) and "FACE VALUE" not in text
    if is_alone and len(re.findall(_AMOUNT, text)) > len(amounts) > 0:
        raise BadParameter("purpose", text, "it holds more amounts than dividends", hint="Add a row of your own with the cash of all.")
    cash = sum((Decimal(amount) for amount in amounts), Decimal(0))
    parts = [Decimal(part) for part in _PERCENT.findall(text)]
    if parts and face_value is None:
        hint = "Keep the column FACE VALUE of the list, or add a row of your own with the cash."
        raise BadParameter("purpose", text, "the dividend is in per cent of a face value that is not there", hint=hint)
    cash += sum((part / 100 * (face_value or 0) for part in parts), Decimal(0))
    if not cash:
        raise BadParameter("purpose", text, f"the amount of the dividend is needed, and {_LISTED}")
    yield Announced(kind=ActionKind.DIVIDEND, cash=cash)
