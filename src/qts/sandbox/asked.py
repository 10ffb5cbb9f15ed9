"""A request as the simulated exchange takes it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qts.sandbox.refusal import bad_input


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request. Names of headers are in lower case; query and form keep the order and repeat of their fields."""

    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    form: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        """Return every value of a field of the query."""
        return [value for key, value in self.query if key == name]

    def one(self, name: str, default: str = "") -> str:
        """Return the last value of a field of the query."""
        return next(reversed(self.all(name)), default)

    def rows(self) -> list[Mapping[str, Any]]:
        """Return the objects of a body that is a list of them; raises Refusal for any other."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, list) or not found or not all(isinstance(row, dict) for row in found):
            raise bad_input("Invalid JSON body: a list of orders is expected.")
        return found
