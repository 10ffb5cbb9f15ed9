from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import InstrumentId
from qts.data.instruments import DumpRow, ListingKind, SearchIndex
from qts.data.instruments.search import LETTERS, near

AUG, SEP = date(2026, 8, 25), date(2026, 9, 29)


def cash(symbol: str, name: str, *, exchange: str = "NSE", segment: str = "NSE") -> DumpRow:
    return DumpRow(exchange, symbol, 1, name, None, None, 500, 1, "EQ", segment)


def contract(symbol: str, name: str, kind: str, expiry: date, *, strike: int | None = None) -> DumpRow:
    return DumpRow("NFO", symbol, 1, name, expiry, None if strike is None else strike * 10_000, 500, 65, kind, "NFO")


ROWS = [
    cash("NIFTY 50", "NIFTY 50", segment="INDICES"),
    cash("NIFTY BANK", "NIFTY BANK", segment="INDICES"),
    cash("NIFTYBEES", "NIPPON INDIA ETF NIFTY 50"),
    cash("RELIANCE", "RELIANCE INDUSTRIES"),
    cash("RELIANCE", "RELIANCE INDUSTRIES", exchange="BSE", segment="BSE"),
    cash("RPOWER", "RELIANCE POWER"),
    cash("M&M", "MAHINDRA & MAHINDRA"),
    cash("BAJAJ-AUTO", "BAJAJ AUTO"),
    cash("CENTRALBK", "CENTRAL BANK OF INDIA"),
    cash("CENTRALBK-BE", "CENTRAL BANK OF INDIA"),
    contract("NIFTY26SEPFUT", "NIFTY", "FUT", SEP),
    contract("NIFTY26AUGFUT", "NIFTY", "FUT", AUG),
    contract("NIFTY26AUG24500CE", "NIFTY", "CE", AUG, strike=24500),
    contract("NIFTY26AUG24500PE", "NIFTY", "PE", AUG, strike=24500),
    contract("NIFTY26SEP24500CE", "NIFTY", "CE", SEP, strike=24500),
    contract("RELIANCE26AUGFUT", "RELIANCE", "FUT", AUG),
]
INDEX = SearchIndex(ROWS, [InstrumentId("SIM:RELIANCE"), InstrumentId("NSE:RELIANCE")])


def found(text: str, limit: int = 20) -> list[str]:
    return [hit.instrument for hit in INDEX.find(text, limit=limit)]


def test_indices_and_shares_come_before_contracts_and_the_nearest_expiry_first() -> None:
    assert found("nifty") == [
        "NSE:NIFTY 50",
        "NSE:NIFTYBEES",
        "NSE:NIFTY BANK",
        "NFO:NIFTY26AUGFUT",
        "NFO:NIFTY26SEPFUT",
        "NFO:NIFTY26AUG24500CE",
        "NFO:NIFTY26AUG24500PE",
        "NFO:NIFTY26SEP24500CE",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("reliance", ["NSE:RELIANCE", "BSE:RELIANCE", "SIM:RELIANCE"], id="the exact symbol"),
        pytest.param("reliance p", ["NSE:RPOWER"], id="words of the name"),
        pytest.param("nifty50", ["NSE:NIFTY 50"], id="a symbol without its blank"),
        pytest.param("m&m", ["NSE:M&M"], id="an ampersand"),
        pytest.param("mahindra", ["NSE:M&M"], id="a name"),
        pytest.param("bajajauto", ["NSE:BAJAJ-AUTO"], id="a symbol without its dash"),
        pytest.param("auto baj", ["NSE:BAJAJ-AUTO"], id="words turned round"),
        pytest.param("nifty 24500 pe", ["NFO:NIFTY26AUG24500PE"], id="strike and right"),
        pytest.param("nifty sep call", ["NFO:NIFTY26SEP24500CE"], id="month and right in full"),
        pytest.param("fut reliance", ["NFO:RELIANCE26AUGFUT"], id="a future by its underlying"),
        pytest.param("bse:rel", ["BSE:RELIANCE"], id="one exchange"),
        pytest.param("central", ["NSE:CENTRALBK", "NSE:CENTRALBK-BE"], id="a series after the share"),
        pytest.param("RELAINCE", ["NSE:RELIANCE", "BSE:RELIANCE", "SIM:RELIANCE"], id="two letters turned round"),
        pytest.param("MAHNDRA", ["NSE:M&M"], id="a letter left out"),
        pytest.param("BAJJAJ", ["NSE:BAJAJ-AUTO"], id="a letter too many"),
        pytest.param("CENTRAK", ["NSE:CENTRALBK", "NSE:CENTRALBK-BE"], id="a wrong letter"),
    ],
)
def test_what_was_typed_leads_to_what_was_meant(text: str, expected: list[str]) -> None:
    assert found(text)[: len(expected)] == expected


@pytest.mark.parametrize("text", ["", "   ", "&", "zzzz", "NSE:", "RXLX", "QQQQQQQQ" * 50])
def test_nothing_is_found_for_nothing(text: str) -> None:
    assert found(text) == []


def test_a_hit_tells_what_it_is() -> None:
    index, call = INDEX.find("NIFTY 50")[0], INDEX.find("NIFTY26AUG24500CE")[0]
    assert (index.is_index, index.kind, index.expiry) == (True, ListingKind.EQUITY, None)
    assert (call.is_index, call.kind, call.expiry, call.name) == (False, ListingKind.CALL, AUG, "NIFTY")


def test_no_more_are_returned_than_asked_for() -> None:
    assert found("nifty", limit=2) == found("nifty")[:2]
    assert SearchIndex([]).find("nifty") == ()


@given(row=st.sampled_from(ROWS), length=st.integers(1, 20), case=st.sampled_from([str.upper, str.lower]))
def test_every_beginning_of_a_symbol_finds_it(row: DumpRow, length: int, case: object) -> None:
    typed = case(row.symbol[:length])  # type: ignore[operator]
    if any(letter.isalnum() for letter in typed):
        assert f"{row.exchange}:{row.symbol}" in found(typed, limit=200)


@given(text=st.text(max_size=30))
def test_whatever_is_typed_gives_an_answer_without_repeats(text: str) -> None:
    hits = found(text, limit=200)
    assert len(hits) == len(set(hits))


def spellings(part: str) -> set[str]:
    """Return what differs from a word by one slip of the keys at most."""
    cuts = [(part[:i], part[i:]) for i in range(len(part))]
    return {
        part,
        *(head + tail[1:] for head, tail in cuts),
        *(head + tail[1] + tail[0] + tail[2:] for head, tail in cuts if len(tail) > 1),
        *(head + letter + rest for head, tail in cuts for letter in LETTERS for rest in (tail, tail[1:])),
    }


@given(
    st.lists(st.text("ABC1", min_size=1, max_size=9), max_size=40).map(lambda words: sorted(set(words))),
    st.text("ABC1", min_size=1, max_size=9),
)
def test_words_within_one_slip_are_found_and_no_others(words: list[str], part: str) -> None:
    found = {word for low, high in near(words, part) for word in words[low:high]}
    wanted = spellings(part) if len(part) >= 4 else {part}
    assert found == {word for word in words if any(word.startswith(begin) for begin in wanted)}


@pytest.mark.parametrize("slip", ["RELIACNE", "RELANCE", "RELIAANCE", "RELIQNCE", "QRELIANCE", "ERLIANCE"])
def test_a_slip_of_the_keys_is_forgiven_wherever_it_is(slip: str) -> None:
    index = SearchIndex([cash(symbol, "") for symbol in ("RELIANCE", "INFY", "REL-RE")])
    assert [hit.instrument for hit in index.find(slip)] == ["NSE:RELIANCE"]
