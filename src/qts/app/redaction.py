"""A file of settings as it may be copied: without the secrets that somebody wrote into it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from typing import get_args

from pydantic import SecretStr

from qts.app.settings import Settings


def secret_settings() -> frozenset[str]:
    """Return the names of the settings that are secrets."""
    return frozenset(name for name, field in Settings.model_fields.items() if SecretStr in (field.annotation, *get_args(field.annotation)))


def without_secrets(text: str, names: Iterable[str]) -> str | None:
    """Return TOML without the lines that set these names; None where that cannot be told for sure.

    Notes
    -----
    A name may be written in quotes and a value over several lines: what is left must still read as what it was, less the secrets.
    """
    wanted = frozenset(names)
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
    if wanted.isdisjoint(before):
        return text
    line_of_one = re.compile(rf"""^\s*["']?({"|".join(map(re.escape, sorted(wanted)))})["']?\s*=""")
    kept = "".join(line for line in text.splitlines(keepends=True) if not line_of_one.match(line))
    try:
        after = tomllib.loads(kept)
    except tomllib.TOMLDecodeError:
        return None
    return kept if after == {name: value for name, value in before.items() if name not in wanted} else None
