"""The command line, run inside this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from qts.cli.main import main


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a command left: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Return the one JSON document on stdout."""
        return json.loads(self.out)


@pytest.fixture
def qts(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Return what runs a command line."""

    def run(*words: object) -> Done:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Done(code=code, out=captured.out, err=captured.err)

    return run
