"""The API: parses, calls one use case, answers JSON. No rule of the domain lives here."""

from qts.api.server import create_api

__all__ = ["create_api"]
