"""Imports go down only, and plugins stand alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

PLUGIN_FOLDERS = {
    "strategies/library": "STRATEGY",
    "analytics/metrics": "METRIC",
    "data/formats": "FORMAT",
    "data/sources": "SOURCE",
    "ui/pages": "PAGE",
}


def test_the_floors_hold(repository: Path) -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr


def declares(tree: ast.Module, constant: str) -> bool:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(target, ast.Name) and target.id == constant for target in targets):
            return True
    return False


@pytest.mark.parametrize(("folder", "constant"), PLUGIN_FOLDERS.items())
def test_a_plugin_imports_no_other_plugin(modules: Mapping[Path, ast.Module], repository: Path, folder: str, constant: str) -> None:
    place = repository / "src" / "qts" / folder
    plugins = {path for path, tree in modules.items() if path.parent == place and declares(tree, constant)}
    assert plugins, f"no plugin stands in {folder}"
    names = {"qts." + ".".join(path.relative_to(repository / "src" / "qts").with_suffix("").parts): path for path in plugins}
    crossing = [
        f"{path.name} imports {node.module}"
        for path in plugins
        for node in ast.walk(modules[path])
        if isinstance(node, ast.ImportFrom) and node.module in names and names[node.module] != path
    ]
    assert crossing == []
