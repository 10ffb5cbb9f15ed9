"""Sentences of exchanges' lists, and the terms they state, by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qts.core.errors import BadParameter
from qts.data.actions.purpose import parse_purpose

ONE, NIL = "1", "0"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BONUS 1:1", [("bonus", "2", NIL, None)]),
        ("Bonus - 1 : 2", [("bonus", "1.5", NIL, None)]),
        ("FACE VALUE SPLIT (SUB-DIVISION) - FROM RS 10/- PER SHARE TO RS 2/- PER SHARE", [("split", "5", NIL, None)]),
        ("Face Value Split (Sub-Division) - From Rs 10/- Per Share To Re 1/- Per Share", [("split", "10", NIL, None)]),
        ("FV SPLIT RS.10 TO RS.2", [("split", "5", NIL, None)]),
        ("FACE VALUE SPLIT FROM RS.2/- TO RE.1/-", [("split", "2", NIL, None)]),
        ("CONSOLIDATION OF SHARES FROM RE 1/- EACH TO RS 10/- EACH", [("split", "0.1", NIL, None)]),
        ("split 2 to 1", [("split", "2", NIL, None)]),
        ("DIVIDEND - RS 5 PER SHARE", [("dividend", ONE, "5", None)]),
        ("INTERIM DIVIDEND - RE 0.50 PER SHARE", [("dividend", ONE, "0.50", None)]),
        ("AGM/DIVIDEND-RS.2.50/- PER SHARE", [("dividend", ONE, "2.50", None)]),
        ("DIVIDEND - RS 5 PER SHARE/SPECIAL DIVIDEND - RS 10 PER SHARE", [("dividend", ONE, "15", None)]),
        ("Dividend - Rs - 2.50 Per Share", [("dividend", ONE, "2.50", None)]),
        ("INTERIM DIVIDEND RS 5 & FINAL DIVIDEND RS 3", [("dividend", ONE, "8", None)]),
        ("DIVIDEND RS 5 PER SHARE OF FACE VALUE RS 10", [("dividend", ONE, "5", None)]),
        ("SCHEME OF ARRANGEMENT/BONUS 1:1", [("bonus", "2", NIL, None)]),
        ("DIVIDEND 50%", [("dividend", ONE, "5", None)]),
        ("RIGHTS 1:15 @ PREMIUM RS 1247/-", [("rights", str(Decimal(16) / 15), NIL, "1257")]),
        ("RIGHTS 19:67 @ PREMIUM OF RS 215", [("rights", str(Decimal(86) / 67), NIL, "225")]),
        ("RIGHTS 1:2 AT PAR", [("rights", "1.5", NIL, "10")]),
        ("RIGHTS 1:2 @ RS 70/-", [("rights", "1.5", NIL, "70")]),
        ("BONUS 1:1/FACE VALUE SPLIT - FROM RS 10/- PER SHARE TO RS 2/- PER SHARE", [("bonus", "2", NIL, None), ("split", "5", NIL, None)]),
        ("BONUS 1:1 / DIVIDEND - RS 4 PER SHARE", [("bonus", "2", NIL, None), ("dividend", ONE, "4", None)]),
        ("ANNUAL GENERAL MEETING", []),
        ("BUY BACK OF SHARES", []),
        ("INTEREST PAYMENT", []),
        ("BONUS DEBENTURES 1:1", []),
        ("", []),
    ],
)  # fmt: skip
def test_a_sentence_states(text: str, expected: list[tuple[str, str, str, str | None]]) -> None:
    stated = [(one.kind, one.ratio, one.cash, one.price) for one in parse_purpose(text, face_value=Decimal(10))]
    wanted = [(kind, Decimal(ratio), Decimal(cash), None if price is None else Decimal(price)) for kind, ratio, cash, price in expected]
    assert stated == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("BONUS", "ratio of the bonus is needed"),
        ("FACE VALUE SPLIT", "face values before and after"),
        ("DIVIDEND", "amount of the dividend"),
        ("DIVIDEND 50%", "face value that is not there"),
        ("RIGHTS 1:15 @ PREMIUM RS 1247/-", "face value that is not there"),
        ("RIGHTS 1:15", "price of a new share"),
        ("RIGHTS ISSUE", "ratio of the rights"),
        ("DEMERGER", "demerger takes away"),
        ("SPIN OFF", "demerger takes away"),
        ("SCHEME OF ARRANGEMENT", "what it does to a share"),
        ("CAPITAL REDUCTION", "what it does to a share"),
        ("DIVIDEND - RS 5 + RS 2 SPECIAL", "more amounts than dividends"),
    ],
)
def test_an_action_without_its_terms_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadParameter, match=said):
        parse_purpose(text)
