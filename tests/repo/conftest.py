"""What the tests of the repository look at: its tracked files and the syntax trees of its modules."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def tracked(repository: Path) -> tuple[Path, ...]:
    """Return the files that git keeps; skip in a copy without its history."""
    if not (repository / ".git").exists():
        pytest.skip("this copy of the sources carries no git history")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=True).stdout
    return tuple(path for name in listed.split("\0") if name and (path := repository / name).is_file())


@pytest.fixture(scope="session")
def modules(repository: Path) -> Mapping[Path, ast.Module]:
    """Return the syntax tree of every module of the package."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted((repository / "src" / "qts").rglob("*.py"))}
