"""Which words published examples use for lines of a bill, segments, sides and ends of contracts, and what they mean here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from qts.core import Exchange, Product, Side
from qts.core.errors import BadParameter
from qts.market.charges.segments import ChargeSegment, Settlement, SttClass, segment_of

# The API's own names stand beside those of calculators and contract notes.
_LINES: Final[Mapping[str, tuple[str, ...]]] = {
    "brokerage": ("brokerage_charge", "brokerage_charges", "brokerage_fee"),
    "stt": ("stt_total", "total_stt", "stt_ctt", "ctt_stt", "transaction_tax", "securities_transaction_tax"),
    "ctt": ("commodity_transaction_tax", "commodities_transaction_tax"),
    "exchange": (
        "exchange_charge",
        "exchange_charges",
        "exchange_txn_charge",
        "exchange_transaction_charge",
        "exchange_transaction_charges",
        "exchange_turnover_charge",
        "transaction_charge",
        "transaction_charges",
        "txn_charge",
        "txn_charges",
    ),
    "ipft": ("ipft_charge", "ipft_charges", "nse_ipft", "ipf"),
    "sebi": ("sebi_charge", "sebi_charges", "sebi_fee", "sebi_fees", "sebi_turnover_charge", "sebi_turnover_fee", "sebi_turnover_fees"),
    "stamp": ("stamp_duty", "stamp_charge", "stamp_charges"),
    "gst": ("total_gst", "gst_total", "service_tax"),
    "dp": ("dp_charge", "dp_charges"),
    "total": ("total_charges", "total_charge", "total_cost", "total_costs", "total_tax_and_charges", "charges_total"),
    "net": ("net_pnl", "net_profit", "net_amount", "pnl_net"),
    "gross": ("gross_pnl", "gross_profit"),
    "break_even": (
        "breakeven",
        "break_even_per_share",
        "breakeven_per_share",
        "break_even_points",
        "breakeven_points",
        "points_to_breakeven",
    ),
    "turnover": ("value", "total_turnover"),
}
_LINE_OF: Final = {word: line for line, words in _LINES.items() for word in (line, *words)}
_UNROUNDED: Final = ("_exact", "_unrounded")
_GST_PARTS: Final = frozenset({"cgst", "sgst", "igst"})
_SIDES: Final = {
    Side.BUY: frozenset({"b", "buy", "bought", "long"}),
    Side.SELL: frozenset({"s", "sell", "sold", "short"}),
}
_ENDS: Final = {
    Settlement.EXPIRED: frozenset({"expire", "expired"}),
    Settlement.EXERCISED: frozenset({"exercise", "exercised"}),
    Settlement.ASSIGNED: frozenset({"assign", "assigned", "assignment"}),
    Settlement.DELIVERED: frozenset({"delivered", "physical"}),
    Settlement.NETTED: frozenset({"netted"}),
}
_FAMILIES: Final = {
    "currency": frozenset({"currency", "currencies", "cds", "bcd", "forex"}),
    "commodity": frozenset({"commodity", "commodities", "mcx", "nco"}),
    "equity": frozenset({"equity", "index", "stock", "fno", "fo", "nfo", "bfo"}),
}
_KINDS: Final = {
    "futures": frozenset({"future", "futures", "fut"}),
    "options": frozenset({"option", "options", "opt", "ce", "pe"}),
}
_DAY_WORDS: Final = frozenset({"intraday", "mis", "co"})
_KEPT_WORDS: Final = frozenset({"delivery", "cnc", "etf"})
_FUND_WORDS: Final = frozenset({"etf", "fund", "oriented", "bees"})
_OTHER_FUND_WORDS: Final = frozenset({"other", "non", "gold", "silver", "debt", "liquid", "gilt", "overseas", "international"})
_CONTRACT: Final = re.compile(r"\d(?:[A-Z]{3})?(?:(?P<future>FUT)|\d+(?:CE|PE))$")
_CASH: Final = (Exchange.NSE, Exchange.BSE, Exchange.SIM)


def plain(text: str) -> str:
    """Return a word in small letters with single underscores.

    >>> plain("Break-even (per share)")
    'break_even_per_share'
    """
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def line_named(field: str) -> str:
    """Return what a published number is called here; a word that is not known stays as it is.

    >>> line_named("SEBI turnover fees"), line_named("stamp_unrounded"), line_named("tea")
    ('sebi', 'stamp_exact', 'tea')
    """
    word = plain(field)
    for ending in _UNROUNDED:
        if word.endswith(ending):
            return f"{_LINE_OF.get(word.removesuffix(ending), word.removesuffix(ending))}_exact"
    return _LINE_OF.get(word, word)


def is_line_named(field: str) -> bool:
    """Return whether a word is one for a published number."""
    word = plain(field)
    return line_named(field).removesuffix("_exact") in _LINES or word in _GST_PARTS or word.startswith("stt_")


def is_gst_part(field: str) -> bool:
    """Return whether a word is one of the taxes that make up GST."""
    return plain(field) in _GST_PARTS


def side_named(text: str) -> Side | None:
    """Return the side a word means."""
    return next((side for side, words in _SIDES.items() if plain(text) in words), None)


def settlement_named(text: str) -> Settlement | None:
    """Return the end of a contract that a text names among its words."""
    words = set(plain(text).split("_"))
    return next((end for end, names in _ENDS.items() if words & names), None)


def stt_class_named(text: str) -> SttClass | None:
    """Return what a text says of a unit of the cash market.

    >>> stt_class_named("gold_etf").value, stt_class_named("equity-oriented fund").value
    ('other_etf', 'equity_etf')
    """
    words = set(plain(text).split("_"))
    if words & {"share", "shares", "stock"}:
        return SttClass.SHARE
    if words & _OTHER_FUND_WORDS:
        return SttClass.OTHER_ETF
    return SttClass.EQUITY_ETF if words & _FUND_WORDS else None


def segment_named(text: str, exchange: Exchange) -> ChargeSegment:
    """Return the segment a text means: its own name, or words such as ``futures``, which the exchange tells the market of.

    Raises
    ------
    BadParameter
        If it means none.
    """
    word = plain(text)
    own = next((segment for segment in ChargeSegment if segment == word), None)
    found = own or _segment_of_words(set(word.split("_")), exchange)
    if found is None:
        raise BadParameter("segment", text, "there is no such segment", hint=f"Use one of {', '.join(ChargeSegment)}.")
    return found


def segment_told(product: str, symbol: str, exchange: Exchange) -> ChargeSegment | None:
    """Return the segment that product and symbol of an order tell, None where they do not."""
    if exchange in _CASH:
        return _segment_of_words({plain(product)}, exchange)
    match = _CONTRACT.search(symbol)
    return None if match is None else segment_of(exchange, Product.NRML, "future" if match["future"] else "option")


def _segment_of_words(words: set[str], exchange: Exchange) -> ChargeSegment | None:
    kind = next((kind for kind, names in _KINDS.items() if words & names), None)
    if kind is not None:
        family = next((family for family, names in _FAMILIES.items() if words & names), None)
        if family is not None:
            return ChargeSegment(f"{family}_{kind}")
        return segment_of(exchange, Product.NRML, kind.removesuffix("s"))
    if words & _DAY_WORDS:
        return ChargeSegment.EQUITY_INTRADAY
    return ChargeSegment.EQUITY_DELIVERY if words & _KEPT_WORDS else None


def texts_of(said: Mapping[str, object], *names: str) -> Iterator[str]:
    """Yield what an example says under any of these names, where it says a word."""
    yield from (text for name in names if isinstance(value := said.get(name), str) and (text := value.strip()))
