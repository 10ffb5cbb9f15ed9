"""The documentation is complete, reachable, and not stale."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest

from qts.analytics import built_in_metrics
from qts.app.run_document import (
    BenchmarkPart,
    ChargesPart,
    DataPart,
    EnginePart,
    FillPart,
    HonestyPart,
    RunDocument,
    SettingsPart,
    StrategyPart,
    TradePart,
)
from qts.app.settings import Settings
from qts.core import Bars, InstrumentId, Interval, discover, errors, load_file
from qts.core.errors import QtsError
from qts.data import formats, sources
from qts.data.layout import Format
from qts.data.source import Source
from qts.strategies import Strategy, library
from qts.ui.page import pages

SHELVES = ("tutorial", "how-to", "reference", "explanation", "adr")


@pytest.fixture(scope="session")
def docs(repository: Path) -> Mapping[str, str]:
    """Return every page by its path inside ``docs``."""
    folder = repository / "docs"
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.md"))}


@pytest.fixture(scope="session")
def navigation(repository: Path) -> set[str]:
    """Return the pages that the menu leads to."""
    config = (repository / "tools" / "mkdocs.yml").read_text(encoding="utf-8")
    return set(re.findall(r"^ +- .+: (\S+\.md)$", config, re.MULTILINE))


def test_the_generated_pages_are_what_the_code_says_now(docs: Mapping[str, str], repository: Path) -> None:
    spec = importlib.util.spec_from_file_location("generate_docs", repository / "tools" / "generate_docs.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    stale = [name for name, text in generator.reference_pages().items() if docs.get(f"reference/{name}") != text]
    assert stale == [], "run `make docs`"


def test_every_page_is_in_the_menu_and_every_entry_is_a_page(docs: Mapping[str, str], navigation: set[str]) -> None:
    assert set(docs) == navigation


@pytest.mark.parametrize("shelf", SHELVES)
def test_a_shelf_is_not_empty(docs: Mapping[str, str], shelf: str) -> None:
    assert [name for name in docs if name.startswith(f"{shelf}/")]


def test_a_decision_gives_its_context_and_its_consequences(docs: Mapping[str, str]) -> None:
    for name, text in docs.items():
        if re.match(r"adr/\d{4}-", name):
            assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], name
            assert text.startswith(f"# {name[4:8]} "), name


REFERENCE: dict[str, Callable[[], Iterable[str]]] = {
    "strategies.md": lambda: discover(library, "STRATEGY", Strategy),
    "formats.md": lambda: [name.replace("_", "-") for name in discover(formats, "FORMAT", Format)],
    "sources.md": lambda: discover(sources, "SOURCE", Source),
    "metrics.md": built_in_metrics,
    "settings.md": lambda: Settings.model_fields,
    "errors.md": lambda: [name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, QtsError)],
}


@pytest.mark.parametrize("page", REFERENCE)
def test_everything_of_a_kind_has_its_place_in_the_reference(docs: Mapping[str, str], page: str) -> None:
    names = list(REFERENCE[page]())
    assert names
    assert [name for name in names if f"`{name}`" not in docs[f"reference/{page}"]] == []


def test_every_page_of_the_interface_has_its_place_in_the_reference(docs: Mapping[str, str]) -> None:
    assert [page.title for page in pages().values() if f"| {page.title} |" not in docs["reference/pages.md"]] == []


def test_the_tutorials_strategy_works(docs: Mapping[str, str], tmp_path: Path) -> None:
    source = re.search(r"```python\n(.+?)```", docs["tutorial/write-a-strategy.md"], re.DOTALL)
    assert source is not None
    (tmp_path / "breakout.py").write_text(source.group(1), encoding="utf-8")
    found = load_file(tmp_path / "breakout.py", "STRATEGY", Strategy)
    assert found.error is None
    assert found.value is not None
    close = np.concatenate([np.full(60, 100.0), np.full(30, 120.0), np.full(30, 80.0)])
    absent = np.full(len(close), np.nan)
    bars = Bars(
        instrument=InstrumentId("SIM:STEP"),
        interval=Interval.DAY,
        ts=np.arange(len(close)),
        open=close,
        high=close,
        low=close,
        close=close,
        volume=absent,
        oi=absent,
    )
    wanted = found.value.exposure(bars)
    assert wanted[60] == 1.0
    assert wanted[90] == 0.0
    assert np.isnan(wanted[:60]).all()


def test_every_key_of_the_result_document_is_explained(docs: Mapping[str, str]) -> None:
    keys: set[str] = set()
    for part in (
        RunDocument,
        StrategyPart,
        DataPart,
        SettingsPart,
        FillPart,
        TradePart,
        ChargesPart,
        BenchmarkPart,
        HonestyPart,
        EnginePart,
    ):
        keys |= {field.alias or name for name, field in part.model_fields.items()}
    page = docs["reference/result.md"]
    assert {key for key in keys if f"`{key}`" not in page and f"`{key}[]`" not in page} == set()


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_a_link_of_the_front_pages_leads_somewhere(repository: Path, name: str) -> None:
    text = (repository / name).read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)", text) if "://" not in target]
    assert targets or name != "README.md"
    assert [target for target in targets if not (repository / target).exists()] == []


def test_a_page_names_only_commands_that_exist(docs: Mapping[str, str], repository: Path) -> None:
    """Whoever copies a line from the documentation must not be told "no such command"."""
    known = set(re.findall(r"^## qts ([a-z]+)\b", docs["reference/cli.md"], re.MULTILINE))
    texts = {**docs, "README.md": (repository / "README.md").read_text(encoding="utf-8")}
    named = {
        (name, command)
        for name, text in texts.items()
        for command in re.findall(r"(?:^|`|bin/|&& )qts ([a-z]+)", text, re.MULTILINE)
        if name[:4] != "adr/"
    }
    assert known
    assert {pair for pair in named if pair[1] not in known} == set()


def test_the_documentation_builds_without_a_warning(repository: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--quiet",
        "--strict",
        "--config-file",
        "tools/mkdocs.yml",
        "--site-dir",
        str(tmp_path / "site"),
    ]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site" / "index.html").exists()
