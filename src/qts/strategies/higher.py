"""Bars of a longer interval beside a strategy's own, of which only closed ones can be seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qts.core import Bars, Floats, Interval, Ints, parse_interval
from qts.core.errors import BadParameter
from qts.market.resampling import resample


@dataclass(frozen=True, slots=True, kw_only=True)
class HigherBars:
    """The closed bars of a longer interval, and which of them is the latest at each bar of the strategy.

    ``latest`` has shape ``(n_bars,)``: the position in ``bars`` of the last one that is complete at the close of the strategy's own bar, -1
    before the first.
    """

    bars: Bars
    latest: Ints

    def of(self, values: Floats) -> Floats:
        """Return, for each bar of the strategy, the value at the latest closed longer bar; NaN before the first.

        Parameters
        ----------
        values : ndarray of shape (n_longer,)
            Something computed from ``bars``, such as an average of its closes.

        Raises
        ------
        BadParameter
            If there is not one value for each longer bar.
        """
        if len(values) != len(self.bars):
            raise BadParameter(
                "values", len(values), f"there are {len(self.bars)} longer bars", hint="Compute it from .bars of this object."
            )
        padded = np.concatenate((np.asarray(values, dtype=np.float64), [np.nan]))
        picked: Floats = padded[self.latest]
        return picked


def higher_bars(bars: Bars, interval: Interval | str) -> HigherBars:
    """Return the bars put together to a longer interval, without any that is not closed yet.

    >>> daily = higher_bars(bars, "1d")  # doctest: +SKIP
    >>> trend = daily.of(ema(daily.bars.close, 20))  # doctest: +SKIP

    Parameters
    ----------
    bars : Bars
        The strategy's own.
    interval : Interval or str
        A longer one, such as ``"60m"`` or ``"1d"``.

    Raises
    ------
    BadParameter
        If the interval is not longer, or the bars do not divide it.
    """
    longer = resample(bars, parse_interval(interval))
    n_closed = int(np.count_nonzero(longer.closed_at < len(bars)))
    latest = np.searchsorted(longer.closed_at, np.arange(len(bars)), side="right") - 1
    return HigherBars(bars=longer.bars.window(0, n_closed), latest=latest)
