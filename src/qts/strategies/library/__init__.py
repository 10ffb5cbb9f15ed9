"""Built-in strategies: one file each, found by itself; copy one to start your own."""

from __future__ import annotations

__all__: list[str] = []
