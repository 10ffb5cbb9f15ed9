from __future__ import annotations

import importlib
import importlib.metadata
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from qts.core import discover, discover_entry_points, discover_folder, line_in, load_file, said_by
from qts.core.errors import PluginError


def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, files: dict[str, str]) -> ModuleType:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    for file, text in files.items():
        (folder / file).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    for loaded in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
        del sys.modules[loaded]
    return importlib.import_module(name)


def test_one_file_is_one_plugin_under_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = discover(package(tmp_path, monkeypatch, "pack_good", {"b.py": "X = 2", "a.py": "X = 1", "_private.py": "X = 3"}), "X", int)
    assert list(found.items()) == [("a", 1), ("b", 2)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("Y = 1", "declares no X"), ("X = 'one'", "X is a str, not a int")],
    ids=["without the constant", "of the wrong kind"],
)
def test_a_broken_built_in_is_loud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str) -> None:
    with pytest.raises(PluginError, match=reason):
        discover(package(tmp_path, monkeypatch, f"pack_bad_{len(text)}", {"a.py": text}), "X", int)


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        pytest.param("X = (", "syntax error", 1, id="syntax error"),
        pytest.param("\n1/0\nX = 1", "ZeroDivisionError", 2, id="raises on import"),
        pytest.param("import sys\nsys.exit(3)", "SystemExit", 2, id="exits on import"),
        pytest.param("Y = 1", "declares no X", None, id="no declaration"),
        pytest.param("class E(BaseException): ...\nraise E", "E", 2, id="raises what is no Exception"),
        pytest.param("X = 1\x00", "", None, id="a null byte"),
    ],
)
def test_a_broken_user_file_is_listed_with_its_error_and_stops_nothing(tmp_path: Path, text: str, reason: str, line: int | None) -> None:
    (tmp_path / "bad.py").write_text(text)
    (tmp_path / "good.py").write_text("X = 7")
    bad, good = discover_folder(tmp_path, "X", int)
    assert bad.value is None
    assert bad.error is not None
    assert reason in bad.error.message
    assert bad.error.line == line or reason == ""
    assert (good.id, good.value, good.error) == ("good", 7, None)


def test_a_file_saved_again_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("X = 1")
    assert load_file(path, "X", int).value == 1
    path.write_text("X = 2")
    assert load_file(path, "X", int).value == 2


def test_an_absent_folder_holds_no_plugins(tmp_path: Path) -> None:
    assert list(discover_folder(tmp_path / "absent", "X", int)) == []


def test_a_file_that_is_not_python_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("X = 1")
    error = load_file(path, "X", int).error
    assert error is not None
    assert "not a Python file" in error.message


def test_entry_points_load_or_tell_their_error(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint(name="good", value="math:pi", group="g"),
        EntryPoint(name="wrong", value="math:sin", group="g"),
        EntryPoint(name="absent", value="no_such_module:X", group="g"),
    ]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: [p for p in points if p.group == group])
    found = {plugin.id: plugin for plugin in discover_entry_points("g", float)}
    assert found["good"].value == pytest.approx(3.14159, abs=1e-5)
    assert found["wrong"].error is not None
    assert "is not a float" in found["wrong"].error.message
    assert found["absent"].error is not None
    assert "no_such_module" in found["absent"].error.message


def test_the_line_of_an_error_is_that_of_the_named_file() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        exec(compile("\n\n1/0", "x.py", "exec"))  # noqa: S102 - a file's text, made here
    assert line_in(caught.value, "x.py") == 3
    assert line_in(caught.value, "other.py") is None


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(ValueError("first\nsecond."), "ValueError: first second", id="two lines"),
        pytest.param(ValueError("\x1b[31mred"), "ValueError: [31mred", id="a terminal's escape"),
        pytest.param(MemoryError(), "MemoryError", id="no text"),
        pytest.param(Mute(), "Mute", id="a text that raises"),
    ],
)
def test_a_foreign_error_is_said_in_one_line(error: Exception, said: str) -> None:
    assert said_by(error) == said


def test_ctrl_c_in_a_user_file_is_no_error_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_file(tmp_path / "slow.py", "X", int)
