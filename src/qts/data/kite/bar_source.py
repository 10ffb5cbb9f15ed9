"""The broker as a source of bars: where an instrument is listed today, and its candles."""

from __future__ import annotations

from datetime import date
from typing import Final, Protocol

from qts.core import IST, Clock, Exchange, InstrumentId, Interval, exchange_of
from qts.data.instruments import InstrumentMaster, parse_dump
from qts.data.kite.client import CandleReply
from qts.data.kite.windows import CandleWindow
from qts.data.source import Delivery, Listed
from qts.data.storage.series import PriceBasis

SANDBOX: Final = "sandbox"
_SHARES: Final = frozenset({Exchange.NSE, Exchange.BSE})


class CandleClient(Protocol):
    """What is asked of a client of the broker's."""

    def instruments(self, exchange: str = "") -> bytes:
        """Return the list of instruments of an exchange."""
        ...

    def candles(self, token: int, instrument: InstrumentId, interval: Interval, window: CandleWindow) -> CandleReply:
        """Return the candles of a window."""
        ...


class KiteBars:
    """Bars of the broker, or of the simulated exchange that speaks as he does.

    Parameters
    ----------
    client : CandleClient
        Asks.
    master : InstrumentMaster
        Where the broker's lists are kept; that of an exchange is read once a day.
    clock : Clock
        The machine's.
    source : str
        ``kite`` or ``sandbox``: by tokens of the one the other would give the candles of some other instrument.
    """

    def __init__(self, client: CandleClient, master: InstrumentMaster, *, clock: Clock, source: str) -> None:
        self._client = client
        self._master = master
        self._clock = clock
        self._source = source

    def find(self, instrument: InstrumentId) -> Listed | None:
        """Return where the broker lists an instrument today.

        Raises
        ------
        SourceError
            If the list could not be had.
        """
        today = self._clock.now().astimezone(IST).date()
        exchange = exchange_of(instrument)
        if not self._has_list(str(exchange), today):
            dump = parse_dump(self._client.instruments(str(exchange)), label=f"the list of {exchange}", on=today)
            self._master.load(dump, on=today, source=self._source, at=self._clock.now())
        found = self._master.listing(instrument, today)
        if found is None:
            return None
        # The broker adjusts the past of shares for splits and the like; contracts, indices and invented prices are as they were.
        basis = PriceBasis.ADJUSTED if exchange in _SHARES and not found.is_index else PriceBasis.RAW
        return Listed(instrument=found.instrument, name=str(found.token), basis=basis)

    def bars(self, listed: Listed, interval: Interval, *, first: date, last: date) -> Delivery:
        """Return the candles of these dates that are over by the broker's own clock.

        Raises
        ------
        SourceError
            If they could not be had.
        """
        reply = self._client.candles(int(listed.name), listed.instrument, interval, CandleWindow(first=first, last=last))
        return Delivery(at=reply.at, bars=reply.bars, refused=reply.refused, spoiled=reply.spoiled)

    def _has_list(self, exchange: str, today: date) -> bool:
        is_sandbox = self._source == SANDBOX
        return any(one.on == today and (one.source == SANDBOX) is is_sandbox for one in self._master.dumps(exchange))
