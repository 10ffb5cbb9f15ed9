"""Parts that pages are drawn from: charts, tables, forms, key figures."""

from __future__ import annotations

__all__: list[str] = []
