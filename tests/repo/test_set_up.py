"""Setting up: names what is missing, does nothing twice, refuses an altered chart library."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def set_up(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the set-up program, pointed at an empty checkout."""
    spec = importlib.util.spec_from_file_location("set_up_under_test", repository / "tools" / "set_up.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, folder in (("VENV", ".venv"), ("STAMPS", ".venv/.set-up"), ("ASSETS", "assets"), ("KERNELS", "kernels")):
        monkeypatch.setattr(module, name, tmp_path / folder)
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    (tmp_path / ".venv" / ".set-up").mkdir(parents=True)
    return module


def stand_in(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the steps' actions by notes of their names; what decides which step is due stays real."""
    done: list[str] = []

    def make_venv() -> None:
        done.append("venv")
        module.PYTHON.parent.mkdir(parents=True, exist_ok=True)
        module.PYTHON.touch()

    monkeypatch.setattr(module, "make_venv", make_venv)
    monkeypatch.setattr(module, "install_bootstrap", lambda: done.append("bootstrap"))
    monkeypatch.setattr(module, "install", lambda lock, *_: done.append(lock.stem))
    monkeypatch.setattr(module, "install_project", lambda: done.append("project"))
    monkeypatch.setattr(module, "install_chart", lambda: done.append("chart"))
    monkeypatch.setattr(module, "compile_kernels", lambda: done.append("kernels"))
    monkeypatch.setattr(module, "compile_sources", lambda: done.append("bytecode"))
    return done


def test_an_old_python_is_named_with_the_way_out(set_up: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(set_up.SetUpError, match=r"3\.11 or newer is needed; .* is 3\.9\.2(.|\n)*apt-get install"):
        set_up.require_python()


def test_a_python_without_venv_is_named_with_the_way_out(set_up: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else find_spec(name))
    with pytest.raises(set_up.SetUpError, match=r"lacks ensurepip(.|\n)*apt-get install python3-venv"):
        set_up.require_python()


def test_the_first_time_does_every_step_and_the_second_none(set_up: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    done = stand_in(set_up, monkeypatch)
    assert set_up.set_up(dev=False) == 7
    assert done == ["venv", "bootstrap", "run", "project", "chart", "kernels", "bytecode"]
    assert set_up.set_up(dev=False) == 0
    assert set_up.set_up(dev=True) == 1
    assert done[7:] == ["dev"]


def test_what_is_asked_for_later_is_added_once(set_up: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    done = stand_in(set_up, monkeypatch)
    set_up.set_up(dev=False)
    assert set_up.set_up(dev=False, yahoo=True) == 1
    assert done[7:] == ["yahoo"]
    assert set_up.set_up(dev=False, yahoo=True) == 0


def test_an_interrupted_try_goes_on_where_it_stopped(set_up: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    done = stand_in(set_up, monkeypatch)

    def interrupted() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(set_up, "install_project", interrupted)
        with pytest.raises(KeyboardInterrupt):
            set_up.set_up(dev=False)
    assert set_up.set_up(dev=False) == 4
    assert done == ["venv", "bootstrap", "run", "project", "chart", "kernels", "bytecode"]


def test_a_lost_chart_library_is_fetched_again(set_up: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    done = stand_in(set_up, monkeypatch)
    set_up.ASSETS.mkdir()
    library = set_up.ASSETS / "lightweight-charts.mjs"
    library.write_text("export {}")
    set_up.set_up(dev=False)
    library.unlink()
    assert set_up.set_up(dev=False) == 1
    assert done[-1] == "chart"


def test_an_altered_chart_library_is_refused_and_not_kept(set_up: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch_something_else(folder: Path) -> bool:
        file = folder / "node_modules" / "lightweight-charts" / set_up.chart_facts()["file"]
        file.parent.mkdir(parents=True)
        file.write_text("alert(1)")
        return True

    monkeypatch.setattr(set_up, "fetched_with_own_npm", fetch_something_else)
    with pytest.raises(set_up.SetUpError, match="is not the file that was locked"):
        set_up.install_chart()
    assert not (set_up.ASSETS / "lightweight-charts.mjs").exists()


def test_the_chart_library_that_is_there_is_the_locked_one(set_up: ModuleType, repository: Path) -> None:
    library = repository / "src" / "qts" / "ui" / "components" / "assets" / "lightweight-charts.mjs"
    assert hashlib.sha512(library.read_bytes()).hexdigest() == set_up.chart_facts()["sha512"]


def test_a_failed_command_becomes_a_sentence(set_up: ModuleType) -> None:
    with pytest.raises(set_up.SetUpError, match=r"failed \(exit 3\)(.|\n)*call someone"):
        set_up.run([sys.executable, "-c", "raise SystemExit(3)"], hint="call someone")


def test_without_python_make_names_the_package_to_install(repository: Path) -> None:
    done = subprocess.run(["make", "setup", "PYTHON=no-such-python"], cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "apt-get install python3 python3-venv" in done.stderr
