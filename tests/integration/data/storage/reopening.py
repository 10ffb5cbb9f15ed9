"""Opens the store in a folder and prints as a line of JSON what that took: statements, files of the store looked at, and seconds."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from qts.data.storage import ParquetStore

LOOKS = frozenset({"open", "os.listdir", "os.scandir"})


def main(home: Path) -> dict[str, float]:
    """Return what opening took."""
    counts = {"statements": 0, "files": 0}
    root = os.fspath(home)

    def count_files(name: str, arguments: tuple[Any, ...]) -> None:
        if name in LOOKS and isinstance(arguments[0], str | os.PathLike) and os.fspath(arguments[0]).startswith(root):
            counts["files"] += 1

    def count_statements(*_: object) -> None:
        counts["statements"] += 1

    importlib.import_module("qts.data.storage.manifest")
    sys.addaudithook(count_files)
    event.listen(Engine, "before_cursor_execute", count_statements)
    began = time.perf_counter()
    store = ParquetStore.open(home)
    store.snapshot()
    seconds = time.perf_counter() - began
    store.close()
    return {**counts, "seconds": seconds}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]))))
