from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from numba.core import config

from qts.kernels import cache, use_cache
from qts.kernels.cache import prepare_cache


@pytest.fixture(autouse=True)
def own_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.setattr(cache, "_given", [])


def folder_of_compiler() -> str:
    # The compiler fills its configuration at run time, out of a type checker's sight.
    return str(vars(config)["CACHE_DIR"])


def read_only_source(tmp_path: Path) -> Path:
    """A source beside which no folder can be made: a file stands in its way."""
    (tmp_path / "__pycache__").write_text("in the way")
    return tmp_path / "source.py"


def test_the_folder_beside_the_source_is_taken_where_it_can_be_written_to(tmp_path: Path) -> None:
    assert prepare_cache(tmp_path / "source.py")
    assert folder_of_compiler() == ""


def test_a_read_only_install_uses_the_folder_given(tmp_path: Path) -> None:
    use_cache(tmp_path / "home" / "cache")
    assert prepare_cache(read_only_source(tmp_path))
    assert folder_of_compiler() == str(tmp_path / "home" / "cache")


def test_without_any_folder_twins_are_compiled_without_a_cache(tmp_path: Path) -> None:
    assert not prepare_cache(read_only_source(tmp_path))


def test_a_folder_given_that_cannot_be_written_to_is_passed_over(tmp_path: Path) -> None:
    source = read_only_source(tmp_path)
    use_cache(tmp_path / "__pycache__" / "below a file")
    assert not prepare_cache(source)


def test_a_folder_given_to_the_compiler_itself_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    assert prepare_cache(read_only_source(tmp_path))
    assert folder_of_compiler() == str(tmp_path)


def test_a_folder_given_to_the_compiler_that_cannot_be_written_to_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = read_only_source(tmp_path)
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "__pycache__" / "below a file"))
    assert not prepare_cache(source)
    use_cache(tmp_path / "home")
    assert prepare_cache(source)
    assert folder_of_compiler() == str(tmp_path / "home")


def test_importing_kernels_strategies_and_engine_imports_no_compiler() -> None:
    code = "import sys, qts.kernels, qts.strategies, qts.backtest; qts.strategies.load_catalog(); print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
