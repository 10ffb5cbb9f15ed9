"""What the repository holds and what it must not hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

MAX_ROOT_ENTRIES = 16
MAX_TARGETS = 12
MAX_BYTES = 1_000_000
# Written in two pieces, so that this file does not hold what it forbids.
HOSTS = ["pypi" + r"\.org", "python" + r"hosted\.org", "npm" + r"js\.org", "registry" + r"\.npm", "deb\\." + "debian", '"res' + 'olved":']
MACHINE_PATHS = [r"(?<![\w./$}-])/" + name + "/" for name in ("work", "farm", "root")]
DIARY = [
    "sub-?" + "agent",
    "language " + "model",
    "Chat" + "GPT",
    "Clau" + "de",
    "contracts" + r"\.md",
    "shared/" + "design",
    "this " + "prompt",
]


def text_of(path: Path) -> str:
    content = path.read_bytes()
    return "" if b"\0" in content[:4096] else content.decode("utf-8", errors="replace")


def test_the_root_has_at_most_16_entries(tracked: tuple[Path, ...], repository: Path) -> None:
    assert len({path.relative_to(repository).parts[0] for path in tracked}) <= MAX_ROOT_ENTRIES


@pytest.mark.parametrize("name", ["README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "pyproject.toml", ".ci/run"])
def test_what_people_look_for_first_is_there(repository: Path, name: str) -> None:
    assert (repository / name).stat().st_size > 200


def test_the_makefile_has_at_most_12_targets_each_with_its_line_of_help(repository: Path) -> None:
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][\w-]*):(?!=)", makefile, re.MULTILINE))
    helped = set(re.findall(r"^([a-z][\w-]*):.*## \w", makefile, re.MULTILINE))
    assert {"run", "test", "check", "bench", "docs", "setup"} <= targets
    assert len(targets) <= MAX_TARGETS
    assert targets == helped


@pytest.mark.parametrize("pattern", [*HOSTS, *MACHINE_PATHS, *DIARY])
def test_no_file_names_a_registry_a_machine_or_how_it_was_made(tracked: tuple[Path, ...], pattern: str) -> None:
    expression = re.compile(pattern, re.IGNORECASE)
    assert [str(path) for path in tracked if expression.search(text_of(path))] == []


def test_no_file_is_large(tracked: tuple[Path, ...]) -> None:
    assert {str(path): path.stat().st_size for path in tracked if path.stat().st_size > MAX_BYTES} == {}


def test_no_third_party_script_is_tracked(tracked: tuple[Path, ...]) -> None:
    assert [
        str(path) for path in tracked if path.suffix == ".mjs" or path.name.endswith(".min.js") or "standalone.production" in path.name
    ] == []


def test_no_conflict_mark_and_no_unfinished_note_is_left(tracked: tuple[Path, ...]) -> None:
    marks = re.compile(r"^(<{7} |>{7} )|\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b", re.MULTILINE)
    assert [str(path) for path in tracked if path.suffix in {".py", ".md", ".toml", ".js", ".css"} and marks.search(text_of(path))] == []


def test_the_changelog_starts_with_what_is_not_released_yet(repository: Path) -> None:
    changelog = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    first = re.search(r"^## \[?(.+?)\]?$", changelog, re.MULTILINE)
    assert first is not None
    assert first.group(1).startswith("Unreleased")
