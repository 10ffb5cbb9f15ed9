"""Errors name the thing, the value and the way out."""

from __future__ import annotations

import inspect
from datetime import date

import pytest

from qts.core import errors
from qts.core.errors import (
    BadFile,
    BadParameter,
    BadPath,
    DamagedFile,
    DataError,
    EmptySpan,
    InputError,
    PluginError,
    QtsError,
    StoreFull,
    StrategyFailed,
    UnknownInstrument,
    UnknownRun,
    UnknownStrategy,
)


@pytest.mark.parametrize(
    ("error", "parts"),
    [
        pytest.param(
            UnknownInstrument("NSE:INFI", near=["NSE:INFY"]), ["NSE:INFI", "NSE:INFY"], id="a mistyped instrument suggests the near one"
        ),
        pytest.param(UnknownInstrument("NSE:INFY"), ["NSE:INFY", "qts import"], id="an unknown instrument points to the import"),
        pytest.param(
            UnknownStrategy("ema_cros", near=["ema_cross"]), ["ema_cros", "ema_cross"], id="a mistyped strategy suggests the near one"
        ),
        pytest.param(UnknownStrategy("x"), ["'x'", "qts strategies"], id="an unknown strategy points to the list"),
        pytest.param(UnknownRun("abc"), ["abc", "qts runs"], id="an unknown run points to the list"),
        pytest.param(
            BadParameter("fast", 50, "must be below slow"), ["fast = 50", "must be below slow"], id="a parameter names value and reason"
        ),
        pytest.param(BadPath("x.csv", "does not exist"), ["x.csv", "does not exist"], id="a path names itself"),
        pytest.param(BadFile("x.csv", "is empty"), ["x.csv", "is empty", "--map"], id="a file points to the options"),
        pytest.param(DamagedFile("x.parquet", "its hash differs"), ["x.parquet", "hash", "backup"], id="a damaged file says how to heal"),
        pytest.param(StoreFull("home"), ["home", "full", "Free some space"], id="a full disk says what was kept"),
        pytest.param(PluginError("s.py", "declares no STRATEGY", line=3), ["s.py, line 3", "STRATEGY"], id="a plugin names its line"),
        pytest.param(PluginError("s.py", "declares no STRATEGY"), ["s.py: declares"], id="a plugin without a line names its file"),
        pytest.param(StrategyFailed("mine", "ZeroDivisionError", line=7), ["'mine', line 7"], id="a failing strategy names its line"),
        pytest.param(StrategyFailed("mine", "wrong length"), ["'mine': wrong length"], id="a failing strategy without a line names itself"),
    ],
)
def test_error_text(error: QtsError, parts: list[str]) -> None:
    text = f"{error.message} {error.hint}"
    for part in parts:
        assert part in text
    assert str(error) == error.message
    assert error.message.endswith((".", "?"))


@pytest.mark.parametrize(
    ("stored", "parts"),
    [
        pytest.param(
            (date(2020, 1, 1), date(2026, 11, 20)), ["2019-01-01..2019-03-31", "stored: 2020-01-01..2026-11-20"], id="with bars elsewhere"
        ),
        pytest.param(None, ["none are stored"], id="with no bars at all"),
    ],
)
def test_empty_span_says_what_is_stored(stored: tuple[date, date] | None, parts: list[str]) -> None:
    error = EmptySpan("NSE:INFY", "1d", start=date(2019, 1, 1), end=date(2019, 3, 31), stored=stored)
    for part in parts:
        assert part in error.message


def test_open_ended_empty_span_reads_well() -> None:
    error = EmptySpan("NSE:INFY", "1d", start=None, end=None, stored=None)
    assert "the beginning..the end" in error.message


def test_kind_is_the_class_name_and_the_tree_holds() -> None:
    assert BadParameter("a", 1, "no").kind == "BadParameter"
    assert issubclass(EmptySpan, InputError)
    assert issubclass(StoreFull, DataError)


def test_every_error_class_stands_in_the_tree_of_the_module() -> None:
    classes = [name for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, QtsError)]
    assert errors.__doc__ is not None
    assert [name for name in classes if name not in errors.__doc__] == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [pytest.param("", "size = '':", id="an empty one"), pytest.param("9" * 5000, f"{'9' * 119}…:", id="a very long one")],
)
def test_a_value_is_shown_so_that_it_can_be_read(value: str, shown: str) -> None:
    assert shown in BadParameter("size", value, "does not fit").message
