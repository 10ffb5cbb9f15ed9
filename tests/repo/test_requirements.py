"""What is installed is locked: exact versions, hashes, no address."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

LOCKS = ["bootstrap", "run", "yahoo", "dev", "node", "bench"]


def pins(repository: Path, name: str) -> dict[str, str]:
    text = (repository / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9][\w.-]*)==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_of_a_lock_carries_its_hashes(repository: Path, name: str) -> None:
    text = (repository / "requirements" / f"{name}.lock").read_text(encoding="utf-8").replace("\\\n", "")
    entries = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert entries
    assert [entry for entry in entries if not re.match(r"^[a-z0-9][\w.-]*==\S+ .*--hash=sha256:[0-9a-f]{64}", entry)] == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_place_to_download_from(repository: Path, name: str) -> None:
    text = (repository / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    assert re.findall(r"://|--index|--extra-index|--find-links|\s@\s", text) == []


def test_everything_that_is_imported_is_declared_and_not_borrowed_from_a_dependency(
    repository: Path, modules: Mapping[Path, ast.Module]
) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[<>=!~\[ ]", line)[0].lower() for line in project["dependencies"]}
    imported: set[str] = set()
    for tree in modules.values():
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            imported |= {name.split(".")[0] for name in names}
    foreign = {name.replace("_", "-") for name in imported - set(sys.stdlib_module_names) - {"qts"}}
    assert foreign - declared == set()


def test_the_lock_holds_every_dependency_that_is_declared(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {re.split(r"[<>=!~\[ ]", line)[0].lower() for line in project["project"]["dependencies"]}
    assert declared - set(pins(repository, "run")) == set()
    groups = project["dependency-groups"]
    tools = {re.split(r"[<>=!~\[ ]", line)[0].lower() for group in ("test", "lint", "docs") for line in groups[group]}
    assert tools - set(pins(repository, "dev")) == set()


def test_what_is_installed_on_request_is_locked_and_no_part_of_what_everybody_gets(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = {re.split(r"[<>=!~\[ ]", line)[0].lower() for line in project["optional-dependencies"]["yahoo"]}
    assert extra
    assert extra - set(pins(repository, "yahoo")) == set()
    assert extra & set(pins(repository, "run")) == set()


@pytest.mark.parametrize("name", ["run", "yahoo"])
def test_tests_run_on_the_versions_that_users_run_on(repository: Path, name: str) -> None:
    run, dev = pins(repository, name), pins(repository, "dev")
    assert {name: (version, dev.get(name)) for name, version in run.items() if dev.get(name) != version} == {}


def test_the_chart_library_is_locked_by_integrity_and_by_no_address(repository: Path) -> None:
    lock = json.loads((repository / "tools" / "charts" / "package-lock.json").read_text(encoding="utf-8"))
    wanted = json.loads((repository / "tools" / "charts" / "package.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages["node_modules/lightweight-charts"]["version"] == wanted["dependencies"]["lightweight-charts"]
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert not any("res" + "olved" in entry for entry in packages.values())
    assert re.fullmatch(r"[0-9a-f]{128}", wanted["keeps"]["sha512"])
