from __future__ import annotations

import inspect

import pytest

from qts.cli.exit_codes import exit_code_of
from qts.core import errors
from qts.core.errors import QtsError

EXPECTED = {
    "InputError": 2,
    "UnknownInstrument": 2,
    "BadParameter": 2,
    "BadPath": 2,
    "EmptySpan": 3,
    "DataError": 3,
    "BadFile": 3,
    "StoreFull": 3,
    "PluginError": 2,
    "StrategyFailed": 2,
    "CheckFailed": 5,
    "SourceError": 4,
    "OrderRejected": 4,
    "QtsError": 1,
}


@pytest.mark.parametrize(("name", "code"), EXPECTED.items())
def test_an_error_ends_with_the_code_that_was_agreed(name: str, code: int) -> None:
    kind = getattr(errors, name)
    assert exit_code_of(kind.__new__(kind)) == code


def test_every_error_of_ours_has_a_code_of_its_own() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, QtsError) and kind is not QtsError]
    assert [kind.__name__ for kind in kinds if exit_code_of(kind.__new__(kind)) == 1] == []


def test_what_nobody_foresaw_ends_with_one() -> None:
    assert exit_code_of(None) == 1
