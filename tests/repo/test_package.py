"""What the package says of itself is true."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import qts


@pytest.fixture(scope="module")
def project(repository: Path) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def test_the_installed_version_is_the_one_in_the_source(project: dict[str, Any]) -> None:
    assert importlib.metadata.version(project["name"]) == qts.__version__


def test_the_types_are_published(repository: Path) -> None:
    assert (repository / "src" / "qts" / "py.typed").exists()


def test_the_licence_is_the_one_declared(project: dict[str, Any], repository: Path) -> None:
    text = (repository / "LICENSE").read_text(encoding="utf-8")
    assert project["license"] == "Apache-2.0"
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text


def test_the_classifiers_name_the_pythons_that_are_accepted(project: dict[str, Any]) -> None:
    oldest = re.search(r">=3\.(\d+)", project["requires-python"])
    assert oldest is not None
    named = sorted(int(minor) for line in project["classifiers"] if (minor := line.partition("Python :: 3.")[2]))
    assert named[0] == int(oldest.group(1))
    assert "Typing :: Typed" in project["classifiers"]


def test_the_command_that_is_installed_exists(project: dict[str, Any]) -> None:
    module, _, function = project["scripts"]["qts"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


@pytest.mark.parametrize("arguments", [["--help"], ["costs", "--help"], ["calendar", "--help"]])
def test_the_command_line_starts_without_what_is_slow_to_import(arguments: list[str]) -> None:
    slow = "numba", "pandas", "streamlit", "pyarrow", "scipy"
    program = (
        "import sys\n"
        "from qts.cli.main import main\n"
        f"sys.argv = ['qts', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('loaded:', sorted(set({slow!r}) & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "loaded: []"
