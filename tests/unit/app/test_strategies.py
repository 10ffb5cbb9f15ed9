from __future__ import annotations

from qts.app.strategies import list_strategies
from qts.app.workspace import Workspace


def test_built_in_strategies_tell_enough_to_draw_a_form(empty: Workspace) -> None:
    entry = next(entry for entry in list_strategies(empty) if entry.id == "ema_cross")
    fast = entry.params["fast"]
    assert (entry.source, fast.kind, fast.default, fast.low) == ("built-in", "int", 12, 2)
    assert entry.error is None
    assert entry.constraint is not None
    assert "fast" in entry.constraint


def test_a_broken_file_is_listed_with_its_error_and_line_and_stops_nothing(empty: Workspace) -> None:
    (empty.settings.strategies_folder / "mine.py").write_text("x = 1\ndef oops(:\n")
    entries = {entry.id: entry for entry in list_strategies(empty)}
    error = entries["mine"].error
    assert error is not None
    assert (error.kind, error.line) == ("PluginError", 2)
    assert entries["mine"].params == {}
    assert entries["ema_cross"].error is None
