"""The metrics, one file each; the file name is the key in the result document."""

from __future__ import annotations

__all__: list[str] = []
