"""The rule files of this package as one page of Markdown, row by row: what stands in ``docs/reference/listing.md``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final

from qts.market.listing.reject import REJECT_SENTENCES
from qts.market.listing.rows import RuleRow, rule_rows

_HEAD: Final = (
    "# Contracts, ticks, bands and margins\n\n"
    "The dated rules of the exchanges beside hours and charges. A row holds from its date until the next row of the same kind. "
    "*Confidence*: A official or measured in an exchange's or the broker's own file; B several pages agree; C one page, or recalled. "
    "An estimate is named in the answer of everything that uses it. All prices are as traded: adjusted prices lie on no tick and name the "
    "wrong slab, band and lot."
)
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_TICKS: Final = (
    "The smallest step of a price. Where it goes by level, the close of the last session of the month before decides for the whole "
    "month; for a contract that of its underlying."
)
_EXPIRY: Final = (
    "From the contract month on; a date that is no session moves to the session before. An expiry computed by these rules is always an "
    "estimate. Weekly contracts carry their day in the symbol."
)
_LOTS: Final = (
    "Shares or units of one lot, for contracts that end from the date on. Lots of shares are not on record: the broker's list of "
    "instruments of the day names them."
)
_MARGINS: Final = (
    "What a position ties up when opened, for one position alone. All are rounded, cautious estimates: the exchange's model decides."
)
# Heading, rule file, its table, what the numbers mean.
_PARTS: Final = (
    ("Ticks", "ticks", "tick", _TICKS),
    ("Expiry of monthly contracts", "expiry", "rule", _EXPIRY),
    ("Lots", "lots", "lot", _LOTS),
    ("Largest quantity of one order", "lots", "freeze", "By date of the order; fixed anew every month, so that all are estimates."),
    ("The same by level of the index", "lots", "freeze_slab", "Used where the level at the end of the month before is given."),
    ("Price bands", "bands", "band", "Of the previous session's close; both limits are rounded to the tick towards it."),
    ("Margins", "margins", "margin", _MARGINS),
    ("Settlement", "settlement", "cycle", "Sessions from the trade to the exchange of money and shares."),
    ("Delivery of shares at expiry", "settlement", "physical", "By expiry. Contracts on indices and currencies are settled in cash."),
    ("Trade-to-trade series", "settlement", "series", "Each order is delivered: no intraday trade."),
)


def listing_document() -> str:
    """Return the Markdown of ``docs/reference/listing.md``."""
    parts = [_HEAD]
    for title, file, table, meaning in _PARTS:
        rows = sorted(rule_rows(file, table), key=lambda row: (_whose(row), row.valid_from))
        cells = [(_whose(row), row.valid_from, _rule(table, row), row.confidence, _source(row)) for row in rows]
        parts += [f"## {title}", meaning, _table(("for", "from", "rule", "confidence", "source"), cells)]
    reasons = [(f"`{reason}`", sentence.replace("{", "*").replace("}", "*")) for reason, sentence in REJECT_SENTENCES.items()]
    parts += ["## Why an order is refused", _table(("reason", "sentence"), reasons)]
    return "\n\n".join(parts) + "\n"


def _whose(row: RuleRow) -> str:
    names = [row.text("class").replace("_", " "), ", ".join(sorted(row.names("exchanges"))), ", ".join(sorted(row.names("underlyings")))]
    return " · ".join(name for name in names if name)


def _source(row: RuleRow) -> str:
    return row.source + (f" **Estimate:** {row.estimate}." if row.estimate else "")


def _rule(table: str, row: RuleRow) -> str:
    return _RULES[table](row)


def _expiry_rule(row: RuleRow) -> str:
    if "weekday" in row.values:
        return f"last {_WEEKDAYS[int(row.number('weekday'))]} of the month"
    return f"{row.text('working_days_before_end')} working days before the last working day of the month"


def _lot_rule(row: RuleRow) -> str:
    changes = row.text("quarterly_from")
    return row.text("quantity") + (f"; quarterly contracts listed before: from {changes}" if changes else "")


def _slab_rule(row: RuleRow, name: str) -> str:
    raw = row.values["slabs"]
    slabs = raw if isinstance(raw, list) else []
    words: list[str] = []
    for slab in slabs:
        where = f" below {slab['below']}" if "below" in slab else f" to {slab['up_to']}" if "up_to" in slab else " above" if words else ""
        words.append(f"{slab[name]}{where}")
    return "; ".join(words)


def _band_rule(row: RuleRow) -> str:
    fixed = ", ".join(f"{_percent(Decimal(text))} %" for text in sorted(row.names("fractions"), key=Decimal))
    return fixed or f"none fixed; dynamic, from {_percent(row.number('dynamic'))} %"


def _margin_rule(row: RuleRow) -> str:
    is_option = row.text("base") == "strike"
    words = [f"long {_percent(row.number('long'))} % of {'the premium' if is_option else 'the value'}"]
    base = "the strike's value and the premium" if is_option else "the value"
    words.append(f"short {_percent(row.number('short'))} % of {base}" if "short" in row.values else "no short position")
    words += [f"at the least {_percent(row.number('least'))} %"] if "least" in row.values else []
    return "; ".join(words)


def _series_rule(row: RuleRow) -> str:
    return ", ".join(sorted(row.names("names")))


def _physical_rule(row: RuleRow) -> str:
    return {"yes": "shares are delivered", "phased": "some shares are delivered, some contracts settled in cash"}[row.text("answer")]


_RULES: Final[dict[str, Callable[[RuleRow], str]]] = {
    "tick": lambda row: _slab_rule(row, "tick"),
    "rule": _expiry_rule,
    "lot": _lot_rule,
    "freeze": lambda row: row.text("quantity"),
    "freeze_slab": lambda row: _slab_rule(row, "quantity"),
    "band": _band_rule,
    "margin": _margin_rule,
    "cycle": lambda row: f"T+{row.text('sessions')}",
    "physical": _physical_rule,
    "series": _series_rule,
}


def _percent(fraction: Decimal) -> str:
    return f"{(fraction * 100).normalize():f}"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(str(value) for value in row) + " |" for row in rows])
