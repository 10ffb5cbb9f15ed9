"""How the simulated exchange says no, as the broker does: a status, a type, a sentence."""

from __future__ import annotations


class Refusal(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, kind: str | None, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message


def bad_input(message: str) -> Refusal:
    """Return the error for a request that is wrong in itself."""
    return Refusal(400, "InputException", message)


def dead_token() -> Refusal:
    """Return the error for a session that is none, or no longer."""
    return Refusal(403, "TokenException", "Incorrect `api_key` or `access_token`.")


def no_permission() -> Refusal:
    """Return the error for a plan without market data."""
    return Refusal(403, "PermissionException", "Insufficient permission for that call.")
