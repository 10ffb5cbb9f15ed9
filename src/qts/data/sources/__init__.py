"""The built-in data sources, one file each; the file name is the source's id."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from qts.core import discover
from qts.data.source import Listing, Source


def built_in_sources() -> Mapping[str, Source]:
    """Return the sources of this package by id."""
    return discover(sys.modules[__name__], "SOURCE", Source)


__all__ = ["Listing", "Source", "built_in_sources"]
