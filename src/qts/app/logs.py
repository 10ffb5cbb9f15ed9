"""Logging: short events with fields, to stderr for people or as JSON lines for machines, and to a file for errors."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from pathlib import Path
from typing import Final

import structlog

from qts.app.clock import SystemClock

LOG_NAME: Final = "qts.log"
_MAX_LOG_BYTES: Final = 10_000_000
_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure_logging(level: str = "info") -> None:
    """Send events to stderr: readable on a terminal, JSON lines otherwise."""
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def log_unexpected(error: BaseException, *, error_id: str, folder: Path | None) -> Path | None:
    """Write an error's traceback to the log file and return its path; None where it cannot be written.

    The file is private to the user and starts anew when it has grown past ten megabytes.
    """
    record = {
        "at": SystemClock().now().isoformat(),
        "event": "unexpected_error",
        "error_id": error_id,
        "error": f"{type(error).__name__}: {error}",
        "traceback": "".join(traceback.format_exception(error)),
    }
    if folder is None:
        structlog.get_logger().error("unexpected_error", **{name: record[name] for name in ("error_id", "error")})
        return None
    path = folder / LOG_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _MAX_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        path.touch(mode=0o600)
        with path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(record) + "\n")
    except OSError:
        return None
    return path
