"""Find plugins: one file is one plugin, its name is its id, a constant declares it."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import pkgutil
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final, Generic, TypeVar

from qts.core.errors import PluginError

T = TypeVar("T")
_MAX_SAID: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin(Generic[T]):
    """A plugin that was found: ``value`` is its declaration, or ``error`` says why there is none."""

    id: str
    origin: str
    path: Path | None
    value: T | None
    error: PluginError | None = None


def discover(package: ModuleType, constant: str, kind: type[T]) -> dict[str, T]:
    """Import every public file of a package and return its constants by file name.

    Raises
    ------
    PluginError
        If a built-in file does not declare ``constant`` of type ``kind``: a broken built-in is our bug and must not hide.
    """
    found: dict[str, T] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        if info.name.startswith("_") or info.ispkg:
            continue
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        found[info.name] = _declaration(module, str(module.__file__), constant, kind)
    return found


def discover_folder(folder: Path, constant: str, kind: type[T]) -> Iterator[Plugin[T]]:
    """Yield a plugin for every public ``*.py`` of a user's folder; a broken one carries its error and stops nothing."""
    if not folder.is_dir():
        return
    for path in sorted(folder.glob("*.py")):
        if not path.name.startswith("_"):
            yield load_file(path, constant, kind)


def load_file(path: Path, constant: str, kind: type[T]) -> Plugin[T]:
    """Return the plugin of one file, executed afresh, with its error if it is broken."""
    name = f"_qts_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        return Plugin(id=path.stem, origin="user", path=path, value=None, error=PluginError(str(path), "is not a Python file"))
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickling look a class's module up by name.
    sys.modules[name] = module
    try:
        # Compiled here, from the text of this moment: a cached .pyc of a file saved twice within a second would be stale.
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)  # noqa: S102 - a user's strategy is code by design
        value = _declaration(module, str(path), constant, kind)
    except PluginError as error:
        return Plugin(id=path.stem, origin="user", path=path, value=None, error=error)
    except SyntaxError as error:
        broken = PluginError(str(path), f"syntax error: {error.msg}", line=error.lineno)
        return Plugin(id=path.stem, origin="user", path=path, value=None, error=broken)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - the outermost shell of foreign code: whatever it raises is its own error
        broken = PluginError(str(path), said_by(error), line=line_in(error, str(path)))
        return Plugin(id=path.stem, origin="user", path=path, value=None, error=broken)
    return Plugin(id=path.stem, origin="user", path=path, value=value)


def discover_entry_points(group: str, kind: type[T]) -> Iterator[Plugin[T]]:
    """Yield the plugins that installed packages declare under an entry-point group."""
    for point in sorted(importlib.metadata.entry_points(group=group), key=lambda point: point.name):
        origin = point.dist.name if point.dist is not None else point.value
        try:
            value = point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - the outermost shell of foreign code
            broken = PluginError(point.value, said_by(error))
            yield Plugin(id=point.name, origin=origin, path=None, value=None, error=broken)
            continue
        if isinstance(value, kind):
            yield Plugin(id=point.name, origin=origin, path=None, value=value)
        else:
            yield Plugin(id=point.name, origin=origin, path=None, value=None, error=PluginError(point.value, f"is not a {kind.__name__}"))


def line_in(error: BaseException, path: str) -> int | None:
    """Return the last line of this file that the error passed through, or None."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return lines[-1] if lines else None


def said_by(error: BaseException) -> str:
    """Return the class and text of a foreign error as part of one sentence, whatever it holds.

    >>> said_by(ValueError("no such thing."))
    'ValueError: no such thing'
    """
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - even its text is foreign code
        text = ""
    words = "".join(letter if letter.isprintable() else " " for letter in text).split()
    shown = " ".join(words)[:_MAX_SAID].rstrip(".")
    return f"{type(error).__name__}: {shown}" if shown else type(error).__name__


def _declaration(module: ModuleType, path: str, constant: str, kind: type[T]) -> T:
    value = getattr(module, constant, None)
    if value is None:
        raise PluginError(path, f"declares no {constant}")
    if not isinstance(value, kind):
        raise PluginError(path, f"{constant} is a {type(value).__name__}, not a {kind.__name__}")
    return value
