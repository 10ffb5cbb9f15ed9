"""Pages: one file each, found by its ``PAGE``; the file name is the page's id and its path in the URL."""

from __future__ import annotations

__all__: list[str] = []
