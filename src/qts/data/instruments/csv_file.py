"""The rows of a small CSV that a person wrote, with the line each stands on."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from qts.core.errors import BadFile, BadPath

_FILE_LIMIT: Final = 16 << 20


def read_rows(path: Path, needed: Sequence[str], *, hint: str) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a small CSV by the line they end on, stripped, by lower-case column names.

    Raises
    ------
    BadPath
        If it cannot be read.
    BadFile
        If it is no such CSV, or a row does not fit the header.
    """
    try:
        if path.stat().st_size > _FILE_LIMIT:
            raise BadFile(str(path), "it is larger than such a file can be", hint=hint)
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadPath(str(path), (error.strerror or "cannot be read").lower()) from error
    except UnicodeDecodeError as error:
        raise BadFile(str(path), f"byte {error.start} is not UTF-8 text", hint=hint) from error
    reader = csv.reader(io.StringIO(text))
    header = [name.strip().lower() for name in next(reader, [])]
    missing = [name for name in needed if name not in header]
    if missing:
        raise BadFile(str(path), f"it has no column {', '.join(missing)}", hint=hint)
    rows = []
    for fields in reader:
        if not any(field.strip() for field in fields):
            continue
        if len(fields) != len(header):
            raise BadFile(str(path), f"row {reader.line_num} has {len(fields)} fields, and the header {len(header)}", hint=hint)
        rows.append((reader.line_num, dict(zip(header, (field.strip() for field in fields), strict=True))))
    return rows
