"""The command line: parses, calls one use case, prints. No rule of the domain lives here."""

from qts.cli.main import main

__all__ = ["main"]
