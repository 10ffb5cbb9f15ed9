from __future__ import annotations

import pytest

from qts.app.run_identity import canonical_json, text_hash


def test_the_spelling_does_not_depend_on_the_order_of_keys() -> None:
    assert (
        canonical_json({"b": 1.0, "a": [None, "₹"]})
        == canonical_json({"a": [None, "₹"], "b": 1.0})
        == '{"a":[null,"₹"],"b":1.0}\n'.encode()
    )


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})


def test_a_text_and_its_bytes_have_one_hash() -> None:
    assert text_hash("é") == text_hash("é".encode()) != text_hash("e")
