"""When a trade is settled, what ends in delivery of shares, and which series know no intraday trade."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from qts.core import Exchange, InstrumentId, exchange_of, symbol_of
from qts.core.errors import BadParameter
from qts.market.listing.contract import Contract
from qts.market.listing.rows import row_in_force, rule_rows
from qts.market.sessions import next_session


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementCycle:
    """Sessions from the trade to settlement, where the number comes from, and in ``note`` why it is an estimate."""

    sessions: int
    is_estimate: bool
    source: str
    note: str = ""


def settlement_cycle(exchange: Exchange, on: date) -> SettlementCycle:
    """Return the cycle in force on a trade date; ``SIM`` has NSE's. Before the first row the oldest one is used, as an estimate.

    Raises
    ------
    BadParameter
        If nothing is traded on the exchange.

    >>> settlement_cycle(Exchange.NSE, date(2026, 11, 2)).sessions
    1
    """
    listed_on = Exchange.NSE if exchange is Exchange.SIM else exchange
    rows = [row for row in rule_rows("settlement", "cycle") if listed_on in row.names("exchanges")]
    if not rows:
        raise BadParameter("exchange", exchange, "index levels are not traded and settle nothing")
    row = row_in_force(rows, on)
    note = f"no cycle before {rows[0].valid_from} is on record; that one is used" if row is None else row.estimate
    row = row or rows[0]
    return SettlementCycle(sessions=int(row.number("sessions")), is_estimate=note != "", source=row.source, note=note)


def settles_on(exchange: Exchange, on: date) -> date:
    """Return the date a trade is settled: so many sessions after the trade date as the cycle of that date says.

    Holidays of banks and clearing houses on which the exchange trades are not on record and would make it later.

    Raises
    ------
    BadParameter
        If nothing is traded on the exchange.

    >>> settles_on(Exchange.NSE, date(2026, 11, 13))
    datetime.date(2026, 11, 16)
    """
    day = on
    for _ in range(settlement_cycle(exchange, on).sessions):
        day = next_session(exchange, day)
    return day


def is_physically_settled(contract: Contract, on: date) -> bool | None:
    """Return whether a contract held to its end is settled in shares; None where it is not on record.

    Indices and currencies are settled in cash. Contracts on shares are delivered since October 2019; of those that ended from July 2018 on
    some were. For commodities it depends on the contract. The expiry decides, or ``on`` where the contract has none.
    """
    if contract.exchange in (Exchange.MCX, Exchange.NCO):
        return None
    rows = [row for row in rule_rows("settlement", "physical") if contract.exchange in row.names("exchanges")]
    row = None if contract.is_index else row_in_force(rows, contract.expiry or on)
    if row is None:
        return False
    return True if row.text("answer") == "yes" else None


def is_trade_to_trade(series: str, exchange: Exchange = Exchange.NSE) -> bool:
    """Return whether a series is traded for delivery only, so that nothing is netted within a day.

    >>> is_trade_to_trade("be")
    True
    """
    listed_on = Exchange.NSE if exchange is Exchange.SIM else exchange
    rows = (row for row in rule_rows("settlement", "series") if listed_on in row.names("exchanges"))
    return any(series.strip().upper() in row.names("names") for row in rows)


def trade_to_trade_series(instrument: InstrumentId) -> str:
    """Return the trade-to-trade series that an instrument's symbol names; empty where it names none.

    Symbols of NSE's shares outside the series EQ end in a dash and the series. The symbol alone speaks: one without such an end may have
    been in BE on some day.

    >>> trade_to_trade_series(InstrumentId("NSE:XYZ-BE")), trade_to_trade_series(InstrumentId("NSE:BAJAJ-AUTO"))
    ('BE', '')
    """
    if exchange_of(instrument) is not Exchange.NSE:
        return ""
    share, _, series = symbol_of(instrument).rpartition("-")
    return series if share and is_trade_to_trade(series) else ""


def btst_warning(exchange: Exchange, *, bought_on: date, sold_on: date) -> str | None:
    """Return the sentence to show where shares are sold on a later day than bought and before they are delivered, else None.

    Such a sale (BTST) is possible, but if the first seller fails to deliver, the shares fall short and the exchange buys them in an auction
    at the cost of whoever sold them on.

    Raises
    ------
    BadParameter
        If the shares are sold before they are bought, or nothing is traded on the exchange.
    """
    if sold_on < bought_on:
        raise BadParameter("sold_on", sold_on, f"is before bought_on = {bought_on}")
    delivered_on = settles_on(exchange, bought_on)
    # Shares of settlement day arrive after the session's close.
    if not bought_on < sold_on <= delivered_on:
        return None
    return (
        f"Shares bought on {bought_on} are sold on {sold_on}, but delivered only on {delivered_on}: if the first seller fails to deliver, "
        "they are bought in at auction, at a price above the market, at your cost."
    )
