"""The pages in the browser: they read inputs, call one use case of ``app`` and draw its result."""

from __future__ import annotations

__all__: list[str] = []
