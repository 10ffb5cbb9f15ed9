"""Which strategies can be run: built-in ones, those of installed packages, and the user's own files."""

from __future__ import annotations

import difflib
import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import qts
from qts.core.discovery import Plugin, discover, discover_entry_points, discover_folder, load_file
from qts.core.errors import PluginError, UnknownStrategy
from qts.strategies import library
from qts.strategies.base import Strategy

BUILT_IN: Final = "built-in"
ENTRY_POINTS: Final = "qts.strategies"
_CONSTANT: Final = "STRATEGY"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEntry:
    """One strategy as it was found: ``strategy``, or the ``error`` that says why there is none.

    ``source`` is ``built-in``, ``user``, or the distribution it came with. ``version`` is a hash of the source text; for a built-in
    one the version of this package is mixed in.
    """

    id: str
    title: str
    source: str
    path: Path | None
    strategy: Strategy | None
    error: PluginError | None
    version: str

    def require(self) -> Strategy:
        """Return the strategy.

        Raises
        ------
        PluginError
            If its file is broken.
        """
        if self.strategy is None:
            raise self.error if self.error is not None else PluginError(self.id, "declares no STRATEGY")
        return self.strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """All strategies, built-in first, then by id within a source."""

    entries: tuple[CatalogEntry, ...]

    def get(self, id_or_path: str) -> CatalogEntry:
        """Return the entry of this id, or of the file at this path, read afresh.

        Raises
        ------
        UnknownStrategy
            If there is neither.
        PluginError
            If it is there and broken.
        """
        is_path = id_or_path.endswith(".py") or os.sep in id_or_path
        entry = self._from_file(Path(id_or_path)) if is_path else self._from_id(id_or_path)
        entry.require()
        return entry

    def _from_file(self, path: Path) -> CatalogEntry:
        if not path.is_file():
            raise UnknownStrategy(str(path))
        return _entry(load_file(path, _CONSTANT, Strategy))

    def _from_id(self, wanted: str) -> CatalogEntry:
        for entry in self.entries:
            if entry.id == wanted:
                return entry
        raise UnknownStrategy(wanted, near=difflib.get_close_matches(wanted, [entry.id for entry in self.entries]))


def load_catalog(user_folder: Path | None = None) -> Catalog:
    """Return what can be run now; a broken user file is listed with its error and stops nothing.

    A user's file whose name is taken by a built-in or installed strategy is listed as ``user.<name>``: it never replaces the other.
    """
    entries: dict[str, CatalogEntry] = {}
    for entry in _found(user_folder):
        free = entry.id if entry.id not in entries else f"{entry.source}.{entry.id}"
        entries[free] = entry if free == entry.id else _renamed(entry, free)
    return Catalog(entries=tuple(entries.values()))


def _found(user_folder: Path | None) -> Iterator[CatalogEntry]:
    for name, strategy in discover(library, _CONSTANT, Strategy).items():
        path = Path(str(sys.modules[f"{library.__name__}.{name}"].__file__))
        yield _entry(Plugin(id=name, origin=BUILT_IN, path=path, value=strategy))
    yield from map(_entry, discover_entry_points(ENTRY_POINTS, Strategy))
    if user_folder is not None:
        yield from map(_entry, discover_folder(user_folder, _CONSTANT, Strategy))


def _entry(plugin: Plugin[Strategy]) -> CatalogEntry:
    return CatalogEntry(
        id=plugin.id,
        title=plugin.value.title if plugin.value is not None else plugin.id,
        source=plugin.origin,
        path=plugin.path if plugin.path is not None else _path_of(plugin.value),
        strategy=plugin.value,
        error=plugin.error,
        version=_version(plugin),
    )


def _renamed(entry: CatalogEntry, name: str) -> CatalogEntry:
    return CatalogEntry(
        id=name,
        title=entry.title,
        source=entry.source,
        path=entry.path,
        strategy=entry.strategy,
        error=entry.error,
        version=entry.version,
    )


def _path_of(strategy: Strategy | None) -> Path | None:
    code = getattr(strategy.targets, "__code__", None) if strategy is not None else None
    return Path(code.co_filename) if code is not None else None


def _version(plugin: Plugin[Strategy]) -> str:
    path = plugin.path if plugin.path is not None else _path_of(plugin.value)
    digest = hashlib.sha256(path.read_bytes() if path is not None and path.is_file() else plugin.id.encode())
    if plugin.origin == BUILT_IN:
        digest.update(qts.__version__.encode())
    return digest.hexdigest()[:12]
