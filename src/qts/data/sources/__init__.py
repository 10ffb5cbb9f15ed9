"""The built-in data sources, one file each; the file name is the source's id."""

from __future__ import annotations

__all__: list[str] = []
