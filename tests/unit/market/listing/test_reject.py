"""Reasons of refusal: each has one sentence that names what was asked and what is allowed."""

from __future__ import annotations

import pytest

from qts.core.errors import BadParameter
from qts.market.listing import REJECT_SENTENCES, RejectReason, reject_fields, reject_sentence


@pytest.mark.parametrize("reason", RejectReason)
def test_every_reason_has_one_sentence_that_shows_all_its_values(reason: RejectReason) -> None:
    values = {name: f"<{name}>" for name in reject_fields(reason)}
    sentence = reject_sentence(reason, **values)
    assert sentence.endswith(".")
    assert "{" not in sentence
    assert all(value in sentence for value in values.values())


def test_no_two_reasons_say_the_same() -> None:
    assert set(REJECT_SENTENCES) == set(RejectReason)
    assert len(set(REJECT_SENTENCES.values())) == len(RejectReason)


def test_a_value_missing_or_unknown_is_refused() -> None:
    with pytest.raises(BadParameter, match="wants price, tick"):
        reject_sentence(RejectReason.OFF_TICK, price=1)
    with pytest.raises(BadParameter, match="wants nothing"):
        reject_sentence(RejectReason.ZERO_QUANTITY, quantity=0)
