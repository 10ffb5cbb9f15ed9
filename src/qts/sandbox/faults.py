"""What may go wrong with a reply, and when."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """One thing that goes wrong with one reply."""

    TOO_MANY = "too_many"
    TOO_MANY_WAIT = "too_many_wait"
    SERVER_ERROR = "server_error"
    NO_ERROR_TYPE = "no_error_type"
    WEB_PAGE = "web_page"
    CUT_JSON = "cut_json"
    EMPTY = "empty"
    DRIP = "drip"
    RESET = "reset"
    HANG = "hang"
    DUPLICATES = "duplicates"
    OVERLAP = "overlap"
    UNSORTED = "unsorted"
    REVISED = "revised"
    FORMING = "forming"
    DEAD_TOKEN = "dead_token"  # noqa: S105 - the name of a fault


# Those after which asking again gives what was asked for, and which leave no trace in sound data.
PASSING = (
    Fault.TOO_MANY,
    Fault.TOO_MANY_WAIT,
    Fault.SERVER_ERROR,
    Fault.NO_ERROR_TYPE,
    Fault.WEB_PAGE,
    Fault.CUT_JSON,
    Fault.EMPTY,
    Fault.RESET,
    Fault.DUPLICATES,
    Fault.OVERLAP,
    Fault.UNSORTED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlan:
    """Which replies go wrong: those at the places in ``at`` (the first request is 0), and of the others a share, drawn from the seed.

    The same plan spoils the same requests on every machine.
    """

    share: float = 0.0
    kinds: Sequence[Fault] = PASSING
    seed: int = 0
    at: Mapping[int, Fault] = field(default_factory=dict)

    def fault(self, place: int) -> Fault | None:
        """Return what goes wrong with the request at this place."""
        if place in self.at:
            return self.at[place]
        digest = hashlib.sha256(f"{self.seed}/{place}".encode()).digest()
        is_spoiled = int.from_bytes(digest[:6], "big") < self.share * 2**48
        return self.kinds[digest[6] % len(self.kinds)] if is_spoiled and self.kinds else None
