"""Schedules that most homes want, for whoever turns them on: none runs before that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A schedule that can be added by its name alone, but for the values that it ``needs``; ``example`` has such."""

    kind: str
    timing: str
    title: str
    values: Mapping[str, object] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    example: str = ""


OFFERS: Final[Mapping[str, Offer]] = {
    "daily-bars": Offer(
        kind="ingest",
        timing="close+45",
        title="Download what is missing of these instruments",
        needs=("instruments", "from"),
        example="instruments=NSE:INFY,NSE:TCS from=2020-01-01",
    ),
    "instruments": Offer(kind="instruments", timing="trading@08:30", title="Keep the broker's list of instruments of the day"),
    "chains": Offer(
        kind="chain",
        timing="close+30",
        title="Keep the day's last quotes of an underlying's options",
        needs=("underlying",),
        example="underlying=NIFTY",
    ),
    "compact": Offer(kind="compact", timing="daily@01:30", title="Put lately imported bars into the files of their years"),
    "backup": Offer(kind="backup", timing="daily@02:00", title="Make a backup of the home and keep the last 14", values={"keep": 14}),
    "verify": Offer(kind="verify", timing="sunday@03:00", title="Check every byte of what is stored"),
}
